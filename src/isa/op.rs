//! Every instruction: its opcode, operands, cycles and what it costs. `isa/neuron.toml` says the same, in prose and
//! for other tools; a test holds the two together.

/// Which operands an instruction has, in the order of the assembler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `rd`
    D,
    /// `rd, ra`
    DA,
    /// `rd, ra, rb`
    DAB,
    /// `rd, ra, n`: n in 12 bits, signed.
    DAI,
    /// `rd, ra, n`: n a shift, 0..=31.
    DAShift,
    /// `rd, ra, n`: n a width, 1..=32.
    DAWidth,
    /// `rd, ra, rb, n`: n a shift of the 64-bit product, 0..=63.
    DABShift,
    /// `rd, n`: n in 16 bits, signed.
    DI,
    /// `rd, n`: n a number of bits, 1..=31.
    DBits,
    /// `rd, state`
    DState,
    /// `state, ra`
    StateA,
    /// `rd, state, ra`
    DStateA,
    /// `rd, parameter`
    DParameter,
    /// `rd, parameter, ra`: an entry of a table.
    DTableA,
    /// `rd, input`
    DInput,
    /// `ra, rb`
    AB,
    /// `ra, n`: n in 16 bits, signed.
    AI,
    /// A label ahead: the number of instructions that are passed over, 1..=4095.
    Jump,
    /// `output`
    Output,
    /// `output, ra`
    OutputA,
    /// `n, ra`: a probe channel, 0..=15.
    ProbeA,
}

/// What an instruction costs besides cycles: the classes that an energy table can price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Register arithmetic and logic.
    Alu,
    /// The multiplier.
    Multiply,
    /// Neuron state or parameter memory.
    Memory,
    /// Control flow.
    Control,
    /// The random generator.
    Random,
    /// A spike or a probe leaves the program.
    Output,
}

impl Class {
    /// Every class with its name in `isa/neuron.toml`.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Alu, "alu"),
        (Self::Multiply, "multiply"),
        (Self::Memory, "memory"),
        (Self::Control, "control"),
        (Self::Random, "random"),
        (Self::Output, "output"),
    ];
}

impl Form {
    /// Every form with its operands as `isa/neuron.toml` and the manual write them.
    pub const ALL: [(Self, &'static str); 21] = [
        (Self::D, "rd"),
        (Self::DA, "rd, ra"),
        (Self::DAB, "rd, ra, rb"),
        (Self::DAI, "rd, ra, imm12"),
        (Self::DAShift, "rd, ra, shift5"),
        (Self::DAWidth, "rd, ra, width6"),
        (Self::DABShift, "rd, ra, rb, shift6"),
        (Self::DI, "rd, imm16"),
        (Self::DBits, "rd, bits5"),
        (Self::DState, "rd, state"),
        (Self::StateA, "state, ra"),
        (Self::DStateA, "rd, state, ra"),
        (Self::DParameter, "rd, param"),
        (Self::DTableA, "rd, table, ra"),
        (Self::DInput, "rd, input"),
        (Self::AB, "ra, rb"),
        (Self::AI, "ra, imm16"),
        (Self::Jump, "label"),
        (Self::Output, "output"),
        (Self::OutputA, "output, ra"),
        (Self::ProbeA, "channel, ra"),
    ];

    /// The operands as text.
    #[must_use]
    pub fn operands(self) -> &'static str {
        Self::ALL.iter().find(|(form, _)| *form == self).map_or("", |(_, text)| text)
    }
}

/// What an instruction does with the flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagUse {
    /// Nothing.
    None,
    /// It depends on it.
    Reads,
    /// It sets or clears it.
    Sets,
}

