use super::*;
use crate::rng::Rng;

fn parse(text: &str) -> Rule {
    parse_rule(text, "rule").unwrap_or_else(|problems| panic!("{text}: {problems}"))
}

#[test]
fn a_pairwise_rule_is_two_products() {
    let rule = parse("dw = 2^-2*x1*y0 - 2^-2*x0*y1");
    let factor = |variable| vec![Factor { variable, constant: 0, sign: false }];
    assert_eq!(
        rule.weight,
        [
            Product { dependency: Dependency::Y0, mantissa: 1, exponent: -2, factors: factor(Variable::X1) },
            Product { dependency: Dependency::X0, mantissa: -1, exponent: -2, factors: factor(Variable::Y1) },
        ]
    );
    assert!(rule.delay.is_empty() && rule.tag.is_empty() && !rule.needs_tag());
}

#[test]
fn numbers_join_and_large_mantissas_move_into_the_exponent() {
    for (text, mantissa, exponent) in [
        ("(4)*(-1)*x0", -4, 0),
        ("2*2^-3*3*x0", 6, -3),
        ("96*x0", 6, 4),
        ("-8*x0", -4, 1),
        ("-8*2^8*x0", -8, 8),
        ("(1) * 2 ^ -2 * (-1) * x0", -1, -2),
    ] {
        let products = parse_sum(text, "rule").expect(text);
        assert_eq!((products[0].mantissa, products[0].exponent), (mantissa, exponent), "{text}");
    }
}

#[test]
fn every_fault_is_named_with_its_column() {
    for (text, code, place, part) in [
        ("dw = 2^-2*x0*z1", "rule/variable", "rule, column 14", "z1"),
        ("dw = 2^-2*x0*y4", "rule/variable", "rule, column 14", "y4"),
        ("dw = x0*r1", "rule/variable", "rule, column 9", "r1"),
        ("dw = u12*w", "rule/variable", "rule, column 6", "u12"),
        ("dw = 2^-9*x0*y1", "rule/exponent", "rule, column 6", "-9"),
        ("dw = x0*y1 + 2^9*y0", "rule/exponent", "rule, column 14", "9"),
        ("dw = 9*x0", "rule/mantissa", "rule, column 6", "9"),
        ("dw = 2^-2*w", "rule/dependency", "rule, column 6", "depends on nothing"),
        ("dw = x0*u1*w", "rule/dependency", "rule, column 9", "u1"),
        ("dw = x0*(y1+300)", "rule/constant", "rule, column 13", "range"),
        ("dw = x0/2", "rule/syntax", "rule, column 8", "divide"),
        ("dw = x0*", "rule/syntax", "rule, column 9", "ends"),
        ("dw = x0*(y1", "rule/syntax", "rule, column 12", "')'"),
        ("dw = 3^2*x0", "rule/syntax", "rule, column 6", "powers of two"),
        ("dw = x0*sgn(y1)", "rule/syntax", "rule, column 13", "no sign"),
        ("dv = x0", "rule/syntax", "rule, column 1", "'dv'"),
        ("dw = x0; dw = y0", "rule/syntax", "rule, column 10", "twice"),
        ("x0*y1", "rule/syntax", "rule, column 1", "'='"),
        ("", "rule/syntax", "rule", "empty"),
    ] {
        let problems = parse_rule(text, "rule").expect_err(text);
        let problem = &problems.all()[0];
        assert_eq!((problem.code, problem.place.as_str()), (code, place), "{text}: {problem}");
        assert!(problem.what.contains(part), "{text}: {problem}");
    }
    for text in ["dw = x0*(-256 - y1)", "dw = x0*(-(y1 - 256))", "dw = x0*(y1 + 256)"] {
        assert!(parse_rule(text, "rule").is_err(), "{text}");
    }
    assert_eq!(parse("dw = x0*(256 - y1)").to_string(), parse("dw = -1*x0*(y1 - 256)").to_string());
    let both = parse_rule("dw = 2^-2*w; dt = x0*q", "rule").expect_err("two faults");
    assert_eq!(both.all().len(), 2);
}

