//! Rules as canonical text: what [`super::parse_rule`] reads back as the same rule.

use std::fmt;

use super::{Dependency, Factor, Product, Rule};

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X0 => f.write_str("x0"),
            Self::Y0 => f.write_str("y0"),
            Self::U(k) => write!(f, "u{k}"),
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.variable.name();
        let operator = if self.constant < 0 { '-' } else { '+' };
        let magnitude = self.constant.unsigned_abs();
        match (self.sign, self.constant) {
            (true, 0) => write!(f, "sgn({name})"),
            (true, _) => write!(f, "sgn({name} {operator} {magnitude})"),
            (false, 0) => f.write_str(name),
            (false, _) => write!(f, "({name} {operator} {magnitude})"),
        }
    }
}

impl fmt::Display for Product {
    /// Without its sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.mantissa.unsigned_abs();
        if magnitude != 1 {
            write!(f, "{magnitude}*")?;
        }
        if self.exponent != 0 {
            write!(f, "2^{}*", self.exponent)?;
        }
        write!(f, "{}", self.dependency)?;
        self.factors.iter().try_for_each(|factor| write!(f, "*{factor}"))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sums = [("dw", &self.weight), ("dd", &self.delay), ("dt", &self.tag)];
        for (index, (name, products)) in sums.iter().filter(|(_, products)| !products.is_empty()).enumerate() {
            write!(f, "{}{name} =", if index > 0 { "; " } else { "" })?;
            for (place, product) in products.iter().enumerate() {
                let sign = match (product.mantissa < 0, place) {
                    (true, _) => " -",
                    (false, 0) => "",
                    (false, _) => " +",
                };
                write!(f, "{sign} {product}")?;
            }
        }
        Ok(())
    }
}
