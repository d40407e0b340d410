//! The reference executor: one neuron, one instruction after the other, each as its line of the table says.

use super::encode::Instruction;
use super::op::Op;
use super::program::Program;

/// What leaves a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A spike.
    Spike {
        /// Number of the output.
        output: u8,
        /// Its payload; `None` is a plain spike.
        payload: Option<i32>,
    },
    /// A number for whoever watches.
    Probe {
        /// The channel, 0..=15.
        channel: u8,
        /// The number.
        value: i32,
    },
}

/// What an update of one neuron did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Cycles of the path that it took.
    pub cycles: u32,
    /// What it sent, in the order of the program.
    pub sent: Vec<Sent>,
}

/// Runs `program` once for one neuron. `parameters` holds the entries of every parameter (one for a single number),
/// `inputs` one sum an input, `draw` gives 32 random bits for each draw, numbered from 0.
///
/// Registers and the flag are 0 at the start. The program must have passed [`Program::check`].
pub fn execute(
    program: &Program,
    state: &mut [i32],
    parameters: &[&[i32]],
    inputs: &[i32],
    tick: u32,
    mut draw: impl FnMut(u32) -> u32,
) -> Update {
    let mut update = Update::default();
    let mut r = [0_i32; 16];
    let (mut flag, mut draws, mut at) = (false, 0, 0);
    while let Some(&Instruction { op, rd, ra, rb, imm }) = program.code.get(at) {
        at += 1;
        update.cycles += u32::from(op.info().cycles);
        let (a, b, slot) = (r[usize::from(ra)], r[usize::from(rb)], imm as usize);
        let mut result = r[usize::from(rd)];
        match op {
            Op::Ld => result = state[slot],
            Op::St => state[slot] = program.states[slot].width.store(a),
            Op::Rmw => {
                state[slot] = program.states[slot].width.store(state[slot].wrapping_add(a));
                result = state[slot];
            }
            Op::Ldp => result = parameters[slot][0],
            Op::Ldx => result = parameters[slot][(a.max(0) as usize).min(parameters[slot].len() - 1)],
            Op::In => result = inputs[slot],
            Op::Tick => result = (tick & 0x7fff_ffff) as i32,
            Op::Rnd => {
                result = (draw(draws) >> (32 - imm)) as i32;
                draws += 1;
            }
            Op::Sel => result = if flag { a } else { b },
            Op::Flag => result = i32::from(flag),
            Op::Jmp => at += slot,
            Op::Jc => at += if flag { slot } else { 0 },
            Op::Jn => at += if flag { 0 } else { slot },
            Op::Spike => update.sent.push(Sent::Spike { output: imm as u8, payload: None }),
            Op::Spikev => update.sent.push(Sent::Spike { output: imm as u8, payload: Some(a) }),
            Op::Probe => update.sent.push(Sent::Probe { channel: imm as u8, value: a }),
            _ => match compare(op, a, b, imm) {
                Some(holds) => flag = holds,
                None => result = arithmetic(op, result, a, b, imm),
            },
        }
        r[usize::from(rd)] = result;
    }
    update
}

/// Whether a comparison holds; `None` where the instruction is none.
#[inline(always)]
pub(super) fn compare(op: Op, a: i32, b: i32, n: i32) -> Option<bool> {
    Some(match op {
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Eq => a == b,
        Op::Ne => a != b,
        Op::Ge => a >= b,
        Op::Gt => a > b,
        Op::Lti => a < n,
        Op::Lei => a <= n,
        Op::Eqi => a == n,
        Op::Nei => a != n,
        Op::Gei => a >= n,
        Op::Gti => a > n,
        _ => return None,
    })
}

/// The result of an instruction on registers alone; `d` is what its destination holds.
#[inline(always)]
pub(super) fn arithmetic(op: Op, d: i32, a: i32, b: i32, n: i32) -> i32 {
    match op {
        Op::Mov => a,
        Op::Li => n,
        Op::Lih => (n << 16) | (d & 0xffff),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Not => !a,
        Op::Shl => a.wrapping_shl(b.clamp(0, 31) as u32),
        Op::Shr => a >> b.clamp(0, 31),
        Op::Shz => toward_zero(a, b.clamp(0, 31)),
        Op::Shli => a << n,
        Op::Shri => a >> n,
        Op::Shzi => toward_zero(a, n),
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Neg => a.wrapping_neg(),
        Op::Abs => a.wrapping_abs(),
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::Addi => a.wrapping_add(n),
        Op::Adds => a.saturating_add(b).max(-i32::MAX),
        Op::Mulshr => ((i64::from(a) * i64::from(b)) >> n) as i32,
        Op::Mulshz => {
            let product = i64::from(a) * i64::from(b);
            let magnitude = (product.unsigned_abs() >> n) as i64;
            (if product < 0 { magnitude.wrapping_neg() } else { magnitude }) as i32
        }
        Op::Sat => a.clamp(-half(n) - 1, half(n)),
        Op::Sats => a.clamp(-half(n), half(n)),
        Op::Wrap => (a << (32 - n)) >> (32 - n),
        Op::Clz => a.leading_zeros() as i32,
        _ => d,
    }
}

/// `2^(n-1) - 1`.
#[inline(always)]
const fn half(n: i32) -> i32 {
    ((1_i64 << (n - 1)) - 1) as i32
}

/// `sign(a) * (|a| >> n)`.
#[inline(always)]
const fn toward_zero(a: i32, n: i32) -> i32 {
    let magnitude = (a.unsigned_abs() >> n) as i32;
    if a < 0 { magnitude.wrapping_neg() } else { magnitude }
}
