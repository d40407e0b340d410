//! Statements: declarations, labels and instructions.

use super::Assembler;
use super::expression::{Fault, Reader};
use super::line::{Line, Token};
use crate::diag::{Problem, nearest};
use crate::isa::encode::{Instruction, decode};
use crate::isa::op::{Form, Op};
use crate::isa::program::{Parameter, TABLE_MAX, Variable, Width};

/// An instruction that is given as its word.
const WORD: &str = "word";

const DECLARATIONS: [&str; 6] = ["chip", "const", "state", "param", "input", "output"];

type Step<T> = Result<T, Fault>;

impl Assembler {
    /// Takes one line in.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        if let Some(stray) = &line.stray {
            self.problems.push(stray.clone());
            return;
        }
        let tokens = self.label(line);
        let Some((column, Token::Word(word))) = tokens.first().copied() else {
            if let Some((column, _)) = tokens.first() {
                self.problems.push(Problem::invalid("isa/syntax", line.place(*column), "expected an instruction"));
            }
            return;
        };
        // Lent to the reader; what the statement declares comes back with it.
        let mut constants = std::mem::take(&mut self.constants);
        let mut reader = Reader { tokens: &tokens[1..], at: 0, constants: &constants, depth: 0 };
        let done = if DECLARATIONS.contains(&word) {
            self.declaration(line, column, word, &mut reader)
        } else if word == WORD {
            self.given(line, column, &mut reader)
        } else if let Some(op) = operation(word, reader.tokens) {
            self.instruction(line, column, op, &mut reader)
        } else {
            let known = Op::TABLE.iter().map(|info| info.mnemonic).chain(DECLARATIONS).chain([WORD]);
            let mut problem = Problem::invalid("isa/mnemonic", line.place(column), format!("no instruction '{word}'"));
            if let Some(near) = nearest(word, known) {
                problem = problem.help(format!("did you mean '{near}'?"));
            }
            self.problems.push(problem);
            reader.at = reader.tokens.len();
            Ok(())
        };
        let done = done.and_then(|()| match reader.peek() {
            None => Ok(()),
            Some(_) => Err(reader.fault("expected the end of the line")),
        });
        constants.extend(std::mem::take(&mut self.constants));
        self.constants = constants;
        if let Err(fault) = done {
            let place = line.place(fault.at.unwrap_or(line.end));
            self.problems.push(Problem::invalid("isa/syntax", place, fault.what));
        }
    }

    /// Takes a label off the start of a line.
    fn label<'a>(&mut self, line: &'a Line<'a>) -> &'a [(usize, Token<'a>)] {
        let tokens = &line.tokens[..];
        let [(column, Token::Word(name)), (_, Token::Sign(":")), rest @ ..] = tokens else { return tokens };
        if DECLARATIONS.contains(name) {
            return tokens;
        }
        if self.declare(line, (*column, name)) {
            self.labels.insert((*name).to_owned(), self.program.code.len());
        }
        rest
    }

    fn declaration(&mut self, line: &Line<'_>, column: usize, word: &str, reader: &mut Reader<'_>) -> Step<()> {
        if !self.program.code.is_empty() && word != "const" {
            return Err(Fault { at: Some(column), what: format!("'{word}' stands behind the first instruction") });
        }
        let named = reader.column();
        let name = self.word(reader, "a name")?;
        if word == "chip" {
            if let Some((first, _)) = self.program.places.chip {
                return Err(Fault { at: named, what: format!("a second chip (first in line {first}); name one") });
            }
            self.program.chip = Some(name);
            self.program.places.chip = named.map(|column| (line.number, column));
            return Ok(());
        }
        if register(&name).is_some() || Op::from_mnemonic(&name).is_some() {
            let what = format!("'{name}' is a register or an instruction and cannot be declared");
            return Err(Fault { at: named, what });
        }
        let fresh = self.declare(line, (named.unwrap_or(column), &name));
        match word {
            "const" => {
                let value = self.assigned(reader)?.ok_or_else(|| reader.fault("expected '='"))?;
                self.constants.insert(name, value);
            }
            "input" if fresh => self.program.inputs.push(name),
            "output" if fresh => self.program.outputs.push(name),
            "state" => {
                self.program.places.state.get_or_insert((line.number, column));
                let width = self.width(reader)?;
                let initial = self.ranged(reader, width)?.unwrap_or(0);
                self.program.states.push(Variable { name, width, initial });
            }
            "param" => {
                let entries = self.entries(reader)?;
                let width = self.width(reader)?;
                let default = self.ranged(reader, width)?;
                self.program.parameters.push(Parameter { name, width, entries, default });
            }
            _ => {}
        }
        Ok(())
    }

    /// `[n]` of a table.
    fn entries(&mut self, reader: &mut Reader<'_>) -> Step<Option<u16>> {
        if !reader.take("[") {
            return Ok(None);
        }
        let at = reader.column();
        let entries = reader.expression()?;
        if !reader.take("]") {
            return Err(reader.fault("expected ']'"));
        }
        match u16::try_from(entries) {
            Ok(entries) if (1..=TABLE_MAX).contains(&entries) => Ok(Some(entries)),
            _ => Err(Fault { at, what: format!("a table has 1..={TABLE_MAX} entries, not {entries}") }),
        }
    }

    /// `: s24`.
    fn width(&mut self, reader: &mut Reader<'_>) -> Step<Width> {
        if !reader.take(":") {
            return Err(reader.fault("expected ':' and a width such as s24 or u12"));
        }
        let at = reader.column();
        let word = self.word(reader, "a width")?;
        let bits = word.get(1..).and_then(|bits| bits.parse::<u8>().ok());
        match (word.as_bytes().first(), bits) {
            (Some(b's'), Some(bits @ 1..=32)) => Ok(Width { bits, signed: true }),
            (Some(b'u'), Some(bits @ 1..=31)) => Ok(Width { bits, signed: false }),
            _ => Err(Fault { at, what: format!("'{word}' is no width: s1..s32 or u1..u31") }),
        }
    }

    /// `= expression`.
    fn assigned(&mut self, reader: &mut Reader<'_>) -> Step<Option<i64>> {
        if reader.take("=") { reader.expression().map(Some) } else { Ok(None) }
    }

    fn ranged(&mut self, reader: &mut Reader<'_>, width: Width) -> Step<Option<i32>> {
        let at = reader.tokens.get(reader.at + 1).map(|(column, _)| *column);
        let Some(value) = self.assigned(reader)? else { return Ok(None) };
        within(value, width.range()).map(Some).map_err(|what| Fault { at, what: format!("{what} of {width}") })
    }

    fn word(&mut self, reader: &mut Reader<'_>, what: &str) -> Step<String> {
        let Some(Token::Word(word)) = reader.peek() else { return Err(reader.fault(format!("expected {what}"))) };
        reader.at += 1;
        Ok(word.to_owned())
    }

    /// `word 0x10010000`.
    fn given(&mut self, line: &Line<'_>, column: usize, reader: &mut Reader<'_>) -> Step<()> {
        let at = reader.column();
        let value = reader.expression()?;
        let word = u32::try_from(value).map_err(|_| Fault { at, what: format!("{value} is no word of 32 bits") })?;
        let instruction = decode(word).map_err(|error| Fault { at, what: error.to_string() })?;
        self.program.code.push(instruction);
        self.places.push(line.place(column));
        Ok(())
    }

    fn instruction(&mut self, line: &Line<'_>, column: usize, op: Op, reader: &mut Reader<'_>) -> Step<()> {
        let mut instruction = Instruction { op, rd: 0, ra: 0, rb: 0, imm: 0 };
        let operands = self.operands(line, &mut instruction, reader);
        // An instruction with a fault keeps its place, so that labels and later errors stay right.
        self.program.code.push(instruction);
        self.places.push(line.place(column));
        operands
    }

    fn operands(&mut self, line: &Line<'_>, to: &mut Instruction, reader: &mut Reader<'_>) -> Step<()> {
        for (index, operand) in to.op.info().form.operands().split(", ").enumerate() {
            if index > 0 && !reader.take(",") {
                return Err(reader.fault("expected ','"));
            }
            match operand {
                "rd" => to.rd = register_operand(reader)?,
                "ra" => to.ra = register_operand(reader)?,
                "rb" => to.rb = register_operand(reader)?,
                "label" => self.target(line, to, reader)?,
                "state" | "param" | "table" | "input" | "output" => to.imm = self.slot(operand, reader)?,
                _ => to.imm = immediate(to.op, reader)?,
            }
        }
        Ok(())
    }

    /// A label, or `+n`: n instructions are passed over.
    fn target(&mut self, line: &Line<'_>, to: &mut Instruction, reader: &mut Reader<'_>) -> Step<()> {
        if reader.take("+") {
            to.imm = immediate(to.op, reader)?;
            return Ok(());
        }
        let at = reader.column();
        let label = self.word(reader, "a label")?;
        self.jumps.push((self.program.code.len(), label, line.place(at.unwrap_or(line.end))));
        Ok(())
    }

    /// The number of a declared name.
    fn slot(&self, kind: &str, reader: &mut Reader<'_>) -> Step<i32> {
        let Some(Token::Word(name)) = reader.peek() else { return Err(reader.fault(format!("expected a {kind}"))) };
        let program = &self.program;
        let names: Vec<&str> = match kind {
            "state" => program.states.iter().map(|state| state.name.as_str()).collect(),
            "input" => program.inputs.iter().map(String::as_str).collect(),
            "output" => program.outputs.iter().map(String::as_str).collect(),
            _ => program.parameters.iter().map(|parameter| parameter.name.as_str()).collect(),
        };
        let Some(slot) = names.iter().position(|known| *known == name) else {
            let hint = nearest(name, names).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            return Err(reader.fault(format!("no {kind} '{name}'{hint}")));
        };
        reader.at += 1;
        Ok(slot as i32)
    }
}

