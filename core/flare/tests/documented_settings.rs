//! The defaults that the reference tells are those of the code. (That every setting is told is checked with the header.)
#![allow(clippy::unwrap_used)]

use flare::prelude::*;

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/c-api/config.md");

/// Names of settings and their defaults, as the tables of the reference tell them.
fn told() -> Vec<(String, i64)> {
    let text = std::fs::read_to_string(REFERENCE).unwrap();
    let mut found = Vec::new();
    let mut columns: Vec<usize> = Vec::new();
    for line in text.lines() {
        let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        if cells.get(1).is_some_and(|cell| cell.starts_with("setting")) {
            let is_default = |cell: &str| ["default", "burst", "per second"].contains(&cell);
            columns = (0..cells.len()).filter(|&at| is_default(cells[at])).collect();
        } else if line.starts_with("| `") {
            for (name, column) in cells[1].split("`, `").zip(&columns) {
                found.extend(cells[*column].parse().ok().map(|default| (name.to_owned(), default)));
            }
        }
    }
    found
}

#[test]
fn setting_the_default_changes_nothing_and_another_value_does() {
    let told = told();
    assert!(told.len() > 50, "{} settings were found: is the reference still written in tables?", told.len());
    let default = format!("{:?}", ServerConfig::default());
    for (name, value) in told {
        let mut config = ServerConfig::default();
        config.set_number(&name, value).unwrap();
        assert_eq!(format!("{config:?}"), default, "{name} is not {value} by default");
        let other = if value == 1 { 0 } else { value + 1 };
        config.set_number(&name, other).unwrap();
        assert_ne!(format!("{config:?}"), default, "{name} sets nothing");
    }
}
