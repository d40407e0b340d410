//! One router of the queued mesh: who wants what, who gets it.

use std::collections::VecDeque;

use super::alloc::{Mask, NOBODY, SwitchPointers, first_from, first_of};
use super::spec::{Arbitration, LOCAL, MAX_VCS, PORTS, QueuedMeshSpec};
use crate::emu::mesh::clocked::Handover;

/// A decision that is still under way.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// The cycle in which it takes effect.
    due: u64,
    /// The input's virtual channel.
    channel: u8,
    /// What it got: a virtual channel or an output.
    got: Option<u8>,
}

/// Input and virtual channel that each output takes a packet from.
type Winners = [Option<(u8, u8)>; PORTS];

/// A packet that crosses the switch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossing {
    pub(super) input: u8,
    pub(super) input_vc: u8,
    pub(super) output: u8,
    pub(super) output_vc: u8,
    pub(super) packet: Handover,
}

/// Buffers, pointers and credits. A virtual channel of an input has the number `input * vcs + vc`; one of an output alike.
#[derive(Debug, Clone)]
pub(super) struct Router {
    x: u32,
    y: u32,
    /// Channels whose first packet asks for a virtual channel.
    wants_vc: Mask,
    /// Channels whose first packet asks for the switch.
    wants_switch: Mask,
    /// Channels whose first packet has a virtual channel.
    has_vc: Mask,
    /// Channels whose first packet goes to each output.
    goes_to: [Mask; PORTS],
    /// Virtual channels of each output that are allotted to a packet still here.
    taken: [u32; PORTS],
    /// Virtual channels of each output without credit.
    full: [u32; PORTS],
    switch: SwitchPointers,
    /// The virtual channel that each input favours at the switch.
    favours: [u8; PORTS],
    /// Of each virtual channel of an output: the channel that it asks first.
    grant: Vec<u8>,
    /// Of each channel: the output's virtual channel that it asks first.
    accept: Vec<u8>,
    /// Of each channel: the output's virtual channel that its first packet has.
    out_vc: Vec<u8>,
    /// Packets under way to or in the buffer of each virtual channel of an output.
    used: Vec<u16>,
    first: Vec<u16>,
    fill: Vec<u16>,
    places: Vec<Handover>,
    routing: VecDeque<Pending>,
    vc_pending: VecDeque<Pending>,
    switch_pending: VecDeque<Pending>,
}

impl Router {
    pub(super) fn new(spec: &QueuedMeshSpec, x: u32, y: u32) -> Self {
        let channels = PORTS * spec.vcs as usize;
        Self {
            x,
            y,
            wants_vc: 0,
            wants_switch: 0,
            has_vc: 0,
            goes_to: [0; PORTS],
            taken: [0; PORTS],
            full: [0; PORTS],
            switch: SwitchPointers::default(),
            favours: [0; PORTS],
            grant: vec![0; channels],
            accept: vec![0; channels],
            out_vc: vec![0; channels],
            used: vec![0; channels],
            first: vec![0; channels],
            fill: vec![0; channels],
            places: vec![Handover::default(); channels * spec.depth as usize],
            routing: VecDeque::new(),
            vc_pending: VecDeque::new(),
            switch_pending: VecDeque::new(),
        }
    }

    /// Whether it can do anything before something arrives.
    #[inline]
    pub(super) fn is_busy(&self) -> bool {
        self.wants_vc | self.wants_switch != 0
            || !(self.routing.is_empty() && self.vc_pending.is_empty() && self.switch_pending.is_empty())
    }

    /// A packet arrives at the coming edge `now`. Its sender has counted credits, so there is room.
    #[inline]
    pub(super) fn arrive(&mut self, spec: &QueuedMeshSpec, now: u64, input: u8, vc: u8, packet: Handover) {
        let channel = usize::from(input) * spec.vcs as usize + usize::from(vc);
        let mut place = self.first[channel] + self.fill[channel];
        if u32::from(place) >= spec.depth {
            place -= spec.depth as u16;
        }
        debug_assert!(u32::from(self.fill[channel]) < spec.depth, "credits forbid this");
        self.places[channel * spec.depth as usize + usize::from(place)] = packet;
        self.fill[channel] += 1;
        if self.fill[channel] == 1 {
            self.start(spec, now, channel);
        }
    }