/// The instruction that a mnemonic means: comparisons, shifts and `add` with a number in their last place are the
/// forms with an immediate.
fn operation(word: &str, operands: &[(usize, Token<'_>)]) -> Option<Op> {
    let last = operands.rsplit(|(_, token)| *token == Token::Sign(",")).next().unwrap_or_default();
    let takes_register = matches!(last, [(_, Token::Word(name))] if register(name).is_some());
    let immediate = Op::from_mnemonic(&format!("{word}i"));
    match (Op::from_mnemonic(word), immediate) {
        (Some(_), Some(immediate)) if !takes_register && !last.is_empty() => Some(immediate),
        (found, _) => found,
    }
}

fn register(name: &str) -> Option<u8> {
    let number = name.strip_prefix('r')?;
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    number.parse().ok().filter(|number| *number < 16)
}

fn register_operand(reader: &mut Reader<'_>) -> Step<u8> {
    match reader.peek() {
        Some(Token::Word(name)) => match register(name) {
            Some(number) => {
                reader.at += 1;
                Ok(number)
            }
            None => Err(reader.fault(format!("'{name}' is no register: r0 to r15"))),
        },
        _ => Err(reader.fault("expected a register: r0 to r15")),
    }
}

fn immediate(op: Op, reader: &mut Reader<'_>) -> Step<i32> {
    let at = reader.column();
    let value = reader.expression()?;
    let form = op.info().form;
    let range = form.immediate().unwrap_or((0, 0));
    // The upper half may be written as the unsigned number that it is.
    let value =
        if form == Form::DI && op == Op::Lih && (32_768..=65_535).contains(&value) { value - 65_536 } else { value };
    within(value, range).map_err(|what| Fault { at, what: format!("{what} of '{}'", op.info().mnemonic) })
}

fn within(value: i64, (low, high): (i32, i32)) -> Result<i32, String> {
    i32::try_from(value)
        .ok()
        .filter(|value| (low..=high).contains(value))
        .ok_or_else(|| format!("{value} is outside the range {low}..={high}"))
}
