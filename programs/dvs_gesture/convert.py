"""SANA-FE's DVS gesture network as a spikeloom network: python convert.py dvs_gesture_yaml.npz dvs.json [float]

Needs NumPy. SANA-FE's network (GPL-3) is not part of this project; its npz holds weight_0_to_1 ... weight_4_to_5
(kernels y, x, in, out), bias_0, sizes and threshold. Its soma keeps v in steps of 1/64 and leaks by 4095/4096: that is
decay_v = 1 with weights and thresholds times 64. Weights reach 289 and are odd beside both signs, which no Loihi format
holds: they are written twice as large with exponent -1, and the chip needs weight_bits = 11.

With `float` the neurons are integrate-and-fire with the same weights, biases, thresholds and reset and no leak (of
1/4096 a tick), to be quantised for chips that have no decay, such as truenorth.
"""
import json
import sys

import numpy as np

VOLUMES = [(1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11, 1, 1)]


PROFILE = {"preset": "nir", "dt": 0.001, "dynamics": "euler", "fire": "above", "reset": "value", "reset_time": "same",
           "multi_spike": False, "recurrent_bias_at_start": True, "output_lag": 0}


def float_neuron(data, layer):
    # r undoes the factor of the time step.
    parameters = {"model": "if", "r": 1000, "v_threshold": int(data["threshold"][layer])}
    if layer == 0:
        parameters |= {"bias": [int(bias) for bias in data["bias_0"]]}
    return parameters


def neuron(data, layer):
    registers = {"model": "cuba_int", "decay_u": 4095, "decay_v": 1, "threshold": int(data["threshold"][layer])}
    if layer == 0:
        registers |= {"bias": [int(bias) for bias in data["bias_0"]], "bias_exponent": 6}
    return registers


def projection(data, layer, integers):
    weights = data[f"weight_{layer}_to_{layer + 1}"]
    if layer < 4:
        channels = (VOLUMES[layer][0], VOLUMES[layer + 1][0])
        weights = weights.reshape(3, 3, *channels).transpose(3, 2, 0, 1)
        pattern = {"type": "conv2d", "kernel": [3, 3], "stride": [2, 2] if layer == 0 else [1, 1]}
    else:
        weights = weights.reshape(891, 11).T
        pattern = {"type": "dense"}
    written = {"source": f"l{layer}", "target": f"l{layer + 1}", "pattern": pattern}
    if integers:
        return written | {"exponent": -1, "weights": [2 * int(weight) for weight in weights.ravel()]}
    return written | {"weights": [int(weight) for weight in weights.ravel()]}


def main(source, target, kind="int"):
    integers = kind == "int"
    make = neuron if integers else float_neuron
    data = np.load(source)
    # A stimulus needs an input; nothing hangs on this one, as the biases drive the network.
    populations = [{"name": "none", "shape": [1]}]
    populations += [{"name": f"l{k}", "shape": list(VOLUMES[k]), "neuron": make(data, k)} for k in range(6)]
    network = {"version": 1, "name": "dvs_gesture", "populations": populations,
               "projections": [projection(data, layer, integers) for layer in range(5)],
               "outputs": [{"population": f"l{layer}"} for layer in range(6)]}
    if not integers:
        network |= {"profile": PROFILE}
    with open(target, "w") as file:
        json.dump(network, file)


main(*sys.argv[1:])
