//! The few shapes that the charts need. Colours are classes of the style sheet, so both modes work.

use std::fmt::Write as _;

/// A drawing under construction.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// A coordinate with at most one decimal: what the eye can see and the file can afford.
pub(super) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Svg {
    /// An empty drawing.
    pub(super) const fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(element);
    }

    /// A rectangle, with a tooltip where it has one.
    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64), title: Option<&str>) {
        let (x, y, w, h) = (at(x), at(y), at(w), at(h));
        match title {
            Some(title) => self.push(format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"2\"><title>{}</title></rect>",
                escape(title)
            )),
            None => self.push(format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"2\"/>"
            )),
        }
    }

    /// Text at its baseline.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        self.push(format_args!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>", at(x), at(y), escape(text)));
    }

    /// A path; nothing where it is empty.
    pub(super) fn path(&mut self, class: &str, data: &str) {
        if !data.is_empty() {
            self.push(format_args!("<path class=\"{class}\" d=\"{data}\"/>"));
        }
    }

    /// A path with its own line width and tooltip.
    pub(super) fn stroke(&mut self, class: &str, width: f64, data: &str, title: Option<&str>) {
        if !data.is_empty() {
            let title = title.map_or_else(String::new, |title| format!("<title>{}</title>", escape(title)));
            self.push(format_args!(
                "<path class=\"{class}\" style=\"stroke-width:{}\" d=\"{data}\">{title}</path>",
                at(width)
            ));
        }
    }

    /// A horizontal grid line with its label at the left, or a vertical one with its label below.
    pub(super) fn grid(&mut self, from: (f64, f64), to: (f64, f64), label: &str) {
        self.path("g", &format!("M{} {}L{} {}", at(from.0), at(from.1), at(to.0), at(to.1)));
        if from.1 == to.1 {
            self.text("l r", (from.0 - 6.0, from.1 + 4.0), label);
        } else {
            self.text("l m", (to.0, to.1 + 15.0), label);
        }
    }

    /// The finished element.
    pub(super) fn finish(self, label: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            at(self.width),
            at(self.height),
            escape(label),
            self.body
        )
    }
}

/// Round marks from 0 to at least `max`, about `wanted` of them.
pub(super) fn marks(max: f64, wanted: f64) -> Vec<f64> {
    if max.is_nan() || max <= 0.0 || !max.is_finite() {
        return vec![0.0];
    }
    let rough = max / wanted;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|it| it * power).find(|step| *step >= rough * 0.999).unwrap_or(rough);
    (0..=(max / step * 1.000_001).floor() as usize).map(|mark| step * mark as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_inside() {
        assert_eq!(marks(10.0, 5.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!(marks(3.7e-6, 4.0).iter().all(|&mark| mark <= 3.7e-6));
        assert_eq!(marks(0.0, 4.0), [0.0]);
        assert_eq!(marks(f64::NAN, 4.0), [0.0]);
    }

    #[test]
    fn text_is_escaped() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("l", (0.0, 0.0), "<&>");
        assert!(svg.finish("\"").contains("&lt;&amp;&gt;"));
    }
}
