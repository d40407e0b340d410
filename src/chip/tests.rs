use super::*;
use crate::event::Event;
use crate::units::Picos;

fn builtin(name: &str) -> ChipSpec {
    load(name, &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn all_builtin_chips_load() {
    for name in builtin_names() {
        let chip = builtin(name);
        assert_eq!(chip.name, *name);
        assert!(chip.facts.iter().all(|fact| !fact.source.is_empty()), "{name}");
    }
}
