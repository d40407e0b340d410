//! Who feeds whom in the merge mesh: five merges and ten buffers a router, wired once.

/// No buffer, no merge.
pub(super) const NOBODY: u32 = u32::MAX;

/// Buffers of one router: two behind the core, three behind each x merge, two behind each y merge.
pub(super) const PER_ROUTER: u32 = 12;
pub(super) const LOCAL_EAST: u32 = 0;
pub(super) const LOCAL_WEST: u32 = 1;
const EAST_ON: u32 = 2;
const EAST_NORTH: u32 = 3;
const EAST_SOUTH: u32 = 4;
const WEST_ON: u32 = 5;
const NORTH_ON: u32 = 8;
const NORTH_LOCAL: u32 = 9;
const SOUTH_ON: u32 = 10;
const SOUTH_LOCAL: u32 = 11;

/// Scope and name of each buffer of a router in the hardware description.
pub const BUFFER_NAMES: [(&str, &str); PER_ROUTER as usize] = [
    ("from_local", "local_east"),
    ("from_local", "local_west"),
    ("forward_east", "east"),
    ("forward_east", "to_north"),
    ("forward_east", "to_south"),
    ("forward_west", "west"),
    ("forward_west", "to_north"),
    ("forward_west", "to_south"),
    ("forward_north", "north"),
    ("forward_north", "local"),
    ("forward_south", "south"),
    ("forward_south", "local"),
];

/// Merges of one router, in this order.
pub(super) const MERGES: u32 = 5;

/// What a merge does with what it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// dx is not 0: on in x, one nearer by adding `step`. Else turn north (dy >= 0) or south.
    X { step: i32 },
    /// dy is not 0: on in y, one nearer by adding `step`. Else to the core here.
    Y { step: i32 },
    /// Into the core.
    Local,
}

/// The wiring of one merge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wiring {
    /// Buffers it reads, first the one that always goes first; [`NOBODY`] is always empty.
    pub(super) inputs: [u32; 3],
    /// Buffers it fills: on, then north and south (x) or the core (y). [`NOBODY`] where it has fewer.
    pub(super) outputs: [u32; 3],
    pub(super) path: Path,
}

/// The five merges of every router, and the merge that reads each buffer. `input` feeds router 0 from the west.
pub(super) fn wire(width: u32, height: u32, input: u32) -> (Vec<Wiring>, Vec<u32>) {
    let mut merges = Vec::with_capacity((width * height * MERGES) as usize);
    for router in 0..width * height {
        let (x, y) = (router % width, router / width);
        let here = |buffer: u32| router * PER_ROUTER + buffer;
        let there = |exists: bool, other: u32, buffer: u32| {
            if exists { other * PER_ROUTER + buffer } else { NOBODY }
        };
        let from_west = if router == 0 { input } else { there(x > 0, router.wrapping_sub(1), EAST_ON) };
        let from_east = there(x + 1 < width, router + 1, WEST_ON);
        let from_south = there(y > 0, router.wrapping_sub(width), NORTH_ON);
        let from_north = there(y + 1 < height, router + width, SOUTH_ON);
        let on_x = |from: u32, local: u32, first: u32, step: i32| Wiring {
            inputs: [from, here(local), NOBODY],
            outputs: [here(first), here(first + 1), here(first + 2)],
            path: Path::X { step },
        };
        let on_y = |from: u32, turn: u32, first: u32, step: i32| Wiring {
            inputs: [from, here(turn), here(turn + WEST_ON - EAST_ON)],
            outputs: [here(first), here(first + 1), NOBODY],
            path: Path::Y { step },
        };
        merges.push(on_x(from_west, LOCAL_EAST, EAST_ON, -1));
        merges.push(on_x(from_east, LOCAL_WEST, WEST_ON, 1));
        merges.push(on_y(from_south, EAST_NORTH, NORTH_ON, -1));
        merges.push(on_y(from_north, EAST_SOUTH, SOUTH_ON, 1));
        merges.push(Wiring {
            inputs: [here(NORTH_LOCAL), here(SOUTH_LOCAL), NOBODY],
            outputs: [NOBODY; 3],
            path: Path::Local,
        });
    }
    let mut readers = vec![NOBODY; (width * height * PER_ROUTER + 1) as usize];
    for (merge, wiring) in (0..).zip(&merges) {
        for input in wiring.inputs.into_iter().filter(|&input| input != NOBODY) {
            readers[input as usize] = merge;
        }
    }
    (merges, readers)
}
