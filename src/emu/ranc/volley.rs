//! Volleys: the packets that the neurons of one number send at one edge, one a core at most.
//!
//! Which packets a volley can have is known beforehand, and in which order they arrive where none meets another, and which
//! would meet. What remains for a tick is to mark who fires.

use crate::chip::RancParams;
use crate::emu::mesh::clocked::{Crowds, Flit, Path, Shot};
use crate::emu::neurocore::EventRancCore;

/// A packet as it arrives if it meets nobody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landing {
    /// Cycles since it set out.
    pub(super) flight: u32,
    /// Position of its core.
    pub(super) to: u32,
    pub(super) axon: u32,
    pub(super) delay: u32,
}

/// The ways to order the packets of a volley: by core, by arrival, by rank (the order in which merges serve them).
const CORE: usize = 0;
const ARRIVAL: usize = 1;
const RANK: usize = 2;

/// Where a packet is marked, one for each order: the word among those of all volleys, and the bit.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    words: [u32; 3],
    bits: [u8; 3],
}

/// Whom a packet can have to wait for, as masks by rank, where they are one word.
#[derive(Debug, Clone, Copy)]
struct Rivals {
    /// Those before it that pass where it enters its column, and those of them that do so at the same time.
    passing: u64,
    at_once: u64,
    /// Those that come to its core from the other side, and those of them that do so at the same time.
    opposite: u64,
    at_core: u64,
    /// When it enters its column.
    key: u32,
}

/// All volleys of a chip, and who fires in this tick.
#[derive(Debug, Clone)]
pub(super) struct Volleys {
    neurons: usize,
    columns: usize,
    /// Words of a mask of one volley.
    words: usize,
    /// The first packet of each volley, and the end.
    starts: Vec<usize>,
    /// Packets and their ways, by rank.
    shots: Vec<Shot>,
    paths: Vec<Path>,
    /// Positions that they come from, by core.
    cores: Vec<u32>,
    /// The same packets by arrival.
    landings: Vec<Landing>,
    /// Of each packet by rank: those that it would meet; of each volley: those that would meet any. Only where a mask is a word.
    clashes: Vec<u64>,
    clashing: Vec<u64>,
    rivals: Vec<Rivals>,
    /// `[volley][column]`: those that a packet from outside for the column might meet.
    on_way: Vec<u64>,
    /// `[position][neuron]`
    places: Vec<Place>,
    /// `[volley][word][order]`
    marks: Vec<[u64; 3]>,
    /// Volleys that have a packet.
    any: Vec<u64>,
}

impl Volleys {
    /// None where a packet leaves the grid, or is for the row in work.
    pub(super) fn new(params: &RancParams, cores: &[Option<EventRancCore>], crowds: &Crowds) -> Option<Self> {
        let neurons = params.num_neurons as usize;
        let mut volleys: Vec<Vec<Shot>> = vec![Vec::new(); neurons];
        for (position, core) in (0..).zip(cores) {
            let Some(core) = core else { continue };
            for (volley, flit) in volleys.iter_mut().zip(core.packets()) {
                let Some(flit) = flit else { continue };
                if flit.delay + 1 == params.num_ticks {
                    return None;
                }
                volley.push(crowds.shot(position, flit)?);
            }
        }
        let words = volleys.iter().map(Vec::len).max().unwrap_or(0).div_ceil(64).max(1);
        let mut this = Self {
            neurons,
            columns: params.grid_x as usize,
            words,
            starts: vec![0],
            shots: Vec::new(),
            paths: Vec::new(),
            cores: Vec::new(),
            landings: Vec::new(),
            clashes: Vec::new(),
            clashing: Vec::new(),
            rivals: Vec::new(),
            on_way: Vec::new(),
            places: vec![Place::default(); cores.len() * neurons],
            marks: vec![[0; 3]; neurons * words],
            any: vec![0; neurons.div_ceil(64)],
        };
        for (neuron, volley) in volleys.into_iter().enumerate() {
            this.add(params.grid_x, neuron, volley);
        }
        Some(this)
    }

