use super::*;

fn table(static_power: Option<StaticPower>) -> EnergyTable {
    let mut entries = [None; Event::COUNT];
    entries[Event::SynapseDense.index()] =
        Some(EnergyEntry { attojoules: 23_600_000, reference_mv: 750, exponent_milli: 2000 });
    entries[Event::HopX.index()] = Some(EnergyEntry { attojoules: 3_000_000, reference_mv: 750, exponent_milli: 0 });
    EnergyTable { cost_set: "t".into(), cost_note: String::new(), supply_mv: 750, entries, static_power }
}

fn counts(pairs: &[(Event, u64)]) -> EventCounts {
    let mut counts = EventCounts::default();
    pairs.iter().for_each(|(event, count)| counts.add(*event, *count));
    counts
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs()
}

#[test]
fn every_event_is_priced_once_and_unknown_is_not_zero() {
    let table = table(Some(StaticPower { nanowatts: 104_000_000, reference_mv: 750, exponent_milli: 0 }));
    let bill = bill(&table, &counts(&[(Event::SynapseDense, 10), (Event::HopX, 2), (Event::SpikeOut, 3)]), Some(1e-6));
    assert_eq!(bill.entries.len(), 3);
    assert_eq!(bill.unknown(), [Event::SpikeOut]);
    assert!(near(bill.dynamic_joules, 242e-12), "{}", bill.dynamic_joules);
    assert!(near(bill.static_joules.expect("known"), 104e-9));
    assert!(near(bill.watts().expect("timed"), (242e-12 + 104e-9) / 1e-6));
    assert!(near(bill.joules_per_synaptic_event().expect("synaptic"), (242e-12 + 104e-9) / 10.0));
    assert!(near(bill.gsops_per_watt().expect("spent"), 10.0 / (242e-12 + 104e-9) * 1e-9));
}

#[test]
fn supply_scales_only_what_says_so() {
    let mut table = table(None);
    table.supply_mv = 1500;
    let both = counts(&[(Event::SynapseDense, 1), (Event::HopX, 1)]);
    assert!(near(bill(&table, &both, None).dynamic_joules, 4.0 * 23.6e-12 + 3e-12));
}

#[test]
fn without_time_there_is_no_static_energy_and_no_power() {
    let table = table(Some(StaticPower { nanowatts: 1, reference_mv: 750, exponent_milli: 0 }));
    let bill = bill(&table, &counts(&[]), None);
    assert_eq!((bill.static_joules, bill.watts(), bill.joules_per_synaptic_event()), (None, None, None));
    assert_eq!(bill.gsops_per_watt(), None);
}

#[test]
fn baselines_price_accumulates_and_macs() {
    let fp32 = &baselines()[0];
    let estimate = fp32.price(1_000, 1_000_000);
    assert!(near(estimate.event_driven_joules, 0.9e-9));
    assert!(near(estimate.dense_joules, 4.6e-6));
    for baseline in baselines() {
        assert!(baseline.mac_pj > baseline.ac_pj && !baseline.source.is_empty(), "{}", baseline.name);
        assert!(
            baseline.memory_pj.is_none_or(|memory| memory > baseline.mac_pj),
            "fetching costs more: {}",
            baseline.name
        );
    }
}

/// Powers of TrueNorth that IBM measured, with synthetic activity: every neuron of the chip at `hz`, `synapses`
/// events a spike, 21.33 hops in x and in y on average (uniform random targets on 64 x 64).
fn truenorth_milliwatts(supply_mv: u32, hz: f64, synapses: f64, ticks_per_second: f64) -> f64 {
    let options = crate::chip::LoadOptions { supply_mv: Some(supply_mv), ..Default::default() };
    let chip = crate::chip::load("truenorth", &options).unwrap_or_else(|problems| panic!("{problems}"));
    let neurons = f64::from(1 << 20);
    let spikes = neurons * hz;
    let mut counts = EventCounts::default();
    counts.add(Event::MemoryBit, (neurons * 408.0 * ticks_per_second) as u64);
    counts.add(Event::HopX, (spikes * 64.0 / 3.0) as u64);
    counts.add(Event::HopY, (spikes * 64.0 / 3.0) as u64);
    counts.add(Event::SynapseCrossbar, (spikes * synapses) as u64);
    bill(&chip.energy, &counts, Some(1.0)).watts().expect("timed") * 1e3
}

#[test]
fn truenorth_reproduces_measured_powers() {
    for point in operating_points() {
        let (rate, synapses) = (point.rate * 1000.0 / f64::from(point.tick_us), f64::from(point.synapses));
        let ticks_per_second = 1e6 / f64::from(point.tick_us);
        let milliwatts = truenorth_milliwatts(point.supply_mv, rate, synapses, ticks_per_second);
        let (model, measured) = match point.measured {
            Measured::Milliwatts(measured) => (milliwatts, measured),
            Measured::GsopsPerWatt(measured) => (f64::from(1 << 20) * rate * synapses * 1e-6 / milliwatts, measured),
        };
        let error = model / measured - 1.0;
        let tolerance = if point.fitted { 0.005 } else { 0.12 };
        assert!(error.abs() <= tolerance, "{}: {model} for {measured}", point.name);
    }
}

/// ODIN's measured powers at 0.55 V (Frenkel et al. 2019), at 75 MHz and at 1.3 MHz: (length of a cycle, synaptic
/// operations a second, microwatts).
#[test]
fn tinyodins_set_is_odins_law() {
    for (clock, operations, measured) in [("13.333 ns", 37_500_000, 477.0), ("769.231 ns", 650_000, 35.0)] {
        let set = vec![("sync.clock".to_owned(), clock.to_owned())];
        let chip = crate::chip::load("tinyodin", &crate::chip::LoadOptions { set, ..Default::default() });
        let chip = chip.unwrap_or_else(|problems| panic!("{problems}"));
        let watts = bill(&chip.energy, &counts(&[(Event::SynapseDense, operations)]), Some(1.0)).watts();
        let microwatts = watts.expect("a second") * 1e6;
        assert!((microwatts / measured - 1.0).abs() < 0.01, "{clock}: {microwatts} for {measured} uW");
    }
}

#[test]
fn loihi_operations_cost_what_the_table_says() {
    let chip = crate::chip::load("loihi", &Default::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let cost = |events: &[(Event, u64)]| bill(&chip.energy, &counts(events), None).dynamic_joules;
    assert!(near(cost(&[(Event::NeuronAccess, 1)]), 52e-12));
    assert!(near(cost(&[(Event::NeuronAccess, 1), (Event::NeuronUpdate, 1)]), 81e-12));
    assert!(near(cost(&[(Event::SynapseDense, 1), (Event::HopX, 1), (Event::HopY, 1)]), 30.6e-12));
    // A network reset is about one idle sweep of all compartments: 5.94 uJ measured, 6.82 uJ by the table.
    let sweep = cost(&[(Event::NeuronAccess, 131_072)]);
    assert!((sweep / 5.94e-6 - 1.0).abs() < 0.2, "{sweep}");
}
