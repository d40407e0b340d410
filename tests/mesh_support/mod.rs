//! A second mesh, as slow and plain as the rules in `emu::mesh` allow: it walks through every picosecond and looks
//! at every port. It shares no code with the first.

use std::collections::{BTreeMap, VecDeque};

use spikeloom::chip::MeshSpec;
use spikeloom::emu::mesh::{Arrival, Packet};
use spikeloom::ids::CoreId;
use spikeloom::units::Picos;

/// Router and port: 0 east, 1 west, 2 north, 3 south, then cores, then the host.
type Port = (u16, u16, u32);

const HOST: u32 = u32::MAX;

#[derive(Default)]
struct Input {
    queue: VecDeque<Packet>,
    asked: Option<u64>,
    sending: bool,
    slots_in_use: u16,
}

#[derive(Default)]
struct Plain {
    inputs: BTreeMap<Port, Input>,
    flights: Vec<(u64, Port, Packet)>,
    handshakes: Vec<(u64, Port, Port)>,
    arrivals: Vec<Arrival>,
    /// When the wires of a chip's side are free, by (chip's column, row, side).
    wires: BTreeMap<Port, u64>,
}

/// The wires that a channel over a chip edge shares; none on the chip.
fn wires_of(spec: &MeshSpec, (x, y, out): Port) -> Option<Port> {
    let edge = spec.edge.as_ref()?;
    let (far_x, far_y, _) = far_end((x, y, out))?;
    let chip = |x: u16, y: u16| (x / edge.tile.0, y / edge.tile.1);
    let here = chip(x, y);
    if here == chip(far_x, far_y) {
        return None;
    }
    Some(if edge.side_packets_per_second.is_some() { (here.0, here.1, out) } else { (x, y, out) })
}

fn place(spec: &MeshSpec, core: CoreId) -> Port {
    let cores = u32::from(spec.cores_per_router);
    let router = core.0 / cores;
    ((router % u32::from(spec.width)) as u16, (router / u32::from(spec.width)) as u16, 4 + core.0 % cores)
}

fn channel_for(spec: &MeshSpec, (x, y, _): Port, packet: &Packet) -> Port {
    let to = place(spec, packet.to);
    let out = if to.0 > x {
        0
    } else if to.0 < x {
        1
    } else if to.1 < y {
        2
    } else if to.1 > y {
        3
    } else {
        to.2
    };
    (x, y, out)
}

fn far_end((x, y, out): Port) -> Option<Port> {
    match out {
        0 => Some((x + 1, y, 1)),
        1 => Some((x - 1, y, 0)),
        2 => Some((x, y - 1, 3)),
        3 => Some((x, y + 1, 2)),
        _ => None,
    }
}

impl Plain {
    /// Applies what is due; whether there was anything.
    fn apply(&mut self, now: u64) -> bool {
        let (due, later) = std::mem::take(&mut self.flights).into_iter().partition(|flight| flight.0 <= now);
        self.flights = later;
        let (ended, open) = std::mem::take(&mut self.handshakes).into_iter().partition(|shake| shake.0 <= now);
        self.handshakes = open;
        let (due, ended): (Vec<_>, Vec<_>) = (due, ended);
        for &(_, port, packet) in &due {
            self.inputs.entry(port).or_default().queue.push_back(packet);
        }
        for &(_, _, from) in &ended {
            let input = self.inputs.entry(from).or_default();
            input.sending = false;
            input.slots_in_use = input.slots_in_use.saturating_sub(1);
        }
        !due.is_empty() || !ended.is_empty()
    }

    /// Every channel chooses.
    fn choose(&mut self, spec: &MeshSpec, now: u64) {
        let mut asking: BTreeMap<Port, (u64, Port)> = BTreeMap::new();
        for (&port, input) in &mut self.inputs {
            let Some(packet) = input.queue.front().filter(|_| !input.sending) else { continue };
            let asked = *input.asked.get_or_insert(now);
            let best = asking.entry(channel_for(spec, port, packet)).or_insert((asked, port));
            *best = (*best).min((asked, port));
        }
        for (channel, (_, from)) in asking {
            let idle = self.handshakes.iter().all(|shake| shake.1 != channel);
            let far = far_end(channel);
            let full = far.is_some_and(|far| self.inputs.entry(far).or_default().slots_in_use >= spec.buffer);
            if idle && !full {
                self.grant(spec, now, channel, from);
            }
        }
    }

    fn grant(&mut self, spec: &MeshSpec, now: u64, channel: Port, from: Port) {
        let picos = |time: Option<Picos>| time.unwrap_or_default().0;
        let input = self.inputs.entry(from).or_default();
        let packet = input.queue.pop_front().expect("it asked");
        input.asked = None;
        input.sending = true;
        let mut leaves = now;
        let (mut cycle, mut extra) = (picos(spec.cycle).max(1), 0);
        if let (Some(wires), Some(edge)) = (wires_of(spec, channel), &spec.edge) {
            cycle = picos(edge.cycle).max(1);
            // A packet is behind the edge when its last bit is.
            cycle = edge.side_packets_per_second.map_or(cycle, |rate| 1_000_000_000_000_u64.div_ceil(rate));
            extra = cycle + picos(edge.latency);
            let free = self.wires.entry(wires).or_default();
            leaves = now.max(*free);
            *free = leaves + cycle;
        }
        self.handshakes.push((leaves + cycle, channel, from));
        match far_end(channel) {
            Some(far) => {
                self.inputs.entry(far).or_default().slots_in_use += 1;
                let hop = if channel.2 < 2 { spec.hop_x } else { spec.hop_y };
                self.flights.push((leaves + picos(hop) + extra, far, packet));
            }
            None => self.arrivals.push(Arrival { at: Picos(now + picos(spec.local)), tag: packet.tag }),
        }
    }
}

/// What `Mesh::deliver` must say.
pub(crate) fn deliver(spec: &MeshSpec, packets: &[Packet]) -> Vec<Arrival> {
    let mut plain = Plain::default();
    let mut offers: Vec<Packet> = packets.to_vec();
    offers.sort_by_key(|packet| std::cmp::Reverse((packet.ready, packet.tag)));
    let mut now = 0;
    while plain.arrivals.len() < packets.len() {
        while offers.last().is_some_and(|packet| packet.ready.0 == now) {
            let packet = offers.pop().expect("just seen");
            let port = packet.from.map_or((spec.host.0, spec.host.1, HOST), |core| place(spec, core));
            plain.inputs.entry(port).or_default().queue.push_back(packet);
        }
        plain.apply(now);
        plain.choose(spec, now);
        while plain.apply(now) {
            plain.choose(spec, now);
        }
        now += 1;
        assert!(now < 1_000_000, "the plain mesh is stuck");
    }
    plain.arrivals.sort_by_key(|arrival| (arrival.at, arrival.tag));
    plain.arrivals
}
