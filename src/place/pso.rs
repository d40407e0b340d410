//! `pso`: a particle swarm over permutations, to reproduce papers that place with one (SpiNeMap, A. Balaji et al.,
//! TVLSI 2020). It loses to a plain Hilbert curve from some sixty clusters on; use another for results.
//!
//! Deviation: positions are real keys a cluster and sorting them gives the order of the clusters in the slots (random
//! keys), since the paper's discretisation is not told in full. Inertia 0.72, both pulls 1.49 (Clerc, Kennedy 2002).

use super::anneal::cost;
use super::{Flow, Mesh, Watch};
use crate::rng::Rng;

struct Particle {
    keys: Vec<f64>,
    speed: Vec<f64>,
    best: Vec<f64>,
    least: f64,
}

/// Most keys of a whole swarm (particles times slots), at 24 bytes each.
pub(super) const MOST_KEYS: usize = 1 << 22;

/// Slots of the best particle after `rounds`, or when the time is gone.
pub(super) fn swarm(flow: &Flow, mesh: &Mesh, size: usize, rounds: usize, seed: u64, watch: &dyn Watch) -> Vec<u32> {
    let slots = mesh.usable();
    let (n, m) = (flow.clusters(), slots.len());
    let mut rng = Rng::new(seed);
    // Keys of slots: the clusters take those of their rank, the fillers the rest.
    let decode = |keys: &[f64]| -> Vec<u32> {
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]).then(a.cmp(b)));
        let mut place = vec![0; m];
        order.iter().enumerate().for_each(|(rank, who)| place[*who] = slots[rank]);
        place.truncate(n);
        place
    };
    let mut particles: Vec<Particle> = Vec::new();
    while particles.is_empty() || (particles.len() < size && watch.gone() < 1.0) {
        let keys: Vec<f64> = (0..m).map(|_| rng.unit()).collect();
        let least = cost(flow, mesh, &decode(&keys));
        particles.push(Particle { speed: vec![0.0; m], best: keys.clone(), keys, least });
    }
    let leader = |particles: &[Particle]| {
        let first = particles.iter().min_by(|a, b| a.least.total_cmp(&b.least));
        first.map(|p| (p.best.clone(), p.least)).unwrap_or_default()
    };
    let mut lead = leader(&particles);
    for round in 0..rounds {
        if watch.gone() >= 1.0 {
            break;
        }
        for particle in &mut particles {
            if watch.gone() >= 1.0 {
                break;
            }
            for k in 0..m {
                let (own, all) = (rng.unit(), rng.unit());
                particle.speed[k] = 0.72 * particle.speed[k]
                    + 1.49 * own * (particle.best[k] - particle.keys[k])
                    + 1.49 * all * (lead.0[k] - particle.keys[k]);
                particle.keys[k] += particle.speed[k];
            }
            let now = cost(flow, mesh, &decode(&particle.keys));
            if now < particle.least {
                particle.least = now;
                particle.best.clone_from(&particle.keys);
            }
        }
        lead = leader(&particles);
        watch.step(&format!("pso        round {:6}  cost {:16.4}", round + 1, lead.1));
    }
    decode(&lead.0)
}
