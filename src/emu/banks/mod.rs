//! A chip of crossbar cores: banks of cores, what lies between them, and the tick.
//!
//! A bank is what one thread steps: a contiguous range of cores with their state side by side, so that a tick
//! streams through memory. Spikes that need no time go as letters from bank to bank, bucketed by target, and are placed
//! at the start of the next tick, in order of sender; with timing on they cross the mesh first.

mod bank;
mod outcome;
mod post;
mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::bank::Bank;
use self::post::Post;
use super::Record;
use super::counters::{Faults, TickTime};
use super::program::{Program, Target};
use super::run::Feed;
use super::time::{Clock, Cores, TimePass};
use super::traffic::Ways;
use crate::diag::Result;
use crate::stimulus::InputSpike;
use crate::units::Picos;

/// All banks of a chip.
#[derive(Debug)]
pub(super) struct Banks {
    banks: Vec<Mutex<Bank>>,
    /// Cores of a bank; the last may have fewer.
    per: usize,
    between: Between,
}

/// What lies between the banks.
#[derive(Debug)]
struct Between {
    post: Post,
    /// `None` with timing off.
    time: Option<TimePass>,
    /// Packets that the host has injected, by core.
    injected: Vec<u64>,
    /// Their ways.
    ways: Ways,
}

impl Banks {
    /// In the reset state, for `threads` threads.
    pub(super) fn new(program: &Program, timing: bool, record: &Record, threads: usize) -> Self {
        let per = program.cores.len().div_ceil(threads.max(1)).max(1);
        let firsts = (0..program.cores.len().max(1)).step_by(per);
        let banks: Vec<_> = firsts.map(|first| Mutex::new(Bank::new(program, timing, record, first, per))).collect();
        let between = Between {
            post: Post::new(program.cores.len(), per, banks.len()),
            time: timing.then(|| TimePass::new(program, threads)),
            injected: vec![0; program.cores.len()],
            ways: Ways::default(),
        };
        Self { banks, per, between }
    }

    /// Back to the state before the first tick.
    pub(super) fn reset(&mut self, program: &Program) {
        self.all().iter_mut().for_each(|bank| bank.reset(program));
        self.between.post.clear();
        self.between.injected.fill(0);
        self.between.ways = Ways::default();
        if let Some(time) = &mut self.between.time {
            time.reset();
        }
    }

    /// One tick in one thread. Every spike is placed at its end.
    pub(super) fn tick(&mut self, program: &Program, input: &[InputSpike], tick: u32) {
        self.between.inject(program, input, tick);
        for (number, bank) in self.banks.iter_mut().enumerate() {
            let bank = bank.get_mut().unwrap_or_else(PoisonError::into_inner);
            bank.step(program, &self.between.post, number, tick);
        }
        let mut table = Table { banks: self.banks.iter().map(lock).collect(), per: self.per };
        self.between.close(program, &mut table, tick);
    }

    /// Plays what `feed` gives, on one thread a bank; `tick` counts on.
    pub(super) fn play(&mut self, program: &Program, tick: &mut u32, feed: &mut Feed<'_>) -> Result<()> {
        if self.banks.len() > 1 {
            return threads::play(program, &self.banks, self.per, &mut self.between, tick, feed);
        }
        while let Some(input) = feed.next_tick() {
            self.tick(program, input, *tick);
            *tick += 1;
            if feed.strict() {
                feed.check(self.faults())?;
            }
            let mut table = Table { banks: self.banks.iter().map(lock).collect(), per: self.per };
            *tick += self.between.skip(&mut table, feed);
        }
        Ok(())
    }

    /// Modelled faults since the reset.
    pub(super) fn faults(&self) -> Faults {
        let mut table = Table { banks: self.banks.iter().map(lock).collect(), per: self.per };
        self.between.faults(&mut table)
    }

    /// The membrane of a neuron of a core, by the core's index.
    pub(super) fn membrane(&self, core: usize, neuron: usize) -> i32 {
        lock(&self.banks[core / self.per]).membrane(core % self.per, neuron)
    }

    /// Shows the spikes since the reset of every neuron of a core, by the core's index.
    pub(super) fn spike_counts(&self, core: usize, show: impl FnOnce(&[u32])) {
        show(lock(&self.banks[core / self.per]).spike_counts(core % self.per));
    }

