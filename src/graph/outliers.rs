//! Values outside a register, all of them, each with the nearest legal one.

use std::collections::BTreeMap;

/// Different values that are told by name; of more only their number.
const TOLD: usize = 24;

/// What is wrong and what would be right, for a message; `None` where every value is within `low..=high`.
pub(crate) fn outliers(
    name: &str,
    unit: &str,
    values: impl IntoIterator<Item = i64>,
    low: i64,
    high: i64,
) -> Option<(String, String)> {
    // First place and number of each value.
    let mut found: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (at, value) in values.into_iter().enumerate().filter(|(_, value)| !(low..=high).contains(value)) {
        found.entry(value).or_insert((at, 0)).1 += 1;
    }
    let total: usize = found.values().map(|&(_, count)| count).sum();
    let mut each = found.iter();
    let (&first, _) = each.next()?;
    if found.len() == 1 {
        let times = if total > 1 { format!(" ({total} times)") } else { String::new() };
        let nearest = format!("the nearest legal value is {}", first.clamp(low, high));
        return Some((format!("{name} {first} is out of range{times}"), nearest));
    }
    let tell = |(value, (at, count)): (&i64, &(usize, usize))| {
        let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!("{value} ({unit} {at}{more})")
    };
    let told: Vec<String> = found.iter().take(TOLD).map(tell).collect();
    let rest = found.len().saturating_sub(TOLD);
    let more = if rest > 0 { format!(", and {rest} further values") } else { String::new() };
    let nearest: Vec<String> =
        found.keys().take(TOLD).map(|value| format!("{} for {value}", value.clamp(&low, &high))).collect();
    Some((
        format!("{total} values of {name} are out of range: {}{more}", told.join(", ")),
        format!("the nearest legal values are {}", nearest.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_told_once_with_the_nearest_legal_one() {
        assert_eq!(outliers("bias", "neuron", [0, 4095, -4096], -4096, 4095), None);
        let (what, help) = outliers("bias", "neuron", [1, 5000, 5000], -4096, 4095).expect("one");
        assert_eq!((&what[..], &help[..]), ("bias 5000 is out of range (2 times)", "the nearest legal value is 4095"));
        let (what, help) = outliers("bias", "neuron", [5000, -5000, 5000, 0], -4096, 4095).expect("two");
        assert_eq!(what, "3 values of bias are out of range: -5000 (neuron 1), 5000 (neuron 0 and 1 more)");
        assert_eq!(help, "the nearest legal values are -4096 for -5000, 4095 for 5000");
        let (what, _) = outliers("delay", "weight", 100..200, 0, 62).expect("many");
        assert!(what.starts_with("100 values of delay") && what.ends_with("and 76 further values"), "{what}");
    }
}
