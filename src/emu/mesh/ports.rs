//! The links of all routers: a channel and the input at its far end, side by side in memory.

use super::Target;
use super::route::router_of;
use crate::chip::MeshSpec;
use crate::ids::CoreId;

/// No packet, no link.
pub(super) const NONE: u32 = u32::MAX;

/// Ports of a router to its neighbours: 0 east, 1 west, 2 north, 3 south (y grows to the south). The far end of side
/// `s` is side `s ^ 1` of the neighbour.
pub(super) const SIDES: usize = 4;

/// What a link joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Two routers in x.
    Horizontal,
    /// Two routers in y.
    Vertical,
    /// Two routers of different chips.
    Edge,
    /// A core (or the host) and its router: the channel is the exit to the core, the input takes what the core sends.
    Core,
}

/// A channel, and the input at its far end; for a core, both of its router. One cache line, since a packet that crosses
/// the channel is soon in the input, and since the input's free slots are what the channel waits for.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Link {
    /// End of the input's last handshake.
    pub idle_at: u64,
    /// When the input's first packet asked for a channel.
    pub since: u64,
    /// End of the channel's last handshake.
    pub free_at: u64,
    /// First and last packet in the input that is not granted; the last is stale where there is none.
    pub first: u32,
    pub last: u32,
    /// The link whose channel took the input's last packet.
    pub through: u32,
    /// The input behind this one in the waiting list of a channel.
    pub behind: u32,
    /// The input that the channel took its last packet from.
    pub serving: u32,
    /// First input that waits for the channel.
    waiting: u32,
    /// Packets over the channel in this tick.
    pub packets: u32,
    /// First link of the input's router.
    base: u32,
    /// The input's router.
    pub x: u16,
    pub y: u16,
    /// Free slots of the input, the one of a handshake that has not ended included.
    pub slots: u16,
    pub kind: Kind,
    flags: u8,
}

/// The input's first packet is in the waiting list of a channel.
const ASKS: u8 = 1;
/// An event is noted for the end of the input's handshake.
const WAKES: u8 = 2;
/// The channel waits for a slot of the input.
const BLOCKS: u8 = 4;

impl Link {
    const fn new(x: u16, y: u16, base: u32, kind: Kind, slots: u16) -> Self {
        Self {
            idle_at: 0,
            since: 0,
            free_at: 0,
            first: NONE,
            last: NONE,
            through: NONE,
            behind: NONE,
            serving: NONE,
            waiting: NONE,
            packets: 0,
            base,
            x,
            y,
            slots,
            kind,
            flags: 0,
        }
    }

    /// Whether the input's first packet waits for a channel.
    #[inline]
    pub(super) const fn asks(&self) -> bool {
        self.flags & ASKS != 0
    }

    /// Whether an input waits for the channel.
    #[inline]
    pub(super) const fn awaited(&self) -> bool {
        self.waiting != NONE
    }

    /// Whether the input has one slot fewer than it counts: a handshake that takes a packet out is under way.
    #[inline]
    const fn leaves(&self, now: u64) -> bool {
        self.idle_at > now
    }

    /// Whether a packet that just came can go on at once, if nothing else happens at `now`.
    #[inline]
    pub(super) const fn takes(&self, now: u64) -> bool {
        let room = match self.kind {
            Kind::Core => true,
            _ => self.slots > 1 || (self.slots == 1 && !self.leaves(now)),
        };
        self.waiting == NONE && self.free_at <= now && room
    }

    /// Notes that the end of the input's handshake is an event; `false` where that was known.
    #[inline]
    pub(super) const fn note_wake(&mut self) -> bool {
        let fresh = self.flags & WAKES == 0;
        self.flags |= WAKES;
        fresh
    }

    /// A packet leaves the input; whether the channel waits for the slot.
    #[inline]
    pub(super) fn send(&mut self, through: u32, until: u64) -> bool {
        let blocks = self.flags & BLOCKS != 0;
        self.idle_at = until;
        self.through = through;
        self.flags = 0;
        if self.kind != Kind::Core {
            self.slots += 1;
        }
        blocks
    }

    /// The channel takes a packet of the input `serving`; its number in this tick.
    #[inline]
    pub(super) fn carry(&mut self, serving: u32, until: u64) -> u32 {
        self.free_at = until;
        self.serving = serving;
        self.packets += 1;
        if self.kind != Kind::Core {
            self.slots -= 1;
        }
        self.packets
    }
}

/// All links of a mesh, by the port of their input: `router * (4 + cores) + port`, the sides first, then the cores. The
/// host's is the very last.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    width: u32,
    ports: u32,
    /// From the first link of a router to the link that leaves it by a side.
    steps: [u32; SIDES],
    pub links: Vec<Link>,
}

