//! Decimal numbers with units, resolved exactly to integers: no float stands between a file and the chip.

/// What a number measures, with the integer unit that it is resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Picoseconds.
    Time,
    /// Attojoules.
    Energy,
    /// Nanowatts.
    Power,
    /// Millivolts.
    Voltage,
    /// Bits a second.
    Rate,
    /// Thousandths of a pure number.
    Milli,
}

impl Dimension {
    /// Units with the power of ten that leads to the integer unit.
    pub(super) const fn units(self) -> &'static [(&'static str, i32)] {
        match self {
            Self::Time => &[("ps", 0), ("ns", 3), ("us", 6), ("ms", 9), ("s", 12)],
            Self::Energy => &[("aJ", 0), ("fJ", 3), ("pJ", 6), ("nJ", 9), ("uJ", 12)],
            Self::Power => &[("nW", 0), ("uW", 3), ("mW", 6), ("W", 9)],
            Self::Voltage => &[("mV", 0), ("V", 3)],
            Self::Rate => &[("bit/s", 0), ("kbit/s", 3), ("Mbit/s", 6), ("Gbit/s", 9), ("Tbit/s", 12)],
            Self::Milli => &[("", 3)],
        }
    }

    /// Largest integer allowed: far above any chip, far below overflow of sums.
    pub(super) const fn most(self) -> u64 {
        match self {
            Self::Time | Self::Rate => 1_000_000_000_000_000,
            Self::Energy | Self::Power => 1_000_000_000_000,
            Self::Voltage => 100_000,
            Self::Milli => 16_000,
        }
    }

    /// The integer unit, for messages.
    pub(super) const fn resolution(self) -> &'static str {
        match self {
            Self::Time => "ps",
            Self::Energy => "aJ",
            Self::Power => "nW",
            Self::Voltage => "mV",
            Self::Rate => "bit/s",
            Self::Milli => "thousandths",
        }
    }
}

/// `text * 10^power` as an integer, exactly; `Err` says what is wrong.
pub(super) fn decimal(text: &str, power: i32) -> Result<i128, &'static str> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| "its exponent is not a number")?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction.trim_end_matches('0')].concat();
    if all.is_empty() || all.len() > 30 || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it is not a finite decimal number of at most 30 digits");
    }
    let value: i128 = all.parse().map_err(|_| "it is not a number")?;
    let scale = power.saturating_add(exponent).saturating_sub(fraction.trim_end_matches('0').len() as i32);
    if value == 0 {
        return Ok(0);
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs().min(99)).ok_or("it is out of all range")?;
    let scaled = if scale >= 0 {
        value.checked_mul(factor).ok_or("it is out of all range")?
    } else if value % factor == 0 {
        value / factor
    } else {
        return Err("it is finer than the resolution");
    };
    Ok(if negative { -scaled } else { scaled })
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_exact() {
        for (text, power, value) in [
            ("23.6", 6, 23_600_000),
            ("1", 9, 1_000_000_000),
            ("0.70", 3, 700),
            ("2.0", 0, 2),
            ("-1.5e1", 0, -15),
            ("+7.16", 3, 7_160),
            ("0e99", 3, 0),
        ] {
            assert_eq!(decimal(text, power), Ok(value), "{text} e{power}");
        }
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        for text in ["0.0001", "inf", "nan", "1e99", "1e-99", "1e99999999999", ".", "", "--1", "1.2.3"] {
            assert!(decimal(text, 3).is_err(), "{text}");
        }
    }
}
