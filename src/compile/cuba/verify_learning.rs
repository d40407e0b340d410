//! The learning part of the checker: every group of every core against the rule of its projection, and where its third
//! factors come from.

use std::collections::{BTreeMap, BTreeSet};

use super::verify::Checker;
use crate::chip::Dialect;
use crate::graph::{Learning, TraceShape};
use crate::image::{CubaCore, LearningGroup, TraceImage};
use crate::rule::Trace;

/// Tag and learned delay of every synapse of the lists that learn, by list. Without them in the group they are 0.
pub(super) fn extras(body: &CubaCore) -> BTreeMap<u32, Vec<(i16, i16)>> {
    let mut found = BTreeMap::new();
    for group in &body.learning {
        let mut at = 0;
        for (number, list) in body.lists_of(group.projection) {
            let value = |values: &[i16], k: usize| values.get(at + k).copied().unwrap_or(0);
            let count = list.count as usize;
            found.insert(number, (0..count).map(|k| (value(&group.tags, k), value(&group.delays, k))).collect());
            at += count;
        }
    }
    found
}

impl Checker<'_> {
    /// Rules, traces and third factors.
    pub(super) fn learning(&mut self) {
        let mut cores: Vec<(u32, &CubaCore)> = self.cores.iter().map(|(core, body)| (*core, *body)).collect();
        cores.sort_unstable_by_key(|(core, _)| *core);
        for (core, body) in cores {
            for group in &body.learning {
                let place = format!("core {core}, learning of projection {}", group.projection);
                match self.network.learning_of(group.projection as usize) {
                    None => self.blame("verify/learning", place, "the network has no such rule"),
                    Some(learning) => {
                        if let Some(what) = differs(group, learning, self.spec.dialect) {
                            self.blame("verify/learning", place, what);
                        } else if self.supplied(core, body, group, learning) != Some(true) {
                            self.blame("verify/learning", place, "its third factors are not those of the network");
                        }
                    }
                }
            }
            let groups: BTreeSet<u32> = body.learning.iter().map(|group| group.projection).collect();
            for list in &body.lists {
                let learns = self.network.learning_of(list.projection as usize).is_some();
                if learns != body.list_learns(list) || (learns && !groups.contains(&list.projection)) {
                    let what = format!("a list of projection {} has another part in learning", list.projection);
                    self.blame("verify/learning", format!("core {core}"), what);
                }
            }
        }
    }

    /// Whether every target on the core has the sources that the network names, and no others.
    fn supplied(&self, core: u32, body: &CubaCore, group: &LearningGroup, learning: &Learning) -> Option<bool> {
        let mut found = BTreeSet::new();
        let targets = self.network.projections[group.projection as usize].target.0;
        for factor in &group.factors {
            let source = *self.axons.get(&(core, factor.axon))?;
            let target = match factor.target {
                None => None,
                Some(neuron) => Some(*self.owner.get(&crate::image::Place { core, neuron })?),
            };
            found.insert((factor.trace, source, target));
        }
        let mut wanted = BTreeSet::new();
        for (trace, population) in (0_u8..).zip(learning.factors) {
            let Some(population) = population else { continue };
            let one = self.network.populations[population.index()].size() == 1;
            for neuron in 0..body.config_of.len() as u16 {
                let owner = *self.owner.get(&crate::image::Place { core, neuron })?;
                if owner.0 == targets {
                    let source = (population.0, if one { 0 } else { owner.1 }, 0);
                    wanted.insert((trace, source, (!one).then_some(owner)));
                }
            }
        }
        Some(found == wanted)
    }
}

/// What of a group is not as the network says; a frozen group never starts.
fn differs(group: &LearningGroup, learning: &Learning, dialect: Dialect) -> Option<String> {
    let traces = learning.traces.map(|TraceShape { impulse, tau }| {
        let trace =
            if dialect == Dialect::Brian2 { Trace::first_order(impulse, tau) } else { Trace::new(impulse, tau) };
        TraceImage::new(&trace)
    });
    let same = [
        ("rule", group.resolve().is_ok_and(|resolved| resolved.rule == learning.rule)),
        ("post", group.post == learning.post),
        ("states", group.states == learning.states),
        ("epoch", group.epoch == learning.epoch),
        ("start", group.start == learning.start),
        ("seed", group.seed == learning.seed),
        ("sign", group.sign == LearningGroup::sign_code(learning.sign)),
        ("weight bits", group.weight_bits == learning.weight_bits),
        ("graded", group.graded == LearningGroup::graded_code(learning.graded)),
        ("traces", group.traces == traces),
    ];
    same.iter().find(|(_, same)| !same).map(|(what, _)| format!("its {what} is not that of the network"))
}
