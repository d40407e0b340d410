//! Neuron processes as neuron programs: which program, with which parameters, and what its inputs, outputs and states
//! are called in the recordings.

use spikeloom::isa::{Binding, Draws, Lanes, Sent, assemble, builtin_text};

use crate::case::{Case, Found};
use crate::npz_support::Values;

/// A process as a program.
struct Model<'c> {
    case: &'c Case,
    program: &'static str,
    neurons: usize,
    parameters: Vec<(String, Binding)>,
    /// States that do not start as the program says.
    initial: Vec<(&'static str, Vec<i64>)>,
    /// Inputs of the program by number: what arrives in a step.
    inputs: Vec<Input<'c>>,
    /// Outputs of the program by number: the recorded array.
    outputs: &'static [&'static str],
    /// State and recorded array.
    states: &'static [(&'static str, &'static str)],
    /// Whether the recorded output is one number, to which one of the neurons contributes.
    joined: bool,
}

type Input<'c> = Box<dyn Fn(usize) -> Vec<i32> + 'c>;

impl<'c> Model<'c> {
    /// One neuron an element of `port`.
    fn new(case: &'c Case, program: &'static str, ports: &[&'static str], outputs: &'static [&'static str]) -> Self {
        let inputs = ports.iter().map(|port| {
            let port = *port;
            Box::new(move |step| case.input(port, step)) as Input<'c>
        });
        Self {
            case,
            program,
            neurons: case.width(ports[0]),
            parameters: Vec::new(),
            initial: Vec::new(),
            inputs: inputs.collect(),
            outputs,
            states: &[],
            joined: false,
        }
    }

    fn states(self, states: &'static [(&'static str, &'static str)]) -> Self {
        Self { states, ..self }
    }

    /// One number for all, or one a neuron.
    fn bind(mut self, name: &str, values: &[i64]) -> Self {
        let values: Vec<i32> = values.iter().map(|&value| i32::try_from(value).expect("32 bits")).collect();
        let binding = if let [one] = values[..] { Binding::Shared(one) } else { Binding::PerNeuron(values) };
        self.parameters.push((name.to_owned(), binding));
        self
    }

    /// The process's parameter as it is.
    fn copy(self, name: &str, key: &str, absent: i64) -> Self {
        let values = self.case.numbers(key, absent);
        self.bind(name, &values)
    }

    /// Threshold mantissas, shifted as Loihi does.
    fn threshold(self, name: &str, key: &str, absent: i64) -> Self {
        let values: Vec<i64> = self.case.numbers(key, absent).iter().map(|mantissa| mantissa << 6).collect();
        self.bind(name, &values)
    }

    /// Decays and bias of Loihi's compartment.
    fn compartment(self) -> Self {
        let bias = bias(self.case);
        self.copy("decay_u", "du", 0).copy("decay_v", "dv", 0).bind("bias", &bias)
    }

    fn play(self) -> Found {
        let text = builtin_text(self.program).unwrap_or_else(|| panic!("no program '{}'", self.program));
        let program = assemble(text, self.program).unwrap_or_else(|problems| panic!("{problems}"));
        let mut lanes = Lanes::new(program, self.neurons, &self.parameters, Draws { seed: 0, core: 0, first: 0 })
            .unwrap_or_else(|problems| panic!("{}: {problems}", self.case.name));
        let slot = |lanes: &Lanes, name: &str| lanes.program().state(name).expect("a state of the program");
        for (name, values) in &self.initial {
            let slot = slot(&lanes, name);
            lanes.state_mut(slot).iter_mut().zip(values).for_each(|(cell, value)| *cell = *value as i32);
        }
        let mut found = Found::new();
        let mut keep = |key: String, values: &[i64]| {
            let Values::Whole(all) = found.entry(key).or_insert_with(|| Values::Whole(Vec::new())) else { return };
            all.extend(values);
        };
        for step in 0..self.case.steps {
            let inputs: Vec<Vec<i32>> = self.inputs.iter().map(|input| input(step)).collect();
            let inputs: Vec<&[i32]> = inputs.iter().map(Vec::as_slice).collect();
            let mut sent = vec![vec![0_i64; self.neurons]; self.outputs.len()];
            lanes.step(&inputs, step as u32 + 1, &mut |neuron, what| {
                if let Sent::Spike { output, payload } = what {
                    sent[usize::from(output)][neuron as usize] += payload.map_or(1, i64::from);
                }
            });
            for (key, values) in self.outputs.iter().zip(&sent) {
                let sum = [values.iter().sum()];
                keep(format!("out.{key}"), if self.joined { &sum } else { values });
            }
            for (state, key) in self.states {
                let values: Vec<i64> = lanes.state(slot(&lanes, state)).iter().map(|&value| value.into()).collect();
                keep(format!("state.{key}"), &values);
            }
        }
        found
    }
}

/// `mantissa << exponent`, to the right where negative, one for all or one a neuron.
fn bias(case: &Case) -> Vec<i64> {
    let (mantissas, exponents) = (case.numbers("bias_mant", 0), case.numbers("bias_exp", 0));
    let of = |values: &[i64], index: usize| if values.len() == 1 { values[0] } else { values[index] };
    (0..mantissas.len().max(exponents.len()))
        .map(|index| match (of(&mantissas, index), of(&exponents, index)) {
            (mantissa, exponent) if exponent < 0 => mantissa >> -exponent,
            (mantissa, exponent) => mantissa << exponent,
        })
        .collect()
}

/// Plays the case; `None` where the process is no neuron.
pub(crate) fn play(case: &Case) -> Option<Found> {
    Some(match case.process.as_str() {
        "LIF" | "LearningLIF" => Model::new(case, "cuba", &["a_in"], &["s_out"])
            .compartment()
            .threshold("threshold", "vth", 10)
            .states(&[("u", "u"), ("v", "v")])
            .play(),
        "LIFReset" => lif_reset(case),
        "TernaryLIF" => Model::new(case, "ternary", &["a_in"], &["s_out"])
            .compartment()
            .threshold("high", "vth_hi", 10)
            .threshold("low", "vth_lo", -10)
            .states(&[("u", "u"), ("v", "v")])
            .play(),
        "PrototypeLIF" => prototype(case),
        "ATRLIF" => atrlif(case),
        "RF" => oscillator(case, "resonate_and_fire"),
        "RF_IZ" => oscillator(case, "rf_iz"),
        "RFZero" => Model::new(case, "rf_zero", &["u_in", "v_in"], &["s_out"])
            .copy("lct", "lct", 0)
            .copy("lst", "lst", 0)
            .copy("threshold", "uth", 1)
            .states(&[("u", "u"), ("v", "v")])
            .play(),
        "Sigma" => Model::new(case, "sigma", &["a_in"], &["s_out"]).states(&[("sigma", "sigma")]).play(),
        "Delta" => Model::new(case, "delta", &["a_in"], &["s_out"])
            .copy("threshold", "vth", 0)
            .copy("spike_exponent", "spike_exp", 0)
            .copy("state_exponent", "state_exp", 0)
            .copy("cumulative", "cum_error", 0)
            .states(&[("act", "act"), ("residue", "residue"), ("error", "error")])
            .play(),
        "SigmaDelta" => sigma_delta(case),
        "GradedVec" => graded(case, "graded"),
        "GradedReluVec" => graded(case, "graded_relu"),
        "ProdNeuron" => Model::new(case, "prod", &["a_in1", "a_in2"], &["s_out"])
            .copy("threshold", "vth", 1)
            .copy("exponent", "exp", 0)
            .play(),
        "NormVecDelay" => Model::new(case, "norm_vec", &["a_in1", "a_in2"], &["s_out", "s2_out"])
            .copy("threshold", "vth", 1)
            .states(&[("v", "v"), ("v2", "v2")])
            .play(),
        "InvSqrt" => inv_sqrt(case),
        "NoveltyDetector" => {
            Model::new(case, "novelty_detector", &["input_aval_in", "output_aval_in"], &["novelty_detected_out"])
                .copy("patience", "t_wait", 0)
                .play()
        }
        "Allocator" => {
            let next = case.numbers("next_alloc_id", 1);
            let mut model = Model::new(case, "allocator", &["trigger_in"], &["allocate_out"]);
            model.initial.push(("next", next));
            model.states(&[("next", "next_alloc_id")]).play()
        }
        "Readout" => readout(case),
        _ => return None,
    })
}

fn lif_reset(case: &Case) -> Found {
    let interval = case.number("reset_interval", 1);
    Model::new(case, "lif_reset", &["a_in"], &["s_out"])
        .compartment()
        .threshold("threshold", "vth", 10)
        .bind("interval", &[interval])
        .bind("offset", &[case.number("reset_offset", 0).rem_euclid(interval)])
        .states(&[("u", "u"), ("v", "v")])
        .play()
}

/// The third factor goes to every neuron: the process reads its first element.
fn prototype(case: &Case) -> Found {
    let outputs = &["s_out", "s_out_bap", "s_out_y1"];
    let mut model = Model::new(case, "prototype", &["a_in", "a_third_factor_in", "reset_in"], outputs)
        .compartment()
        .threshold("threshold", "vth", 10)
        .states(&[("u", "u"), ("v", "v")]);
    let neurons = model.neurons;
    model.inputs[1] = Box::new(move |step| vec![case.input("a_third_factor_in", step)[0]; neurons]);
    model.bind("id", &(1..=neurons as i64).collect::<Vec<_>>()).play()
}

/// Decays that are real numbers: what is kept of i, in 4096ths, has a fraction.
fn atrlif(case: &Case) -> Found {
    let real = |key: &str, absent: f64| {
        let value = &case.parameters[key];
        if value.is_null() { absent } else { value.as_f64().unwrap_or_else(|| panic!("{}: {key}", case.name)) }
    };
    let keep = |key: &str, absent: f64| [(4096.0 - real(key, absent) * 4096.0).trunc() as i64];
    let keep_i = 4096.0 - (real("delta_i", 0.4) * 4096.0 + 1.0);
    let (whole, fraction) = (keep_i.floor(), keep_i - keep_i.floor());
    let wraps = case.parameters["delta_i"].is_i64() || keep_i < 0.0;
    let base = (real("theta_0", 5.0) * 64.0).trunc() as i64;
    let mut model = Model::new(case, "atrlif", &["a_in"], &["s_out"])
        .bind("keep_i", &[whole as i64])
        .bind("fraction_i", &[(fraction * (1_u64 << 31) as f64).ceil() as i64])
        .bind("wrap_i", &[i64::from(wraps)])
        .bind("keep_v", &keep("delta_v", 0.4))
        .bind("keep_theta", &keep("delta_theta", 0.2))
        .bind("keep_r", &keep("delta_r", 0.2))
        .bind("base", &[base])
        .bind("step", &[(real("theta_step", 3.75) * 64.0).trunc() as i64])
        .bind("bias", &bias(case))
        .states(&[("i", "i"), ("v", "v"), ("theta", "theta"), ("r", "r")]);
    model.initial.push(("theta", vec![base; model.neurons]));
    model.play()
}

fn oscillator(case: &Case, program: &'static str) -> Found {
    Model::new(case, program, &["a_real_in", "a_imag_in"], &["s_out"])
        .copy("sin", "sin_decay", 0)
        .copy("cos", "cos_decay", 0)
        .copy("decay_bits", "decay_bits", 0)
        .copy("exponent", "state_exp", 0)
        .copy("threshold", "vth", 1)
        .states(&[("re", "real"), ("im", "imag")])
        .play()
}

fn sigma_delta(case: &Case) -> Found {
    let relu = match case.parameters["act_mode"].as_str() {
        Some("RELU") | None => 1,
        Some("UNIT") => 0,
        Some(other) => panic!("{}: activation {other}", case.name),
    };
    Model::new(case, "sigma_delta", &["a_in"], &["s_out"])
        .copy("threshold", "vth", 0)
        .copy("bias", "bias", 0)
        .copy("state_exponent", "state_exp", 0)
        .copy("cumulative", "cum_error", 0)
        .bind("relu", &[relu])
        .states(&[("sigma", "sigma"), ("act", "act"), ("residue", "residue"), ("error", "error")])
        .play()
}

fn graded(case: &Case, program: &'static str) -> Found {
    Model::new(case, program, &["a_in"], &["s_out"]).copy("threshold", "vth", 1).states(&[("v", "v")]).play()
}

/// The table of first guesses, by the number of leading zeros within 24 bits: 2^12 / sqrt(2^(m - 12)), adjusted so that
/// the guess lies in the middle, twice.
fn inv_sqrt(case: &Case) -> Found {
    const ADJUST: f64 = 1.238_982_962;
    let guess = |m: i32| 2 * (4096.0 / (2_f64.powf(f64::from(m - 12) / 2.0) * ADJUST)).trunc() as i32;
    let mut model = Model::new(case, "inv_sqrt", &["a_in"], &["s_out"]);
    let table = (0..24).map(|zeros| guess(23 - zeros)).collect();
    model.parameters.push(("estimate".to_owned(), Binding::Table(table)));
    model.play()
}

/// One neuron a prototype: each is told whether it, how many before it, and how many in all are active.
fn readout(case: &Case) -> Found {
    let outputs = &["user_output", "feedback", "trigger_alloc"];
    let mut model = Model { joined: true, ..Model::new(case, "readout", &["inference_in"], outputs) }
        .states(&[("label", "proto_labels")]);
    let neurons = model.neurons;
    let active = move |step| case.input("inference_in", step).iter().map(|&x| i32::from(x != 0)).collect::<Vec<_>>();
    model.inputs = vec![
        Box::new(active),
        Box::new(move |step| {
            let mut before = 0;
            active(step)
                .into_iter()
                .map(|here| {
                    before += here;
                    before - here
                })
                .collect()
        }),
        Box::new(move |step| vec![active(step).iter().sum(); neurons]),
        Box::new(move |step| vec![case.input("label_in", step)[0]; neurons]),
    ];
    let labels = case.numbers("proto_labels", 0);
    let of = |neuron: usize| labels.get(neuron).copied().unwrap_or(labels[0]);
    model.initial.push(("label", (0..neurons).map(of).collect()));
    model.initial.push(("last", (0..neurons).map(|neuron| i64::from(neuron == 0)).collect()));
    model.bind("id", &(1..=neurons as i64).collect::<Vec<_>>()).play()
}
