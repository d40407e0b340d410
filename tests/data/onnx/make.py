"""Makes the small models of this folder: good ones with what onnxruntime computes for three images (cases.json), and
bad ones with the codes of the problems that they must give.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0
    venv/bin/python make.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)


def w(name, *shape, kind=np.float32):
    return numpy_helper.from_array(rng.normal(0, 0.5, shape).astype(kind), name)


def const(name, values, kind):
    return numpy_helper.from_array(np.array(values, kind), name)


def node(kind, inputs, outputs, **more):
    more.setdefault("name", f"{kind.lower()}_{outputs[0]}")
    return helper.make_node(kind, inputs, outputs, **more)


def model(nodes, tensors, shape, opset=13, extra=(), output="y"):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *extra])
    made.ir_version = 8
    return made


def bn(name, channels):
    var = numpy_helper.from_array(rng.uniform(0.3, 2, channels).astype(np.float32), f"{name}v")
    return [w(f"{name}s", channels), w(f"{name}b", channels), w(f"{name}m", channels), var], [f"{name}{k}" for k in "sbmv"]


def good():
    image = [1, 2, 6, 7]
    relu = node("Relu", ["a"], ["y"])
    yield "conv_plain", model([node("Conv", ["x", "k"], ["a"]), relu], [w("k", 3, 2, 3, 2)], image)
    yield "conv_all", model(
        [node("Conv", ["x", "k", "b"], ["a"], pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2], group=2), relu],
        [w("k", 4, 1, 3, 2), w("b", 4)], image)
    for side in ("UPPER", "LOWER"):
        yield f"conv_same_{side.lower()}", model(
            [node("Conv", ["x", "k"], ["a"], auto_pad=f"SAME_{side}", strides=[2, 2]), relu], [w("k", 3, 2, 3, 3)], image)
    yield "conv_one_axis", model(
        [node("Conv", ["x", "k", "b"], ["a"], pads=[1, 2], strides=[2]), relu], [w("k", 3, 2, 3), w("b", 3)], [1, 2, 9])
    stats, names = bn("n", 3)
    yield "batch_norm", model(
        [node("Conv", ["x", "k", "b"], ["c"]), node("BatchNormalization", ["c", *names], ["a"], epsilon=1e-3), relu],
        [w("k", 3, 2, 2, 2), w("b", 3), *stats], image)
    stats, names = bn("n", 2)
    yield "batch_norm_first", model(
        [node("BatchNormalization", ["x", *names], ["c"]), node("Conv", ["c", "k"], ["a"], pads=[1, 1, 1, 1]), relu],
        [w("k", 3, 2, 3, 3), *stats], image)
    yield "gemm", model(
        [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w", "b"], ["y"], transB=1, alpha=0.5, beta=2.0)],
        [w("w", 5, 84), w("b", 5)], image)
    yield "gemm_scalar_bias", model(
        [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w", "b"], ["y"])], [w("w", 84, 5), w("b", 1)], image)
    yield "matmul_add", model(
        [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["m"]), node("Add", ["b", "m"], ["a"]), relu],
        [const("s", [0, -1], np.int64), w("w", 84, 6), w("b", 6)], image)
    yield "doubles_and_halves", model(
        [node("Flatten", ["x"], ["f"]), node("Constant", [], ["w"], value=w("", 84, 4)), node("MatMul", ["f", "w"], ["m"]),
         node("Identity", ["m"], ["i"]), node("Dropout", ["i"], ["d"]), node("Add", ["d", "b"], ["y"])],
        [w("b", 1, 4)], image)
    for count in (0, 1):
        yield f"pool_pad_{count}", model(
            [node("Conv", ["x", "k"], ["c"]), node("Relu", ["c"], ["r"]),
             node("AveragePool", ["r"], ["a"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 0], count_include_pad=count), relu],
            [w("k", 3, 2, 2, 2)], image)
    yield "pool_then_conv", model(
        [node("Conv", ["x", "k"], ["c"]), node("Relu", ["c"], ["r"]),
         node("AveragePool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]), node("Conv", ["p", "l", "b"], ["a"]), relu],
        [w("k", 3, 2, 3, 2), w("l", 4, 3, 2, 2), w("b", 4)], image)
    yield "global_pool", model(
        [node("Conv", ["x", "k"], ["c"]), node("Relu", ["c"], ["r"]), node("GlobalAveragePool", ["r"], ["p"]),
         node("Flatten", ["p"], ["f"]), node("Gemm", ["f", "w"], ["l"]), node("Softmax", ["l"], ["s"])],
        [w("k", 3, 2, 2, 2), w("w", 3, 4)], image, output="l")
    yield "residual", model(
        [node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["r"]),
         node("Conv", ["r", "l", "b"], ["d"], pads=[1, 1, 1, 1]), node("Add", ["d", "r"], ["e"]),
         node("Add", ["e", "k1"], ["a"]), relu],
        [w("k", 3, 2, 3, 3), w("l", 3, 3, 3, 3), w("b", 3), w("k1", 3, 1, 1)], image)
    stats, names = bn("n", 3)
    yield "sum_then_map", model(
        [node("Conv", ["x", "k", "b"], ["c"]), node("Conv", ["x", "l", "b2"], ["d"]), node("Add", ["c", "d"], ["e"]),
         node("BatchNormalization", ["e", *names], ["a"]), relu],
        [w("k", 3, 2, 2, 2), w("l", 3, 2, 2, 2), w("b", 3), w("b2", 3), *stats], image)
    yield "linear_chain", model(
        [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w", "b"], ["m"]), node("Gemm", ["m", "v", "c"], ["a"]), relu],
        [w("w", 84, 7), w("b", 7), w("v", 7, 4), w("c", 4)], image)
    yield "reshape_and_back", model(
        [node("Reshape", ["x", "s"], ["f"]), node("Conv", ["f", "k"], ["c"]), node("Flatten", ["c"], ["g"], axis=-3),
         node("Reshape", ["g", "t"], ["h"]), node("Gemm", ["h", "w"], ["y"])],
        [const("s", [1, 4, 3, 7], np.int64), w("k", 2, 4, 2, 2), const("t", [1, -1], np.int64), w("w", 24, 3)], image)
    yield "opset_7", model([node("Conv", ["x", "k"], ["a"]), relu], [w("k", 3, 2, 3, 2)], image, opset=7)
    yield "batch_with_a_name", model([node("Conv", ["x", "k"], ["a"]), relu], [w("k", 3, 2, 3, 2)], ["N", 2, 6, 7])


def bad():
    image = [1, 2, 6, 7]
    relu = node("Relu", ["a"], ["y"])
    k = w("k", 3, 2, 3, 2)
    pool = dict(kernel_shape=[2, 2])
    yield "operators", ["onnx/operator"] * 4, ["MaxPool", "AveragePool", "Gelu", "com.acme:Magic", "Clp"], model(
        [node("MaxPool", ["x"], ["p"], **pool), node("Gelu", ["p"], ["q"]), node("Magic", ["q"], ["r"], domain="com.acme"),
         node("Clp", ["r"], ["y"])], [], image, extra=[helper.make_opsetid("com.acme", 1)])
    for opset in (5, 99):
        yield f"opset_{opset}", ["onnx/opset"], [f"operator set {opset}"], model([node("Conv", ["x", "k"], ["a"]), relu], [k], image, opset=opset)
    yield "dynamic", ["onnx/shape"], ["axis 2 is dynamic ('height')"], model([node("Conv", ["x", "k"], ["a"]), relu], [k], [1, 2, "height", 7])
    yield "no_shape", ["onnx/shape"], ["has no shape"], model([node("Conv", ["x", "k"], ["a"]), relu], [k], None)
    yield "batch", ["onnx/shape"], ["the batch is 8"], model([node("Conv", ["x", "k"], ["a"]), relu], [k], [8, 2, 6, 7])
    outside = w("k", 3, 2, 3, 2)
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    entry = outside.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    yield "outside", ["onnx/tensor"], ["'weights.bin'"], model([node("Conv", ["x", "k"], ["a"]), relu], [outside], image)
    short = w("k", 3, 2, 3, 2)
    short.raw_data = short.raw_data[:-4]
    yield "short", ["onnx/tensor"], ["35 numbers"], model([node("Conv", ["x", "k"], ["a"]), relu], [short], image)
    strange = w("k", 3, 2, 3, 2)
    strange.data_type = TensorProto.BFLOAT16
    yield "element_type", ["onnx/tensor"], ["element type is 16"], model([node("Conv", ["x", "k"], ["a"]), relu], [strange], image)
    wild = numpy_helper.from_array(np.full((3, 2, 3, 2), np.nan, np.float32), "k")
    yield "not_a_number", ["onnx/tensor"], ["number 0 is NaN"], model([node("Conv", ["x", "k"], ["a"]), relu], [wild], image)
    huge = TensorProto(name="k", data_type=1, dims=[1 << 30, 1 << 30, 1 << 30])
    yield "huge", ["onnx/tensor"], ["hold more than"], model([node("Conv", ["x", "k"], ["a"]), relu], [huge], image)
    yield "after_softmax", ["onnx/node"], ["converted at the end only"], model(
        [node("Flatten", ["x"], ["f"]), node("Softmax", ["f"], ["a"]), relu], [], image)
    yield "channels", ["onnx/node"], ["does not take 2 channels"], model([node("Conv", ["x", "k"], ["a"]), relu], [w("k", 3, 5, 3, 2)], image)
    yield "sizes", ["onnx/node"], ["weights take 80 values"], model([node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w"], ["y"])], [w("w", 80, 3)], image)
    yield "window", ["onnx/node"], ["does not fit"], model([node("Conv", ["x", "k"], ["a"]), relu], [w("k", 3, 2, 9, 9)], image)
    yield "ceil", ["onnx/node"], ["ceil_mode"], model([node("AveragePool", ["x"], ["a"], ceil_mode=1, strides=[4, 4], **pool), relu], [], image)
    yield "training", ["onnx/node"], ["training mode"], model(
        [node("BatchNormalization", ["x", *bn("n", 2)[1]], ["a", "o1", "o2"], training_mode=1), relu], bn("n", 2)[0], image, opset=15)
    yield "bent", ["onnx/node"], ["do not take the shape"], model(
        [node("Reshape", ["x", "s"], ["f"]), node("Relu", ["f"], ["y"])], [const("s", [1, 5, -1], np.int64)], image)
    yield "unmade", ["onnx/node"], ["'ghost', which nothing"], model([node("Add", ["x", "ghost"], ["a"]), relu], [], image)
    yield "weights_left", ["onnx/node"], ["constants behind them"], model([node("MatMul", ["w", "x"], ["a"]), relu], [w("w", 3, 6)], image)
    yield "computed_weights", ["onnx/node"], ["constants behind them"], model([node("MatMul", ["x", "x"], ["a"]), relu], [], image)
    yield "two_faults", ["onnx/node", "onnx/node"], ["strides", "pads"], model(
        [node("Conv", ["x", "k"], ["a"], strides=[0, 1]), node("Conv", ["x", "k"], ["b"], pads=[1]), relu], [k], image)
    broken = model([node("Conv", ["x", "k"], ["a"]), relu], [k], image).SerializeToString()
    yield "cut", ["onnx/file"], ["is no ONNX model"], broken[: len(broken) // 2]
    yield "empty", ["onnx/file"], ["no graph"], b""


def main():
    cases = {"good": [], "bad": []}
    for name, made in good():
        HERE.joinpath(f"{name}.onnx").write_bytes(made.SerializeToString())
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(made.SerializeToString(), options)
        extents = [dim.dim_value or 1 for dim in made.graph.input[0].type.tensor_type.shape.dim]
        images = rng.integers(0, 256, (3, *extents[1:]))
        outputs = [session.run(None, {"x": (image[None] / 255).astype(np.float32)})[0].ravel().tolist() for image in images]
        cases["good"].append({"name": name, "images": [image.ravel().tolist() for image in images], "outputs": outputs})
    for name, codes, texts, made in bad():
        raw = made if isinstance(made, bytes) else made.SerializeToString()
        HERE.joinpath(f"bad_{name}.onnx").write_bytes(raw)
        cases["bad"].append({"name": f"bad_{name}", "codes": codes, "texts": texts})
    HERE.joinpath("cases.json").write_text(json.dumps(cases) + "\n")
    print(len(cases["good"]), "good,", len(cases["bad"]), "bad")


if __name__ == "__main__":
    main()
