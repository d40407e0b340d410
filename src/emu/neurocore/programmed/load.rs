//! The neurons of a programmed core as lanes, in their initial state.

use super::Group;
use crate::chip::Dialect;
use crate::image::{self, CompartmentConfig, ProgramGroup};
use crate::isa::{self, Binding, Draws, Lanes};

/// Seed of the programs' random draws.
const SEED: u64 = 1;

/// The dendritic input that the synapses of a projection go to: their targets are of one population.
pub(super) fn input_of(image: &image::CubaCore, projection: u32) -> usize {
    image.programs.iter().map(|group| group.input(projection)).max().unwrap_or(0).into()
}

/// The programs of all compartments, ascending: those of the image, and between them the built-in compartment.
pub(super) fn groups(image: &image::CubaCore, dialect: Dialect) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut next = 0;
    for group in &image.programs {
        let first = group.first as usize;
        groups.extend(plain(image, next, first, dialect));
        groups.push(programmed(group));
        next = first + group.count as usize;
    }
    groups.extend(plain(image, next, image.config_of.len(), dialect));
    groups
}

fn programmed(group: &ProgramGroup) -> Group {
    let checked = "a checked image holds programs that fit";
    let program = group.assemble().expect(checked);
    let bound = group.bound(&program);
    let draws = Draws { seed: SEED, core: group.population, first: group.neuron };
    let mut lanes = Lanes::new(program, group.count as usize, &bound, draws).expect(checked);
    for named in &group.initial {
        let slot = lanes.program().state(&named.name).expect(checked);
        fill(lanes.state_mut(slot), &named.values);
    }
    Group { lanes, first: group.first as usize }
}

/// One value for all, or one each.
fn fill(cells: &mut [i32], values: &[i32]) {
    if let [one] = values {
        cells.fill(*one);
    } else {
        cells.copy_from_slice(values);
    }
}

/// Compartments with registers, from `first` to before `end`, as the built-in program.
fn plain(image: &image::CubaCore, first: usize, end: usize, dialect: Dialect) -> Option<Group> {
    if first == end {
        return None;
    }
    let configs: Vec<&CompartmentConfig> =
        image.config_of[first..end].iter().map(|&entry| &image.configs[usize::from(entry)]).collect();
    let of = |name: &str, value: fn(&CompartmentConfig) -> i32| {
        let values: Vec<i32> = configs.iter().map(|config| value(config)).collect();
        let same = values.iter().all(|other| *other == values[0]);
        (name.to_owned(), if same { Binding::Shared(values[0]) } else { Binding::PerNeuron(values) })
    };
    let number = match dialect {
        Dialect::Lava => 0,
        Dialect::Nengo | Dialect::ChipBestGuess => 1,
        Dialect::Brian2 => 2,
    };
    let bound = [
        of("decay_u", |config| config.decay_u.into()),
        of("decay_v", |config| config.decay_v.into()),
        of("threshold", |config| {
            config.threshold.map_or(i32::MAX, |mantissa| i32::try_from(u64::from(mantissa) << 6).unwrap_or(i32::MAX))
        }),
        of("bias", bias),
        of("refractory", |config| config.refractory.into()),
        ("dialect".to_owned(), Binding::Shared(number)),
    ];
    let built_in = "the built-in compartment holds every register of the chip";
    let text = isa::builtin_text("cuba").expect(built_in);
    let program = isa::assemble(text, "cuba").expect(built_in);
    let draws = Draws { seed: SEED, core: 0, first: 0 };
    let mut lanes = Lanes::new(program, end - first, &bound, draws).expect(built_in);
    for start in &image.initial {
        let at = usize::from(start.compartment);
        if (first..end).contains(&at) {
            for (name, value) in [("u", start.u), ("v", start.v)] {
                let slot = lanes.program().state(name).expect(built_in);
                lanes.state_mut(slot)[at - first] = value;
            }
        }
    }
    Some(Group { lanes, first })
}

/// The bias as it is added, within the 29 bits of the program's parameter.
fn bias(config: &CompartmentConfig) -> i32 {
    let mantissa = i64::from(config.bias);
    let places = u32::from(config.bias_exponent.unsigned_abs()).min(32);
    let bias = if config.bias_exponent < 0 { mantissa >> places } else { mantissa << places };
    bias.clamp(-(1 << 28), (1 << 28) - 1) as i32
}
