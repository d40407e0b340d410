//! Bad input for Loihi, one case a row: which problems it gives, all at once, with place, limit and next step.

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::mapping::Mapping;
use spikeloom::compile::{Log, Options, compile};
use spikeloom::diag::{Kind, Problem, Result};
use spikeloom::graph::read_json;

const INVALID: Kind = Kind::Invalid;
const MISFIT: Kind = Kind::Misfit;

/// A problem: its kind, its code, and what its place, limit and help must contain.
type Wanted = (Kind, &'static str, &'static str, &'static str, &'static str);

/// What is wrong, what the chip is set to, the registers and the projection of a network, a mapping, and all problems.
struct Case {
    what: &'static str,
    set: &'static [(&'static str, &'static str)],
    neuron: String,
    projection: &'static str,
    neurons: u32,
    mapping: Option<&'static str>,
    wanted: &'static [Wanted],
}

const NEURON: &str = r#""decay_u": 4095, "decay_v": 0, "threshold": 9"#;
const PROJECTION: &str = r#""weights": 2"#;
const LAVA: (&str, &str) = ("core.cuba.dialect", "lava");

impl Case {
    fn new(what: &'static str, wanted: &'static [Wanted]) -> Self {
        let (set, neuron, projection) = (&[LAVA][..], NEURON.to_owned(), PROJECTION);
        Self { what, set, neuron, projection, neurons: 3, mapping: None, wanted }
    }

    /// A rule with a fault.
    fn rule(what: &'static str, projection: &'static str, wanted: &'static [Wanted]) -> Self {
        Self { projection, ..Self::new(what, wanted) }
    }

    fn chip(&self) -> ChipSpec {
        let set = self.set.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
    }

    fn compile(&self) -> Result<()> {
        let Self { neuron, projection, neurons, .. } = self;
        let text = format!(
            r#"{{"version": 1, "name": "t",
            "populations": [{{"name": "in", "shape": [1]}},
                {{"name": "out", "shape": [{neurons}], "neuron": {{"model": "cuba_int", {neuron}}}}}],
            "projections": [{{"source": "in", "target": "out", "pattern": {{"type": "dense"}}, {projection}}}],
            "outputs": [{{"population": "out"}}]}}"#
        );
        let mapping = self.mapping.map(|text| Mapping::read(text, "map.csv")).transpose()?;
        let options = Options { mapping, ..Options::default() };
        compile(&read_json(&text, "net.json")?, &self.chip(), &options, &mut Log::default()).map(|_| ())
    }
}

