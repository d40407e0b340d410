//! What the same network would cost on ordinary arithmetic: per-operation energies from the literature, for
//! labelled comparisons only. They price arithmetic (and optionally one memory access), not a whole machine.

/// Energy of arithmetic on a conventional processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Name in reports.
    pub name: &'static str,
    /// Energy of one multiply-accumulate in picojoules (dense network, every synapse every step).
    pub mac_pj: f64,
    /// Energy of one accumulate in picojoules (event-driven network, one per synaptic operation).
    pub ac_pj: f64,
    /// Energy of fetching one weight in picojoules; `None` where the convention leaves memory out.
    pub memory_pj: Option<f64>,
    /// Where the numbers come from.
    pub source: &'static str,
}

/// Energy of a network on a [`Baseline`], in joules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Event-driven: one accumulate (and weight fetch) per synaptic operation.
    pub event_driven_joules: f64,
    /// Dense: one multiply-accumulate (and weight fetch) per synapse and step.
    pub dense_joules: f64,
}

impl Baseline {
    /// Prices `synaptic_operations` accumulates and `dense_macs` multiply-accumulates, each with one weight
    /// fetch where the baseline counts memory.
    #[must_use]
    pub fn price(&self, synaptic_operations: u64, dense_macs: u64) -> Estimate {
        let memory = self.memory_pj.unwrap_or(0.0);
        Estimate {
            event_driven_joules: synaptic_operations as f64 * (self.ac_pj + memory) * 1e-12,
            dense_joules: dense_macs as f64 * (self.mac_pj + memory) * 1e-12,
        }
    }
}

/// Horowitz gives operations at 45 nm, 0.9 V, and SRAM by 64-bit access; control, instructions and neuron state are left out.
const BASELINES: [Baseline; 8] = [
    Baseline {
        name: "fp32 arithmetic, 45 nm (usual SNN-paper convention)",
        mac_pj: 4.6,
        ac_pj: 0.9,
        memory_pj: None,
        source: "Horowitz, ISSCC 2014: fp32 multiply 3.7 pJ, add 0.9 pJ at 0.9 V; memory left out",
    },
    Baseline {
        name: "CPU: fp32, weights in a cache of 1 MB",
        mac_pj: 4.6,
        ac_pj: 0.9,
        memory_pj: Some(50.0),
        source: "Horowitz, ISSCC 2014: 1 MB SRAM 100 pJ per 64 bits, so 50 pJ per 32-bit weight; no instructions, no neuron state",
    },
    Baseline {
        name: "CPU: fp32, weights in DRAM, without reuse",
        mac_pj: 4.6,
        ac_pj: 0.9,
        memory_pj: Some(640.0),
        source: "Horowitz, ISSCC 2014 as cited by Han et al. 2016: DRAM 640 pJ per 32-bit weight; no cache, no batching",
    },
    Baseline {
        name: "GPU: fp16, weights in a cache of 1 MB",
        mac_pj: 1.5,
        ac_pj: 0.4,
        memory_pj: Some(25.0),
        source: "Horowitz, ISSCC 2014: fp16 multiply 1.1 pJ, add 0.4 pJ; 1 MB SRAM 100 pJ per 64 bits, so 25 pJ per 16-bit weight",
    },
    Baseline {
        name: "GPU: fp16, weights in DRAM, without reuse",
        mac_pj: 1.5,
        ac_pj: 0.4,
        memory_pj: Some(320.0),
        source: "Horowitz, ISSCC 2014; Han et al. 2016: DRAM 640 pJ per 32 bits, so 320 pJ per 16-bit weight; no batching",
    },
    Baseline {
        name: "edge accelerator: int8, weights in SRAM of 8 KB",
        mac_pj: 0.23,
        ac_pj: 0.03,
        memory_pj: Some(1.25),
        source: "Horowitz, ISSCC 2014: int8 multiply 0.2 pJ, add 0.03 pJ; 8 KB SRAM 10 pJ per 64 bits, so 1.25 pJ per 8-bit weight",
    },
    Baseline {
        name: "edge accelerator: int8, weights in SRAM of 1 MB",
        mac_pj: 0.23,
        ac_pj: 0.03,
        memory_pj: Some(12.5),
        source: "Horowitz, ISSCC 2014: 1 MB SRAM 100 pJ per 64 bits, so 12.5 pJ per 8-bit weight",
    },
    Baseline {
        name: "edge accelerator: int8, weights in DRAM",
        mac_pj: 0.23,
        ac_pj: 0.03,
        memory_pj: Some(160.0),
        source: "Horowitz, ISSCC 2014; Han et al. 2016: DRAM 640 pJ per 32 bits, so 160 pJ per 8-bit weight",
    },
];

/// The baselines that reports compare with.
#[must_use]
pub const fn baselines() -> &'static [Baseline] {
    &BASELINES
}
