//! A line with its points.

use super::svg::{Svg, at, marks};
use crate::report::curve::digits;

/// `values` from (0, 0) on, in order of the first.
pub(in crate::report) fn line_plot(values: &[(f64, f64)], unit: &str) -> String {
    let (left, top, width, height) = (56.0, 24.0, 460.0, 240.0);
    let most = |of: fn(&(f64, f64)) -> f64| values.iter().map(of).fold(0.0_f64, f64::max).max(1e-9);
    let (last, most) = (most(|value| value.0) * 1.05, most(|value| value.1) * 1.1);
    let place = |(x, y): (f64, f64)| (left + width * x / last, top + height * (1.0 - y / most));
    let mut svg = Svg::new(540.0, top + height + 28.0);
    for mark in marks(most, 5.0) {
        let y = place((0.0, mark)).1;
        svg.grid((left, y), (left + width, y), &digits(mark));
    }
    for mark in marks(last, 6.0) {
        svg.text("l m", (place((mark, 0.0)).0, top + height + 16.0), &digits(mark));
    }
    svg.text("l", (left, 14.0), unit);
    let mut data = String::new();
    for (number, value) in values.iter().enumerate() {
        let (x, y) = place(*value);
        data.push_str(&format!("{}{} {}", if number == 0 { 'M' } else { 'L' }, at(x), at(y)));
    }
    svg.path("sa", &data);
    for value in values {
        let (x, y) = place(*value);
        let title = format!("{}: {}", digits(value.0), digits(value.1));
        svg.rect("fa", (x - 3.0, y - 3.0), (6.0, 6.0), Some(&title));
    }
    svg.finish("curve over load")
}
