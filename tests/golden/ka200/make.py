"""Makes the cases of this folder with PyTorch in half precision and the Lif layer of Lynxi's BIDL.

    python make.py PATH_OF_A_BIDL_CHECKOUT

Spikes and membranes come from two instances of BIDL's own class (one for spikes, one that shows the membrane after a
reset); every step is also done by the formulas of its manual, and the script stops where the two differ. Sums of layers
are PyTorch's own (`linear`, `conv2d`) where they are exact in any order, else they are made input by input.
"""

import importlib.util
import json
import os
import sys
import types

import numpy as np
import torch

torch.manual_seed(200)
HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 24


def bidl(folder):
    """The class Lif, without the rest of its package, which wants more than it uses."""
    spec = importlib.util.spec_from_file_location("utils.globals", os.path.join(folder, "utils", "globals.py"))
    values = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(values)
    package = types.ModuleType("utils")
    package.globals = values
    sys.modules["utils"], sys.modules["utils.globals"] = package, values
    sys.path.insert(0, folder)
    from layers.lif import Lif
    return Lif


def bits(tensor):
    """Bits of binary16 numbers; a NaN as the one quiet NaN without a sign."""
    whole = tensor.detach().contiguous().numpy().view(np.uint16).astype(int)
    whole[(whole & 0x7FFF) > 0x7C00] = 0x7E00
    return whole.tolist()


def half(low, high, shape):
    return (torch.rand(shape) * (high - low) + low).half()


def coarse(low, high, shape, grain):
    """Multiples of 1 / grain: sums of them are exact in binary32 in any order."""
    return (torch.randint(int(low * grain), int(high * grain) + 1, shape).float() / grain).half()


class Layer:
    def __init__(self, lif, kind, weight, bias, params, shape, **conv):
        self.kind, self.weight, self.bias, self.shape, self.conv = kind, weight, bias, shape, conv
        self.params = {name: values.half() for name, values in params.items()}
        self.twins = []
        for mode, memb in (("spike", (0, None)), ("analog", (2, None))):
            soma = {"alpha": 0.5, "beta": 0.0, "theta": 1.0, "v_0": 0.0, "shape": list(self.wide("alpha").shape), "learn": False}
            twin = lif(None, mode, memb, soma, 0).half()
            for name in self.params:
                getattr(twin, name).data = self.wide(name)
            twin.reset(torch.zeros((1, *shape)).half())
            self.twins.append(twin)
        self.state = torch.zeros((1, *shape)).half()
        self.rows = {"spikes": [], "v": [], "state": []}

    def wide(self, name):
        """One a channel, as BIDL's channel_share has it."""
        values = self.params[name]
        return values.reshape((1, -1, 1, 1) if len(self.shape) == 3 else (1, -1)) if values.numel() > 1 else values.reshape([])

    def sums(self, s):
        if self.kind == "linear":
            return torch.nn.functional.linear(s, self.weight, self.bias)
        if self.kind == "conv2d":
            return torch.nn.functional.conv2d(s, self.weight, self.bias, **self.conv)
        # Input by input, all of them, zeros too.
        wide = torch.float32 if self.kind == "binary32" else torch.float16
        x, w, s = self.bias.to(wide).clone().reshape(1, -1), self.weight.to(wide), s.to(wide)
        for i in range(w.shape[1]):
            x = x + w[:, i].reshape(1, -1) * s[:, i : i + 1]
        return x.half()

    def step(self, s):
        x = self.sums(s)
        fired, shown = self.twins[0](x), self.twins[1](x)
        # The manual's formulas.
        v = self.state + x
        fire = v > self.wide("theta")
        kept = torch.where(fire, self.wide("v_0").expand_as(v), v)
        self.state = self.wide("alpha") * kept + self.wide("beta")
        if torch.isfinite(v).all():
            assert torch.equal(fired, fire.half()) and torch.equal(shown, kept) and torch.equal(self.state, self.twins[0].v)
        self.rows["spikes"].append(fire.flatten().nonzero().flatten().tolist())
        self.rows["v"].append(bits(kept.flatten()))
        self.rows["state"].append(bits(self.state.flatten()))
        return fire.half()

    def record(self):
        conv = {"kernel": list(self.weight.shape[2:]), **self.conv} if self.kind == "conv2d" else None
        return {
            "shape": list(self.shape), "conv": conv, "weight": bits(self.weight.flatten()), "bias": bits(self.bias.flatten()),
            **{name: bits(values.flatten()) for name, values in self.params.items()}, **self.rows,
        }


