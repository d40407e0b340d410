//! Typed indices: a core number cannot be used where a neuron number belongs.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a slice.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            /// Panics above `u32::MAX`: sizes are checked where they enter the program.
            fn from(index: usize) -> Self {
                Self(u32::try_from(index).expect("an index fits 32 bits"))
            }
        }
    };
}

id!(
    /// A physical core of the chip: `(router_y * mesh_width + router_x) * cores_per_router + local`.
    CoreId
);
id!(
    /// A population of the source network, in `Graph::populations`.
    PopulationId
);
id!(
    /// A projection of the source network, in `Graph::projections`.
    ProjectionId
);
