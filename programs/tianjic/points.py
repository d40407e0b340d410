"""Writes the workloads of Tianjic's operating points: python3 points.py

dense_ann.json and dense_snn.json keep all 156 cores busy: each core multiplies or adds all of its 256 x 256 weights in
every round. mix.json has 44 artificial and 11 spiking cores at work, about a third of the chip: which part of it the
400 mW of the published mixed workload kept busy is not published, and this share is ours.
"""

import json

SIZE = 256


def network(name, ann, snn):
    populations = [{"name": "values", "shape": [SIZE]}] * (ann > 0) + [{"name": "spikes", "shape": [SIZE]}] * (snn > 0)
    projections, outputs = [], []
    kinds = [("values", {"model": "ann_int", "shift": 16})] * ann
    kinds += [("spikes", {"model": "snn_int", "threshold": 4000000})] * snn
    for number, (source, neuron) in enumerate(kinds):
        target = f"core{number}"
        populations.append({"name": target, "shape": [SIZE], "neuron": neuron})
        projections.append({"source": source, "target": target, "pattern": {"type": "dense"}, "weights": 1})
    return {"version": 1, "name": name, "populations": populations, "projections": projections,
            "outputs": [{"population": "core0"}]}


for name, ann, snn in [("dense_ann", 156, 0), ("dense_snn", 0, 156), ("mix", 44, 11)]:
    text = json.dumps(network(name, ann, snn), separators=(",", ":"))
    with open(f"{name}.json", "w", encoding="utf-8") as file:
        file.write(text.replace('},{"', '},\n{"') + "\n")
