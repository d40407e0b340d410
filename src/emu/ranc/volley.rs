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
    pub(super) flight: u64,
    /// Position of its core.
    pub(super) to: u32,
    pub(super) flit: Flit,
}

/// The bits of a packet, counted from the first of all volleys: by core, and by arrival.
#[derive(Debug, Clone, Copy, Default)]
struct Bits {
    by_core: u32,
    by_arrival: u32,
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
    /// Packets by core, and their ways.
    shots: Vec<Shot>,
    paths: Vec<Path>,
    /// The same by arrival.
    landings: Vec<Landing>,
    /// Of each packet by core: those that it would meet; of each volley: those that would meet any. Only where a mask is a word.
    clashes: Vec<u64>,
    clashing: Vec<u64>,
    /// `[volley][column]`: those that a packet from outside for the column might meet.
    on_way: Vec<u64>,
    /// `[position][neuron]`
    bits: Vec<Bits>,
    by_core: Vec<u64>,
    by_arrival: Vec<u64>,
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
            landings: Vec::new(),
            clashes: Vec::new(),
            clashing: Vec::new(),
            on_way: Vec::new(),
            bits: vec![Bits::default(); cores.len() * neurons],
            by_core: vec![0; neurons * words],
            by_arrival: vec![0; neurons * words],
            any: vec![0; neurons.div_ceil(64)],
        };
        for (neuron, volley) in volleys.iter().enumerate() {
            this.add(params.grid_x, neuron, volley);
        }
        Some(this)
    }

    fn add(&mut self, width: u32, neuron: usize, volley: &[Shot]) {
        let paths: Vec<Path> = volley.iter().map(|shot| Path::new(width, shot.from, shot.flit)).collect();
        let mut order: Vec<usize> = (0..volley.len()).collect();
        order.sort_by_key(|&place| (paths[place].flight(), paths[place].to()));
        let bit = |place: usize| u32::try_from(neuron * self.words * 64 + place).expect("as many as neurons");
        for (rank, &place) in order.iter().enumerate() {
            let Shot { from, flit, .. } = volley[place];
            self.bits[from as usize * self.neurons + neuron] = Bits { by_core: bit(place), by_arrival: bit(rank) };
            self.landings.push(Landing { flight: paths[place].flight(), to: paths[place].to(), flit });
        }
        if self.is_simple() {
            let among = |holds: &dyn Fn(usize) -> bool| {
                (0..paths.len()).filter(|&other| holds(other)).fold(0_u64, |mask, other| mask | 1 << other)
            };
            let meets = |a: usize, b: usize| a != b && paths[a].comes_near(0, 0, &paths[b]);
            let clashes: Vec<u64> = (0..paths.len()).map(|place| among(&|other| meets(place, other))).collect();
            self.clashing.push(among(&|place| clashes[place] != 0));
            self.clashes.extend(clashes);
            self.on_way.extend((0..width).map(|x| among(&|place| paths[place].is_on_way_to(x))));
        }
        self.shots.extend(volley);
        self.paths.extend(paths);
        self.starts.push(self.shots.len());
    }

    /// Whether a mask of a volley is one word.
    pub(super) const fn is_simple(&self) -> bool {
        self.words == 1
    }

    /// Marks who fires.
    pub(super) fn collect(&mut self, cores: &[Option<EventRancCore>]) {
        for (core, bits) in cores.iter().zip(self.bits.chunks(self.neurons)) {
            let Some(core) = core else { continue };
            core.fired(|neuron| {
                let Bits { by_core, by_arrival } = bits[neuron as usize];
                self.by_core[by_core as usize / 64] |= 1 << (by_core % 64);
                self.by_arrival[by_arrival as usize / 64] |= 1 << (by_arrival % 64);
                self.any[neuron as usize / 64] |= 1 << (neuron % 64);
            });
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
            let mut left = std::mem::take(any);
            while left != 0 {
                let neuron = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let words = neuron * self.words..(neuron + 1) * self.words;
                self.by_core[words.clone()].fill(0);
                self.by_arrival[words].fill(0);
            }
        }
    }

    /// The packets of a volley by core.
    #[inline]
    pub(super) fn shots(&self, neuron: usize) -> impl Iterator<Item = &Shot> {
        self.marked(neuron, &self.by_core, &self.shots)
    }

    /// The packets of a volley by arrival.
    #[inline]
    pub(super) fn landings(&self, neuron: usize) -> impl Iterator<Item = &Landing> {
        self.marked(neuron, &self.by_arrival, &self.landings)
    }

    #[inline]
    fn marked<'a, T>(&self, neuron: usize, masks: &'a [u64], of: &'a [T]) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let of = &of[self.starts[neuron]..self.starts[neuron + 1]];
        let masks = &masks[neuron * self.words..(neuron + 1) * self.words];
        masks.iter().zip(of.chunks(64)).flat_map(|(&mask, of)| Ones(mask).map(|bit| &of[bit]))
    }

    /// The longest flight of a volley in which nobody is met; 0 of an empty one. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn longest(&self, neuron: usize) -> u64 {
        match self.by_arrival[neuron].checked_ilog2() {
            Some(last) => self.landings[self.starts[neuron] + last as usize].flight,
            None => 0,
        }
    }

    /// Who of a volley meets another of it, by core. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn clash(&self, neuron: usize) -> u64 {
        let mask = self.by_core[neuron];
        let suspects = mask & self.clashing[neuron];
        if suspects & suspects.wrapping_sub(1) == 0 {
            return 0;
        }
        let clashes = &self.clashes[self.starts[neuron]..];
        Ones(suspects).filter(|&place| clashes[place] & mask != 0).fold(0, |met, place| met | 1 << place)
    }

    /// Ways of a volley by core, and who of them is there. Only where [`Self::is_simple`].
    #[inline]
    pub(super) fn paths(&self, neuron: usize) -> (&[Path], u64) {
        (&self.paths[self.starts[neuron]..self.starts[neuron + 1]], self.by_core[neuron])
    }

    /// Packets of a volley by core, fired or not.
    pub(super) fn all_shots(&self, neuron: usize) -> &[Shot] {
        &self.shots[self.starts[neuron]..self.starts[neuron + 1]]
    }

    /// Who of a volley comes near a packet from outside for column `x` that sets out `after` cycles after it, by core. Only
    /// where [`Self::is_simple`].
    #[inline]
    pub(super) fn near(&self, neuron: usize, x: usize, path: &Path, after: i64) -> u64 {
        let suspects = self.by_core[neuron] & self.on_way[neuron * self.columns + x];
        let paths = &self.paths[self.starts[neuron]..];
        let met = Ones(suspects).filter(|&place| path.comes_near(0, after, &paths[place]));
        met.fold(0, |met, place| met | 1 << place)
    }
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
