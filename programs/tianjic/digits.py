"""Trains a small convolutional network on the 8 x 8 digits and writes it for Tianjic three times, from the same weights:

    ann.json     every layer artificial: 8-bit values, one round a layer
    hybrid.json  the convolution artificial, what follows spiking: values into integrate-and-fire neurons
    snn.json     every layer spiking: the pixels drive the first one directly

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6
    venv/bin/python digits.py --data ../digits/digits.u8 --out .

Also writes test.npz (pixels as values in one round) and, with --rounds T, test_T.npz (the same pixels in each of T
rounds): the stimuli. Everything that is drawn comes from one seed.
"""

import argparse
import json
import pathlib

import numpy as np

CHANNELS, KERNEL, SIDE, HIDDEN, CLASSES = 6, 3, 8, 64, 10
OUT = SIDE - KERNEL + 1


class Rng:
    """SplitMix64, as the program's own split of the digits draws from it."""

    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        z = (self.state + 0x9E3779B97F4A7C15) & self.MASK
        self.state = z
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
        return ((z ^ (z >> 31)) * bound) >> 64

    def shuffle(self, items):
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def digits(path):
    """Training and test digits, split as `spikeloom` splits them: of every class one in five is for test."""
    rows = np.frombuffer(pathlib.Path(path).read_bytes(), np.uint8).reshape(-1, 65)
    rng, train, test = Rng(1998), [], []
    for label in range(CLASSES):
        of = list(np.flatnonzero(rows[:, 64] == label))
        rng.shuffle(of)
        test += of[: len(of) // 5]
        train += of[len(of) // 5 :]
    rng.shuffle(train)
    rng.shuffle(test)
    pixels, labels = rows[:, :64].astype(np.float32) / 16.0, rows[:, 64].astype(int)
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def windows(x):
    """(n, 64) -> (n, 36, 9)."""
    image = x.reshape(-1, SIDE, SIDE)
    parts = [image[:, y : y + OUT, z : z + OUT].reshape(-1, OUT * OUT) for y in range(KERNEL) for z in range(KERNEL)]
    return np.stack(parts, -1)


def forward(p, x):
    w = windows(x)
    z1 = np.einsum("nwk,ck->ncw", w, p["w1"]) + p["b1"][None, :, None]
    y1 = np.maximum(z1, 0).reshape(len(x), -1)
    y2 = np.maximum(y1 @ p["w2"].T + p["b2"], 0)
    return w, y1, y2, y2 @ p["w3"].T + p["b3"]


def train(x, labels, rng, epochs=60, batch=32):
    def scaled(*shape):
        return (rng.standard_normal(shape) * np.sqrt(2 / shape[-1])).astype(np.float32)

    p = {"w1": scaled(CHANNELS, KERNEL**2), "b1": np.zeros(CHANNELS, np.float32)}
    p |= {"w2": scaled(HIDDEN, CHANNELS * OUT**2), "b2": np.zeros(HIDDEN, np.float32)}
    p |= {"w3": scaled(CLASSES, HIDDEN), "b3": np.zeros(CLASSES, np.float32)}
    moments = {name: (np.zeros_like(v), np.zeros_like(v)) for name, v in p.items()}
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        for at in range(0, len(x) - batch + 1, batch):
            pick = order[at : at + batch]
            w, y1, y2, out = forward(p, x[pick])
            soft = np.exp(out - out.max(1, keepdims=True))
            soft /= soft.sum(1, keepdims=True)
            soft[np.arange(batch), labels[pick]] -= 1
            d3 = soft / batch
            d2 = (d3 @ p["w3"]) * (y2 > 0)
            d1 = ((d2 @ p["w2"]) * (y1 > 0)).reshape(batch, CHANNELS, -1)
            grads = {"w3": d3.T @ y2, "b3": d3.sum(0), "w2": d2.T @ y1, "b2": d2.sum(0)}
            grads |= {"w1": np.einsum("ncw,nwk->ck", d1, w), "b1": d1.sum((0, 2))}
            step += 1
            for name, grad in grads.items():
                grad = grad + 1e-4 * p[name]
                m, v = moments[name]
                m[...] = 0.9 * m + 0.1 * grad
                v[...] = 0.999 * v + 0.001 * grad**2
                rate = 2e-3 * (1 - epoch / epochs)
                p[name] -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return p


def whole(values):
    return [int(v) for v in np.rint(values).ravel()]


def byte(w):
    """Weights as bytes and their scale."""
    scale = 127 / np.abs(w).max()
    return np.rint(w * scale).astype(int), scale


def ann_soma(weights, bias, scale_in, peak, activation="relu"):
    """Weights, soma and scale of the values of an artificial layer whose inputs are `scale_in` times the real ones."""
    q, scale = byte(weights)
    total = scale * scale_in
    shift = 0 if activation != "relu" else max(0, int(np.ceil(np.log2(total * peak / 255))))
    half = (1 << shift) // 2
    soma = {"model": "ann_int", "bias": whole(bias * total + half), "shift": shift, "activation": activation}
    return q, soma, total / 2**shift


def snn_soma(weights, bias, scale_in, peak, values):
    """The same of integrate-and-fire neurons that spike in every round at `peak`; `scale_in`: of a real 1.0."""
    q, scale = byte(weights)
    total = scale * scale_in
    soma = {"model": "snn_int", "bias": whole(bias * total), "threshold": int(np.rint(peak * total)), "reset": "subtract"}
    return q, soma | {"input": "values" if values else "spikes"}


def reader(weights, bias, scale_in):
    """Spiking neurons that never fire: their membranes add up what comes."""
    q, scale = byte(weights)
    return q, {"model": "snn_int", "bias": whole(bias * scale * scale_in)}


def network(name, layers):
    conv = {"type": "conv2d", "kernel": [KERNEL, KERNEL]}
    shapes = {"conv": [CHANNELS, OUT, OUT], "hidden": [HIDDEN], "out": [CLASSES]}
    patterns = {"conv": conv, "hidden": {"type": "dense"}, "out": {"type": "dense"}}
    populations, projections, before = [{"name": "pixels", "shape": [1, SIDE, SIDE]}], [], "pixels"
    for layer, (weights, soma) in layers.items():
        if layer == "conv" and isinstance(soma["bias"], list):
            soma = soma | {"bias": [b for b in soma["bias"] for _ in range(OUT * OUT)]}
        populations.append({"name": layer, "shape": shapes[layer], "neuron": soma})
        projections.append({"source": before, "target": layer, "pattern": patterns[layer], "weights": whole(weights)})
        before = layer
    return {"version": 1, "name": name, "populations": populations, "projections": projections,
            "outputs": [{"population": "out"}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", default=".")
    parser.add_argument("--rounds", type=int, action="append", default=[])
    args = parser.parse_args()
    (x, labels), (test, test_labels) = digits(args.data)
    p = train(x, labels, np.random.default_rng(7))
    accuracy = (forward(p, test)[3].argmax(1) == test_labels).mean()
    print(f"float: {100 * accuracy:.2f} % of {len(test)} test digits")
    _, y1, y2, _ = forward(p, x)
    peak1, peak2 = np.percentile(y1.max(1), 99.0), np.percentile(y2.max(1), 99.0)
    white = 255  # of a pixel of 1.0, as --encoding value sends it
    out = pathlib.Path(args.out)

    w1, conv, a1 = ann_soma(p["w1"], p["b1"], white, peak1)
    w2, hidden, a2 = ann_soma(p["w2"], p["b2"], a1, peak2)
    w3, last, _ = ann_soma(p["w3"], p["b3"], a2, 1.0, "signed")
    nets = {"ann": {"conv": (w1, conv), "hidden": (w2, hidden), "out": (w3, last)}}

    w2s, hidden_values = snn_soma(p["w2"], p["b2"], a1, peak2, True)
    w3s, read = reader(p["w3"], p["b3"], 1 / peak2)
    nets["hybrid"] = {"conv": (w1, conv), "hidden": (w2s, hidden_values), "out": (w3s, read)}

    w1s, conv_spikes = snn_soma(p["w1"], p["b1"], white, peak1, True)
    w2s, hidden_spikes = snn_soma(p["w2"], p["b2"], 1 / peak1, peak2, False)
    nets["snn"] = {"conv": (w1s, conv_spikes), "hidden": (w2s, hidden_spikes), "out": (w3s, read)}
    for name, layers in nets.items():
        text = json.dumps(network(f"digits_{name}", layers), separators=(",", ":"))
        (out / f"{name}.json").write_text(text.replace('},{"', '},\n{"') + "\n")
    pixels = np.rint(test * white).astype(np.uint8)
    for rounds in [1, *args.rounds]:
        images = np.repeat(pixels[:, None, :], rounds, 1)
        np.savez_compressed(out / ("test.npz" if rounds == 1 else f"test_{rounds}.npz"), images=images,
                            labels=test_labels.astype(np.int64))


main()
