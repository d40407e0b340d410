//! A sheet on several threads: each has some of the plates and their cores, and they meet once a tick.
//!
//! A plate adds up the spikes of all threads, which they leave in slots by tick: while those of a tick are written those of
//! the tick before are read, so that nobody waits. The host has a slot more: its packets of the next tick are there
//! before all have read those of the tick before.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crossbeam::utils::CachePadded;

use super::{Arrivals, PlateState, Run, Sheet, SheetState};
use crate::diag::Result;
use crate::emu::fabric::Fabric;
use crate::emu::meeting::{End, Meeting};
use crate::emu::neurocore::Core;
use crate::emu::program::{Program, Target};
use crate::emu::run::Feed;

/// What one thread has.
struct Share<'s> {
    number: usize,
    /// Index of its first plate.
    plate: usize,
    plates: &'s mut [PlateState],
    /// Index of its first core.
    core: usize,
    cores: &'s mut [Core],
}

/// The host's packets of a tick.
struct Host {
    arrivals: Arrivals,
    targets: Vec<(Target, i32)>,
}

/// A slot for each of `N` ticks.
struct Slot<T, const N: usize>([CachePadded<RwLock<T>>; N]);

/// What the threads leave for each other.
struct Slots {
    host: Slot<Host, 3>,
    /// Sources of what fired, by thread.
    fired: Vec<Slot<Vec<u32>, 2>>,
}

impl SheetState {
    /// Threads that can share the work.
    pub(in crate::emu) fn most_threads(&self) -> usize {
        self.plates.len()
    }

    /// Plays what `feed` gives on at most so many threads; `tick` counts on. It does not look at faults between ticks.
    pub(in crate::emu) fn play(
        &mut self,
        (program, sheet): (&Program, &Sheet),
        (cores, fabric): (&mut [Core], &mut Fabric),
        tick: &mut u32,
        threads: usize,
        feed: &mut Feed<'_>,
    ) -> Result<()> {
        let mut shares = shares(sheet, &mut self.plates, cores, threads);
        let slots = Slots::new(shares.len(), &self.arrivals, *tick);
        let (meeting, first) = (Meeting::new(shares.len()), *tick);
        std::thread::scope(|scope| {
            let others = shares.split_off(1);
            for mut share in others {
                let (slots, meeting) = (&slots, &meeting);
                scope.spawn(move || {
                    let _end = End(meeting);
                    for tick in first.. {
                        if !meeting.wait() {
                            return;
                        }
                        share.step(program, sheet, slots, tick);
                    }
                });
            }
            let _end = End(&meeting);
            while let Some(input) = feed.next_tick() {
                fabric.inject(program, input);
                let mut host = slots.host.write(*tick);
                host.arrivals.sources.clear();
                host.arrivals.single = self.arrivals.single;
                host.arrivals.accept(sheet, input);
                self.arrivals.single = host.arrivals.single;
                host.targets.clear();
                host.targets.extend_from_slice(fabric.injected());
                drop(host);
                meeting.wait();
                shares.iter_mut().for_each(|share| share.step(program, sheet, &slots, *tick));
                *tick += 1;
            }
        });
        // Of the last tick nobody has read anything yet.
        let host = slots.host.before(*tick);
        count_intake(program, &host.targets, 0, cores);
        self.arrivals.clone_from(&host.arrivals);
        slots.fired.iter().for_each(|fired| self.arrivals.sources.extend_from_slice(&fired.before(*tick)));
        Ok(())
    }
}

/// Counts the host's packets of a tick at those of them that go to `cores`, of which the first has the index `first`.
fn count_intake(program: &Program, targets: &[(Target, i32)], first: usize, cores: &mut [Core]) {
    for &(to, _) in targets {
        if let Some(core) = (to.core as usize).checked_sub(first).and_then(|local| cores.get_mut(local)) {
            Core::count_intake(&program.cores[to.core as usize], to.axon, 1, &mut core.counts);
        }
    }
}

/// The plates, with their cores, in runs of about as many for each thread.
fn shares<'s>(
    sheet: &Sheet,
    mut plates: &'s mut [PlateState],
    mut cores: &'s mut [Core],
    threads: usize,
) -> Vec<Share<'s>> {
    let per = sheet.plates.len().div_ceil(threads.max(1));
    let mut shares = Vec::new();
    for (number, run) in sheet.plates.chunks(per).enumerate() {
        let core = run[0].cores.start;
        let (mine, rest) = std::mem::take(&mut plates).split_at_mut(run.len());
        let (my_cores, other_cores) = std::mem::take(&mut cores).split_at_mut(run[run.len() - 1].cores.end - core);
        (plates, cores) = (rest, other_cores);
        shares.push(Share { number, plate: number * per, plates: mine, core, cores: my_cores });
    }
    shares
}

impl<T, const N: usize> Slot<T, N> {
    fn new(content: impl Fn() -> T) -> Self {
        Self(std::array::from_fn(|_| CachePadded::new(RwLock::new(content()))))
    }

    /// Of this tick.
    fn write(&self, tick: u32) -> RwLockWriteGuard<'_, T> {
        self.0[tick as usize % N].write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the tick before.
    fn before(&self, tick: u32) -> RwLockReadGuard<'_, T> {
        self.0[(tick as usize + N - 1) % N].read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// What waits came in the tick before `tick`.
    fn new(threads: usize, waiting: &Arrivals, tick: u32) -> Self {
        let none = || Arrivals { sources: Vec::new(), single: waiting.single };
        let host = Slot::new(|| Host { arrivals: none(), targets: Vec::new() });
        host.write((tick % 3 + 2) % 3).arrivals.sources.clone_from(&waiting.sources);
        Self { host, fired: (0..threads).map(|_| Slot::new(Vec::new)).collect() }
    }
}

impl Share<'_> {
    /// One tick of its plates.
    fn step(&mut self, program: &Program, sheet: &Sheet, slots: &Slots, tick: u32) {
        let plates = || sheet.plates[self.plate..].iter();
        let host = slots.host.before(tick);
        let run = |plate| Run { program, sheet, plate, tick, single: host.arrivals.single };
        for fired in &slots.fired {
            let fired = fired.before(tick);
            plates().zip(&mut *self.plates).for_each(|(plate, state)| state.integrate(&run(plate), &fired));
        }
        let mut cores = &mut *self.cores;
        for (plate, state) in plates().zip(&mut *self.plates) {
            state.integrate(&run(plate), &host.arrivals.sources);
            let (mine, others) = cores.split_at_mut(plate.cores.len());
            cores = others;
            state.update(&run(plate), mine);
        }
        count_intake(program, &host.targets, self.core, self.cores);
        let mut sent = slots.fired[self.number].write(tick);
        sent.clear();
        sheet.fired(self.core, self.cores, &mut sent);
    }
}
