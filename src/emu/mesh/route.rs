//! Dimension-order routes: where a packet goes next, how far it goes, and how long that takes alone.

use super::edge::serial;
use crate::chip::MeshSpec;
use crate::ids::CoreId;
use crate::units::Picos;

/// The router (x, y) of a core.
pub(super) fn router_of(spec: &MeshSpec, core: CoreId) -> (u16, u16) {
    let router = core.0 / u32::from(spec.cores_per_router);
    let width = u32::from(spec.width);
    ((router % width) as u16, (router / width) as u16)
}

/// Links in x and in y between a core (or the host, `None`) and a core.
#[must_use]
pub fn hops(spec: &MeshSpec, from: Option<CoreId>, to: CoreId) -> (u16, u16) {
    let (from_x, from_y) = from.map_or(spec.host, |core| router_of(spec, core));
    let (to_x, to_y) = router_of(spec, to);
    (from_x.abs_diff(to_x), from_y.abs_diff(to_y))
}

/// Time from a core (or the host, `None`) to a core with nothing else in the mesh; `None` where the route has a part
/// whose latency is unknown.
#[must_use]
pub fn zero_load(spec: &MeshSpec, from: Option<CoreId>, to: CoreId) -> Option<Picos> {
    let (x, y) = hops(spec, from, to);
    let part = |times: u64, time: Option<Picos>| match times {
        0 => Some(Picos::ZERO),
        _ => time.map(|time| Picos(time.0.saturating_mul(times))),
    };
    let over_edges = spec.edge.as_ref().map_or(Some(Picos::ZERO), |edge| {
        let from = from.map_or(spec.host, |core| router_of(spec, core));
        let times = edge.crossings(from, router_of(spec, to));
        Some(part(times, edge.latency)? + part(times, Some(serial(edge).unwrap_or(Picos::ZERO)))?)
    });
    Some(part(x.into(), spec.hop_x)? + part(y.into(), spec.hop_y)? + over_edges? + spec.local?)
}