/// A rule with every register anywhere in its range, in the form that the parser leaves.
fn random_rule(rng: &mut Rng) -> Rule {
    let mut pick = |bound: u64| rng.below(bound);
    let mut sum = |most: u64| -> Vec<Product> {
        (0..pick(most + 1))
            .map(|_| {
                let dependency = match pick(3) {
                    0 => Dependency::X0,
                    1 => Dependency::Y0,
                    _ => Dependency::U(pick(10) as u8),
                };
                let exponent = pick(16) as i8 - 7;
                let low = if exponent == 8 { 8 } else { 7 };
                let mantissa = pick(8 + low) as i8 - low as i8;
                let factors = (0..pick(4)).map(|_| {
                    let variable = Variable::ALL[pick(10) as usize];
                    let sign = variable.bits() == 9 && pick(2) == 0;
                    let constant = if pick(2) == 0 { 0 } else { pick(512) as i16 - 256 };
                    Factor { variable, constant, sign }
                });
                let factors = factors.collect();
                Product { dependency, mantissa, exponent, factors }
            })
            .collect()
    };
    Rule { weight: sum(4), delay: sum(2), tag: sum(3) }
}

#[test]
fn every_printed_rule_is_read_back_as_the_same() {
    let mut rng = Rng::new(3);
    let mut read = 0;
    for _ in 0..2000 {
        let rule = random_rule(&mut rng);
        if rule.products().next().is_some() {
            let text = rule.to_string();
            assert_eq!(parse(&text), rule, "{text}");
            read += 1;
        }
    }
    assert!(read > 1500);
}

#[test]
fn hostile_text_is_refused_without_a_panic() {
    let mut rng = Rng::new(5);
    let alphabet: Vec<char> = "dwt=x0y1u2^-*+()sgn; \n9é".chars().collect();
    for _ in 0..5000 {
        let text: String = (0..rng.below(24)).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect();
        if let Ok(rule) = parse_rule(&text, "rule") {
            assert_eq!(parse(&rule.to_string()), rule, "{text}");
        }
    }
}

#[test]
fn a_trace_decays_with_the_fraction_as_its_chance() {
    let half = Decay::by(0.5);
    assert_eq!((half.apply(10, 0), half.apply(11, (1 << 52) - 1), half.apply(11, 1 << 52)), (5, 6, 5));
    assert_eq!(Decay::clear().apply(127, 0), 0);
    assert_eq!(Decay::by(1.0).apply(127, 0), 127);
    let trace = Trace::new(16.25, 10.0);
    assert_eq!((trace.impulse, trace.fraction), (16, 64));
    assert_eq!((trace.add(0, 63), trace.add(0, 64), trace.add(120, 0)), (17, 16, 127));
}

#[test]
fn every_product_tells_its_first_fault() {
    let text = "dw = 2^-9*x0*y1 - 2^-1*x0*(z1 + 3) + y0*x1 + 2^-2*w; dt = x0*y7";
    let problems = parse_rule(text, "rule").expect_err("four faults");
    let found: Vec<_> = problems.all().iter().map(|problem| (problem.code, problem.place.as_str())).collect();
    assert_eq!(
        found,
        [
            ("rule/exponent", "rule, column 6"),
            ("rule/variable", "rule, column 28"),
            ("rule/dependency", "rule, column 46"),
            ("rule/variable", "rule, column 62"),
        ]
    );
}

#[test]
fn every_preset_is_a_rule() {
    for preset in PRESETS {
        let rule = parse(preset.rule);
        assert_eq!(parse(&rule.to_string()), rule, "{}", preset.name);
        for (trace, (impulse, tau)) in TraceName::ALL.into_iter().zip(preset.traces) {
            let named = Variable::ALL.into_iter().find(|variable| variable.name() == trace.name()).expect("a trace");
            // y2 of the reward rule comes from outside.
            let outside = preset.name == "reward_stdp" && trace == TraceName::Y2;
            assert_eq!(rule.reads(named) && !outside, impulse > 0.0 && tau > 0.0, "{} {}", preset.name, trace.name());
        }
    }
}

#[test]
fn a_decay_survives_its_table_and_nonsense_is_none() {
    for decay in [Decay::clear(), Decay::by(0.9), Decay::by(1.0)] {
        assert_eq!(Decay::from_table(decay.table().to_vec()), Some(decay));
    }
    let mut table = Decay::by(1.0).table().to_vec();
    table[127] = (127, 1);
    assert_eq!(Decay::from_table(table.clone()), None, "it would grow beyond its bits");
    table[127] = (200, 0);
    assert_eq!(Decay::from_table(table), None);
    assert_eq!(Decay::from_table(vec![(0, 0); 3]), None);
}
