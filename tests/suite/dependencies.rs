//! What the program is made of is told: each direct dependency by its reason, every package by the list of them all.

use crate::program::fixtures;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

fn read(name: &str) -> String {
    fs::read_to_string(fixtures().with_file_name(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_direct_dependency_has_its_reason_in_the_readme() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let of_unix = &manifest["target"]["cfg(unix)"]["dependencies"];
    let tables = [&manifest["dependencies"], of_unix].map(|table| table.as_table().unwrap());
    let used: BTreeSet<String> = tables.iter().flat_map(|table| table.keys().cloned()).collect();
    let readme = read("README.md");
    let table = readme.split_once("| crate | for |").unwrap().1.split_once("\n\n").unwrap().0;
    let cells = table.lines().filter_map(|line| line.split('|').nth(1));
    let told: BTreeSet<String> = cells
        .flat_map(|cell| cell.split(','))
        .filter_map(|name| name.trim().split(' ').next())
        .filter(|name| !name.is_empty() && !name.starts_with('-'))
        .map(String::from)
        .collect();
    let (untold, unused) = (used.difference(&told).collect::<Vec<_>>(), told.difference(&used).collect::<Vec<_>>());
    // Two go with typst and are told by it.
    let untold: Vec<_> = untold.into_iter().filter(|name| !name.starts_with("typst-")).collect();
    assert!(untold.is_empty() && unused.is_empty(), "without a reason: {untold:?}; not used: {unused:?}");
}

#[test]
fn the_list_of_all_packages_is_that_of_this_version() {
    let lock: toml::Table = toml::from_str(&read("Cargo.lock")).unwrap();
    let locked: BTreeSet<(String, String)> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let field = |name: &str| package[name].as_str().unwrap().to_string();
            (field("name"), field("version"))
        })
        .collect();
    let list: Value = serde_json::from_str(&read("sbom.cdx.json")).unwrap();
    assert_eq!(list["bomFormat"], "CycloneDX");
    assert_eq!(list["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let components = list["components"].as_array().unwrap();
    assert!(components.len() > 100, "{}", components.len());
    let listed = |name: &str| components.iter().any(|component| component["name"] == name);
    for component in components {
        let field = |name: &str| component[name].as_str().unwrap_or_default().to_string();
        let package = (field("name"), field("version"));
        assert!(locked.contains(&package), "{package:?} is not what Cargo.lock has: make the list anew");
        assert!(component["licenses"].as_array().is_some_and(|all| !all.is_empty()), "{package:?} has no licence");
        assert!(component["hashes"].as_array().is_some_and(|all| !all.is_empty()), "{package:?} has no hash");
    }
    for name in ["symphonia", "rustfft", "age", "typst", "pyo3"] {
        assert!(listed(name), "{name}");
    }
}
