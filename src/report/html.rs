//! stub
use crate::report::json::model::Report;
/// stub
#[must_use]
pub fn html(report: &Report) -> String {
    report.network.clone()
}
/// stub
pub(super) fn comparison_page(reports: &[Report]) -> String {
    reports.iter().map(html).collect()
}
