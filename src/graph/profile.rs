//! Import profiles: the discrete-time semantics that NIR leaves open, by the framework that wrote the file.
//!
//! Sources: the recorded outputs of snnTorch 1.0.0, Norse 1.1.0, Sinabs 2.0.3, SpikingJelly 2.0.0 and of the
//! NIR paper (Pedersen et al. 2024), which `tests/golden_nir.rs` reproduces.

use std::fmt;

use super::{Dynamics, Fire, Profile, Reset, ResetTime};
use crate::diag::{Problem, Result, nearest};

/// Preset names in the order of listing.
const PRESETS: [&str; 7] = ["nir", "snntorch", "norse", "sinabs", "spikingjelly", "spyx", "rockpool"];

/// Fields that `set` understands, with their values.
const FIELDS: [(&str, &str); 9] = [
    ("dt", "seconds per tick, above 0"),
    ("dynamics", "euler | zero_order_hold | decay_then_add"),
    ("fire", "above | at_or_above"),
    ("reset", "value | subtract | snntorch_subtract | none"),
    ("reset_time", "same | next"),
    ("multi_spike", "true | false"),
    ("recurrent_bias_at_start", "true | false"),
    ("output_lag", "steps, 0..=1000"),
    ("name", "any text"),
];

impl Profile {
    /// The names that [`Profile::preset`] knows.
    #[must_use]
    pub fn presets() -> &'static [&'static str] {
        &PRESETS
    }

    /// The semantics of a framework; `nir` is the plain reading of the NIR paper (Euler, `v > threshold`).
    /// The `dt` is the one that the framework's exporter implies.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let mut profile = Self {
            name: PRESETS.into_iter().find(|preset| *preset == name)?.to_owned(),
            dt: 1e-4,
            dynamics: Dynamics::Euler,
            fire: Fire::Above,
            reset: Reset::Value,
            reset_time: ResetTime::Same,
            multi_spike: false,
            recurrent_bias_at_start: true,
            output_lag: 0,
        };
        match name {
            "norse" => {
                profile.dt = 1e-3;
                profile.recurrent_bias_at_start = false;
            }
            "sinabs" => {
                profile.dt = 1.0;
                profile.dynamics = Dynamics::DecayThenAdd;
                profile.fire = Fire::AtOrAbove;
                profile.reset = Reset::Subtract;
                profile.multi_spike = true;
            }
            "spikingjelly" => profile.fire = Fire::AtOrAbove,
            "spyx" => {
                profile.reset = Reset::Subtract;
                profile.output_lag = 1;
            }
            "rockpool" => {
                profile.dt = 1e-3;
                profile.dynamics = Dynamics::DecayThenAdd;
                profile.reset = Reset::Subtract;
            }
            _ => {}
        }
        Some(profile)
    }

    /// Overrides one field, as in `--profile sinabs,reset=value`.
    ///
    /// # Errors
    /// `graph/profile` for an unknown field or a value that it does not take.
    pub fn set(&mut self, field: &str, value: &str) -> Result<()> {
        let done = match field {
            "dt" => parse(value, &mut self.dt) && self.dt > 0.0 && self.dt.is_finite(),
            "dynamics" => name_of(value, &mut self.dynamics),
            "fire" => name_of(value, &mut self.fire),
            "reset" => name_of(value, &mut self.reset),
            "reset_time" => name_of(value, &mut self.reset_time),
            "multi_spike" => parse(value, &mut self.multi_spike),
            "recurrent_bias_at_start" => parse(value, &mut self.recurrent_bias_at_start),
            "output_lag" => parse(value, &mut self.output_lag) && self.output_lag <= 1000,
            "name" => parse(value, &mut self.name),
            _ => return Err(unknown_field(field).into()),
        };
        if done {
            return Ok(());
        }
        let takes = FIELDS.iter().find(|(name, _)| *name == field).map_or("", |(_, takes)| *takes);
        Err(Problem::invalid("graph/profile", field, format!("'{value}' is not a value of profile field '{field}'"))
            .limit(takes)
            .into())
    }

    /// The preset `name`, or the problem that names the presets.
    ///
    /// # Errors
    /// `graph/profile` where there is no such preset.
    pub fn named(name: &str) -> Result<Self> {
        Self::preset(name).ok_or_else(|| {
            let near = nearest(name, PRESETS).map_or(String::new(), |preset| format!("did you mean '{preset}'? "));
            Problem::invalid("graph/profile", "profile", format!("there is no profile '{name}'"))
                .help(format!("{near}presets: {}", PRESETS.join(", ")))
                .into()
        })
    }
}

fn unknown_field(field: &str) -> Problem {
    let names = || FIELDS.iter().map(|(name, _)| *name);
    let near = nearest(field, names()).map_or(String::new(), |name| format!("did you mean '{name}'? "));
    Problem::invalid("graph/profile", field, format!("a profile has no field '{field}'"))
        .help(format!("{near}fields: {}", names().collect::<Vec<_>>().join(", ")))
}

fn parse<T: std::str::FromStr>(text: &str, into: &mut T) -> bool {
    text.parse().map(|value| *into = value).is_ok()
}

/// Parses the snake_case name of an enum.
fn name_of<T: serde::de::DeserializeOwned>(text: &str, into: &mut T) -> bool {
    let name = serde_json::Value::String(text.to_owned());
    serde_json::from_value(name).map(|value| *into = value).is_ok()
}

/// The snake_case name of an enum.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: dt={} dynamics={} fire={}", self.name, self.dt, word(&self.dynamics), word(&self.fire))?;
        write!(f, " reset={} reset_time={}", word(&self.reset), word(&self.reset_time))?;
        write!(f, " multi_spike={}", self.multi_spike)?;
        write!(f, " recurrent_bias_at_start={} output_lag={}", self.recurrent_bias_at_start, self.output_lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_prints_sets_it_again() {
        for name in Profile::presets() {
            let profile = Profile::preset(name).expect("listed");
            let text = profile.to_string();
            let (printed, fields) = text.split_once(": ").expect("name first");
            let mut again = Profile::preset("nir").expect("listed");
            again.set("name", printed).expect("a name");
            for field in fields.split(' ') {
                let (key, value) = field.split_once('=').expect("key=value");
                again.set(key, value).expect("a printed value");
            }
            assert_eq!(again, profile);
        }
    }

    #[test]
    fn misspelt_fields_values_and_presets_are_named() {
        let mut profile = Profile::preset("nir").expect("listed");
        assert!(profile.set("rest", "value").expect_err("no such field").to_string().contains("'reset'"));
        assert!(profile.set("fire", "over").expect_err("no such value").to_string().contains("at_or_above"));
        assert!(profile.set("dt", "-1").is_err() && Profile::named("snntroch").is_err());
    }
}