/// `"decay_u": [1, 2, ...]` or another register with so many values, beside what every compartment has.
fn distinct(register: &str, count: u32) -> String {
    let values: Vec<String> = (1..=count).map(|value| value.to_string()).collect();
    let rest = match register {
        "threshold" => r#""decay_u": 4095"#,
        _ => r#""threshold": 9"#,
    };
    format!(r#"{rest}, "decay_v": 0, "{register}": [{}]"#, values.join(", "))
}

/// Where the text of the rule of the one projection stands.
const RULE: &str = "(/projections/0/learning/rule), rule, column ";

fn rules() -> Vec<Case> {
    vec![
        Case::rule(
            "unknown variables, each told",
            r#""weights": 2, "learning": {"rule": "dw = 2^-2*y0*x3 + u0*q", "x1": {"impulse": 16, "tau": 10}}"#,
            &[
                (
                    INVALID,
                    "rule/variable",
                    "column 14",
                    "x0, x1, x2, y0, y1, y2, y3, w, d, t, u0..=u9",
                    "did you mean 'x",
                ),
                (
                    INVALID,
                    "rule/variable",
                    "column 22",
                    "x0, x1, x2, y0, y1, y2, y3, w, d, t, u0..=u9",
                    "(y1, y2 or y3)",
                ),
            ],
        ),
        Case::rule(
            "a decimation beyond the last",
            r#""weights": 2, "learning": {"rule": "dw = u10*x1", "x1": {"impulse": 16, "tau": 10}}"#,
            &[(INVALID, "rule/variable", "column 6", "u0..=u9", "the nearest is u9")],
        ),
        Case::rule(
            "exponents out of range on both sides",
            r#""weights": 2, "learning": {"rule": "dw = 2^9*y0*x1 - 2^-8*x0*x1", "x1": {"impulse": 16, "tau": 10}}"#,
            &[
                (INVALID, "rule/exponent", "column 6", "2^-7..=2^8", "the nearest legal exponent is 8"),
                (INVALID, "rule/exponent", "column 18", "2^-7..=2^8", "the nearest legal exponent is -7"),
            ],
        ),
        Case::rule(
            "a product that never acts",
            r#""weights": 2, "learning": {"rule": "dw = 2^-2*x1", "x1": {"impulse": 16, "tau": 10}}"#,
            &[(INVALID, "rule/dependency", "column 6", "every product has x0, y0 or u0..u9", "write x0*2^-2*x1")],
        ),
        Case::rule(
            "a constant of ten bits",
            r#""weights": 2, "learning": {"rule": "dw = y0*(x1 + 300)", "x1": {"impulse": 16, "tau": 10}}"#,
            &[(INVALID, "rule/constant", "column 15", "-256..=255", "signed whole numbers of 9 bits")],
        ),
        Case {
            set: &[LAVA, ("core.cuba.tag_bits", "0")],
            ..Case::rule(
                "a tag where no format has bits for it",
                r#""weights": 2, "learning": {"rule": "dt = y0*x1", "x1": {"impulse": 16, "tau": 10}}"#,
                &[(Kind::Misfit, "cuba/learning", "projection 'in->out'", "core.cuba.tag_bits = 0", "drop dt and t")],
            )
        },
        Case::rule(
            "weights and tags that learn, outside their fields",
            r#""weights": [300, 0, -1], "learning": {"rule": "dw = t*y0*x1", "x1": {"impulse": 16, "tau": 10},
                "sign": "excitatory", "tags": [0, 256, -300]}"#,
            &[
                (Kind::Misfit, "cuba/weight", "'in->out', weight 0", "0..=255", "the nearest legal value is 255"),
                (Kind::Misfit, "cuba/weight", "'in->out', weight 2", "0..=255", "the nearest legal value is 0"),
                (Kind::Misfit, "cuba/learning", "'in->out', tag 1", "-256..=255", "the nearest legal value is 255"),
                (Kind::Misfit, "cuba/learning", "'in->out', tag 2", "-256..=255", "the nearest legal value is -256"),
            ],
        ),
    ]
}

fn registers() -> Vec<Case> {
    vec![
        Case {
            neuron: r#""decay_u": [4096, 0, 60000], "decay_v": 5000, "threshold": 9, "bias_exponent": [32, -32, 0],
                "refractory": [0, 1, 0]"#
                .to_owned(),
            ..Case::new(
                "registers that no chip has",
                &[
                    (INVALID, "graph/range", "population 'out'", "0..=4095", "4095 for 4096, 4095 for 60000"),
                    (INVALID, "graph/range", "population 'out'", "0..=4095", "the nearest legal value is 4095"),
                    (INVALID, "graph/range", "population 'out'", "-31..=31", "-31 for -32, 31 for 32"),
                    (INVALID, "graph/range", "population 'out'", "1..=255", "the nearest legal value is 1"),
                ],
            )
        },
        Case {
            neuron: r#""decay_u": 4095, "decay_v": 0, "threshold": [131072, 5, 200000],
                "bias": [4096, -4097, 0], "bias_exponent": [8, 0, 9], "refractory": 2"#
                .to_owned(),
            projection: r#""weights": [300, 255, -300], "exponent": 9, "delay": [64, 0, 200]"#,
            ..Case::new(
                "registers of compartments, exponent, delays and weights together",
                &[
                    (MISFIT, "cuba/register", "population 'out'", "-4096..=4095", "-4096 for -4097, 4095 for 4096"),
                    (MISFIT, "cuba/register", "population 'out'", "-31..=7", "7 for 8, 7 for 9"),
                    (MISFIT, "cuba/register", "population 'out'", "1..=1", "value is 1"),
                    (MISFIT, "cuba/register", "population 'out'", "0..=131071", "131071 for 131072, 131071 for 200000"),
                    (MISFIT, "cuba/exponent", "projection 'in->out'", "-8..=7", "value is 7"),
                    (MISFIT, "cuba/delay", "projection 'in->out'", "0..=63 ticks", "63 for 64, 63 for 200"),
                    (MISFIT, "cuba/weight", "projection 'in->out'", "-256..=255", "-256 for -300, 255 for 300"),
                ],
            )
        },
        Case {
            projection: r#""weights": [3, -2, 0]"#,
            ..Case::new(
                "an odd weight beside one of the other sign",
                &[(
                    MISFIT,
                    "cuba/weight",
                    "projection 'in->out'",
                    "multiples of 2",
                    "split the projection in two by sign",
                )],
            )
        },
        Case {
            neuron: distinct("decay_u", 33),
            neurons: 33,
            mapping: Some("out,*,0\n"),
            ..Case::new(
                "a core of more shared configurations than it has",
                &[(MISFIT, "mapping/capacity", "map.csv", "32 compartment_configs per core", "move neurons of it")],
            )
        },
        Case {
            neuron: distinct("threshold", 17),
            neurons: 17,
            mapping: Some("out,*,0\n"),
            ..Case::new(
                "a core of more shared thresholds than it has",
                &[(MISFIT, "mapping/capacity", "map.csv", "16 threshold_configs per core", "move neurons of it")],
            )
        },
        Case {
            set: &[LAVA, ("core.cuba.compartment_configs", "1")],
            neuron: distinct("decay_u", 129),
            neurons: 129,
            ..Case::new(
                "more shared configurations than all cores have",
                &[(
                    MISFIT,
                    "cuba/cores",
                    "population 'out'",
                    "128 cores on chip 'loihi'",
                    "128 neurons of this network fit",
                )],
            )
        },
    ]
}

