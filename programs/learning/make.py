#!/usr/bin/env python3
"""Makes the networks and samples of this folder anew: digits_stdp.json, reward.json, reward_train.csv, reward_test.csv.

Everything that is drawn comes from Python's generator with the fixed seed below.
"""
import json
import random
from pathlib import Path

HERE = Path(__file__).parent
SEED = 7


def neuron(**registers):
    return {"model": "cuba_int", **registers}


def write(name, network):
    rows = json.dumps(network, indent=1)
    # Lists of numbers on one line each.
    out, depth = [], 0
    for line in rows.splitlines():
        text = line.strip()
        number = text.rstrip(",").lstrip("-").isdigit()
        if number and out:
            out[-1] += (" " if out[-1].endswith(",") else "") + text
        elif text.rstrip(",") == "]" and out and out[-1].rstrip()[-1].isdigit():
            out[-1] += text
        else:
            out.append(line)
    (HERE / name).write_text("\n".join(out) + "\n")


def digits(draw, neurons=60):
    """Competing neurons: each draws its weights to the inputs that it fires for, and keeps the others silent."""
    weights = [draw.randint(0, 120) for _ in range(64 * neurons)]
    # A head start of its own for each neuron, up to a fifth of the threshold: equal ones do not stay equal.
    starts = [draw.randint(0, 7500 * 64 // 5) for _ in range(neurons)]
    rivals = [0 if a == b else -255 for a in range(neurons) for b in range(neurons)]
    return {
        "version": 1,
        "name": "digits, unsupervised",
        "populations": [
            {"name": "pixels", "shape": [1, 8, 8]},
            {
                "name": "features",
                "shape": [neurons],
                "neuron": neuron(decay_u=4095, decay_v=0, threshold=7500, initial_v=starts),
            },
        ],
        "projections": [
            {
                "name": "pixels to features",
                "source": "pixels",
                "target": "features",
                "pattern": {"type": "dense"},
                "weights": weights,
                "exponent": -3,
                "learning": {
                    "rule": "dw = 2^-3*y0*x1 - 2^-3*y0*w + 2^-5*u6",
                    "x1": {"impulse": 12, "tau": 10},
                    "sign": "excitatory",
                    "seed": 1,
                },
            },
            {
                "name": "rivals",
                "source": "features",
                "target": "features",
                "pattern": {"type": "dense"},
                "weights": rivals,
                "exponent": 6,
            },
        ],
        "outputs": [{"population": "features"}],
    }


# Which of two actions is right for each of four cues.
RIGHT = [0, 1, 1, 0]
GROUP = 4


def reward(draw):
    """Four cues, two actions that exclude each other, a memory of the right one, and critics that compare."""
    cues = len(RIGHT) * GROUP
    once = {"decay_u": 4095, "decay_v": 4095}
    both = lambda source, target: {
        "source": source,
        "target": target,
        "pattern": {"type": "one_to_one"},
        "weights": [60, 60],
    }
    crossed = lambda source, target, weight: {
        "source": source,
        "target": target,
        "pattern": {"type": "pairs", "pairs": [[0, 1], [1, 0]]},
        "weights": [weight, weight],
    }
    joined = lambda source, target: {
        "source": source,
        "target": target,
        "pattern": {"type": "dense"},
        "weights": [120, 120],
    }
    return {
        "version": 1,
        "name": "cues and reward",
        "populations": [
            {"name": "cues", "shape": [cues]},
            {"name": "whims", "shape": [2]},
            {"name": "right", "shape": [2]},
            {"name": "actions", "shape": [2], "neuron": neuron(decay_u=4095, decay_v=1024, threshold=60)},
            {"name": "memory", "shape": [2], "neuron": neuron(**once, threshold=100)},
            {"name": "hits", "shape": [2], "neuron": neuron(**once, threshold=100)},
            {"name": "misses", "shape": [2], "neuron": neuron(**once, threshold=100)},
            {"name": "reward", "shape": [1], "neuron": neuron(**once, threshold=100)},
            {"name": "regret", "shape": [1], "neuron": neuron(**once, threshold=100)},
        ],
        "projections": [
            {
                "source": "cues",
                "target": "actions",
                "pattern": {"type": "dense"},
                "weights": [draw.randint(20, 30) for _ in range(2 * cues)],
                "learning": {
                    "rule": "dt = 2^1*y0*x1 - 2^-2*u0*t; dw = 7*2^-2*u0*t*y2 - 7*2^-2*u0*t*y3",
                    "x1": {"impulse": 32, "tau": 4},
                    "y2": {"from": "reward"},
                    "y3": {"from": "regret"},
                    "sign": "excitatory",
                    "seed": 1,
                },
            },
            {"source": "whims", "target": "actions", "pattern": {"type": "one_to_one"}, "weights": [70, 70]},
            crossed("actions", "actions", -120),
            {"source": "right", "target": "memory", "pattern": {"type": "one_to_one"}, "weights": [120, 120]},
            {"source": "memory", "target": "memory", "pattern": {"type": "one_to_one"}, "weights": [120, 120]},
            both("memory", "hits"),
            both("actions", "hits"),
            crossed("memory", "misses", 60),
            both("actions", "misses"),
            joined("hits", "reward"),
            joined("misses", "regret"),
        ],
        "outputs": [{"population": "actions"}],
    }


def samples(name, draw, count, ticks=16):
    """Cue k fires its four inputs at random; each action is tempted now and then; the right one is told once."""
    cues, lines = len(RIGHT) * GROUP, ["sample,label,tick,input"]
    for sample in range(count):
        cue = sample % len(RIGHT)
        label = RIGHT[cue]
        spikes = [(0, cues + 2 + label)]
        for tick in range(ticks):
            spikes += [(tick, cue * GROUP + at) for at in range(GROUP) if draw.random() < 0.3]
            spikes += [(tick, cues + whim) for whim in range(2) if draw.random() < 0.1]
        lines += [f"{sample},{label},{tick},{at}" for tick, at in sorted(spikes)]
    (HERE / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    draw = random.Random(SEED)
    write("digits_stdp.json", digits(draw))
    write("reward.json", reward(draw))
    samples("reward_train.csv", draw, 80)
    samples("reward_test.csv", draw, 40)
