//! Arrays of an npz, with their shapes.

use std::collections::BTreeMap;
use std::path::Path;

/// An array, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// What an array holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Whole(Vec<i64>),
    Real(Vec<f64>),
}

impl Array {
    pub(crate) fn whole(&self) -> &[i64] {
        match &self.values {
            Values::Whole(values) => values,
            Values::Real(_) => panic!("an array of whole numbers is expected"),
        }
    }
}

/// Every array of the file, by name.
pub(crate) fn read(path: &Path) -> BTreeMap<String, Array> {
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    let mut arrays = BTreeMap::new();
    for name in names {
        let npy = archive.by_name(&name).expect("a readable array").expect("a listed array");
        assert_eq!(npy.order(), npyz::Order::C, "{name} is row by row");
        let shape = npy.shape().iter().map(|&extent| extent as usize).collect();
        arrays.insert(name.clone(), Array { shape, values: values(&name, npy) });
    }
    arrays
}

fn values<R: std::io::Read>(name: &str, npy: npyz::NpyFile<R>) -> Values {
    let mut npy = match npy.try_data::<f64>() {
        Ok(data) => return Values::Real(data.map(|value| value.expect("a number")).collect()),
        Err(npy) => npy,
    };
    macro_rules! attempt {
        ($($kind:ty),*) => {
            $(npy = match npy.try_data::<$kind>() {
                Ok(data) => return Values::Whole(data.map(|value| i64::from(value.expect("a number"))).collect()),
                Err(npy) => npy,
            };)*
        };
    }
    attempt!(i8, u8, i16, u16, i32, u32, bool);
    let data = npy.try_data::<i64>().unwrap_or_else(|_| panic!("{name} has an unexpected type"));
    Values::Whole(data.map(|value| value.expect("a number")).collect())
}