    /// A credit for a virtual channel of an output.
    #[inline]
    pub(super) fn credit(&mut self, vcs: u32, output: u8, vc: u8) {
        self.used[usize::from(output) * vcs as usize + usize::from(vc)] -= 1;
        self.full[usize::from(output)] &= !(1 << vc);
    }

    /// A packet has come to the front of a channel and is looked at in cycle `from`.
    fn start(&mut self, spec: &QueuedMeshSpec, from: u64, channel: usize) {
        let head = self.places[channel * spec.depth as usize + usize::from(self.first[channel])];
        let output = if head.x != self.x {
            usize::from(head.x < self.x)
        } else if head.y != self.y {
            2 + usize::from(head.y < self.y)
        } else {
            LOCAL
        };
        self.goes_to[output] |= 1 << channel;
        if spec.routing_delay == 0 {
            self.ask(spec, channel);
        } else {
            let due = from + u64::from(spec.routing_delay) - 1;
            self.routing.push_back(Pending { due, channel: channel as u8, got: None });
        }
    }

    fn ask(&mut self, spec: &QueuedMeshSpec, channel: usize) {
        self.wants_vc |= 1 << channel;
        if spec.speculative {
            self.wants_switch |= 1 << channel;
        }
    }

    /// One cycle: both allocations look at what was before, then everything that is due takes effect.
    #[inline]
    pub(super) fn cycle(&mut self, spec: &QueuedMeshSpec, now: u64, mut cross: impl FnMut(Crossing)) {
        let asked = self.wants_vc;
        let granted = if asked == 0 { 0 } else { self.allocate_vcs(spec) };
        let mut winners = [None; PORTS];
        if self.wants_switch != 0 {
            self.allocate_switch(spec, granted, &mut winners);
        }
        while let Some(done) = self.routing.pop_front_if(|pending| pending.due <= now) {
            self.ask(spec, usize::from(done.channel));
        }
        if spec.sw_alloc_delay > 1 {
            self.put_off_switch(spec, now, winners);
        }
        if spec.vc_alloc_delay == 1 {
            bits(granted, |channel| self.take_vc(spec, channel));
        } else {
            self.put_off_vcs(spec, now, asked, granted);
        }
        if spec.sw_alloc_delay > 1 {
            winners = self.due_switch(spec, now);
        }
        for (output, winner) in winners.iter().enumerate() {
            if let Some((input, vc)) = winner {
                cross(self.send(spec, now, *input, *vc, output));
            }
        }
    }

    /// The outputs' virtual channels grant, the inputs' accept. Gives the channels that get one, in `out_vc`.
    fn allocate_vcs(&mut self, spec: &QueuedMeshSpec) -> Mask {
        let (vcs, all) = (spec.vcs as usize, (1_u32 << spec.vcs) - 1);
        let mut granted: Mask = 0;
        for output in 0..PORTS {
            let mut asking = self.wants_vc & self.goes_to[output];
            let mut open = all & !self.taken[output];
            for round in 0..spec.iterations {
                if asking == 0 || open == 0 {
                    break;
                }
                if asking & (asking - 1) == 0 {
                    // One alone is offered all.
                    granted |= asking;
                    self.accept_vc(spec, output, asking.trailing_zeros() as usize, open, round);
                    break;
                }
                let mut offered: Mask = 0;
                let mut offers = [0_u8; MAX_VCS as usize];
                let mut left = open;
                while left != 0 {
                    let vc = left.trailing_zeros() as usize;
                    left &= left - 1;
                    offers[vc] = first_from(asking, self.grant[output * vcs + vc]);
                    offered |= 1 << offers[vc];
                }
                asking &= !offered;
                granted |= offered;
                let offering = open;
                bits(offered, |channel| {
                    let of = |vc: &usize| offering >> vc & 1 != 0 && usize::from(offers[*vc]) == channel;
                    let own = (0..vcs).filter(of).fold(0, |own, vc| own | 1 << vc);
                    open &= !(1 << self.accept_vc(spec, output, channel, own, round));
                });
            }
        }
        granted
    }

