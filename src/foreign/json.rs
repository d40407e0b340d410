//! JSON as NSCS writes it: with comments, commas before closing brackets, and keys that repeat.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::diag::Problem;

/// The deepest nesting that is read.
const DEEPEST: u32 = 64;

/// A value and the line it starts on. Lines do not count in comparisons.
#[derive(Debug, Clone)]
pub struct Json {
    /// Line of the file, from 1.
    pub line: u32,
    /// The value.
    pub kind: Kind,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object: entries in order, keys may repeat.
    Object(Vec<(String, Json)>),
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Json {
    /// The value of the first entry with this key, of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn whole(&self) -> Option<i64> {
        match &self.kind {
            Kind::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// On one line, or with `indent` tabs and one entry a line for objects.
    #[must_use]
    pub fn print(&self, indent: Option<usize>) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(text) => text.clone(),
            Kind::Text(text) => quoted(text),
            Kind::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.print(None)).collect();
                format!("[{}]", items.join(","))
            }
            Kind::Object(entries) => {
                let inner = indent.map(|tabs| tabs + 1);
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}:{}", quoted(key), value.print(inner))).collect();
                match indent {
                    None => format!("{{{}}}", entries.join(",")),
                    Some(tabs) => {
                        let (near, far) = ("\t".repeat(tabs), "\t".repeat(tabs + 1));
                        format!("{{\n{far}{}\n{near}}}", entries.join(&format!(",\n{far}")))
                    }
                }
            }
        }
    }
}

/// A string in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Where reading failed, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: u32,
    pub(super) what: String,
}

/// The value of a whole file.
///
/// # Errors
/// `foreign/syntax`, with its line.
pub(super) fn root(text: &str, file: &str) -> crate::diag::Result<Json> {
    parse(text, 1).map_err(|broken| {
        Problem::invalid("foreign/syntax", format!("{file}:{}", broken.line), broken.what)
            .help("is the file complete?")
            .into()
    })
}

/// Reads one value; lines are counted from `first_line`.
pub(super) fn parse(text: &str, first_line: u32) -> Result<Json, Broken> {
    let mut reader = Reader { text, chars: text.char_indices().peekable(), line: first_line };
    let value = reader.value(0)?;
    reader.blank()?;
    match reader.peek() {
        None => Ok(value),
        Some(c) => Err(reader.broken(format!("'{c}' after the end of the value"))),
    }
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    line: u32,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?.1;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn broken(&self, what: impl Into<String>) -> Broken {
        Broken { line: self.line, what: what.into() }
    }

    /// What was found instead of `wanted`.
    fn instead(&mut self, wanted: &str) -> Broken {
        match self.peek() {
            None => self.broken(format!("the file ends where {wanted} must follow")),
            Some(c) => self.broken(format!("'{c}' where {wanted} must follow")),
        }
    }

    /// Skips white space and comments.
    fn blank(&mut self) -> Result<(), Broken> {
        while let Some(c) = self.peek() {
            if c.is_whitespace() || c == '\u{feff}' {
                self.next();
            } else if c == '/' {
                self.comment()?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Broken> {
        let start = self.line;
        self.next();
        match self.next() {
            Some('/') => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.next();
                }
                Ok(())
            }
            Some('*') => {
                let mut before = ' ';
                while let Some(c) = self.next() {
                    if before == '*' && c == '/' {
                        return Ok(());
                    }
                    before = c;
                }
                Err(Broken { line: start, what: "a comment that does not end".to_owned() })
            }
            _ => Err(self.broken("'/' that begins no comment")),
        }
    }

    fn value(&mut self, depth: u32) -> Result<Json, Broken> {
        self.blank()?;
        let line = self.line;
        let kind = match self.peek() {
            _ if depth > DEEPEST => return Err(self.broken(format!("more than {DEEPEST} levels of nesting"))),
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Kind::Text(self.string()?),
            Some(c) if c.is_ascii_alphanumeric() || c == '-' || c == '+' => self.word()?,
            _ => return Err(self.instead("a value")),
        };
        Ok(Json { line, kind })
    }

    fn object(&mut self, depth: u32) -> Result<Kind, Broken> {
        self.next();
        let mut entries = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some('}') {
                self.next();
                return Ok(Kind::Object(entries));
            }
            if self.peek() != Some('"') {
                return Err(self.instead("a key or '}'"));
            }
            let key = self.string()?;
            self.blank()?;
            if self.peek() != Some(':') {
                return Err(self.instead(&format!("':' after key '{key}'")));
            }
            self.next();
            entries.push((key, self.value(depth + 1)?));
            self.separator('}')?;
        }
    }

    fn list(&mut self, depth: u32) -> Result<Kind, Broken> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some(']') {
                self.next();
                return Ok(Kind::List(items));
            }
            items.push(self.value(depth + 1)?);
            self.separator(']')?;
        }
    }

    /// A comma, or `close` to come.
    fn separator(&mut self, close: char) -> Result<(), Broken> {
        self.blank()?;
        match self.peek() {
            Some(',') => {
                self.next();
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            _ => Err(self.instead(&format!("',' or '{close}'"))),
        }
    }

    fn string(&mut self) -> Result<String, Broken> {
        let start = self.line;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(Broken { line: start, what: "the file ends within a string".to_owned() }),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        Ok(match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let digits: String = (0..4).filter_map(|_| self.next()).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                code.ok_or_else(|| self.broken(format!("'\\u{digits}' is no character")))?
            }
            _ => return Err(self.broken("an escape that is not known")),
        })
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Kind, Broken> {
        let start = self.chars.peek().map_or(0, |(at, _)| *at);
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
            self.next();
        }
        let end = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        match &self.text[start..end] {
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            "null" => Ok(Kind::Null),
            word if word.parse::<f64>().is_ok_and(f64::is_finite) => Ok(Kind::Number(word.to_owned())),
            word => Err(self.broken(format!("'{word}' is no value"))),
        }
    }
}
