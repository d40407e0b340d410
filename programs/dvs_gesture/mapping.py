"""SANA-FE's own mapping of the DVS gesture network as a mapping file: python mapping.py dvs_gesture_yaml.npz map.csv

Needs numpy. Reads the arrays `core` and `sizes` of the npz. SANA-FE numbers the tiles of its 8 x 4 mesh column by column,
spikeloom row by row: the cores are renumbered so that every tile keeps its place."""
import sys
import numpy as np

data = np.load(sys.argv[1])
starts = np.concatenate([[0], np.cumsum(data["sizes"])])
with open(sys.argv[2], "w") as out:
    out.write("population,neuron,core\n")
    for layer in range(len(data["sizes"])):
        cores = data["core"][starts[layer]:starts[layer + 1]]
        cuts = np.flatnonzero(np.diff(cores)) + 1
        for first, end in zip([0, *cuts], [*cuts, len(cores)]):
            tile, local = divmod(int(cores[first]), 4)
            place = (tile % 4 * 8 + tile // 4) * 4 + local
            out.write(f"l{layer},{first}-{end - 1},{place}\n" if end - first > 1 else f"l{layer},{first},{place}\n")
