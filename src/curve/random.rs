//! D. E. Knuth's lagged Fibonacci generators (The Art of Computer Programming, vol. 2, 3rd ed., section 3.6 and exercise
//! 15), which BookSim draws from: with the same numbers a run can be compared digit by digit.

const LONG: usize = 100;
const SHORT: usize = 37;
/// Numbers of a block; the first [`LONG`] are used.
const BLOCK: usize = 1009;

/// One generator: whole numbers below 2^30 by subtraction, or fractions of 52 bits by addition.
pub(super) struct Lagged {
    bits: u32,
    adds: bool,
    state: Vec<u64>,
    block: Vec<u64>,
    next: usize,
}

impl Lagged {
    /// Numbers of 30 bits.
    pub(super) fn whole(seed: u64) -> Self {
        Self::new(30, false, seed, (seed + 2) & ((1 << 30) - 2))
    }

    /// Fractions in units of 2^-52.
    pub(super) fn fraction(seed: u64) -> Self {
        Self::new(52, true, seed, 2 * (seed + 2))
    }

    fn new(bits: u32, adds: bool, seed: u64, first: u64) -> Self {
        let mut this = Self { bits, adds, state: vec![0; LONG], block: Vec::new(), next: LONG };
        let modulus = 1 << bits;
        let mut x = vec![0; 2 * LONG - 1];
        let mut start = first;
        for place in x.iter_mut().take(LONG) {
            *place = start;
            start <<= 1;
            if start >= modulus {
                start -= modulus - 2;
            }
        }
        x[1] += 1;
        let (mut rest, mut left) = (seed & ((1 << 30) - 1), 69);
        while left > 0 {
            this.square(&mut x);
            if rest & 1 == 1 {
                x.copy_within(0..LONG, 1);
                x[0] = x[LONG];
                x[SHORT] = this.join(x[SHORT], x[LONG]);
            }
            if rest > 0 {
                rest >>= 1;
            } else {
                left -= 1;
            }
        }
        this.state[LONG - SHORT..].copy_from_slice(&x[..SHORT]);
        this.state[..LONG - SHORT].copy_from_slice(&x[SHORT..LONG]);
        for _ in 0..10 {
            this.fill(2 * LONG - 1);
        }
        this
    }

    /// Squares the polynomial.
    fn square(&self, x: &mut [u64]) {
        for place in (1..LONG).rev() {
            x[2 * place] = x[place];
            x[2 * place - 1] = 0;
        }
        for place in (LONG..2 * LONG - 1).rev() {
            x[place - (LONG - SHORT)] = self.join(x[place - (LONG - SHORT)], x[place]);
            x[place - LONG] = self.join(x[place - LONG], x[place]);
        }
    }

    const fn join(&self, a: u64, b: u64) -> u64 {
        let sum = if self.adds { a + b } else { a.wrapping_sub(b) };
        sum & ((1 << self.bits) - 1)
    }

    /// The next `count` numbers; the state moves on by as many.
    fn fill(&mut self, count: usize) {
        let mut numbers = self.state.clone();
        for place in LONG..count + LONG {
            numbers.push(self.join(numbers[place - LONG], numbers[place - SHORT]));
        }
        self.state.copy_from_slice(&numbers[count..]);
        numbers.truncate(count);
        self.block = numbers;
    }

    pub(super) fn next(&mut self) -> u64 {
        if self.next >= LONG {
            self.fill(BLOCK);
            self.next = 0;
        }
        self.next += 1;
        self.block[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knuth's own check of the whole numbers: the first number of the 2010th block of 1009, and of the 1010th of 2009.
    #[test]
    fn the_whole_numbers_are_knuths() {
        for (blocks, length) in [(2010, 1009), (1010, 2009)] {
            let mut random = Lagged::whole(310_952);
            for _ in 0..blocks {
                random.fill(length);
            }
            assert_eq!(random.block[0], 995_235_265);
        }
    }

    /// Knuth's check of the fractions.
    #[test]
    fn the_fractions_are_knuths() {
        let mut random = Lagged::fraction(310_952);
        for _ in 0..2009 {
            random.fill(1009);
        }
        let first = random.state[0] as f64 / (1_u64 << 52) as f64;
        assert!((first - 0.364_105_143_775_696_8).abs() < 1e-15, "{first}");
    }
}
