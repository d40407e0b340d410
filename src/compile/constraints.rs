//! Constraints of a placement, from a TOML file:
//!
//! ```toml
//! blocked = [[3, 4], [0, 0]]                 # routers x, y whose cores may not be used
//! [[pin]]                                    # all cores of a population on one router
//! population = "output"
//! router = [7, 0]
//! [[region]]                                 # ... or somewhere in a rectangle, both ends included
//! population = "hidden"
//! x = [0, 3]
//! y = [0, 2]
//! [[together]]                               # cores of these populations within some hops of each other
//! populations = ["hidden", "output"]
//! hops = 1
//! ```

use toml::{Table, Value};

use crate::diag::{Problem, Problems, Result, nearest};
use crate::image::Image;
use crate::place::{Region, Routers};

/// What a file asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Constraints {
    file: String,
    blocked: Vec<(usize, usize)>,
    regions: Vec<Bound>,
    together: Vec<(Vec<String>, usize)>,
}

/// A population bound to a region.
#[derive(Debug, Clone, PartialEq)]
struct Bound {
    /// `pin 2`, for messages.
    name: String,
    population: String,
    region: Region,
}

/// Constraints of the cores of one image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// Region by core in image order.
    pub regions: Vec<Option<Region>>,
    /// Pairs of cores (image order) and the most hops between them.
    pub together: Vec<(u32, u32, usize)>,
}

const KEYS: [&str; 4] = ["blocked", "pin", "region", "together"];

