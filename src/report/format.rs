//! Numbers for people. An unknown is the word, never a zero.

/// The word for what is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// Three significant digits with an SI prefix, such as `23.6 pJ`.
pub(super) fn si(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 11] = [
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "µ"),
        (1e-9, "n"),
        (1e-12, "p"),
        (1e-15, "f"),
        (1e-18, "a"),
    ];
    if value == 0.0 || !value.is_finite() {
        return format!("{value} {unit}");
    }
    let size = value.abs() * 1.000_000_1;
    let (scale, prefix) = PREFIXES.into_iter().find(|(scale, _)| size >= *scale).unwrap_or((1e-18, "a"));
    let scaled = value / scale;
    let digits = match scaled.abs() {
        100.0.. => 0,
        10.0..100.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$} {prefix}{unit}")
}

/// [`si`], or the word.
pub(super) fn si_or_unknown(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| si(value, unit))
}

/// Spikes of a neuron and tick: four decimals, or two digits where these would be zeros.
pub(super) fn rate(value: f64) -> String {
    if value > 0.0 && value < 5e-4 { format!("{value:.1e}") } else { format!("{value:.4}") }
}

/// Anything, or the word.
pub(super) fn or_unknown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

/// Digits in groups of three with thin spaces, such as `1 234 567`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A fraction as percent.
pub(super) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent != 0.0 && percent.abs() < 0.1 { format!("{percent:.3} %") } else { format!("{percent:.1} %") }
}

/// Millivolts as volts.
pub(super) fn volts(millivolts: u32) -> String {
    format!("{:.3} V", f64::from(millivolts) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(si(23.6e-12, "J"), "23.6 pJ");
        assert_eq!(si(0.001, "s"), "1.00 ms");
        assert_eq!(si(123_456.0, "W"), "123 kW");
        assert_eq!(si(0.0, "J"), "0 J");
        assert_eq!(si_or_unknown(None, "J"), "unknown");
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count(12), "12");
        assert_eq!(percent(0.954), "95.4 %");
        assert_eq!(percent(0.000_12), "0.012 %");
        assert_eq!([rate(0.0), rate(0.25), rate(1.5e-5)], ["0.0000", "0.2500", "1.5e-5"]);
    }
}
