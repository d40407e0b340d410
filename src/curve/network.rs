//! The meshes that can be loaded, behind one face.

use crate::diag::{Problem, Problems, Result};
use crate::emu::mesh::clocked::{Handover, QueuedMesh, QueuedMeshSpec, RegisteredMesh, RegisteredMeshSpec};

/// What the routers of a mesh are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouterSpec {
    /// Virtual channels, credits and allocators.
    Queued(QueuedMeshSpec),
    /// A register at each output.
    Registered(RegisteredMeshSpec),
}

impl RouterSpec {
    /// Routers in x and y.
    #[must_use]
    pub const fn size(&self) -> (u32, u32) {
        match self {
            Self::Queued(spec) => (spec.width, spec.height),
            Self::Registered(spec) => (spec.width, spec.height),
        }
    }

    /// Cycles through `routers` empty routers.
    #[must_use]
    pub const fn zero_load_latency(&self, routers: u32) -> u32 {
        match self {
            Self::Queued(spec) => spec.zero_load_latency(routers),
            Self::Registered(_) => 2 * routers,
        }
    }

    /// Packets that a link with one virtual channel can carry in a cycle: what the buffer and its credits, or the register,
    /// let through.
    #[must_use]
    pub fn link_bound(&self) -> f64 {
        match self {
            Self::Queued(spec) => {
                (f64::from(spec.vcs) * f64::from(spec.depth) / f64::from(spec.credit_round_trip())).min(1.0)
            }
            Self::Registered(_) => 0.5,
        }
    }

    /// Whether a mesh can be built from this.
    pub fn check(&self) -> Result<()> {
        let spec = match self {
            Self::Queued(spec) => return spec.check(),
            Self::Registered(spec) => spec,
        };
        let mut found = Vec::new();
        for (name, value, most) in
            [("width", spec.width, 1 << 10), ("height", spec.height, 1 << 10), ("depth", spec.depth, 1 << 12)]
        {
            if value < 1 || value > most {
                let problem = Problem::invalid("mesh/registered", name, format!("is {value}"));
                found.push(problem.limit(format!("1 to {most}")));
            }
        }
        let places = u64::from(spec.width) * u64::from(spec.height) * u64::from(spec.depth);
        if found.is_empty() && places > 1 << 24 {
            let problem =
                Problem::invalid("mesh/registered", "depth", format!("makes {places} buffer places an input"));
            found.push(problem.limit("2^24 of all routers together"));
        }
        Problems::check(found, ())
    }
}

/// A mesh under load.
#[derive(Debug)]
pub(super) enum Network {
    Queued(Box<QueuedMesh>),
    Registered {
        mesh: Box<RegisteredMesh>,
        /// What each node gives in at the coming edge.
        offers: Vec<Option<Handover>>,
    },
}

impl Network {
    /// An empty mesh.
    pub(super) fn new(spec: &RouterSpec) -> Result<Self> {
        spec.check()?;
        Ok(match spec {
            RouterSpec::Queued(spec) => Self::Queued(Box::new(QueuedMesh::new(*spec)?)),
            RouterSpec::Registered(spec) => Self::Registered {
                mesh: Box::new(RegisteredMesh::new(*spec)),
                offers: vec![None; (spec.width * spec.height) as usize],
            },
        })
    }

    /// First part of a cycle: packets that come to their nodes before it.
    pub(super) fn deliver(&mut self, mut delivered: impl FnMut(u32)) {
        if let Self::Queued(mesh) = self {
            mesh.deliver(|_, packet| delivered(packet.id));
        }
    }

    /// A node gives a packet in, at most one a cycle; whether there is room for it.
    pub(super) fn inject(&mut self, node: u32, packet: Handover) -> bool {
        match self {
            Self::Queued(mesh) => mesh.inject(node, packet),
            Self::Registered { mesh, offers } => {
                let room = mesh.has_room(node);
                offers[node as usize] = room.then_some(packet);
                room
            }
        }
    }

    /// Last part of a cycle: the routers, and the packets that come to their nodes with it.
    pub(super) fn edge(&mut self, mut delivered: impl FnMut(u32)) {
        match self {
            Self::Queued(mesh) => mesh.edge(),
            Self::Registered { mesh, offers } => {
                mesh.edge(offers, |_| true, |_| {}, |_, packet| delivered(packet.id));
                offers.fill(None);
            }
        }
    }

    /// Whether something is under way, credits included.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Queued(mesh) => mesh.next_work().is_some(),
            Self::Registered { .. } => false,
        }
    }

    /// Packets that have crossed a switch; of a registered mesh nobody counts them.
    pub(super) const fn crossings(&self) -> u64 {
        match self {
            Self::Queued(mesh) => mesh.crossings(),
            Self::Registered { .. } => 0,
        }
    }
}
