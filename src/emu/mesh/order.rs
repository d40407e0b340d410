//! The order in which sources offer packets: by (ready, tag).

use super::Packet;
use super::way::{NUMBER, TIME};

/// Room to sort packets in.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    /// Time and number of a packet in one word, which sorts fast.
    words: Vec<u64>,
    keys: Vec<(u64, u32, u32)>,
}

impl Order {
    /// Calls `next` with every packet, in order.
    pub(super) fn each(&mut self, packets: &[Packet], mut next: impl FnMut(&Packet)) {
        let fits = packets.len() >> NUMBER == 0 && packets.iter().all(|packet| packet.ready.0 >> TIME == 0);
        if fits && packets.is_sorted_by_key(|packet| packet.tag) {
            self.words.clear();
            self.words.extend((0..).zip(packets).map(|(number, packet)| packet.ready.0 << NUMBER | number));
            // What the cores send is a few ascending runs, which this sort merges.
            self.words.sort();
            let number = |word: &u64| (word & ((1 << NUMBER) - 1)) as usize;
            self.words.iter().for_each(|word| next(&packets[number(word)]));
        } else {
            self.keys.clear();
            self.keys.extend((0..).zip(packets).map(|(number, packet)| (packet.ready.0, packet.tag, number)));
            self.keys.sort_unstable();
            self.keys.iter().for_each(|&(_, _, number)| next(&packets[number as usize]));
        }
    }
}