    /// Packets of the last tick: (time in it in ps, index of the core, target); none with timing off.
    pub(super) fn timed_packets(&self, mut show: impl FnMut(u64, u32, Target)) {
        for bank in &self.banks {
            lock(bank).parcels.iter().for_each(|parcel| show(parcel.ready.0, parcel.from, parcel.to));
        }
    }

    /// How long each tick since the reset took; empty with timing off.
    pub(super) fn tick_times(&self) -> &[TickTime] {
        self.between.time.as_ref().map_or(&[], |time| &time.times)
    }

    fn all(&mut self) -> Vec<&mut Bank> {
        self.banks.iter_mut().map(|bank| bank.get_mut().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

impl Between {
    /// The host offers the packets of the tick's stimulus at the start of the tick, in stimulus order.
    fn inject(&mut self, program: &Program, input: &[InputSpike], tick: u32) {
        if let Some(time) = &mut self.time {
            time.begin();
        }
        for spike in input.iter().filter(|spike| spike.value > 0) {
            for &to in program.input_targets(spike.input) {
                let router = program.cores[to.core as usize].router;
                self.injected[to.core as usize] += u64::from(spike.value);
                self.ways.add(&program.chip.mesh, None, router, spike.value.into());
                for _ in 0..spike.value {
                    match &mut self.time {
                        Some(time) => time.offer(to, 1),
                        None => self.post.inject(to, tick),
                    }
                }
            }
        }
    }

    /// Ends a tick with all banks at hand: the time pass, or the letters of the tick.
    fn close(&mut self, program: &Program, table: &mut Table<'_>, tick: u32) {
        if let Some(time) = &mut self.time {
            time.send(table.banks.iter().flat_map(|bank| bank.parcels.iter().copied()));
            time.pass(program, table, tick);
        } else {
            for (number, bank) in table.banks.iter_mut().enumerate() {
                bank.collect(&self.post, number, tick);
            }
        }
    }

    fn faults(&self, table: &mut Table<'_>) -> Faults {
        let mut faults = self.time.as_ref().map_or_else(Faults::default, |time| time.faults);
        table.banks.iter().for_each(|bank| bank.add_faults(&mut faults));
        faults
    }

    /// Where nothing can happen before the next stimulus, the ticks until then are counted and not stepped.
    fn skip(&mut self, table: &mut Table<'_>, feed: &mut Feed<'_>) -> u32 {
        let quiet = table.banks.iter().all(|bank| bank.is_quiet());
        if !quiet || !self.post.is_empty() || !self.time.as_ref().is_none_or(|time| time.is_quiet(table)) {
            return 0;
        }
        let ticks = feed.skip();
        if let Some(time) = &mut self.time {
            time.repeat(ticks);
        }
        ticks
    }
}

/// All banks in one hand. Taken anew in every tick: a guard cannot outlive the meeting.
struct Table<'b> {
    banks: Vec<MutexGuard<'b, Bank>>,
    per: usize,
}

impl Table<'_> {
    /// The bank of a core and the core's number in it.
    fn at(&mut self, core: u32) -> (&mut Bank, usize) {
        let core = core as usize;
        (&mut self.banks[core / self.per], core % self.per)
    }
}

impl Cores for Table<'_> {
    fn clock(&mut self, core: u32) -> &mut Clock {
        let (bank, local) = self.at(core);
        &mut bank.clocks[local]
    }

    fn each_clock(&mut self, see: impl FnMut(&mut Clock)) {
        self.banks.iter_mut().flat_map(|bank| &mut bank.clocks).for_each(see);
    }

    fn place(&mut self, to: Target, _: i32, sent: u64) {
        let (bank, local) = self.at(to.core);
        bank.place(local, to.axon, sent + u64::from(to.delay));
    }

    /// All packets cost the same.
    fn fetch(_: &Program, _: Target) {}

    fn intake(program: &Program, _: Target) -> Picos {
        Picos(program.times.axon_in)
    }

    /// A late bit waits until the ring comes round to its row again.
    fn turns(program: &Program, to: Target) -> (u64, u64) {
        (to.delay.into(), program.cores[to.core as usize].crossbar().ring_rows() as u64)
    }
}

fn lock(bank: &Mutex<Bank>) -> MutexGuard<'_, Bank> {
    bank.lock().unwrap_or_else(PoisonError::into_inner)
}