impl Constraints {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// `place/constraints` for anything that is not as the module says.
    pub fn read(text: &str, file: &str) -> Result<Self> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Problem::invalid("place/constraints", format!("{file}:{line}"), error.message().to_owned())
                .help("write TOML: blocked = [[x, y]], [[pin]], [[region]], [[together]]")
        })?;
        let mut found = Self { file: file.to_owned(), ..Self::default() };
        let mut problems = Vec::new();
        for (key, value) in &table {
            let list = value.as_array().cloned().unwrap_or_default();
            for (number, entry) in list.iter().enumerate() {
                if let Err(problem) = found.entry(key, number + 1, entry) {
                    problems.push(problem);
                }
            }
            if !KEYS.contains(&key.as_str()) || !value.is_array() {
                problems.push(unknown(file, key, &KEYS));
            }
        }
        Problems::check(problems, found)
    }

    fn entry(&mut self, key: &str, number: usize, entry: &Value) -> std::result::Result<(), Problem> {
        let name = format!("{key} {number}");
        let wrong = |what: &str| {
            Problem::invalid("place/constraints", format!("{}: {name}", self.file), what.to_owned())
                .help("programs/README.md shows such a file")
        };
        if key == "blocked" {
            self.blocked.push(pair(entry).ok_or_else(|| wrong("a blocked router is [x, y]"))?);
            return Ok(());
        }
        if !KEYS.contains(&key) {
            return Ok(()); // the caller tells of it
        }
        let table = entry.as_table().ok_or_else(|| wrong("it is no table"))?;
        let known: &[&str] = match key {
            "pin" => &["population", "router"],
            "region" => &["population", "x", "y"],
            _ => &["populations", "hops"],
        };
        if let Some(odd) = table.keys().find(|odd| !known.contains(&odd.as_str())) {
            return Err(unknown(&format!("{}: {name}", self.file), odd, known));
        }
        let population = || {
            let text = table.get("population").and_then(Value::as_str);
            text.map(str::to_owned).ok_or_else(|| wrong("population = \"NAME\" is missing"))
        };
        let range = |key: &str| table.get(key).and_then(pair).filter(|(low, high)| low <= high);
        match key {
            "pin" => {
                let (x, y) = range_free(table).ok_or_else(|| wrong("router = [x, y] is missing"))?;
                let region = Region { x: (x, x), y: (y, y) };
                self.regions.push(Bound { population: population()?, region, name });
            }
            "region" => {
                let (Some(x), Some(y)) = (range("x"), range("y")) else {
                    return Err(wrong("x = [first, last] and y = [first, last] are needed"));
                };
                self.regions.push(Bound { population: population()?, region: Region { x, y }, name });
            }
            "together" => {
                let list = table.get("populations").and_then(Value::as_array);
                let names: Option<Vec<String>> =
                    list.and_then(|list| list.iter().map(|name| name.as_str().map(str::to_owned)).collect());
                let hops = table.get("hops").map_or(Some(1), |hops| usize::try_from(hops.as_integer()?).ok());
                let (Some(names), Some(hops)) = (names, hops) else {
                    return Err(wrong("populations = [\"A\", \"B\"] and hops = N are needed"));
                };
                self.together.push((names, hops));
            }
            _ => {}
        }
        Ok(())
    }

    /// Applies to an image: blocks slots of `routers`, gives regions and pairs of cores.
    ///
    /// # Errors
    /// `place/population` for an unknown one, `place/constraints` for a router that is not there, a pin on a blocked
    /// one, or two constraints that contradict each other, both named.
    pub fn resolve(&self, image: &Image, routers: &mut Routers) -> Result<Resolved> {
        let mut problems = Vec::new();
        let inside = |(x, y): (usize, usize)| x < routers.width && y < routers.height;
        let limit = format!("columns 0 to {}, rows 0 to {}", routers.width - 1, routers.height - 1);
        for &(x, y) in self.blocked.iter().filter(|router| !inside(**router)) {
            problems.push(self.problem("blocked", format!("there is no router ({x}, {y})")).limit(limit.clone()));
        }
        for bound in self.regions.iter().filter(|b| !inside((b.region.x.1, b.region.y.1))) {
            problems.push(self.problem(&bound.name, "it reaches beyond the mesh".to_owned()).limit(limit.clone()));
        }
        Problems::check(std::mem::take(&mut problems), ())?;
        for &(x, y) in &self.blocked {
            let first = (y * routers.width + x) * routers.local;
            routers.free[first..first + routers.local].fill(false);
        }
        for bound in &self.regions {
            let free =
                (0..routers.free.len() as u32).any(|s| routers.free[s as usize] && bound.region.holds(routers.cell(s)));
            if !free {
                let what = format!("population '{}' may stand on blocked routers only", bound.population);
                problems.push(self.problem(&bound.name, what).help("unblock one of them or move the population"));
            }
        }
        Problems::check(problems, ())?;
        let of = |name: &str| self.cores_of(image, name);
        let mut regions: Vec<Option<(Region, &str)>> = vec![None; image.cores.len()];
        for bound in &self.regions {
            for core in of(&bound.population)? {
                let now = regions[core as usize];
                let met = now.map_or(Some(bound.region), |(region, _)| region.meet(&bound.region));
                let Some(met) = met else {
                    let other = now.map_or("", |now| now.1);
                    let what = format!("'{}' and '{other}' bind one core to places that do not meet", bound.name);
                    return Err(self.problem(&bound.name, what).help("widen one of the two").into());
                };
                regions[core as usize] = Some((met, &bound.name));
            }
        }
        let mut together = Vec::new();
        for (number, (names, hops)) in self.together.iter().enumerate() {
            let mut cores: Vec<u32> = names.iter().map(|name| of(name)).collect::<Result<Vec<_>>>()?.concat();
            cores.sort_unstable();
            cores.dedup();
            let bound: Vec<(Region, &str)> = cores.iter().filter_map(|core| regions[*core as usize]).collect();
            let far = |a: &Region, b: &Region| a.apart(b) > *hops;
            let clash = bound.iter().find_map(|a| bound.iter().find(|b| far(&a.0, &b.0)).map(|b| (a.1, b.1)));
            if let Some((one, other)) = clash {
                let name = format!("together {}", number + 1);
                let bounds = if one == other { format!("'{one}'") } else { format!("'{one}' and '{other}'") };
                let what = format!("'{name}' wants cores within {hops} hops that {bounds} keep farther apart");
                return Err(self.problem(&name, what).help("allow more hops, or move a region").into());
            }
            together.extend(cores.iter().flat_map(|a| cores.iter().filter(move |b| a < b).map(|b| (*a, *b, *hops))));
        }
        Ok(Resolved { regions: regions.iter().map(|region| region.map(|r| r.0)).collect(), together })
    }

    fn problem(&self, name: &str, what: String) -> Problem {
        Problem::invalid("place/constraints", format!("{}: {name}", self.file), what)
    }

    /// Cores of a population, as numbers in image order.
    fn cores_of(&self, image: &Image, name: &str) -> Result<Vec<u32>> {
        let Some(population) = image.populations.iter().find(|population| population.name == name) else {
            let names: Vec<&str> = image.populations.iter().map(|p| p.name.as_str()).collect();
            let help = nearest(name, names.iter().copied())
                .map_or_else(|| "name one of these".to_owned(), |near| format!("did you mean '{near}'?"));
            let what = format!("there is no population '{name}'");
            return Err(Problem::invalid("place/population", self.file.as_str(), what)
                .limit(names.join(", "))
                .help(help)
                .into());
        };
        let copies = population.copies.iter().map(|copy| copy.place.core);
        let mut cores: Vec<u32> = population.places.iter().map(|place| place.core).chain(copies).collect();
        cores.sort_unstable();
        cores.dedup();
        let index = |core: &u32| image.cores.iter().position(|c| c.core == *core).map(|at| at as u32);
        Ok(cores.iter().filter_map(index).collect())
    }
}

