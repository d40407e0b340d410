//! LIFRefractory in doubles, operation for operation in the order of the process.

use crate::case::{Case, Found};
use crate::npz_support::Values;

/// The process.
pub(crate) const PROCESS: &str = "LIFRefractory";

/// Plays the case.
pub(crate) fn play(case: &Case) -> Found {
    let real = |key: &str, absent: f64| case.parameters[key].as_f64().unwrap_or(absent);
    let (du, dv, vth, bias) = (real("du", 0.0), real("dv", 0.0), real("vth", 10.0), real("bias_mant", 0.0));
    let period = case.number("refractory_period", 1);
    let neurons = case.width("a_in");
    let (mut u, mut v, mut end) = (vec![0.0; neurons], vec![0.0; neurons], vec![0_i64; neurons]);
    let (mut spikes, mut us, mut vs, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for step in 0..case.steps {
        let now = step as i64 + 1;
        for (neuron, a) in case.input("a_in", step).into_iter().enumerate() {
            u[neuron] *= 1.0 - du;
            u[neuron] += f64::from(a);
            if end[neuron] < now {
                v[neuron] = v[neuron] * (1.0 - dv) + (u[neuron] + bias);
            }
            let fires = v[neuron] > vth;
            if fires {
                (v[neuron], end[neuron]) = (0.0, now + period);
            }
            spikes.push(i64::from(fires));
        }
        us.extend(&u);
        vs.extend(&v);
        ends.extend(&end);
    }
    Found::from([
        ("out.s_out".to_owned(), Values::Whole(spikes)),
        ("state.u".to_owned(), Values::Real(us)),
        ("state.v".to_owned(), Values::Real(vs)),
        ("state.refractory_period_end".to_owned(), Values::Whole(ends)),
    ])
}
