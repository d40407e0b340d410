//! Adam (Kingma, Ba 2015).

/// Moments of the gradient of one layer.
pub(super) struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    /// The decay rates to the power of the steps so far.
    decayed: (f32, f32),
}

const DECAY: (f32, f32) = (0.9, 0.999);

impl Adam {
    pub(super) fn new(size: usize) -> Self {
        Self { mean: vec![0.0; size], square: vec![0.0; size], decayed: (1.0, 1.0) }
    }

    /// One step down the gradient.
    pub(super) fn step(&mut self, weights: &mut [f32], gradient: &[f32], rate: f32) {
        self.decayed = (self.decayed.0 * DECAY.0, self.decayed.1 * DECAY.1);
        let unbias = (1.0 / (1.0 - self.decayed.0), 1.0 / (1.0 - self.decayed.1));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((weight, &slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            *mean += (1.0 - DECAY.0) * (slope - *mean);
            *square += (1.0 - DECAY.1) * (slope * slope - *square);
            *weight -= rate * *mean * unbias.0 / ((*square * unbias.1).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_down_a_bowl() {
        let mut adam = Adam::new(2);
        let mut at = [3.0_f32, -2.0];
        for _ in 0..2_000 {
            let slope = at.map(|x| 2.0 * x);
            adam.step(&mut at, &slope, 0.01);
        }
        assert!(at.iter().all(|x| x.abs() < 1e-2), "{at:?}");
    }
}
