"""Trains the two MNIST networks of this folder and writes them as ONNX: mlp.onnx (784-256-10) and cnn.onnx.

    python3 -m venv venv && venv/bin/pip install jax==0.10.2 optax==0.2.8 onnx==1.23.2 onnxruntime==1.32.0
    venv/bin/python train.py --data FOLDER --out . [--only mlp|cnn]

FOLDER holds the four IDX files of MNIST, plain or .gz. Everything that is drawn comes from one seed; two runs on
one machine give the same files. Also writes, beside each network, activations.json: what onnxruntime computes
for a few test images, against which the Rust reference is checked.
"""

import argparse
import gzip
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import optax
from onnx import TensorProto, helper, numpy_helper

BATCH = 128
EPS = 1e-5


def idx(folder, name):
    """An IDX file of bytes."""
    path = pathlib.Path(folder, name)
    raw = gzip.open(f"{path}.gz").read() if not path.exists() else path.read_bytes()
    extents = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(extents)


def scaled(key, shape, fan_in):
    return jax.random.normal(key, shape) * jnp.sqrt(2.0 / fan_in)


def conv(x, w):
    return jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW"))


def pool(x):
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4.0


def normalise(x, p, stats, train):
    """Batch normalisation over all but the channels; returns what it saw."""
    mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if train else stats
    wide = lambda v: v[None, :, None, None]
    return wide(p["scale"]) * (x - wide(mean)) / jnp.sqrt(wide(var) + EPS) + wide(p["shift"]), (mean, var)


def drop(x, key, rate):
    return x if key is None else x * jax.random.bernoulli(key, 1 - rate, x.shape) / (1 - rate)


class Mlp:
    """784-256-10."""

    epochs = 14

    @staticmethod
    def init(key):
        a, b = jax.random.split(key)
        return {
            "w1": scaled(a, (784, 256), 784), "b1": jnp.zeros(256),
            "w2": scaled(b, (256, 10), 256), "b2": jnp.zeros(10),
        }, {}

    @staticmethod
    def apply(p, stats, x, key):
        x = x.reshape(len(x), 784)
        h = jax.nn.relu(x @ p["w1"] + p["b1"])
        return drop(h, key, 0.3) @ p["w2"] + p["b2"], stats


class Cnn:
    """8 and 16 kernels of 5x5, each with batch normalisation, ReLU and 2x2 mean; 256-64-10."""

    epochs = 10

    @staticmethod
    def init(key):
        a, b, c, d = jax.random.split(key, 4)
        bn = lambda n: {"scale": jnp.ones(n), "shift": jnp.zeros(n)}
        return {
            "k1": scaled(a, (8, 1, 5, 5), 25), "n1": bn(8),
            "k2": scaled(b, (16, 8, 5, 5), 200), "n2": bn(16),
            "w3": scaled(c, (256, 64), 256), "b3": jnp.zeros(64),
            "w4": scaled(d, (64, 10), 64), "b4": jnp.zeros(10),
        }, {"n1": (jnp.zeros(8), jnp.ones(8)), "n2": (jnp.zeros(16), jnp.ones(16))}

    @staticmethod
    def apply(p, stats, x, key):
        train, seen = key is not None, {}
        x, seen["n1"] = normalise(conv(x, p["k1"]), p["n1"], stats["n1"], train)
        x = pool(jax.nn.relu(x))
        x, seen["n2"] = normalise(conv(x, p["k2"]), p["n2"], stats["n2"], train)
        x = pool(jax.nn.relu(x)).reshape(len(x), 256)
        h = jax.nn.relu(x @ p["w3"] + p["b3"])
        return drop(h, key, 0.3) @ p["w4"] + p["b4"], seen


def shifted(x, generator):
    """Each image moved by up to two pixels."""
    out = np.zeros_like(x)
    for at, (dy, dx) in enumerate(generator.integers(-2, 3, (len(x), 2))):
        out[at] = np.roll(x[at], (dy, dx), (1, 2))
    return out


def train(net, images, labels, seed):
    generator = np.random.default_rng(seed)
    key = jax.random.PRNGKey(seed)
    key, own = jax.random.split(key)
    params, stats = net.init(own)
    steps = len(images) // BATCH
    optimiser = optax.adam(optax.cosine_decay_schedule(2e-3, net.epochs * steps))
    state = optimiser.init(params)

    def loss(params, stats, x, y, key):
        logits, seen = net.apply(params, stats, x, key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), seen

    @jax.jit
    def step(params, stats, state, x, y, key):
        (value, seen), grads = jax.value_and_grad(loss, has_aux=True)(params, stats, x, y, key)
        stats = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, stats, seen)
        updates, state = optimiser.update(grads, state)
        return optax.apply_updates(params, updates), stats, state, value

    for epoch in range(net.epochs):
        order, total = generator.permutation(len(images)), 0.0
        for at in range(steps):
            chosen = order[at * BATCH : (at + 1) * BATCH]
            key, own = jax.random.split(key)
            x = shifted(images[chosen], generator) if net is Cnn else images[chosen]
            params, stats, state, value = step(params, stats, state, x, labels[chosen], own)
            total += float(value)
        print(f"{net.__name__} epoch {epoch + 1}: loss {total / steps:.4f}", flush=True)
    return params, stats


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def mlp_nodes(p, _):
    nodes = [
        helper.make_node("Flatten", ["image"], ["pixels"], "flatten", axis=1),
        helper.make_node("Gemm", ["pixels", "w1", "b1"], ["sum1"], "fc1"),
        helper.make_node("Relu", ["sum1"], ["hidden"], "relu1"),
        helper.make_node("Gemm", ["hidden", "w2", "b2"], ["logits"], "fc2"),
        helper.make_node("Softmax", ["logits"], ["class"], "softmax", axis=1),
    ]
    return nodes, [tensor(name, p[name]) for name in ("w1", "b1", "w2", "b2")]


