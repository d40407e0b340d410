//! Label propagation: every vertex in turn goes where its nets pull it most, if that helps and fits.
//!
//! After Raghavan et al. (2007) with the size constraint of Meyerhenke, Sanders and Schulz (2014). Deviations:
//! the pull is the exact gain in km1; among equal gains the part with more shared nets is taken.

use super::over;
use super::state::State;
use crate::rng::Rng;
use crate::watch::Watch;

/// Up to `rounds` rounds in random order. Returns by how much km1 fell.
pub(super) fn run(state: &mut State<'_>, rounds: u32, rng: &mut Rng, watch: &dyn Watch) -> i64 {
    let before = state.km1();
    let mut order: Vec<u32> = (0..state.graph.vertices() as u32).collect();
    let mut pull = vec![0_i64; state.parts];
    let mut parts = Vec::new();
    for _ in 0..rounds {
        rng.shuffle(&mut order);
        let mut moves = 0;
        for (at, &vertex) in order.iter().enumerate() {
            if at % 256 == 0 && over(watch) {
                return before - state.km1();
            }
            let v = vertex as usize;
            let outer = state.gather(v, &mut pull, &mut parts);
            let mut best: Option<(i64, u32)> = None;
            for &part in &parts {
                let found = std::mem::take(&mut pull[part as usize]);
                let better =
                    best.is_none_or(|(most, at)| (found, std::cmp::Reverse(part)) > (most, std::cmp::Reverse(at)));
                if found >> 8 > outer && better && state.fits(v, part) {
                    best = Some((found, part));
                }
            }
            if let Some((_, part)) = best {
                state.shift(v, part, |_, _| {});
                moves += 1;
            }
        }
        if moves == 0 {
            break;
        }
    }
    before - state.km1()
}