impl FlagUse {
    /// Every use with its name in `isa/neuron.toml`.
    pub const ALL: [(Self, &'static str); 3] = [(Self::None, "none"), (Self::Reads, "reads"), (Self::Sets, "sets")];
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpInfo {
    /// The instruction.
    pub op: Op,
    /// Its name in assembly.
    pub mnemonic: &'static str,
    /// Bits 31..=24 of the word.
    pub opcode: u8,
    /// Its operands.
    pub form: Form,
    /// Cycles that it takes (ours: Loihi 2's are not public).
    pub cycles: u8,
    /// What it costs.
    pub class: Class,
}

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident = $opcode:literal $mnemonic:literal $form:ident $cycles:literal $class:ident;)*) => {
        /// An instruction's operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op {
            $($(#[$doc])* $name = $opcode,)*
        }

        impl Op {
            /// Every instruction in the order of opcodes.
            pub const TABLE: &'static [OpInfo] = &[
                $(OpInfo {
                    op: Op::$name,
                    mnemonic: $mnemonic,
                    opcode: $opcode,
                    form: Form::$form,
                    cycles: $cycles,
                    class: Class::$class,
                },)*
            ];
        }
    };
}

ops! {
    /// `rd = state`.
    Ld = 0x01 "ld" DState 1 Memory;
    /// `state = ra`, wrapped to its width.
    St = 0x02 "st" StateA 1 Memory;
    /// `rd = state = state + ra`, wrapped to the state's width.
    Rmw = 0x03 "rmw" DStateA 2 Memory;
    /// `rd = parameter`.
    Ldp = 0x04 "ldp" DParameter 1 Memory;
    /// `rd = table[ra]`, `ra` limited to the table's ends.
    Ldx = 0x05 "ldx" DTableA 2 Memory;
    /// `rd =` what the dendritic input received for this tick.
    In = 0x06 "in" DInput 1 Memory;
    /// `rd =` number of the tick, low 31 bits.
    Tick = 0x07 "tick" D 1 Alu;
    /// `rd =` so many uniform random bits.
    Rnd = 0x08 "rnd" DBits 2 Random;
    /// `rd = ra`.
    Mov = 0x10 "mov" DA 1 Alu;
    /// `rd = n`.
    Li = 0x11 "li" DI 1 Alu;
    /// Bits 31..=16 of `rd` become those of n.
    Lih = 0x12 "lih" DI 1 Alu;
    /// `rd = flag ? ra : rb`.
    Sel = 0x13 "sel" DAB 1 Alu;
    /// `rd = flag ? 1 : 0`.
    Flag = 0x14 "flag" D 1 Alu;
    /// `rd = ra & rb`.
    And = 0x18 "and" DAB 1 Alu;
    /// `rd = ra | rb`.
    Or = 0x19 "or" DAB 1 Alu;
    /// `rd = ra ^ rb`.
    Xor = 0x1a "xor" DAB 1 Alu;
    /// `rd = !ra`.
    Not = 0x1b "not" DA 1 Alu;
    /// `rd = ra << rb`, `rb` limited to 0..=31.
    Shl = 0x1c "shl" DAB 1 Alu;
    /// `rd = ra >> rb`, arithmetic (floor), `rb` limited to 0..=31.
    Shr = 0x1d "shr" DAB 1 Alu;
    /// `rd = sign(ra) * (|ra| >> rb)` (toward zero), `rb` limited to 0..=31.
    Shz = 0x1e "shz" DAB 1 Alu;
    /// `rd = ra << n`.
    Shli = 0x20 "shli" DAShift 1 Alu;
    /// `rd = ra >> n`, arithmetic (floor).
    Shri = 0x21 "shri" DAShift 1 Alu;
    /// `rd = sign(ra) * (|ra| >> n)` (toward zero).
    Shzi = 0x22 "shzi" DAShift 1 Alu;
    /// `rd = ra + rb`.
    Add = 0x28 "add" DAB 1 Alu;
    /// `rd = ra - rb`.
    Sub = 0x29 "sub" DAB 1 Alu;
    /// `rd = -ra`.
    Neg = 0x2a "neg" DA 1 Alu;
    /// `rd = |ra|`; the most negative number stays.
    Abs = 0x2b "abs" DA 1 Alu;
    /// `rd = min(ra, rb)`.
    Min = 0x2c "min" DAB 1 Alu;
    /// `rd = max(ra, rb)`.
    Max = 0x2d "max" DAB 1 Alu;
    /// `rd = ra + n`.
    Addi = 0x2e "addi" DAI 1 Alu;
    /// `rd = ra + rb` limited to `+-(2^31 - 1)`.
    Adds = 0x2f "adds" DAB 1 Alu;
    /// `rd = (ra * rb) >> n`: 64-bit product, arithmetic shift (floor), low 32 bits.
    Mulshr = 0x30 "mulshr" DABShift 3 Multiply;
    /// `rd = sign(ra * rb) * (|ra * rb| >> n)`: 64-bit product, toward zero, low 32 bits.
    Mulshz = 0x31 "mulshz" DABShift 3 Multiply;
    /// `rd = ra` limited to `-2^(n-1) ..= 2^(n-1) - 1`.
    Sat = 0x38 "sat" DAWidth 1 Alu;
    /// `rd = ra` limited to `+-(2^(n-1) - 1)`.
    Sats = 0x39 "sats" DAWidth 1 Alu;
    /// `rd = ra` wrapped to n bits, two's complement.
    Wrap = 0x3a "wrap" DAWidth 1 Alu;
    /// `rd =` leading zeros of `ra`, 0..=32.
    Clz = 0x3b "clz" DA 1 Alu;
    /// `flag = ra < rb`.
    Lt = 0x40 "lt" AB 1 Alu;
    /// `flag = ra <= rb`.
    Le = 0x41 "le" AB 1 Alu;
    /// `flag = ra == rb`.
    Eq = 0x42 "eq" AB 1 Alu;
    /// `flag = ra != rb`.
    Ne = 0x43 "ne" AB 1 Alu;
    /// `flag = ra >= rb`.
    Ge = 0x44 "ge" AB 1 Alu;
    /// `flag = ra > rb`.
    Gt = 0x45 "gt" AB 1 Alu;
    /// `flag = ra < n`.
    Lti = 0x48 "lti" AI 1 Alu;
    /// `flag = ra <= n`.
    Lei = 0x49 "lei" AI 1 Alu;
    /// `flag = ra == n`.
    Eqi = 0x4a "eqi" AI 1 Alu;
    /// `flag = ra != n`.
    Nei = 0x4b "nei" AI 1 Alu;
    /// `flag = ra >= n`.
    Gei = 0x4c "gei" AI 1 Alu;
    /// `flag = ra > n`.
    Gti = 0x4d "gti" AI 1 Alu;
    /// Goes on at the label.
    Jmp = 0x50 "jmp" Jump 1 Control;
    /// Goes on at the label if the flag is set.
    Jc = 0x51 "jc" Jump 1 Control;
    /// Goes on at the label if the flag is not set.
    Jn = 0x52 "jn" Jump 1 Control;
    /// A spike without payload leaves on the output.
    Spike = 0x60 "spike" Output 2 Output;
    /// A spike with payload `ra` leaves on the output.
    Spikev = 0x61 "spikev" OutputA 2 Output;
    /// `ra` is shown to whoever watches the channel.
    Probe = 0x62 "probe" ProbeA 1 Output;
}

