//! ODIN's published power law, for runs on cores of its kind. It is ODIN's measured silicon, not tinyODIN's, which
//! nobody has measured: label what comes of it with [`PowerLaw::name`].

/// Power of a clocked chip as a line in clock rate and rate of synaptic operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// Whose it is, for reports.
    pub name: &'static str,
    /// Power at rest with the clock stopped, in microwatts.
    pub leakage_uw: f64,
    /// Power of the clock, in microwatts a megahertz (picojoules a cycle).
    pub clock_uw_per_mhz: f64,
    /// Energy of one synaptic operation, in picojoules.
    pub synaptic_pj: f64,
    /// Fastest clock at which the law was measured, in hertz.
    pub most_hz: f64,
    /// Where the numbers come from.
    pub source: &'static str,
}

/// What a run costs by a [`PowerLaw`]. The law knows no other event: updates by virtual events and time references
/// are in the clock's share, as far as they are anywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerBill {
    /// Cycles over clock rate, in seconds.
    pub seconds: f64,
    /// Leakage over that time, in joules.
    pub leakage_joules: f64,
    /// The clock's share, in joules.
    pub clock_joules: f64,
    /// The synaptic operations' share, in joules.
    pub synaptic_joules: f64,
    /// Whether the clock is within the measured range; beyond it the bill is an extrapolation.
    pub measured_range: bool,
}

impl PowerLaw {
    /// Prices a run of `cycles` clock edges at `clock_hz` with `synaptic_operations`; `None` for a clock rate that
    /// is not positive and finite.
    #[must_use]
    pub fn bill(&self, cycles: u64, synaptic_operations: u64, clock_hz: f64) -> Option<PowerBill> {
        if !(clock_hz.is_finite() && clock_hz > 0.0) {
            return None;
        }
        let seconds = cycles as f64 / clock_hz;
        Some(PowerBill {
            seconds,
            leakage_joules: self.leakage_uw * 1e-6 * seconds,
            clock_joules: self.clock_uw_per_mhz * 1e-12 * cycles as f64,
            synaptic_joules: self.synaptic_pj * 1e-12 * synaptic_operations as f64,
            measured_range: clock_hz <= self.most_hz,
        })
    }
}

impl PowerBill {
    /// All of it, in joules.
    #[must_use]
    pub fn joules(&self) -> f64 {
        self.leakage_joules + self.clock_joules + self.synaptic_joules
    }

    /// Mean power in watts; `None` for a run of no cycles.
    #[must_use]
    pub fn watts(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.joules() / self.seconds)
    }
}

/// ODIN's law at its lowest supply.
#[must_use]
pub const fn odin_power_law() -> PowerLaw {
    PowerLaw {
        name: "ODIN's power law (28 nm FDSOI, 0.55 V); tinyODIN itself has no published power",
        leakage_uw: 27.3,
        clock_uw_per_mhz: 1.78,
        synaptic_pj: 8.43,
        most_hz: 75e6,
        source: "Frenkel et al., IEEE TBioCAS 13(1), 2019 (arXiv 1804.07858): P = 27.3 uW + 1.78 uW/MHz f + 8.43 pJ r_SOP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odins_measured_powers_are_reproduced() {
        // (clock in Hz, synaptic operations a second, measured microwatts).
        for (hz, operations, measured) in [(75e6, 37_500_000, 477.0), (1.3e6, 650_000, 35.0)] {
            let bill = odin_power_law().bill(hz as u64, operations, hz).expect("a clock");
            let watts = bill.watts().expect("a second");
            let error = watts * 1e6 / measured - 1.0;
            assert!(error.abs() < 0.01, "{watts} W for {measured} uW");
            assert!(bill.measured_range);
        }
    }

    #[test]
    fn the_global_figure_per_operation_follows() {
        // 12.7 pJ per synaptic operation at full speed: one operation every second cycle.
        let bill = odin_power_law().bill(75_000_000, 37_500_000, 75e6).expect("a clock");
        assert!((bill.joules() / 37.5e6 / 12.7e-12 - 1.0).abs() < 0.01);
        assert_eq!(odin_power_law().bill(1, 1, 0.0), None);
        assert_eq!(odin_power_law().bill(1, 1, f64::NAN), None);
        let fast = odin_power_law().bill(0, 0, 100e6).expect("a clock");
        assert!(!fast.measured_range);
        assert_eq!(fast.watts(), None);
    }
}
