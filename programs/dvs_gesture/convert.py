"""SANA-FE's DVS gesture network as a spikeloom network: python convert.py dvs_gesture_yaml.npz dvs.json

Needs NumPy. SANA-FE's network (GPL-3) is not part of this project; its npz holds weight_0_to_1 ... weight_4_to_5
(kernels y, x, in, out), bias_0, sizes and threshold. Its soma keeps v in steps of 1/64 and leaks by 4095/4096: that is
decay_v = 1 with weights and thresholds times 64. Weights reach 289 and are odd beside both signs, which no Loihi format
holds: they are written twice as large with exponent -1, and the chip needs weight_bits = 11.
"""
import json
import sys

import numpy as np

VOLUMES = [(1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11, 1, 1)]


def neuron(data, layer):
    registers = {"model": "cuba_int", "decay_u": 4095, "decay_v": 1, "threshold": int(data["threshold"][layer])}
    if layer == 0:
        registers |= {"bias": [int(bias) for bias in data["bias_0"]], "bias_exponent": 6}
    return registers


def projection(data, layer):
    weights = data[f"weight_{layer}_to_{layer + 1}"]
    if layer < 4:
        channels = (VOLUMES[layer][0], VOLUMES[layer + 1][0])
        weights = weights.reshape(3, 3, *channels).transpose(3, 2, 0, 1)
        pattern = {"type": "conv2d", "kernel": [3, 3], "stride": [2, 2] if layer == 0 else [1, 1]}
    else:
        weights = weights.reshape(891, 11).T
        pattern = {"type": "dense"}
    return {"source": f"l{layer}", "target": f"l{layer + 1}", "pattern": pattern, "exponent": -1,
            "weights": [2 * int(weight) for weight in weights.ravel()]}


def main(source, target):
    data = np.load(source)
    # A stimulus needs an input; nothing hangs on this one, as the biases drive the network.
    populations = [{"name": "none", "shape": [1]}]
    populations += [{"name": f"l{k}", "shape": list(VOLUMES[k]), "neuron": neuron(data, k)} for k in range(6)]
    network = {"version": 1, "name": "dvs_gesture", "populations": populations,
               "projections": [projection(data, layer) for layer in range(5)],
               "outputs": [{"population": f"l{layer}"} for layer in range(6)]}
    with open(target, "w") as file:
        json.dump(network, file)


main(*sys.argv[1:])