impl Op {
    /// The instruction with this opcode.
    #[must_use]
    pub fn from_opcode(opcode: u8) -> Option<Self> {
        Self::TABLE.iter().find(|info| info.opcode == opcode).map(|info| info.op)
    }

    /// The instruction with this name.
    #[must_use]
    pub fn from_mnemonic(mnemonic: &str) -> Option<Self> {
        Self::TABLE.iter().find(|info| info.mnemonic == mnemonic).map(|info| info.op)
    }

    /// What it does with the flag.
    #[must_use]
    pub const fn flag(self) -> FlagUse {
        match self {
            Self::Sel | Self::Flag | Self::Jc | Self::Jn => FlagUse::Reads,
            Self::Lt | Self::Le | Self::Eq | Self::Ne | Self::Ge | Self::Gt => FlagUse::Sets,
            Self::Lti | Self::Lei | Self::Eqi | Self::Nei | Self::Gei | Self::Gti => FlagUse::Sets,
            _ => FlagUse::None,
        }
    }

    /// Its line of the table.
    #[must_use]
    pub fn info(self) -> &'static OpInfo {
        // Every operation has a line: the table and the enum are written by one macro.
        &Self::TABLE[Self::TABLE.partition_point(|info| info.opcode < self as u8)]
    }
}
