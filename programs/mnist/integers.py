"""What ONNX says of a network of 8-bit values: builds a model of integer operators (ConvInteger, MatMulInteger, Add, Div,
Clip) from the network that `spikeloom convert --artificial --pool-neurons -o net.json` writes, runs it in onnxruntime on
IDX images and writes the sums of the last layer, image by image.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
    spikeloom convert cnn.onnx --artificial --pool-neurons --calibrate few-images-idx3-ubyte.gz -o net.json
    venv/bin/python integers.py net.json few-images-idx3-ubyte.gz cnn.integers.json

A sum is divided by a power of two towards zero there and shifted (floor) by the chip: they differ below zero only, which
the clip to 0..255 makes equal.
"""

import gzip
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def model(network):
    """The ONNX model of a chain of layers, read by the sums (with bias) of the last one."""
    populations = {p["name"]: p for p in network["populations"]}
    first = next(p for p in network["populations"] if "neuron" not in p)
    nodes, constants, value = [], [], first["name"]

    def constant(name, array):
        constants.append(numpy_helper.from_array(array, name))
        return name

    for projection in network["projections"]:
        assert projection["source"] == value, "a chain of layers"
        source, target = populations[value], populations[projection["target"]]
        name, neuron, pattern = target["name"], target["neuron"], projection["pattern"]
        weights = np.array(projection["weights"], np.int8)
        if pattern["type"] == "dense":
            sources = int(np.prod(source["shape"]))
            flat = constant(f"{name}.flat", np.array([1, sources], np.int64))
            nodes.append(helper.make_node("Reshape", [value, flat], [f"{name}.x"]))
            matrix = constant(f"{name}.w", weights.reshape(-1, sources).T.copy())
            nodes.append(helper.make_node("MatMulInteger", [f"{name}.x", matrix], [f"{name}.sum"]))
            shape = (1, -1)
        else:
            if pattern["type"] == "conv2d":
                groups = pattern["groups"]
                kernel = weights.reshape(pattern["output"][0], pattern["input"][0] // groups, *pattern["kernel"])
            else:
                groups = pattern["input"][0]
                kernel = np.full((groups, 1, *pattern["kernel"]), weights[0], np.int8)
            padding = pattern["padding"] * 2
            kernel = constant(f"{name}.w", kernel)
            nodes.append(helper.make_node("ConvInteger", [value, kernel], [f"{name}.sum"], group=groups,
                                          strides=pattern["stride"], pads=padding))
            shape = (1, *target["shape"])
        bias = np.broadcast_to(np.array(neuron["bias"], np.int32), [int(np.prod(target["shape"]))])
        bias = constant(f"{name}.b", np.ascontiguousarray(bias).reshape(shape))
        nodes.append(helper.make_node("Add", [f"{name}.sum", bias], [f"{name}.v"]))
        power = constant(f"{name}.power", np.array(1 << neuron["shift"], np.int32))
        nodes.append(helper.make_node("Div", [f"{name}.v", power], [f"{name}.shifted"]))
        ends = [constant(f"{name}.{end}", np.array(end, np.int32)) for end in (0, 255)]
        nodes.append(helper.make_node("Clip", [f"{name}.shifted", *ends], [f"{name}.clipped"]))
        nodes.append(helper.make_node("Cast", [f"{name}.clipped"], [name], to=TensorProto.UINT8))
        value = name
    shown = helper.make_tensor_value_info(first["name"], TensorProto.UINT8, [1, *first["shape"]])
    size = int(np.prod(populations[value]["shape"]))
    read = helper.make_tensor_value_info(f"{value}.v", TensorProto.INT32, [1, size])
    graph = helper.make_graph(nodes, network["name"], [shown], [read], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made, first


def main():
    network_file, images_file, out = sys.argv[1:]
    with open(network_file) as file:
        made, first = model(json.load(file))
    data = gzip.open(images_file).read()
    count = int.from_bytes(data[4:8], "big")
    images = np.frombuffer(data, np.uint8, offset=16).reshape(count, 1, *first["shape"])
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    sums = [session.run(None, {first["name"]: image})[0].ravel().tolist() for image in images]
    rows = ",\n".join(json.dumps(row) for row in sums)
    with open(out, "w") as file:
        file.write(f'{{"onnxruntime": "{onnxruntime.__version__}", "sums": [\n{rows}]}}\n')


main()