def cnn_nodes(p, stats):
    nodes, tensors, x = [], [], "image"
    for at in (1, 2):
        norm, (mean, var) = p[f"n{at}"], stats[f"n{at}"]
        tensors += [tensor(f"k{at}", p[f"k{at}"]), tensor(f"scale{at}", norm["scale"]),
                    tensor(f"shift{at}", norm["shift"]), tensor(f"mean{at}", mean), tensor(f"var{at}", var)]
        stat = [f"scale{at}", f"shift{at}", f"mean{at}", f"var{at}"]
        nodes += [
            helper.make_node("Conv", [x, f"k{at}"], [f"conv{at}_out"], f"conv{at}", kernel_shape=[5, 5]),
            helper.make_node("BatchNormalization", [f"conv{at}_out", *stat], [f"bn{at}_out"], f"bn{at}", epsilon=EPS),
            helper.make_node("Relu", [f"bn{at}_out"], [f"relu{at}_out"], f"relu{at}"),
            helper.make_node("AveragePool", [f"relu{at}_out"], [f"pool{at}_out"], f"pool{at}",
                             kernel_shape=[2, 2], strides=[2, 2]),
        ]
        x = f"pool{at}_out"
    tensors.append(numpy_helper.from_array(np.array([1, -1], np.int64), "flat"))
    tensors += [tensor(name, p[name]) for name in ("w3", "b3", "w4", "b4")]
    nodes += [
        helper.make_node("Reshape", [x, "flat"], ["features"], "reshape"),
        helper.make_node("MatMul", ["features", "w3"], ["dot3"], "fc3"),
        helper.make_node("Add", ["dot3", "b3"], ["sum3"], "add3"),
        helper.make_node("Relu", ["sum3"], ["hidden3"], "relu3"),
        helper.make_node("Gemm", ["hidden3", "w4", "b4"], ["logits"], "fc4"),
        helper.make_node("Softmax", ["logits"], ["class"], "softmax", axis=1),
    ]
    return nodes, tensors


def model(name, nodes, tensors):
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28])
    out = helper.make_tensor_value_info("class", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(nodes, name, [image], [out], tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="spikeloom train.py")
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    return made


def outputs(made, images, names):
    """What onnxruntime computes for the tensors of these names, image by image."""
    shown = onnx.ModelProto()
    shown.CopyFrom(made)
    for name in names:
        shown.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # The tensors are those of the file, not of a fused graph.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options)
    return [session.run(list(names), {"image": image[None]}) for image in images]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", default=".")
    parser.add_argument("--only", choices=["mlp", "cnn"])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    pixels = lambda name: (idx(args.data, name)[:, None] / 255.0).astype(np.float32)
    images, labels = pixels("train-images-idx3-ubyte"), idx(args.data, "train-labels-idx1-ubyte").astype(np.int32)
    test, truth = pixels("t10k-images-idx3-ubyte"), idx(args.data, "t10k-labels-idx1-ubyte")
    for name, net, nodes, probes in (("mlp", Mlp, mlp_nodes, ["hidden", "logits"]),
                                     ("cnn", Cnn, cnn_nodes, ["relu1_out", "pool2_out", "hidden3", "logits"])):
        if args.only not in (None, name):
            continue
        params, stats = train(net, images, labels, args.seed)
        made = model(name, *nodes(params, stats))
        onnx.save(made, pathlib.Path(args.out, f"{name}.onnx"))
        right = sum(int(out[0].argmax()) == int(t) for out, t in zip(outputs(made, test, ["logits"]), truth))
        print(f"{name}.onnx: {right} of {len(truth)} test images in onnxruntime")
        few = [0, 1, 2, 3]
        seen = outputs(made, test[few], probes)
        # Sums over a tensor say that all of it is right, and the first values which place is wrong.
        record = [{"image": at, "tensors": {
            probe: {"shape": list(value.shape), "sum": float(value.astype(np.float64).sum()),
                    "values": [float(v) for v in value.ravel()[:: max(1, value.size // 64)]],
                    "stride": max(1, value.size // 64)}
            for probe, value in zip(probes, values)}} for at, values in zip(few, seen)]
        pathlib.Path(args.out, f"{name}.activations.json").write_text(
            json.dumps({"right": right, "of": len(truth), "samples": record}, indent=1) + "\n")


if __name__ == "__main__":
    main()