    /// A channel takes one of the virtual channels that it is offered.
    fn accept_vc(&mut self, spec: &QueuedMeshSpec, output: usize, channel: usize, offers: u32, round: u32) -> u8 {
        let vcs = spec.vcs as usize;
        // Its pointer runs over the virtual channels of all outputs.
        let offset = usize::from(self.accept[channel]).saturating_sub(output * vcs);
        let from = if offset < vcs { offset } else { 0 };
        let vc = first_of(offers, from as u8);
        self.out_vc[channel] = vc;
        if round == 0 && spec.arbitration == Arbitration::RoundRobin {
            let (channels, own) = (PORTS * vcs, output * vcs + usize::from(vc));
            self.grant[own] = ((channel + 1) % channels) as u8;
            self.accept[channel] = ((own + 1) % channels) as u8;
        }
        vc
    }

    /// Matches inputs and outputs of the switch. Who goes to each output becomes a winner. `granted` channels get a
    /// virtual channel in this cycle.
    fn allocate_switch(&mut self, spec: &QueuedMeshSpec, granted: Mask, winners: &mut Winners) {
        let vcs = spec.vcs as usize;
        let all = (1_u32 << spec.vcs) - 1;
        let mut requests = [0_u8; PORTS];
        let mut labels = [[0_u8; PORTS]; PORTS];
        for output in 0..PORTS {
            let asking = self.wants_switch & self.goes_to[output];
            if asking == 0 {
                continue;
            }
            let ready = self.with_credit(asking & self.has_vc, output);
            let hopes = all & !self.taken[output] & !self.full[output] != 0;
            let hopeful = if hopes { asking & !self.has_vc } else { 0 };
            if ready | hopeful == 0 {
                continue;
            }
            for (input, label) in labels[output].iter_mut().enumerate() {
                let (sure, maybe) = (slice(ready, input, vcs) & all, slice(hopeful, input, vcs) & all);
                if sure | maybe != 0 {
                    // Who has a virtual channel goes before who hopes for one.
                    *label = first_of(if sure != 0 { sure } else { maybe }, self.favours[input]);
                    requests[output] |= 1 << input;
                }
            }
        }
        let matched = self.switch.allocate(requests, spec.iterations, spec.arbitration);
        for (output, &input) in matched.iter().enumerate().filter(|(_, input)| **input != NOBODY) {
            let input = usize::from(input);
            let vc = labels[output][input];
            self.favours[input] = if u32::from(vc) + 1 == spec.vcs { 0 } else { vc + 1 };
            let channel = input * vcs + usize::from(vc);
            let bit: Mask = 1 << channel;
            // A hope that failed: no virtual channel, or one without credit.
            let sends =
                self.has_vc & bit != 0 || (granted & bit != 0 && self.full[output] >> self.out_vc[channel] & 1 == 0);
            if sends {
                winners[output] = Some((input as u8, vc));
            }
        }
    }

    /// Those of `channels`, all bound for `output`, whose virtual channel there has credit.
    #[inline]
    fn with_credit(&self, channels: Mask, output: usize) -> Mask {
        if self.full[output] == 0 {
            return channels;
        }
        let (mut ready, mut left) = (channels, channels);
        while left != 0 {
            let channel = left.trailing_zeros() as usize;
            left &= left - 1;
            if self.full[output] >> self.out_vc[channel] & 1 != 0 {
                ready &= !(1 << channel);
            }
        }
        ready
    }

