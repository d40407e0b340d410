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
    }
}

/// Powers of TrueNorth that IBM measured, with synthetic activity: every neuron of the chip at `hz`, `synapses`
/// events a spike, 21.33 hops in x and in y on average (uniform random targets on 64 x 64).
fn truenorth_milliwatts(supply_mv: u32, hz: f64, synapses: f64) -> f64 {
    let options = crate::chip::LoadOptions { supply_mv: Some(supply_mv), ..Default::default() };
    let chip = crate::chip::load("truenorth", &options).unwrap_or_else(|problems| panic!("{problems}"));
    let neurons = f64::from(1 << 20);
    let spikes = neurons * hz;
    let mut counts = EventCounts::default();
    counts.add(Event::MemoryBit, (neurons * 408.0 * 1000.0) as u64);
    counts.add(Event::HopX, (spikes * 64.0 / 3.0) as u64);
    counts.add(Event::HopY, (spikes * 64.0 / 3.0) as u64);
    counts.add(Event::SynapseCrossbar, (spikes * synapses) as u64);
    bill(&chip.energy, &counts, Some(1.0)).watts().expect("timed") * 1e3
}

#[test]
fn truenorth_reproduces_measured_powers() {
    // (supply, Hz, synapses, measured mW, tolerance): the first four are those of the fit, the rest is held out.
    for (supply, hz, synapses, measured, tolerance) in [
        (700, 0.0, 0.0, 42.0, 0.005),
        (800, 11.58, 128.0, 68.0, 0.005),
        (800, 20.07, 128.0, 71.0, 0.005),
        (800, 95.93, 128.0, 94.0, 0.005),
        (1050, 200.0, 256.0, 323.0, 0.06),
        (750, 216.0, 256.0, 145.0, 0.06),
        (750, 20.0, 128.0, 65.0, 0.12),
        (775, 20.0, 128.0, 72.0, 0.12),
    ] {
        let model = truenorth_milliwatts(supply, hz, synapses);
        let error = model / measured - 1.0;
        assert!(error.abs() <= tolerance, "{supply} mV, {hz} Hz, {synapses}: {model} mW for {measured} mW");
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
