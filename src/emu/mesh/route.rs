//! Dimension-order routes: where a packet goes next, how far it goes, and how long that takes alone.

use super::Target;
use super::ports::Input;
use crate::chip::MeshSpec;
use crate::ids::CoreId;
use crate::units::Picos;

/// The router (x, y) of a core.
pub(super) fn router_of(spec: &MeshSpec, core: CoreId) -> (u16, u16) {
    let router = core.0 / u32::from(spec.cores_per_router);
    let width = u32::from(spec.width);
    ((router % width) as u16, (router / width) as u16)
}

/// The channel that a packet in an input takes: x first, then y, then to its core.
#[inline]
pub(super) fn next_channel(input: &Input, to: Target) -> u32 {
    if to.x > input.x {
        input.east
    } else if to.x < input.x {
        input.east + 1
    } else if to.y < input.y {
        input.east + 2
    } else if to.y > input.y {
        input.east + 3
    } else {
        to.exit
    }
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
    let part = |hops: u16, hop: Option<Picos>| match hops {
        0 => Some(Picos::ZERO),
        _ => hop.map(|hop| Picos(hop.0 * u64::from(hops))),
    };
    Some(part(x, spec.hop_x)? + part(y, spec.hop_y)? + spec.local?)
}
