//! Allocation in rounds: outputs grant, inputs accept (iSLIP; N. McKeown, IEEE/ACM Trans. Networking 7(2), 1999).

use super::spec::{Arbitration, PORTS};

/// A bit for each virtual channel of each input.
pub(super) type Mask = u64;

/// The first set bit from `from` on, round the word; there must be one.
#[inline]
pub(super) const fn first_from(mask: Mask, from: u8) -> u8 {
    let above = mask >> from;
    let first = if above != 0 { above.trailing_zeros() + from as u32 } else { mask.trailing_zeros() };
    // Below 64.
    first as u8
}

/// The first set bit from `from` on, round a short word; there must be one.
#[inline]
pub(super) const fn first_of(mask: u32, from: u8) -> u8 {
    let above = mask >> from;
    let first = if above != 0 { above.trailing_zeros() + from as u32 } else { mask.trailing_zeros() };
    first as u8
}

/// No input.
pub(super) const NOBODY: u8 = u8::MAX;

/// Pointers of the switch allocator.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SwitchPointers {
    /// Input that each output asks first.
    grant: [u8; PORTS],
    /// Output that each input asks first.
    accept: [u8; PORTS],
}

impl SwitchPointers {
    /// Matches inputs to outputs. `requests[output]` has a bit for each input. Gives each output's input, or
    /// [`NOBODY`].
    #[inline]
    pub(super) fn allocate(&mut self, requests: [u8; PORTS], rounds: u32, policy: Arbitration) -> [u8; PORTS] {
        let mut matched = [NOBODY; PORTS];
        let mut free_inputs = 0x1f_u8;
        for round in 0..rounds {
            let mut offers = [0_u8; PORTS];
            let mut any = 0_u8;
            for output in 0..PORTS {
                let asking = requests[output] & free_inputs;
                if asking != 0 && matched[output] == NOBODY {
                    let input = first_of(u32::from(asking), self.grant[output]);
                    offers[input as usize] |= 1 << output;
                    any |= 1 << input;
                }
            }
            if any == 0 {
                break;
            }
            while any != 0 {
                let input = any.trailing_zeros();
                any &= any - 1;
                let output = first_of(u32::from(offers[input as usize]), self.accept[input as usize]);
                matched[output as usize] = input as u8;
                free_inputs &= !(1 << input);
                if round == 0 && policy == Arbitration::RoundRobin {
                    self.grant[output as usize] = (input as u8 + 1) % PORTS as u8;
                    self.accept[input as usize] = (output + 1) % PORTS as u8;
                }
            }
        }
        matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_winner_goes_last_next_time() {
        let mut pointers = SwitchPointers::default();
        let requests = [0b0_0111, 0, 0, 0, 0];
        let mut winners = Vec::new();
        for _ in 0..5 {
            winners.push(pointers.allocate(requests, 1, Arbitration::RoundRobin)[0]);
        }
        assert_eq!(winners, [0, 1, 2, 0, 1]);
        let mut pointers = SwitchPointers::default();
        pointers.allocate(requests, 1, Arbitration::Fixed);
        assert_eq!(pointers.allocate(requests, 1, Arbitration::Fixed)[0], 0);
    }

    #[test]
    fn a_second_round_fills_what_the_first_left() {
        // Both outputs first grant input 0, which accepts one of them.
        let requests = [0b11, 0b11, 0, 0, 0];
        let once = SwitchPointers::default().allocate(requests, 1, Arbitration::RoundRobin);
        assert_eq!(once.iter().filter(|input| **input != NOBODY).count(), 1);
        let twice = SwitchPointers::default().allocate(requests, 2, Arbitration::RoundRobin);
        assert_eq!(twice, [0, 1, NOBODY, NOBODY, NOBODY]);
    }
}
