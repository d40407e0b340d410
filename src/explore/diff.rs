//! Two explorations side by side: candidates with the same network, chip, changes, pipeline and seed, and what changed.

use std::collections::BTreeMap;

use super::row::Row;

/// One figure of one candidate in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The figure.
    pub figure: &'static str,
    /// In the first.
    pub before: f64,
    /// In the second.
    pub after: f64,
}

/// One candidate in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Network, chip and changes.
    pub group: String,
    /// Pipeline and seed.
    pub label: String,
    /// Whether the neurons stand elsewhere.
    pub mapping: bool,
    /// Whether the spikes differ, where both were run.
    pub spikes: bool,
    /// Figures that differ.
    pub moved: Vec<Moved>,
}

type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, u64);

fn key(row: &Row) -> Key<'_> {
    (&row.network, &row.chip, &row.set, &row.partition, &row.placement, row.seed)
}

/// The figures of a row by name.
fn figures(row: &Row) -> Vec<(&'static str, f64)> {
    let mut found = Vec::new();
    if let Some(s) = &row.statics {
        found.extend([("cores", f64::from(s.cores)), ("packets", s.packets), ("hops", s.hops)]);
        found.extend([("tree hops", s.tree_hops), ("busiest link", s.max_link)]);
    }
    if let Some(split) = &row.split {
        found.push(("split error", split.share()));
    }
    if let Some(m) = &row.measured {
        found.push(("energy", m.joules));
        let times = [("seconds", m.seconds), ("tick", m.tick), ("packet", m.packet)];
        found.extend(times.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    }
    found
}

/// Candidates of both that differ, and those that only one has, as (differences, only before, only after).
#[must_use]
pub fn diff(before: &[Row], after: &[Row]) -> (Vec<Difference>, Vec<String>, Vec<String>) {
    let old: BTreeMap<Key<'_>, &Row> = before.iter().map(|row| (key(row), row)).collect();
    let new: BTreeMap<Key<'_>, &Row> = after.iter().map(|row| (key(row), row)).collect();
    let name = |row: &Row| format!("{} on {} {} {}", row.network, row.chip, row.set, row.label());
    let only = |from: &BTreeMap<Key<'_>, &Row>, other: &BTreeMap<Key<'_>, &Row>| {
        from.iter().filter(|(key, _)| !other.contains_key(*key)).map(|(_, row)| name(row)).collect()
    };
    let mut found = Vec::new();
    for (key, old) in &old {
        let Some(new) = new.get(key) else { continue };
        let after: BTreeMap<&str, f64> = figures(new).into_iter().collect();
        let changed = |(figure, before): (&'static str, f64)| {
            let after = *after.get(figure)?;
            (before.to_bits() != after.to_bits()).then_some(Moved { figure, before, after })
        };
        let moved: Vec<Moved> = figures(old).into_iter().filter_map(changed).collect();
        let digest = |row: &Row| row.statics.as_ref().map(|statics| statics.mapping.clone());
        let spikes = |row: &Row| row.measured.as_ref().map(|measured| measured.spikes.clone());
        let mapping = digest(old) != digest(new);
        let spikes = spikes(old).zip(spikes(new)).is_some_and(|(old, new)| old != new);
        if mapping || spikes || !moved.is_empty() {
            let group = format!("{} on {} {}", new.network, new.chip, new.set).trim_end().to_owned();
            found.push(Difference { group, label: new.label(), mapping, spikes, moved });
        }
    }
    (found, only(&old, &new), only(&new, &old))
}