    /// Adds a volley; its packets are given by core.
    fn add(&mut self, width: u32, neuron: usize, mut volley: Vec<Shot>) {
        self.place(neuron, CORE, volley.iter().map(|shot| shot.from));
        self.cores.extend(volley.iter().map(|shot| shot.from));
        let path = |shot: &Shot| Path::new(width, shot.from, shot.flit);
        volley.sort_by_key(|shot| (path(shot).flight(), shot.to));
        self.place(neuron, ARRIVAL, volley.iter().map(|shot| shot.from));
        let landing = |shot: &Shot| {
            let Flit { axon, delay, .. } = shot.flit;
            Landing { flight: u32::try_from(path(shot).flight()).expect("a way in a grid"), to: shot.to, axon, delay }
        };
        self.landings.extend(volley.iter().map(landing));
        volley.sort_by_key(Shot::rank);
        self.place(neuron, RANK, volley.iter().map(|shot| shot.from));
        let paths: Vec<Path> = volley.iter().map(path).collect();
        if self.is_simple() {
            let count = paths.len();
            let meets = |a: usize, b: usize| a != b && paths[a].comes_near(0, 0, &paths[b]);
            let clashes: Vec<u64> = (0..paths.len()).map(|place| among(count, |other| meets(place, other))).collect();
            self.clashing.push(among(count, |place| clashes[place] != 0));
            self.clashes.extend(clashes);
            self.rivals.extend(volley.iter().enumerate().map(|(place, shot)| {
                let passing = among(count, |other| other < place && volley[other].passes(shot));
                let opposite = among(count, |other| volley[other].comes_opposite(shot));
                Rivals {
                    passing,
                    at_once: passing & among(count, |other| volley[other].key() == shot.key()),
                    opposite,
                    at_core: opposite & among(count, |other| paths[other].flight() == paths[place].flight()),
                    key: shot.key(),
                }
            }));
            self.on_way.extend((0..width).map(|x| among(count, |place| paths[place].is_on_way_to(x))));
        }
        self.shots.extend(volley);
        self.paths.extend(paths);
        self.starts.push(self.shots.len());
    }

    /// Where the packets of a volley, which come from these positions, are marked in an order.
    fn place(&mut self, neuron: usize, order: usize, positions: impl Iterator<Item = u32>) {
        for (number, from) in positions.enumerate() {
            let place = &mut self.places[from as usize * self.neurons + neuron];
            place.words[order] = u32::try_from(neuron * self.words + number / 64).expect("as many as neurons");
            place.bits[order] = (number % 64) as u8;
        }
    }

    /// Whether a mask of a volley is one word.
    pub(super) const fn is_simple(&self) -> bool {
        self.words == 1
    }

    /// Marks who fires.
    pub(super) fn collect(&mut self, cores: &[Option<EventRancCore>]) {
        for (core, places) in cores.iter().zip(self.places.chunks(self.neurons)) {
            let Some(core) = core else { continue };
            if self.words == 1 {
                core.fired(|neuron| {
                    self.any[neuron as usize / 64] |= 1 << (neuron % 64);
                    let marks = &mut self.marks[neuron as usize];
                    let bits = &places[neuron as usize].bits;
                    marks.iter_mut().zip(bits).for_each(|(mark, bit)| *mark |= 1 << bit);
                });
            } else {
                core.fired(|neuron| {
                    self.any[neuron as usize / 64] |= 1 << (neuron % 64);
                    let Place { words, bits } = &places[neuron as usize];
                    for order in [CORE, ARRIVAL, RANK] {
                        self.marks[words[order] as usize][order] |= 1 << bits[order];
                    }
                });
            }
        }
    }