/// Whether a problem is the wanted one; in a rule the place names the column too.
fn is(problem: &Problem, (kind, code, place, limit, help): &Wanted) -> bool {
    let has = |part: &Option<String>, words: &str| part.as_deref().is_some_and(|part| part.contains(words));
    let placed = if code.starts_with("rule/") {
        problem.place.starts_with("net.json:") && problem.place.contains(RULE) && problem.place.ends_with(place)
    } else {
        problem.place.contains(place)
    };
    problem.kind == *kind && problem.code == *code && placed && has(&problem.limit, limit) && has(&problem.help, help)
}

#[test]
fn every_fault_is_told_with_its_code_place_limit_and_next_step() {
    for case in rules().into_iter().chain(registers()) {
        let problems = case.compile().expect_err(case.what);
        let found = problems.all();
        let same = found.len() == case.wanted.len() && found.iter().zip(case.wanted).all(|(f, w)| is(f, w));
        assert!(same, "{}:\n{problems}\nwanted {:#?}", case.what, case.wanted);
        assert_eq!(problems.exit_code(), case.wanted[0].0.exit_code(), "{}", case.what);
    }
}

/// The same networks at their limits are no faults: the compiler takes another core where one is full.
#[test]
fn what_is_just_legal_compiles() {
    for case in [
        Case {
            neuron: r#""decay_u": 4095, "decay_v": [0, 1, 4095], "threshold": [131071, 0, 1],
                "bias": [4095, -4096, 0], "bias_exponent": [7, 0, -31], "refractory": 1"#
                .to_owned(),
            projection: r#""weights": [254, -256, 0], "exponent": 7, "delay": [63, 0, 1]"#,
            ..Case::new("the last legal registers", &[])
        },
        Case { neuron: distinct("decay_u", 33), neurons: 33, ..Case::new("33 configurations on two cores", &[]) },
        Case {
            neuron: distinct("threshold", 16),
            neurons: 16,
            mapping: Some("out,*,0\n"),
            ..Case::new("16 thresholds", &[])
        },
        Case::rule(
            "the last legal exponents, constants and decimations",
            r#""weights": 2, "learning": {"rule": "dw = 2^8*y0*x1 - 2^-7*u9*(w - 256); dt = y0*x1",
                "x1": {"impulse": 16, "tau": 10}, "tags": [0, 255, -256]}"#,
            &[],
        ),
    ] {
        case.compile().unwrap_or_else(|problems| panic!("{}:\n{problems}", case.what));
    }
}
