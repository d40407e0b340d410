//! What fan-in splitting changed: the whole and the split network side by side in the integer oracle over the stimulus of
//! the sweep. No mapping changes it, so it is measured once for a network on a chip with its changes and wish of splitting,
//! by whichever candidate comes first; rows of the journal carry it, and what they carry is not measured again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::row::{Row, SplitError, SplitSpikes};
use crate::compile::Compiled;
use crate::emu::Control;
use crate::oracle::Difference;
use crate::stimulus::Stimulus;

/// What decides the error: network, chip and changes, by their names.
type Group = (String, String, String);

/// Errors that are known, or in the making by the thread that came first.
#[derive(Default)]
pub(super) struct Splits(Mutex<BTreeMap<Group, Arc<OnceLock<Option<SplitError>>>>>);

impl Splits {
    /// Takes over what rows of a journal know.
    pub(super) fn recall<'a>(&self, rows: impl Iterator<Item = &'a Row>) {
        for row in rows.filter(|row| row.split.is_some()) {
            // All rows of a group say the same: the first stands.
            let _ = self.slot(row.group()).set(row.split.clone());
        }
    }

    /// The error of a group whose networks these are; nothing where nothing was split, or where it was stopped.
    pub(super) fn of(
        &self,
        group: Group,
        compiled: &Compiled,
        stimulus: &Stimulus,
        control: &dyn Control,
    ) -> Option<SplitError> {
        compiled.split.as_ref()?;
        self.slot(group).get_or_init(|| measure(compiled, stimulus, control)).clone()
    }

    fn slot(&self, group: Group) -> Arc<OnceLock<Option<SplitError>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(group).or_default())
    }
}

fn measure(compiled: &Compiled, stimulus: &Stimulus, control: &dyn Control) -> Option<SplitError> {
    let whole = compiled.split.as_ref()?;
    let mut found = Difference::of(&whole.network);
    for sample in &stimulus.samples {
        if control.stop() {
            return None;
        }
        found.add((&whole.network, &compiled.network), &whole.lags, sample, whole.depth);
    }
    let populations = whole.network.populations.iter().zip(&found.populations).filter(|(_, spikes)| spikes.neurons > 0);
    let spikes = |(population, spikes): (&crate::graph::Population<_>, &crate::oracle::Spikes)| SplitSpikes {
        name: population.name.clone(),
        neurons: spikes.neurons,
        spikes_whole: spikes.whole,
        spikes_split: spikes.changed,
        spikes_moved: spikes.moved,
        neurons_miscounted: spikes.miscounted,
        spikes_off: spikes.off,
    };
    Some(SplitError {
        samples: found.samples,
        agreeing: found.agreeing,
        labelled: found.labelled,
        right_whole: found.right.0,
        right_split: found.right.1,
        populations: populations.map(spikes).collect(),
    })
}