    /// The next volley from `from` on that has a packet.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut left = self.any.get(word)? & (u64::MAX << (from % 64));
        while left == 0 {
            word += 1;
            left = *self.any.get(word)?;
        }
        Some(word * 64 + left.trailing_zeros() as usize)
    }

    /// Forgets who fires.
    pub(super) fn clear(&mut self) {
        for (word, any) in self.any.iter_mut().enumerate() {
            for bit in Ones(std::mem::take(any)) {
                let volley = (word * 64 + bit) * self.words;
                self.marks[volley..volley + self.words].fill([0; 3]);
            }
        }
    }

    /// Tells the positions that a volley comes from, ascending.
    #[inline]
    pub(super) fn each_core(&self, neuron: usize, mut tell: impl FnMut(u32)) {
        self.each(neuron, CORE, &self.cores, |&core| tell(core));
    }

    /// Tells the packets of a volley by rank.
    #[inline]
    pub(super) fn each_shot(&self, neuron: usize, tell: impl FnMut(&Shot)) {
        self.each(neuron, RANK, &self.shots, tell);
    }

    /// Tells the packets of a volley by arrival.
    #[inline]
    pub(super) fn each_landing(&self, neuron: usize, tell: impl FnMut(&Landing)) {
        self.each(neuron, ARRIVAL, &self.landings, tell);
    }

    #[inline]
    fn each<T>(&self, neuron: usize, order: usize, of: &[T], mut tell: impl FnMut(&T)) {
        let of = &of[self.starts[neuron]..self.starts[neuron + 1]];
        if self.words == 1 {
            return Ones(self.marks[neuron][order]).for_each(|bit| tell(&of[bit]));
        }
        let marks = &self.marks[neuron * self.words..][..self.words];
        for (marks, of) in marks.iter().zip(of.chunks(64)) {
            Ones(marks[order]).for_each(|bit| tell(&of[bit]));
        }
    }

    /// The longest flight of a volley in which nobody is met; 0 of an empty one. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn longest(&self, neuron: usize) -> u64 {
        match self.marks[neuron][ARRIVAL].checked_ilog2() {
            Some(last) => self.landings[self.starts[neuron] + last as usize].flight.into(),
            None => 0,
        }
    }

    /// Who of a volley meets another of it, by rank. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn clash(&self, neuron: usize) -> u64 {
        let mask = self.marks[neuron][RANK];
        let suspects = mask & self.clashing[neuron];
        if suspects & suspects.wrapping_sub(1) == 0 {
            return 0;
        }
        let clashes = &self.clashes[self.starts[neuron]..];
        Ones(suspects).filter(|&place| clashes[place] & mask != 0).fold(0, |met, place| met | 1 << place)
    }

    /// How many slots each packet of a volley is late, by rank, where only few wait and none at its core; none else. Buffers
    /// have `depth` places. Only where [`Self::is_simple`].
    pub(super) fn delays(&self, neuron: usize, depth: u32) -> Option<[u8; 64]> {
        let mask = self.marks[neuron][RANK];
        let rivals = &self.rivals[self.starts[neuron]..];
        let mut slots = [0_u8; 64];
        let mut late = 0_u64;
        for place in Ones(mask) {
            let own = &rivals[place];
            if mask & own.at_core != 0 {
                return None;
            }
            if late & own.passing == 0 && mask & own.at_once == 0 {
                continue;
            }
            let taken = |other: usize| rivals[other].key + u32::from(slots[other]);
            let used = Ones(mask & own.passing).fold(0_u64, |used, other| used | 1_u64.unbounded_shl(taken(other)));
            let slot = (!used & u64::MAX.unbounded_shl(own.key)).trailing_zeros();
            if slot == u64::BITS {
                return None;
            }
            slots[place] = (slot - own.key) as u8;
            late |= u64::from(slot != own.key) << place;
            if slot != own.key && mask & own.opposite != 0 {
                return None;
            }
        }
        // A buffer holds one packet more than wait at most.
        (late.count_ones() + 1 < depth).then_some(slots)
    }

    /// Ways of a volley by rank, and who of them is there. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn paths(&self, neuron: usize) -> (&[Path], u64) {
        (&self.paths[self.starts[neuron]..self.starts[neuron + 1]], self.marks[neuron][RANK])
    }

    /// Packets of a volley by rank, fired or not.
    pub(super) fn all_shots(&self, neuron: usize) -> &[Shot] {
        &self.shots[self.starts[neuron]..self.starts[neuron + 1]]
    }

    /// Who of a volley comes near a packet from outside for column `x` that sets out `after` cycles after it, by rank. Only
    /// where [`Self::is_simple`].
    #[inline]
    pub(super) fn near(&self, neuron: usize, x: usize, path: &Path, after: i64) -> u64 {
        let suspects = self.marks[neuron][RANK] & self.on_way[neuron * self.columns + x];
        let paths = &self.paths[self.starts[neuron]..];
        let met = Ones(suspects).filter(|&place| path.comes_near(0, after, &paths[place]));
        met.fold(0, |met, place| met | 1 << place)
    }
}

/// Those of a volley of `count` packets of which something holds.
fn among(count: usize, holds: impl Fn(usize) -> bool) -> u64 {
    (0..count).filter(|&place| holds(place)).fold(0, |mask, place| mask | 1 << place)
}

/// The bits of a word, ascending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ones(pub(super) u64);

impl Iterator for Ones {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}