fn range_free(table: &Table) -> Option<(usize, usize)> {
    table.get("router").and_then(pair)
}

/// `[a, b]`, neither negative.
fn pair(value: &Value) -> Option<(usize, usize)> {
    let [a, b] = value.as_array()?.as_slice() else { return None };
    let number = |v: &Value| v.as_integer().and_then(|v| usize::try_from(v).ok());
    Some((number(a)?, number(b)?))
}

fn unknown(place: &str, key: &str, known: &[&str]) -> Problem {
    let help = nearest(key, known.iter().copied())
        .map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean '{near}'?"));
    Problem::invalid("place/constraints", place, format!("unknown key '{key}'")).limit(known.join(", ")).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Place, PopulationImage};

    fn image() -> Image {
        let population = |name: &str, core| PopulationImage {
            name: name.to_owned(),
            shape: vec![1],
            places: vec![Place { core, neuron: 0 }],
            copies: Vec::new(),
        };
        let body = crate::image::CoreBody::Crossbar(crate::image::Crossbar {
            axon_types: Vec::new(),
            rows: Vec::new().into(),
            parameters: Vec::new(),
            parameter_of: Vec::new(),
            destinations: Vec::new(),
            seed: 0,
        });
        let core = |core| crate::image::CoreImage { core, body: body.clone() };
        Image {
            network: String::new(),
            chip: String::new(),
            cores: vec![core(0), core(1)],
            populations: vec![population("hidden", 0), population("out", 1)],
            inputs: Vec::new(),
            outputs: Vec::new(),
            depth: 0,
        }
    }

    fn tell(text: &str) -> String {
        let read = Constraints::read(text, "c.toml").and_then(|c| c.resolve(&image(), &mut Routers::new(4, 4, 1)));
        read.expect_err(text).to_string()
    }

    #[test]
    fn pins_regions_and_blocks_are_resolved() {
        let text = "blocked = [[0, 0]]\n[[pin]]\npopulation = 'out'\nrouter = [3, 1]\n[[region]]\npopulation = \
                    'hidden'\nx = [0, 1]\ny = [0, 3]\n[[together]]\npopulations = ['hidden', 'out']\nhops = 2\n";
        let mut routers = Routers::new(4, 4, 1);
        let resolved = Constraints::read(text, "c.toml").and_then(|c| c.resolve(&image(), &mut routers)).expect("fine");
        assert!(!routers.free[0]);
        assert_eq!(resolved.regions[1], Some(Region { x: (3, 3), y: (1, 1) }));
        assert_eq!(resolved.together, [(0, 1, 2)]);
    }

    #[test]
    fn contradictions_and_typing_errors_are_named() {
        assert!(tell("[[pin]]\npopulation = 'hiden'\nrouter = [0, 0]").contains("did you mean 'hidden'?"));
        assert!(tell("[[pinn]]\npopulation = 'hidden'").contains("did you mean 'pin'?"));
        assert!(tell("[[pin]]\npopulation = 'hidden'\nrouter = [9, 0]").contains("beyond the mesh"));
        assert!(
            tell("blocked = [[1, 1]]\n[[pin]]\npopulation = 'hidden'\nrouter = [1, 1]").contains("blocked routers")
        );
        assert!(tell("pin = ['out']").contains("it is no table"));
        let hops = "[[together]]\npopulations = ['out', 'hidden']\nhops = -3";
        assert!(tell(hops).contains("hops = N are needed"));
        assert!(tell("blocked = [[0, 0]]\nregion =").contains("c.toml:2"));
        let apart = "[[pin]]\npopulation = 'out'\nrouter = [0, 0]\n[[region]]\npopulation = 'hidden'\nx = [2, 3]\ny = [2, \
                     3]\n[[together]]\npopulations = ['out', 'hidden']\nhops = 3";
        assert!(tell(apart).contains("'together 1' wants cores within 3 hops"), "{}", tell(apart));
        assert!(tell(apart).contains("'region 1' and 'pin 1'"), "{}", tell(apart));
        let two = "[[pin]]\npopulation = 'out'\nrouter = [0, 0]\n[[pin]]\npopulation = 'out'\nrouter = [1, 0]";
        assert!(tell(two).contains("'pin 2' and 'pin 1'"));
        assert!(tell("blocked = [[1, ").contains("c.toml:1"));
    }
}
