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
