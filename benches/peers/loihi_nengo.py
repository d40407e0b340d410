"""The network of benches/loihi.rs on the emulator of nengo-loihi 1.1: python loihi_nengo.py NEURONS STEPS

Needs nengo-loihi with nengo below 4 and numpy below 1.24. Prints steps per CPU-second and the number of spikes."""
import sys, time, warnings
import numpy as np
warnings.filterwarnings("ignore")
from nengo_loihi.block import LoihiBlock, Axon, Synapse
from nengo_loihi.emulator.interface import EmulatorInterface
from nengo_loihi.builder import Model
M=(1<<64)-1
class Rng:
    def __init__(s,seed): s.s=seed
    def below(s,b):
        z=(s.s+0x9e3779b97f4a7c15)&M; s.s=z
        z=((z^(z>>30))*0xbf58476d1ce4e5b9)&M; z=((z^(z>>27))*0x94d049bb133111eb)&M; z^=z>>31
        return (z*b)>>64
size,steps=int(sys.argv[1]),int(sys.argv[2]); rng=Rng(1)
W,I=[],[]
for _ in range(size):
    c=sorted({rng.below(size) for _ in range(100)})
    W.append(np.array([[2*(rng.below(40)-20)<<6 for _ in c]],dtype=np.int32)); I.append(np.array([c],dtype=np.int32))
bias=np.array([rng.below(4000) for _ in range(size)],dtype=np.int32)
b=LoihiBlock(size); c=b.compartment
i32=lambda x: np.full(size,x,dtype=np.int32)
c.decay_u=i32(1024); c.decay_v=i32(128); c.vth=i32(1000<<6); c.bias=bias; c.refract_delay=i32(1); c.vmin=-(1<<23)+1; c.vmax=(1<<23)-1
c.enable_noise=np.zeros(size,dtype=bool); c.scale_u=False; c.scale_v=False
s=Synapse(size); s.weights=W; s.indices=I; s.axon_compartment_bases=np.zeros(size,dtype=np.int32); s.axon_to_weight_map=np.arange(size)
s.format(); b.add_synapse(s)
a=Axon(size); a.target=s; a.compartment_map=np.arange(size); a.compartment_atoms=np.zeros(size,dtype=np.int32); b.add_axon(a)
m=Model(); m.add_block(b)
e=EmulatorInterface(m); e.strict=False
spiked=[]; t=time.process_time()
for _ in range(steps):
    e.step(); spiked.append(np.flatnonzero(e.compartment.spiked))
d=time.process_time()-t
n=sum(map(len,spiked))
print(f"nengo-loihi {size}: {steps/d:.0f} steps/s, {n} spikes in {steps} steps, rate {n/steps/size:.4f}")
# FNV-1a of all (step, neuron), as benches/loihi.rs prints it of its first 60 ticks.
h=0xcbf29ce484222325
for step,neurons in enumerate(spiked[:60]):
    for neuron in neurons:
        for byte in int(step).to_bytes(4,"little")+int(neuron).to_bytes(4,"little"): h=((h^byte)*0x100000001b3)&M
print(f"spikes of the first {min(steps,60)} steps: {h:016x}")
