//! `spectral`: the two smoothest vectors of the traffic graph as coordinates, made legal on the mesh.
//!
//! After K. M. Hall, "An r-dimensional quadratic placement algorithm" (Management Science 1970), as Ronzani and Silvano
//! (2026) use it for SNNs. Deviations: eigenvectors of the random-walk matrix by power iteration with deflation, a
//! fixed number of rounds, so that the result needs no tolerance; slots are shared out by recursive splitting.

use super::multilevel::legal;
use super::{Flow, Mesh, Watch};
use crate::rng::Rng;

/// Power iterations for both vectors.
const ROUNDS: usize = 400;

/// Positions by the second and third eigenvector.
pub(super) fn spectral(flow: &Flow, mesh: &Mesh, seed: u64, watch: &dyn Watch) -> Vec<u32> {
    let n = flow.clusters();
    let mut rng = Rng::new(seed);
    let strength: Vec<f64> = flow.strength().into_iter().map(|s| s.max(f64::MIN_POSITIVE)).collect();
    let constant = vec![1.0; n];
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    for axis in 0..2 {
        let mut v: Vec<f64> = (0..n).map(|_| rng.unit() - 0.5).collect();
        let mut next = vec![0.0; n];
        for round in 0..ROUNDS {
            if watch.gone() >= 1.0 {
                break;
            }
            std::iter::once(&constant).chain(&vectors).for_each(|known| deflate(&mut v, known, &strength));
            normalise(&mut v, &strength);
            // Half a step of the walk: all eigenvalues are positive, the largest is the smoothest.
            for (c, to) in next.iter_mut().enumerate() {
                let sum: f64 = flow.of(c).iter().map(|&(other, w)| w * v[other as usize]).sum();
                *to = 0.5 * (v[c] + sum / strength[c]);
            }
            std::mem::swap(&mut v, &mut next);
            if (round + 1) % 100 == 0 {
                watch.step(&format!("spectral   vector {}  round {:5}", axis + 1, round + 1));
            }
        }
        std::iter::once(&constant).chain(&vectors).for_each(|known| deflate(&mut v, known, &strength));
        vectors.push(v);
    }
    let at: Vec<(f64, f64)> = (0..n).map(|c| (vectors[0][c], vectors[1][c])).collect();
    legal(&at, mesh)
}

/// Takes the part along `known` away, in the inner product of the strengths.
fn deflate(v: &mut [f64], known: &[f64], strength: &[f64]) {
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).zip(strength).map(|((a, b), s)| a * b * s).sum() };
    let length = product(known, known);
    if length > 0.0 {
        let along = product(v, known) / length;
        v.iter_mut().zip(known).for_each(|(v, k)| *v -= along * k);
    }
}

fn normalise(v: &mut [f64], strength: &[f64]) {
    let length: f64 = v.iter().zip(strength).map(|(v, s)| v * v * s).sum::<f64>().sqrt();
    if length > 0.0 {
        v.iter_mut().for_each(|v| *v /= length);
    }
}
