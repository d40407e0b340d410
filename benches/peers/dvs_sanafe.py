"""The DVS gesture network on SANA-FE's `detailed` timing model: python dvs_sanafe.py loihi.yaml dvs.yaml STEPS

Needs sanafe. The two files are of SANA-FE's repository (arch/loihi.yaml, snn/dvs.yaml). Prints steps per CPU-second
without the loading, and the most memory."""
import resource
import sys

import sanafe


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


arch = sanafe.load_arch(sys.argv[1])
chip = sanafe.SpikingChip(arch)
chip.load(sanafe.load_net(sys.argv[2], arch))
steps, start = int(sys.argv[3]), cpu()
result = chip.sim(steps, timing_model="detailed")
rate = steps / (cpu() - start)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"SANA-FE: {rate:.1f} steps per CPU-second, {result['neurons_fired']} spikes, {memory:.0f} MB")