impl Ports {
    /// The links of an empty mesh.
    pub(super) fn new(spec: &MeshSpec) -> Self {
        let (width, height, cores) = (u32::from(spec.width), u32::from(spec.height), u32::from(spec.cores_per_router));
        let (host_x, host_y) = spec.host;
        assert!(cores > 0 && host_x < spec.width && host_y < spec.height, "a mesh with cores and the host inside");
        let ports = SIDES as u32 + cores;
        assert!(u64::from(width) * u64::from(height) * u64::from(ports) < u64::from(NONE), "ports have 32-bit numbers");
        let row = width * ports;
        // Over a router's east side lies the west side of its neighbour, and so on.
        let steps = [ports + 1, 0_u32.wrapping_sub(ports), 3_u32.wrapping_sub(row), row + 2];
        let slots = spec.buffer.max(1);
        let mut links = Vec::new();
        for (y, x) in (0..spec.height).flat_map(|y| (0..spec.width).map(move |x| (y, x))) {
            let base = (u32::from(y) * width + u32::from(x)) * ports;
            let kinds = (0..ports).map(|port| kind_of(spec, x, y, port));
            links.extend(kinds.map(|kind| Link::new(x, y, base, kind, slots)));
        }
        let base = (u32::from(host_y) * width + u32::from(host_x)) * ports;
        links.push(Link::new(host_x, host_y, base, Kind::Core, slots));
        Self { width, ports, steps, links }
    }

    /// Routers of the mesh.
    pub(super) fn routers(&self) -> usize {
        self.links.len() / self.ports as usize
    }

    /// The link from a core, which is also the one to it.
    pub(super) fn of_core(&self, core: CoreId) -> u32 {
        let cores = self.ports - SIDES as u32;
        let (router, local) = (core.0 / cores, core.0 % cores);
        router * self.ports + SIDES as u32 + local
    }

    /// Router and link of every core.
    pub(super) fn doors(&self, spec: &MeshSpec) -> Vec<Target> {
        let cores = 0..u32::from(spec.width) * u32::from(spec.height) * u32::from(spec.cores_per_router);
        let door = |core| {
            let (x, y) = router_of(spec, core);
            Target { x, y, exit: self.of_core(core) }
        };
        cores.map(CoreId).map(door).collect()
    }

    /// The link from the host.
    pub(super) fn of_host(&self) -> u32 {
        self.links.len() as u32 - 1
    }

    /// The router that a side's link comes from, and its side there; `None` for cores and the host.
    pub(super) fn sender(&self, link: u32) -> Option<(u32, usize)> {
        if self.links[link as usize].kind == Kind::Core {
            return None;
        }
        let (router, port) = (link / self.ports, (link % self.ports) as usize);
        let from = match port {
            0 => router + 1,
            1 => router.wrapping_sub(1),
            2 => router.wrapping_sub(self.width),
            _ => router + self.width,
        };
        Some((from, port ^ 1))
    }

    /// The link that a packet in an input takes: x first, then y, then to its core.
    #[inline]
    pub(super) fn next(&self, input: &Link, to: Target) -> u32 {
        let side = if to.x > input.x {
            0
        } else if to.x < input.x {
            1
        } else if to.y < input.y {
            2
        } else if to.y > input.y {
            3
        } else {
            return to.exit;
        };
        input.base.wrapping_add(self.steps[side])
    }

    /// Puts an input into the waiting list of a channel, by (time of request, number of the input's port).
    pub(super) fn wait(&mut self, channel: u32, number: u32, now: u64) {
        let links = &mut self.links;
        links[number as usize].since = now;
        links[number as usize].flags |= ASKS;
        let earlier =
            |links: &[Link], other: u32| other != NONE && (links[other as usize].since, other) < (now, number);
        let first = links[channel as usize].waiting;
        if !earlier(links, first) {
            links[number as usize].behind = first;
            links[channel as usize].waiting = number;
            return;
        }
        let mut before = first;
        while earlier(links, links[before as usize].behind) {
            before = links[before as usize].behind;
        }
        links[number as usize].behind = links[before as usize].behind;
        links[before as usize].behind = number;
    }

    /// Takes the first waiting input, where the channel is idle and has a free slot at its far end.
    pub(super) fn choose(&mut self, number: u32, now: u64) -> Choice {
        let link = &mut self.links[number as usize];
        if link.waiting == NONE || link.free_at > now {
            return Choice::Nothing;
        }
        if link.kind != Kind::Core {
            if link.slots == 0 {
                link.flags |= BLOCKS; // the far end's next grant sees it
                return Choice::Nothing;
            } else if link.slots == 1 && link.leaves(now) {
                return Choice::WaitForSlot;
            }
        }
        let chosen = link.waiting;
        let behind = self.links[chosen as usize].behind;
        self.links[number as usize].waiting = behind;
        Choice::Grant(chosen)
    }
}

/// What a channel can do.
pub(super) enum Choice {
    /// Nobody waits, or an event that will come decides.
    Nothing,
    /// It takes the slot that the handshake of the input at its far end will free.
    WaitForSlot,
    /// The first packet of this input.
    Grant(u32),
}

/// What the link into a port of the router (x, y) joins; for sides over the border, which have none, as inside.
fn kind_of(spec: &MeshSpec, x: u16, y: u16, port: u32) -> Kind {
    let (kind, from) = match port {
        0 => (Kind::Horizontal, (x.saturating_add(1), y)),
        1 => (Kind::Horizontal, (x.saturating_sub(1), y)),
        2 => (Kind::Vertical, (x, y.saturating_sub(1))),
        3 => (Kind::Vertical, (x, y.saturating_add(1))),
        _ => return Kind::Core,
    };
    let crosses = spec.edge.as_ref().is_some_and(|edge| edge.crossings(from, (x, y)) > 0);
    if crosses { Kind::Edge } else { kind }
}
