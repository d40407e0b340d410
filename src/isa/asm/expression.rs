//! Constant expressions by precedence climbing: `|`, then `&`, shifts, sums, products, signs.

use std::collections::BTreeMap;

use super::line::Token;
use crate::diag::nearest;

/// Deepest nesting of parentheses and signs: hostile input does not exhaust the stack.
const DEEPEST: u32 = 64;

/// What is wrong, at which token; `None` is the end of the line.
pub(super) struct Fault {
    pub(super) at: Option<usize>,
    pub(super) what: String,
}

/// Tokens that are read from the left.
pub(super) struct Reader<'a> {
    pub(super) tokens: &'a [(usize, Token<'a>)],
    pub(super) at: usize,
    pub(super) constants: &'a BTreeMap<String, i64>,
    pub(super) depth: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(_, token)| *token)
    }

    pub(super) fn column(&self) -> Option<usize> {
        self.tokens.get(self.at).map(|(column, _)| *column)
    }

    /// Steps over `sign` if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if next == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.column(), what: what.into() }
    }

    /// A whole expression within 33 bits, sign included.
    pub(super) fn expression(&mut self) -> Result<i64, Fault> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Result<i64, Fault> {
        const LEVELS: [&[&str]; 5] = [&["|"], &["&"], &["<<", ">>"], &["+", "-"], &["*"]];
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(Token::Sign(sign)) = self.peek()
            && signs.contains(&sign)
        {
            let at = self.column();
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = combine(sign, left, right)
                .filter(|value| (-(1 << 32)..1 << 32).contains(value))
                .ok_or_else(|| Fault { at, what: format!("{left} {sign} {right} leaves 32 bits") })?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<i64, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault(format!("the expression nests deeper than {DEEPEST}")));
        }
        let value = match self.peek() {
            Some(Token::Sign("-")) => {
                self.at += 1;
                self.unary().map(|value| -value)
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let value = self.expression()?;
                if !self.take(")") {
                    return Err(self.fault("expected ')'"));
                }
                Ok(value)
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(number)
            }
            Some(Token::Word(name)) => {
                let Some(&value) = self.constants.get(name) else {
                    let near = nearest(name, self.constants.keys().map(String::as_str));
                    let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
                    return Err(self.fault(format!("no constant '{name}'{hint}")));
                };
                self.at += 1;
                Ok(value)
            }
            _ => Err(self.fault("expected a number")),
        };
        self.depth -= 1;
        value
    }
}

fn combine(sign: &str, left: i64, right: i64) -> Option<i64> {
    match sign {
        "|" => Some(left | right),
        "&" => Some(left & right),
        "<<" => u32::try_from(right).ok().filter(|shift| *shift < 32).map(|shift| left << shift),
        ">>" => u32::try_from(right).ok().filter(|shift| *shift < 64).map(|shift| left >> shift),
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        _ => left.checked_mul(right),
    }
}
