//! The ports of all routers: inputs with their queues, channels with their waiting lists.

use crate::chip::MeshSpec;
use crate::ids::CoreId;

/// No packet, no port.
pub(super) const NONE: u32 = u32::MAX;

/// Ports of a router to its neighbours: 0 east, 1 west, 2 north, 3 south (y grows to the south). The input and the
/// channel of a side have the same number; the far end of side `s` is side `s ^ 1` of the neighbour.
pub(super) const SIDES: usize = 4;

/// Where packets enter a router.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    /// First and last packet in it that is not granted; the last is stale where there is none.
    pub first: u32,
    pub last: u32,
    /// End of its last handshake, the channel that took it, and whether an event is noted for the end.
    pub idle_at: u64,
    pub through: u32,
    pub wakes: bool,
    /// Whether its first packet is in the waiting list of a channel.
    pub asks: bool,
    /// The input behind this one in the waiting list of a channel.
    behind: u32,
    /// The channel that ends here; none for cores and the host.
    pub channel: u32,
    /// When its first packet asked for a channel.
    since: u64,
    /// Its router, and that router's channel to the east.
    pub x: u16,
    pub y: u16,
    pub east: u32,
}

/// Where packets leave a router.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    /// End of its last handshake, and the input that it took the packet from.
    pub idle_at: u64,
    pub serving: u32,
    /// First and last input that waits for it; the last is stale where there is none.
    first: u32,
    last: u32,
    /// The input at its far end; none where that is a core.
    pub input: u32,
    /// Free slots of that input, the one of a handshake that has not ended included.
    pub slots: u16,
    /// Whether it runs in y.
    pub vertical: bool,
    /// Packets in this tick.
    pub packets: u32,
}

/// All inputs and channels of a mesh, numbered `router * (4 + cores) + port`: the sides, then the cores. The host's
/// input is the very last.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    cores: u32,
    pub inputs: Vec<Input>,
    pub channels: Vec<Channel>,
}

impl Ports {
    /// The ports of an empty mesh.
    pub(super) fn new(spec: &MeshSpec) -> Self {
        let (width, height, cores) = (u32::from(spec.width), u32::from(spec.height), u32::from(spec.cores_per_router));
        let (host_x, host_y) = spec.host;
        assert!(cores > 0 && host_x < spec.width && host_y < spec.height, "a mesh with cores and the host inside");
        let ports = SIDES as u32 + cores;
        assert!(u64::from(width) * u64::from(height) * u64::from(ports) < u64::from(NONE), "ports have 32-bit numbers");
        let mut made = Self { cores, inputs: Vec::new(), channels: Vec::new() };
        for (y, x) in (0..spec.height).flat_map(|y| (0..spec.width).map(move |x| (y, x))) {
            let router = u32::from(y) * width + u32::from(x);
            for port in 0..ports {
                let neighbour = match port {
                    0 if x + 1 < spec.width => Some(router + 1),
                    1 if x > 0 => Some(router - 1),
                    2 if y > 0 => Some(router - width),
                    3 if y + 1 < spec.height => Some(router + width),
                    _ => None,
                };
                let far = neighbour.map_or(NONE, |router| router * ports + (port ^ 1));
                made.inputs.push(Input::new(x, y, router * ports, far));
                made.channels.push(Channel::new(far, spec.buffer.max(1), matches!(port, 2 | 3)));
            }
        }
        let router = u32::from(host_y) * width + u32::from(host_x);
        made.inputs.push(Input::new(host_x, host_y, router * ports, NONE));
        made
    }

    /// Routers of the mesh.
    pub(super) fn routers(&self) -> usize {
        self.channels.len() / (SIDES + self.cores as usize)
    }

    /// The input from a core, which is also the number of the channel to it.
    pub(super) fn of_core(&self, core: CoreId) -> u32 {
        let (router, local) = (core.0 / self.cores, core.0 % self.cores);
        router * (SIDES as u32 + self.cores) + SIDES as u32 + local
    }

    /// The input from the host.
    pub(super) fn of_host(&self) -> u32 {
        self.channels.len() as u32
    }

    /// The number of a channel as a link between routers, `router * 4 + side`.
    pub(super) fn link(&self, channel: u32) -> Option<usize> {
        let ports = SIDES as u32 + self.cores;
        let (router, port) = (channel / ports, channel % ports);
        (port < SIDES as u32).then_some(router as usize * SIDES + port as usize)
    }

    /// Puts an input into the waiting list of a channel, by (time of request, number of the input).
    pub(super) fn wait(&mut self, channel: u32, number: u32, now: u64) {
        let channel = &mut self.channels[channel as usize];
        let inputs = &mut self.inputs;
        let key = |inputs: &[Input], other: u32| (inputs[other as usize].since, other);
        inputs[number as usize].since = now;
        inputs[number as usize].behind = NONE;
        if channel.first == NONE {
            (channel.first, channel.last) = (number, number);
        } else if key(inputs, channel.last) < (now, number) {
            inputs[channel.last as usize].behind = number;
            channel.last = number;
        } else if (now, number) < key(inputs, channel.first) {
            inputs[number as usize].behind = channel.first;
            channel.first = number;
        } else {
            let mut before = channel.first;
            while key(inputs, inputs[before as usize].behind) < (now, number) {
                before = inputs[before as usize].behind;
            }
            inputs[number as usize].behind = inputs[before as usize].behind;
            inputs[before as usize].behind = number;
        }
    }

    /// Takes the first waiting input, where the channel is idle and has a free slot at its far end.
    pub(super) fn choose(&mut self, number: u32, now: u64) -> Choice {
        let channel = &mut self.channels[number as usize];
        if channel.first == NONE || channel.idle_at > now {
            return Choice::Nothing;
        }
        if channel.input != NONE {
            let leaving = self.inputs[channel.input as usize].idle_at > now;
            if channel.slots == 0 {
                return Choice::Nothing; // the far end's next grant sees that this channel waits
            } else if channel.slots == 1 && leaving {
                return Choice::WaitFor(channel.input);
            }
        }
        let chosen = channel.first;
        channel.serving = chosen;
        channel.first = self.inputs[chosen as usize].behind;
        Choice::Grant(chosen)
    }

    /// A packet leaves the input at the far end of a channel; whether an input waits for the channel.
    pub(super) fn release(&mut self, channel: u32) -> bool {
        let channel = &mut self.channels[channel as usize];
        channel.slots += 1;
        channel.awaited()
    }
}

/// What a channel can do.
pub(super) enum Choice {
    /// Nobody waits, or an event that will come decides.
    Nothing,
    /// It takes the slot that the handshake of this input will free.
    WaitFor(u32),
    /// The first packet of this input.
    Grant(u32),
}

impl Input {
    const fn new(x: u16, y: u16, east: u32, channel: u32) -> Self {
        Self {
            first: NONE,
            last: NONE,
            behind: NONE,
            channel,
            idle_at: 0,
            through: NONE,
            wakes: false,
            asks: false,
            since: 0,
            x,
            y,
            east,
        }
    }

    /// Its first packet leaves.
    pub(super) const fn send(&mut self, through: u32, until: u64) {
        self.idle_at = until;
        self.through = through;
        self.wakes = false;
        self.asks = false;
    }
}

impl Channel {
    /// Whether an input waits for it.
    pub(super) const fn awaited(&self) -> bool {
        self.first != NONE
    }

    const fn new(input: u32, slots: u16, vertical: bool) -> Self {
        Self { idle_at: 0, serving: NONE, first: NONE, last: NONE, input, slots, vertical, packets: 0 }
    }
}