    /// The decisions about virtual channels of this cycle are put off; those that are due change hands.
    fn put_off_vcs(&mut self, spec: &QueuedMeshSpec, now: u64, asked: Mask, granted: Mask) {
        self.wants_vc &= !asked;
        let due = now + u64::from(spec.vc_alloc_delay) - 1;
        bits(asked, |channel| {
            let got = (granted >> channel & 1 != 0).then_some(self.out_vc[channel]);
            self.vc_pending.push_back(Pending { due, channel: channel as u8, got });
        });
        while let Some(done) = self.vc_pending.pop_front_if(|pending| pending.due <= now) {
            let channel = usize::from(done.channel);
            self.wants_vc |= 1 << channel;
            if let Some(vc) = done.got
                && self.taken[self.output_of(channel)] >> vc & 1 == 0
            {
                self.out_vc[channel] = vc;
                self.take_vc(spec, channel);
            }
        }
    }

    fn take_vc(&mut self, spec: &QueuedMeshSpec, channel: usize) {
        let output = self.output_of(channel);
        self.taken[output] |= 1 << self.out_vc[channel];
        self.has_vc |= 1 << channel;
        self.wants_vc &= !(1 << channel);
        if !spec.speculative {
            self.wants_switch |= 1 << channel;
        }
    }

    fn output_of(&self, channel: usize) -> usize {
        self.goes_to.iter().position(|mask| mask >> channel & 1 != 0).expect("a packet at the front has an output")
    }

    /// The switch's decisions of this cycle are put off.
    fn put_off_switch(&mut self, spec: &QueuedMeshSpec, now: u64, winners: Winners) {
        let due = now + u64::from(spec.sw_alloc_delay) - 1;
        bits(std::mem::take(&mut self.wants_switch), |channel| {
            let own = Some(((channel / spec.vcs as usize) as u8, (channel % spec.vcs as usize) as u8));
            let output = winners.iter().position(|winner| *winner == own);
            let got = output.map(|output| output as u8);
            self.switch_pending.push_back(Pending { due, channel: channel as u8, got });
        });
    }

    /// The switch's decisions that are due; one whose credit has gone meanwhile is void.
    fn due_switch(&mut self, spec: &QueuedMeshSpec, now: u64) -> Winners {
        let mut winners = [None; PORTS];
        while let Some(done) = self.switch_pending.pop_front_if(|pending| pending.due <= now) {
            let channel = usize::from(done.channel);
            self.wants_switch |= 1 << channel;
            if let Some(output) = done.got.map(usize::from)
                && self.full[output] >> self.out_vc[channel] & 1 == 0
            {
                let vcs = spec.vcs as u8;
                winners[output] = Some((done.channel / vcs, done.channel % vcs));
            }
        }
        winners
    }

    /// The first packet of a channel crosses the switch.
    #[inline]
    fn send(&mut self, spec: &QueuedMeshSpec, now: u64, input: u8, input_vc: u8, output: usize) -> Crossing {
        let (vcs, depth) = (spec.vcs as usize, spec.depth as usize);
        let channel = usize::from(input) * vcs + usize::from(input_vc);
        let place = usize::from(self.first[channel]);
        let packet = self.places[channel * depth + place];
        self.first[channel] = if place + 1 == depth { 0 } else { self.first[channel] + 1 };
        self.fill[channel] -= 1;
        let (bit, vc) = (1 << channel, self.out_vc[channel]);
        self.wants_switch &= !bit;
        self.has_vc &= !bit;
        self.goes_to[output] &= !bit;
        self.taken[output] &= !(1 << vc);
        let used = &mut self.used[output * vcs + usize::from(vc)];
        *used += 1;
        if u32::from(*used) == spec.depth {
            self.full[output] |= 1 << vc;
        }
        if self.fill[channel] > 0 {
            self.start(spec, now + 1, channel);
        }
        Crossing { input, input_vc, output: output as u8, output_vc: vc, packet }
    }
}

/// The virtual channels of one input, and higher bits.
#[inline]
const fn slice(mask: Mask, input: usize, vcs: usize) -> u32 {
    (mask >> (input * vcs)) as u32
}

/// Calls back for every set bit.
#[inline]
fn bits(mut mask: Mask, mut each: impl FnMut(usize)) {
    while mask != 0 {
        each(mask.trailing_zeros() as usize);
        mask &= mask - 1;
    }
}
