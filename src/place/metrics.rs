//! Static figures of a placement: what its traffic does to the links, before anything runs.

use super::Routers;

/// One neuron (or several that send alike): where from, how much, to which slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Sender {
    /// Slot that it sends from.
    pub from: u32,
    /// Spikes.
    pub spikes: f64,
    /// Destination slots, one a packet.
    pub to: Vec<u32>,
}

/// What the traffic amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traffic {
    /// Packets injected, one a destination.
    pub packets: f64,
    /// Links that they cross.
    pub hops: f64,
    /// Links that a multicast along the same routes would cross, shared parts counted once.
    pub tree_hops: f64,
    /// Packets over the busiest link.
    pub max_link: f64,
    /// Packets over every link: `router * 4 + {0 east, 1 west, 2 north, 3 south}`, y grows to the south.
    pub links: Vec<f64>,
}

/// Follows every packet along its dimension-order route, x first.
#[must_use]
pub fn measure(routers: &Routers, senders: &[Sender]) -> Traffic {
    let mut traffic = Traffic { links: vec![0.0; routers.width * routers.height * 4], ..Traffic::default() };
    let mut tree: Vec<usize> = Vec::new();
    for sender in senders {
        tree.clear();
        for &to in &sender.to {
            traffic.packets += sender.spikes;
            let before = tree.len();
            route(routers, sender.from, to, &mut tree);
            traffic.hops += sender.spikes * (tree.len() - before) as f64;
            tree[before..].iter().for_each(|link| traffic.links[*link] += sender.spikes);
        }
        tree.sort_unstable();
        tree.dedup();
        traffic.tree_hops += sender.spikes * tree.len() as f64;
    }
    traffic.max_link = traffic.links.iter().copied().fold(0.0, f64::max);
    traffic
}

/// Appends the links from one slot's router to another's.
fn route(routers: &Routers, from: u32, to: u32, links: &mut Vec<usize>) {
    let ((mut x, mut y), (tx, ty)) = (routers.cell(from), routers.cell(to));
    while x != tx {
        links.push((y * routers.width + x) * 4 + usize::from(tx < x));
        x = if tx > x { x + 1 } else { x - 1 };
    }
    while y != ty {
        links.push((y * routers.width + x) * 4 + if ty < y { 2 } else { 3 });
        y = if ty > y { y + 1 } else { y - 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_links_count_once_in_the_tree_and_each_time_in_the_load() {
        let routers = Routers::new(3, 3, 1);
        // From the corner two east, then one south each: the way east is shared.
        let senders = [Sender { from: 0, spikes: 2.0, to: vec![2, 5, 0] }];
        let traffic = measure(&routers, &senders);
        assert_eq!((traffic.packets, traffic.hops, traffic.tree_hops), (6.0, 10.0, 6.0));
        assert_eq!(traffic.max_link, 4.0);
        assert_eq!(traffic.links[0], 4.0);
        assert_eq!(traffic.links[2 * 4 + 3], 2.0);
    }
}
