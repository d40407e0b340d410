//! Can every packet of an image reach its core? The route pass of the compiler and the check of an image ask the same.

use std::collections::BTreeSet;

use super::{AxonOut, CoreBody, CoreImage, Image};
use crate::chip::{ChipSpec, Family};
use crate::diag::Problem;
use crate::ids::CoreId;

/// Problems beyond this number are not listed.
const MOST: usize = 50;

/// Every use of something dead, and every route that is too long or blocked: dimension-order routes do not bend.
/// `image/defect` for what is on a core, `image/reach` and `image/blocked` for routes; up to 50 of them.
#[must_use]
pub fn unreachable(image: &Image, chip: &ChipSpec, file: &str) -> Vec<Problem> {
    let reach = match &chip.family {
        Family::Crossbar(spec) if spec.reach < chip.mesh.width.max(chip.mesh.height) => spec.reach,
        _ => u16::MAX,
    };
    let mut routes = Routes { chip, file, reach, found: Vec::new(), told: BTreeSet::new() };
    if !chip.defects.is_empty() {
        image.cores.iter().for_each(|core| routes.core(image, core));
    }
    if reach == u16::MAX && chip.defects.routers.is_empty() && chip.defects.links.is_empty() {
        return routes.found;
    }
    for core in &image.cores {
        match &core.body {
            CoreBody::Crossbar(body) => {
                for (neuron, to) in body.destinations.iter().enumerate() {
                    to.iter().for_each(|to| routes.route(Some((core.core, neuron)), to.core));
                }
            }
            CoreBody::Cuba(body) => routes.list(core.core, &body.out_offsets, &body.axons_out),
            CoreBody::Stepped(body) => routes.list(core.core, &body.out_offsets, &body.axons_out),
            CoreBody::Fcore(body) => {
                routes.list(core.core, &body.out_offsets, &body.axons_out);
                body.copy_to.iter().for_each(|to| routes.route(Some((core.core, 0)), *to));
            }
            // A chip file of a clocked design has no defects.
            CoreBody::Ranc(_) | CoreBody::OutputBus(_) | CoreBody::TinyOdin(_) => {}
        }
    }
    image.inputs.iter().flat_map(|input| &input.targets).for_each(|to| routes.route(None, to.core));
    routes.found
}

struct Routes<'a> {
    chip: &'a ChipSpec,
    file: &'a str,
    reach: u16,
    found: Vec<Problem>,
    /// Routes that are told: of each pair of cores one is enough.
    told: BTreeSet<(Option<u32>, u32)>,
}

impl Routes<'_> {
    fn add(&mut self, code: &'static str, place: &str, what: String) -> Option<&mut Problem> {
        if self.found.len() >= MOST {
            return None;
        }
        let place = if self.file.is_empty() { place.to_owned() } else { format!("{}: {place}", self.file) };
        self.found.push(Problem::invalid(code, place, what));
        self.found.last_mut()
    }

    /// Neurons and axons of a core that are in use and dead.
    fn core(&mut self, image: &Image, core: &CoreImage) {
        let help = "compile it with the same defects, which places it elsewhere";
        let place = format!("core {}", core.core);
        if !self.chip.is_alive(CoreId(core.core)) {
            if let Some(problem) = self.add("image/defect", &place, "it is dead".to_owned()) {
                problem.help = Some(help.to_owned());
            }
            return;
        }
        let defects = &self.chip.defects;
        let neuron = defects.neurons_of(core.core).find(|&neuron| uses_neuron(image, core, neuron));
        let axon = defects.axons_of(core.core).find(|&axon| uses_axon(&core.body, axon));
        for (what, number) in [("neuron", neuron), ("axon", axon)] {
            if let Some(number) = number
                && let Some(problem) = self.add("image/defect", &place, format!("{what} {number} is in use and dead"))
            {
                problem.help = Some(help.to_owned());
            }
        }
    }

    /// The packets of a core with a list of them.
    fn list(&mut self, core: u32, offsets: &[u32], outs: &[AxonOut]) {
        for (neuron, ends) in offsets.windows(2).enumerate() {
            let outs = outs.get(ends[0] as usize..ends[1] as usize).unwrap_or_default();
            outs.iter().for_each(|to| self.route(Some((core, neuron)), to.core));
        }
    }

    fn route(&mut self, from: Option<(u32, usize)>, to: u32) {
        if self.found.len() >= MOST {
            return;
        }
        let pair = (from.map(|(core, _)| core), to);
        let (x0, y0) = from.map_or(self.chip.mesh.host, |(core, _)| self.chip.router_of(CoreId(core)));
        let (x1, y1) = self.chip.router_of(CoreId(to));
        let source = || from.map_or("the host".to_owned(), |(core, neuron)| format!("core {core}, neuron {neuron}"));
        // The host's packets are addressed at its own port: their reach is not that of a neuron's address.
        let near = |a: u16, b: u16| a.abs_diff(b) <= self.reach;
        let too_far = from.is_some() && !(near(x0, x1) && near(y0, y1));
        let blocked = self.chip.defects.blocks((x0, y0), (x1, y1));
        if (too_far || blocked.is_some()) && !self.told.insert(pair) {
            return;
        }
        if too_far {
            let (dx, dy) = (i32::from(x1) - i32::from(x0), i32::from(y1) - i32::from(y0));
            let limit = format!("{} cores in each direction", self.reach);
            if let Some(problem) =
                self.add("image/reach", &source(), format!("core {to} is ({dx}, {dy}) away, beyond a packet's reach"))
            {
                problem.limit = Some(limit);
                problem.help = Some("place what talks to each other closer, or relay it".to_owned());
            }
        }
        if let Some(why) = blocked {
            let help = "routes go along x first and do not bend: another placement may avoid it";
            if let Some(problem) = self.add("image/blocked", &source(), format!("core {to} cannot be reached: {why}")) {
                problem.help = Some(help.to_owned());
            }
        }
    }
}

/// Whether a neuron does anything: has a place, a target or a synapse.
fn uses_neuron(image: &Image, core: &CoreImage, neuron: u16) -> bool {
    let at = usize::from(neuron);
    if at >= core.body.neurons() {
        return false;
    }
    let CoreBody::Crossbar(body) = &core.body else { return true };
    let words = body.parameter_of.len().div_ceil(64);
    let named = image.populations.iter().any(|population| {
        let copies = population.copies.iter().map(|copy| copy.place);
        population.places.iter().copied().chain(copies).any(|place| place.core == core.core && place.neuron == neuron)
    });
    let listens = body.rows.chunks(words.max(1)).any(|row| row[at / 64] >> (at % 64) & 1 == 1);
    named || listens || body.destinations[at].is_some()
}

/// Whether an axon has a synapse.
fn uses_axon(body: &CoreBody, axon: u16) -> bool {
    let at = usize::from(axon);
    match body {
        _ if at >= body.axons() => false,
        CoreBody::Crossbar(body) => {
            let words = body.parameter_of.len().div_ceil(64);
            body.rows[at * words..(at + 1) * words].iter().any(|word| *word != 0)
        }
        _ => true,
    }
}
