//! One line as tokens with their columns.

use crate::diag::Problem;

/// A token of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, mnemonic or register.
    Word(&'a str),
    /// A number.
    Number(i64),
    /// Punctuation: `: , = ( ) [ ] + - * << >> & |`.
    Sign(&'static str),
}

/// A line of source: tokens with the columns (from 1) that they begin at.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) file: &'a str,
    pub(super) number: usize,
    pub(super) tokens: Vec<(usize, Token<'a>)>,
    /// Column after the last token.
    pub(super) end: usize,
    /// What is no token.
    pub(super) stray: Option<Problem>,
}

const SIGNS: [&str; 13] = ["<<", ">>", ":", ",", "=", "(", ")", "[", "]", "+", "-", "*", "&"];

impl<'a> Line<'a> {
    pub(super) fn new(file: &'a str, number: usize, text: &'a str) -> Self {
        let mut line = Self { file, number, tokens: Vec::new(), end: 1, stray: None };
        let text = text.split(';').next().unwrap_or_default();
        let (mut at, mut column) = (0, 1);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let first = rest.chars().next().unwrap_or_default();
            if first.is_whitespace() {
                (at, column) = (at + first.len_utf8(), column + 1);
                continue;
            }
            let Some((length, token)) = token(rest) else {
                let what =
                    format!("'{}' is no token", rest.chars().take_while(|c| !c.is_whitespace()).collect::<String>());
                line.stray = Some(
                    Problem::invalid("isa/token", line.place(column), what)
                        .limit("names, numbers within 32 bits, and : , = ( ) [ ] + - * << >> & |"),
                );
                break;
            };
            line.tokens.push((column, token));
            // Tokens are ASCII: a byte is a column.
            (at, column) = (at + length, column + length);
            line.end = column;
        }
        line
    }

    /// `file:line:column`.
    pub(super) fn place(&self, column: usize) -> String {
        format!("{}:{}:{column}", self.file, self.number)
    }
}

/// The token at the start of `text` and its length in bytes.
fn token(text: &str) -> Option<(usize, Token<'_>)> {
    let first = text.chars().next()?;
    if first.is_ascii_alphabetic() || first == '_' {
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
        return Some((length, Token::Word(&text[..length])));
    }
    if first.is_ascii_digit() {
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        return number(&text[..length]).map(|number| (length, Token::Number(number)));
    }
    if text.starts_with('|') {
        return Some((1, Token::Sign("|")));
    }
    SIGNS.iter().find(|sign| text.starts_with(**sign)).map(|sign| (sign.len(), Token::Sign(sign)))
}

/// A number below 2^32: decimal, `0x` or `0b`, underscores between digits.
fn number(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0b") => (&digits[2..], 2),
        _ => (digits.as_str(), 10),
    };
    i64::from_str_radix(digits, radix).ok().filter(|number| *number < 1 << 32)
}
