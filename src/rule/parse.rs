//! Text to rule, every fault with its column.

use super::{CONSTANTS, DECIMATION_MAX, Dependency, EXPONENTS, Factor, Product, Rule, Variable};
use crate::diag::{Problem, Problems, Result, nearest};

/// Parses `dw = ...; dd = ...; dt = ...` (statements end with `;` or a line). `place` is named in problems.
///
/// # Errors
/// `rule/syntax`, `rule/variable`, `rule/exponent`, `rule/mantissa`, `rule/constant` or `rule/dependency`, with the
/// column.
pub fn parse_rule(text: &str, place: &str) -> Result<Rule> {
    let mut rule = Rule::default();
    let mut problems = Vec::new();
    let mut start = 0;
    for statement in text.split([';', '\n']) {
        let at = start;
        start += statement.len() + 1;
        if statement.trim().is_empty() {
            continue;
        }
        let lead = statement.len() - statement.trim_start().len();
        let fault = |at: usize, what: String| Problem::invalid("rule/syntax", spot(place, text, at), what);
        let Some((name, _)) = statement.split_once('=') else {
            problems
                .push(fault(at + lead, "a statement has no '='".into()).help("write dw = ..., dd = ... or dt = ..."));
            continue;
        };
        let sum = match name.trim() {
            "dw" => &mut rule.weight,
            "dd" => &mut rule.delay,
            "dt" => &mut rule.tag,
            other => {
                let near = nearest(other, ["dw", "dd", "dt"]).unwrap_or("dw");
                problems.push(
                    fault(at + lead, format!("'{other}' cannot be learned"))
                        .limit("dw (weight), dd (delay) or dt (tag)")
                        .help(format!("did you mean '{near}'?")),
                );
                continue;
            }
        };
        if !sum.is_empty() {
            problems.push(fault(at + lead, format!("'{}' is given twice", name.trim())));
            continue;
        }
        match parse_part(text, at + name.len() + 1, at + statement.len(), place) {
            Ok(products) => *sum = products,
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    if problems.is_empty() && rule.products().next().is_none() {
        problems.push(Problem::invalid("rule/syntax", place, "the rule is empty").help("write dw = ..."));
    }
    Problems::check(problems, rule)
}

/// Parses one sum of products, such as `2^-2*y0*x1 - x0*y1`.
///
/// # Errors
/// As [`parse_rule`].
pub fn parse_sum(text: &str, place: &str) -> Result<Vec<Product>> {
    parse_part(text, 0, text.len(), place)
}

/// Place and column of a byte of the text.
fn spot(place: &str, text: &str, at: usize) -> String {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    if line > 0 { format!("{place}, line {}, column {column}", line + 1) } else { format!("{place}, column {column}") }
}

fn parse_part(text: &str, from: usize, to: usize, place: &str) -> Result<Vec<Product>> {
    Parser { text, at: from, to, place }.sum()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    to: usize,
    place: &'a str,
}

/// A product while it is read.
#[derive(Default)]
struct Term {
    mantissa: i64,
    exponent: i64,
    dependency: Option<Dependency>,
    factors: Vec<Factor>,
}

type Parsed<T> = std::result::Result<T, Problem>;

impl<'a> Parser<'a> {
    fn fault(&self, code: &'static str, at: usize, what: impl Into<String>) -> Problem {
        Problem::invalid(code, spot(self.place, self.text, at), what)
    }

    fn skip(&mut self) {
        let rest = &self.text[self.at..self.to];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.text[self.at..self.to].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    fn expect(&mut self, wanted: char) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.peek().map_or("the end".to_owned(), |c| format!("'{c}'"));
        Err(self.fault("rule/syntax", self.at, format!("{found} where '{wanted}' is expected")))
    }

    /// A sign, if there is one: -1 or 1.
    fn sign(&mut self) -> Option<i64> {
        if self.take('-') { Some(-1) } else { self.take('+').then_some(1) }
    }

    /// Every product, or the first fault of each.
    fn sum(&mut self) -> Result<Vec<Product>> {
        let (mut products, mut faults) = (Vec::new(), Vec::new());
        let mut sign = self.sign().unwrap_or(1);
        loop {
            let start = self.at;
            let read = self.term(sign).and_then(|product| self.ended().map(|()| product));
            match read {
                Ok(product) => products.push(product),
                Err(fault) => {
                    faults.push(fault);
                    self.recover(start);
                }
            }
            match self.sign() {
                Some(next) => sign = next,
                None => return Problems::check(faults, products),
            }
        }
    }

    /// Whether a product ends here.
    fn ended(&mut self) -> Parsed<()> {
        match self.peek() {
            None | Some('+' | '-') => Ok(()),
            Some('/') => Err(self
                .fault("rule/syntax", self.at, "the engine cannot divide")
                .help("multiply by a negative power of two, such as 2^-3")),
            Some(other) => Err(self
                .fault("rule/syntax", self.at, format!("'{other}' is not expected here"))
                .help("a rule is a sum of products: 2^-2*y0*x1 - 2^-2*x0*y1")),
        }
    }

    /// Goes on at the next product after a fault in the one that begins at `start`.
    fn recover(&mut self, start: usize) {
        let (mut depth, mut before) = (0_i32, '*');
        for (offset, c) in self.text[start..self.to].char_indices() {
            let joins = matches!(c, '+' | '-') && depth <= 0 && !matches!(before, '*' | '^' | '(');
            if joins && start + offset >= self.at {
                self.at = start + offset;
                return;
            }
            depth += i32::from(c == '(') - i32::from(c == ')');
            before = if c.is_whitespace() { before } else { c };
        }
        self.at = self.to;
    }

    fn term(&mut self, sign: i64) -> Parsed<Product> {
        self.skip();
        let start = self.at;
        let mut term = Term { mantissa: sign, ..Term::default() };
        loop {
            self.atom(&mut term)?;
            if !self.take('*') {
                break;
            }
        }
        self.finish(term, start)
    }

    /// Limits of a product. A mantissa that is too large gives factors of two to the exponent, as lava-nc does it.
    fn finish(&self, mut term: Term, start: usize) -> Parsed<Product> {
        while term.mantissa.abs() > 7 && term.mantissa % 2 == 0 && term.exponent < 8 {
            term.mantissa /= 2;
            term.exponent += 1;
        }
        let text = self.text[start..self.at].trim_end();
        let Some(dependency) = term.dependency else {
            return Err(self
                .fault("rule/dependency", start, format!("'{text}' depends on nothing: when should it act?"))
                .limit("every product has x0, y0 or u0..u9")
                .help(format!("write x0*{text} (at spikes before the synapse), y0*{text} (after it) or u0*{text}")));
        };
        let (low, high) = (i64::from(*EXPONENTS.start()), i64::from(*EXPONENTS.end()));
        if !(low..=high).contains(&term.exponent) {
            let what = format!("exponent {} of '{text}' is out of range", term.exponent);
            let nearest = term.exponent.clamp(low, high);
            return Err(self
                .fault("rule/exponent", start, what)
                .limit(format!("2^{low}..=2^{high}"))
                .help(format!("the nearest legal exponent is {nearest}")));
        }
        if !(-8..=7).contains(&term.mantissa) {
            let what = format!("factor {} of '{text}' is no mantissa of 4 bits times a power of two", term.mantissa);
            return Err(self.fault("rule/mantissa", start, what).limit("-8..=7 times 2^-7..=2^8"));
        }
        let (mantissa, exponent) = (term.mantissa as i8, term.exponent as i8);
        Ok(Product { dependency, mantissa, exponent, factors: term.factors })
    }

    fn atom(&mut self, term: &mut Term) -> Parsed<()> {
        match self.peek() {
            Some('(') => self.bracket(term),
            Some(c) if c.is_ascii_digit() => self.literal(term),
            Some(c) if c.is_ascii_alphabetic() => self.name(term),
            Some(c) => Err(self.fault("rule/syntax", self.at, format!("'{c}' where a factor is expected"))),
            None => Err(self
                .fault("rule/syntax", self.at, "the rule ends where a factor is expected")
                .help("give a number, 2^n, a variable, (variable + number) or sgn(variable + number)")),
        }
    }

    fn number(&mut self) -> Parsed<i64> {
        self.skip();
        let start = self.at;
        let digits = self.text[start..self.to].bytes().take_while(u8::is_ascii_digit).count();
        self.at += digits;
        let number = self.text[start..self.at].parse::<i64>().ok().filter(|&number| number <= 1 << 20);
        number.ok_or_else(|| {
            let what = if digits == 0 { "a whole number is expected" } else { "the number is too large" };
            self.fault("rule/syntax", start, what)
        })
    }

    /// A number as (mantissa, exponent).
    fn power(&mut self) -> Parsed<(i64, i64)> {
        self.skip();
        let start = self.at;
        let base = self.number()?;
        if !self.take('^') {
            return Ok((base, 0));
        }
        if base != 2 {
            return Err(self
                .fault("rule/syntax", start, format!("{base}^: only powers of two can be computed"))
                .help("write 2^n"));
        }
        let sign = self.sign().unwrap_or(1);
        Ok((1, sign * self.number()?))
    }

    fn literal(&mut self, term: &mut Term) -> Parsed<()> {
        self.skip();
        let start = self.at;
        let (mantissa, exponent) = self.power()?;
        let product = term.mantissa.saturating_mul(mantissa);
        if product.abs() > 1 << 30 {
            return Err(self.fault("rule/mantissa", start, "the product of the numbers is too large"));
        }
        term.mantissa = product;
        term.exponent += exponent;
        Ok(())
    }

    fn word(&mut self) -> (usize, &'a str) {
        self.skip();
        let start = self.at;
        let length = self.text[start..self.to].bytes().take_while(u8::is_ascii_alphanumeric).count();
        self.at += length;
        (start, &self.text[start..self.at])
    }

    fn name(&mut self, term: &mut Term) -> Parsed<()> {
        let (start, word) = self.word();
        if word == "sgn" {
            return self.signed(term);
        }
        if let Some(k) = word.strip_prefix('u').and_then(|digits| digits.parse::<u32>().ok()) {
            let Some(k) = u8::try_from(k).ok().filter(|&k| k <= DECIMATION_MAX) else {
                return Err(self
                    .fault("rule/variable", start, format!("'{word}' does not exist"))
                    .limit(format!("u0..=u{DECIMATION_MAX}"))
                    .help(format!("the nearest is u{DECIMATION_MAX}")));
            };
            if term.dependency.is_some() {
                return Err(self
                    .fault("rule/dependency", start, format!("'{word}' beside another dependency"))
                    .help("u_k stands alone: write two products, or drop it"));
            }
            term.dependency = Some(Dependency::U(k));
            return Ok(());
        }
        let variable = self.variable(start, word)?;
        match (variable, term.dependency) {
            (Variable::X0, None) => term.dependency = Some(Dependency::X0),
            (Variable::Y0, None) => term.dependency = Some(Dependency::Y0),
            _ => term.factors.push(Factor { variable, constant: 0, sign: false }),
        }
        Ok(())
    }

    fn variable(&self, start: usize, word: &str) -> Parsed<Variable> {
        let found = Variable::ALL.into_iter().find(|variable| variable.name() == word);
        found.ok_or_else(|| {
            let names = Variable::ALL.map(Variable::name);
            let known = names.into_iter().chain(["u0", "u1", "u2", "sgn"]);
            let near = nearest(word, known).map_or(String::new(), |near| format!("did you mean '{near}'? "));
            self.fault("rule/variable", start, format!("unknown variable '{word}'"))
                .limit(format!("{}, u0..=u{DECIMATION_MAX}", names.join(", ")))
                .help(format!("{near}a reward reaches a rule as a postsynaptic trace (y1, y2 or y3)"))
        })
    }

    /// `sgn(variable + number)`.
    fn signed(&mut self, term: &mut Term) -> Parsed<()> {
        self.expect('(')?;
        let (start, word) = self.word();
        let variable = self.variable(start, word)?;
        if !matches!(variable, Variable::Weight | Variable::Delay | Variable::Tag) {
            return Err(self
                .fault("rule/syntax", start, format!("sgn({word}): traces have no sign"))
                .limit("sgn of w, d or t"));
        }
        let constant = match self.sign() {
            Some(sign) => self.constant(sign)?,
            None => 0,
        };
        self.expect(')')?;
        term.factors.push(Factor { variable, constant, sign: true });
        Ok(())
    }

    fn constant(&mut self, sign: i64) -> Parsed<i16> {
        self.skip();
        let start = self.at;
        let (mantissa, exponent) = self.power()?;
        let value = if (0..16).contains(&exponent) { sign * (mantissa << exponent) } else { i64::MAX };
        i16::try_from(value).ok().filter(|value| CONSTANTS.contains(value)).ok_or_else(|| {
            self.fault("rule/constant", start, "the constant is out of range")
                .limit(format!("whole numbers {}..={}", CONSTANTS.start(), CONSTANTS.end()))
                .help("constants beside a variable are signed whole numbers of 9 bits")
        })
    }

    /// `(number)`, `(-number)`, `(variable)`, `(variable + number)` or `(number + variable)`.
    fn bracket(&mut self, term: &mut Term) -> Parsed<()> {
        self.expect('(')?;
        let sign = self.sign();
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let start = self.at;
            let first = sign.unwrap_or(1);
            let mut alone = Term { mantissa: term.mantissa, exponent: term.exponent, ..Term::default() };
            self.literal(&mut alone)?;
            let Some(second) = self.sign() else {
                (term.mantissa, term.exponent) = (alone.mantissa * first, alone.exponent);
                return self.expect(')');
            };
            let end = self.at;
            self.at = start;
            // c - v is -(v - c).
            let constant = self.constant(first * second)?;
            self.at = end;
            let (at, word) = self.word();
            let variable = self.variable(at, word)?;
            term.mantissa *= second;
            term.factors.push(Factor { variable, constant, sign: false });
            return self.expect(')');
        }
        let (start, word) = self.word();
        let variable = self.variable(start, word)?;
        if sign == Some(-1) && self.peek() == Some(')') {
            return Err(self
                .fault("rule/syntax", start, format!("(-{word}): a factor has no sign of its own"))
                .help("put the sign before the product"));
        }
        let outer = sign.unwrap_or(1);
        let constant = match self.sign() {
            Some(sign) => self.constant(sign * outer)?,
            None => 0,
        };
        term.mantissa *= outer;
        term.factors.push(Factor { variable, constant, sign: false });
        self.expect(')')
    }
}