def case(name, accumulate, shape, layers, rate=0.3, largest=1):
    rows, total = [], 0
    for _ in range(STEPS):
        values = (torch.rand(shape) < rate) * torch.randint(1, largest + 1, shape)
        rows.append(values.flatten().tolist())
        s = values.half().unsqueeze(0)
        for layer in layers:
            s = layer.step(s if len(layer.shape) == 3 else s.flatten(1))
            total += int(s.sum())
    file = {
        "name": name, "accumulate": accumulate, "input": {"shape": list(shape), "values": rows},
        "layers": [layer.record() for layer in layers], "made_with": {"torch": torch.__version__},
    }
    with open(os.path.join(HERE, name + ".json"), "w") as out:
        json.dump(file, out, separators=(",", ":"))
        out.write("\n")
    print(name, total, "spikes,", sum(v >= 0x7C00 and v < 0x8000 or v >= 0xFC00 for row in layers[-1].rows["v"] for v in row), "not finite")


def params(count, each=True, theta=(0.3, 2.0), alpha=(0.0, 1.1)):
    n = count if each else 1
    return {"alpha": half(*alpha, (n,)), "beta": half(-0.2, 0.2, (n,)), "theta": half(*theta, (n,)), "v_0": half(-0.5, 0.5, (n,))}


def main():
    lif = bidl(sys.argv[1])
    case("linear", "binary32", (20,), [
        Layer(lif, "linear", coarse(-1, 1, (12, 20), 512), coarse(-0.25, 0.5, (12,), 512), params(12), (12,)),
    ])
    case("linear_shared", "binary32", (40,), [
        Layer(lif, "linear", coarse(-1, 1, (16, 40), 512), torch.zeros(16).half(), params(16, each=False), (16,)),
    ], largest=3)
    case("two_layers", "binary32", (24,), [
        Layer(lif, "linear", coarse(-1, 1.2, (18, 24), 256), coarse(-0.25, 0.5, (18,), 512), params(18), (18,)),
        Layer(lif, "linear", coarse(-1, 1.2, (9, 18), 256), coarse(-0.25, 0.5, (9,), 512), params(9), (9,)),
    ])
    case("conv", "binary32", (2, 8, 8), [
        Layer(lif, "conv2d", coarse(-1, 1.1, (3, 2, 3, 3), 256), coarse(-0.2, 0.2, (3,), 512), params(3), (3, 8, 8),
              stride=[1, 1], padding=[1, 1]),
        Layer(lif, "conv2d", coarse(-1, 1.1, (4, 3, 3, 3), 256), coarse(-0.2, 0.2, (4,), 512), params(4), (4, 3, 3),
              stride=[2, 2], padding=[0, 0]),
        Layer(lif, "linear", coarse(-1, 1, (6, 36), 256), coarse(-0.2, 0.3, (6,), 512), params(6), (6,)),
    ], largest=2)
    for accumulate in ("binary32", "binary16"):
        wild = torch.randn((14, 60)).half() * (2.0 ** torch.randint(-9, 3, (14, 60))).half()
        case("ordered_" + accumulate, accumulate, (60,), [
            Layer(lif, accumulate, wild, half(-0.5, 0.5, (14,)), params(14, theta=(0.5, 6.0)), (14,)),
            Layer(lif, accumulate, half(-1.5, 1.5, (10, 14)), half(-0.5, 0.5, (10,)), params(10), (10,)),
        ], rate=0.5, largest=5)
    case("subnormal", "binary16", (30,), [
        Layer(lif, "binary16", half(-1, 1, (12, 30)) * 2.0**-16, half(-1, 1, (12,)) * 2.0**-18,
              {name: values * (1 if name == "alpha" else 2.0**-15) for name, values in params(12).items()}, (12,)),
    ], rate=0.4)
    grow = params(12, theta=(60000, 65000), alpha=(0.9, 1.9))
    case("overflow", "binary16", (16,), [
        Layer(lif, "binary16", half(-30000, 30000, (12, 16)), half(-1000, 1000, (12,)), grow, (12,)),
    ])


if __name__ == "__main__":
    main()
