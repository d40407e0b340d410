//! Image encoders in integers: training, the float reference and the chips see the same spikes.

use super::{Encoding, InputSpike, Options, Sample, Stimulus};
use crate::rng;

/// Ticks of an encoded image where the options name none.
pub const DEFAULT_IMAGE_TICKS: u32 = 16;

/// Encodes images of pixels `0..=max` (larger values count as `max`; `max` 0 gives no spikes), all of the length
/// of the first. `labels` has one entry an image or is empty.
///
/// Rate: pixel i has an accumulator that starts at a phase in `0..max` (keyed by seed and i, so that pixels of one
/// value do not fire in the same ticks), gains the pixel's value in every tick and fires when it reaches `max`,
/// which is then taken off: in T ticks `floor((phase + T * value) / max)` spikes, evenly spread, and exactly `value`
/// for T = max. Latency: one spike in tick `round((W - 1) * (max - value) / max)`, where
/// W is the window, T unless the options name one. Value: `round(255 * value / max)` in
/// every tick.
#[must_use]
pub fn encode_images(images: &[Vec<u8>], max: u8, options: &Options, labels: &[u32]) -> Stimulus {
    let samples = images.iter().take(options.limit.unwrap_or(usize::MAX)).enumerate().map(|(index, image)| {
        let mut sample = encode_image(image, max, options);
        sample.name = format!("image {index}");
        sample.label = labels.get(index).copied();
        sample
    });
    Stimulus { samples: samples.collect(), inputs: images.first().map_or(0, Vec::len) as u32 }
}

/// One image as an unnamed sample, as [`encode_images`] has it.
#[must_use]
pub fn encode_image(image: &[u8], max: u8, options: &Options) -> Sample {
    let ticks = options.ticks.unwrap_or(DEFAULT_IMAGE_TICKS);
    let mut spikes = Vec::new();
    for (input, &value) in image.iter().enumerate().filter(|&(_, &value)| value > 0 && max > 0) {
        let (input, value, max) = (input as u32, u32::from(value.min(max)), u32::from(max));
        let mut send = |tick, value| spikes.push(InputSpike { tick, input, value });
        match options.encoding.unwrap_or_default() {
            Encoding::Rate => {
                let mut sum = phase(options.seed, input, max);
                for tick in 0..ticks {
                    sum += value;
                    if sum >= max {
                        sum -= max;
                        send(tick, 1);
                    }
                }
            }
            Encoding::Latency if ticks > 0 => {
                let window = options.window.unwrap_or(ticks).clamp(1, ticks);
                let doubled = 2 * u64::from(window - 1) * u64::from(max - value) + u64::from(max);
                send((doubled / (2 * u64::from(max))) as u32, 1);
            }
            Encoding::Latency => {}
            Encoding::Value => {
                let whole = ((2 * 255 * value + max) / (2 * max)) as u16;
                (0..ticks).filter(|_| whole > 0).for_each(|tick| send(tick, whole));
            }
        }
    }
    spikes.sort_unstable();
    Sample { name: String::new(), spikes, ticks, label: None }
}

/// The accumulator of `input` at the start, in `0..max`.
const fn phase(seed: u64, input: u32, max: u32) -> u32 {
    (rng::keyed(seed, input as u64, 0, 0, 0) % max as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(encoding: Encoding, ticks: u32) -> Options {
        Options { encoding: Some(encoding), ticks: Some(ticks), seed: 5, ..Options::default() }
    }

    #[test]
    fn rate_gives_as_many_spikes_as_the_value_at_full_length() {
        for value in 0..=16 {
            let sample = encode_image(&[value; 9], 16, &of(Encoding::Rate, 16));
            for input in 0..9 {
                let ticks: Vec<u32> = sample.spikes.iter().filter(|s| s.input == input).map(|s| s.tick).collect();
                assert_eq!(ticks.len(), usize::from(value));
                let gaps = ticks.windows(2).map(|pair| pair[1] - pair[0]);
                let (least, most) = gaps.fold((u32::MAX, 0), |(low, high), gap| (low.min(gap), high.max(gap)));
                assert!(ticks.len() < 2 || most - least <= 1, "evenly spread: {ticks:?}");
            }
        }
    }

    #[test]
    fn latency_fires_once_the_brighter_the_earlier() {
        let sample = encode_image(&[0, 1, 8, 16, 200], 16, &of(Encoding::Latency, 17));
        let found: Vec<(u32, u32)> = sample.spikes.iter().map(|s| (s.input, s.tick)).collect();
        assert_eq!(found, [(3, 0), (4, 0), (2, 8), (1, 15)]);
        let longer = Options { window: Some(17), ..of(Encoding::Latency, 40) };
        let longer = encode_image(&[0, 1, 8, 16, 200], 16, &longer);
        assert_eq!((longer.spikes, longer.ticks), (sample.spikes, 40));
    }

    #[test]
    fn values_are_sent_whole_in_every_tick() {
        let sample = encode_image(&[0, 1, 8, 16, 200], 16, &of(Encoding::Value, 2));
        let found: Vec<(u32, u32, u16)> = sample.spikes.iter().map(|s| (s.tick, s.input, s.value)).collect();
        let one = [(1, 16), (2, 128), (3, 255), (4, 255)];
        let both = (0..2).flat_map(|tick| one.map(|(input, value)| (tick, input, value)));
        assert_eq!(found, both.collect::<Vec<_>>());
        let same = encode_image(&[0, 1, 77, 255], 255, &of(Encoding::Value, 1));
        assert_eq!(same.spikes.iter().map(|s| s.value).collect::<Vec<_>>(), [1, 77, 255]);
    }

    #[test]
    fn no_ticks_and_no_scale_give_no_spikes() {
        for encoding in [Encoding::Rate, Encoding::Latency, Encoding::Value] {
            assert!(encode_image(&[3, 255], 16, &of(encoding, 0)).spikes.is_empty());
            assert!(encode_image(&[3, 255], 0, &of(encoding, 9)).spikes.is_empty());
        }
    }

    #[test]
    fn spikes_are_ascending_and_labels_kept() {
        let images = vec![vec![9; 20], vec![4; 20]];
        let stimulus = encode_images(&images, 16, &Options::default(), &[7, 2]);
        assert_eq!((stimulus.inputs, stimulus.samples.len()), (20, 2));
        assert_eq!(stimulus.samples[1].label, Some(2));
        assert_eq!(stimulus.samples[1].ticks, DEFAULT_IMAGE_TICKS);
        assert!(stimulus.samples[0].spikes.is_sorted());
    }
}
