//! The worked vectors of `docs/steps.md`, read from the page itself.
#![allow(clippy::unwrap_used)]

use super::step::Step;
use super::{Steps, digest, hide, number, sample};
use crate::coverage::{Context, Coverage, covers};
use crate::ids::Digest;
use serde_json::{Value, json};
use std::path::Path;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/steps.md");
    std::fs::read_to_string(path).unwrap()
}

/// The sections of the page whose heading starts with `heading`.
fn sections(heading: &str) -> Vec<String> {
    let page = page();
    let parts = page.split("\n### ").skip(1);
    parts.filter(|part| part.starts_with(heading)).map(str::to_owned).collect()
}

/// The fenced blocks of `section` in the language `language`.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = section.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// The cells of the rows of the first table under `section` that are code.
fn rows(section: &str) -> Vec<Vec<String>> {
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cell = |cell: &str| cell.trim().trim_matches('`').replace("\\|", "|");
    rows.map(|row| row.trim_matches('|').split(" | ").map(cell).collect()).collect()
}

#[test]
fn steps_have_the_bytes_and_the_digest_of_the_page() {
    let vectors = sections("Vector");
    assert!(vectors.len() >= 3, "{} vectors", vectors.len());
    for vector in vectors {
        let steps: Vec<Step> = serde_json::from_str(&blocks(&vector, "json")[0]).unwrap();
        let text = blocks(&vector, "text");
        let bytes = String::from_utf8(digest::bytes(&steps)).unwrap();
        assert_eq!(bytes, text[0].trim_end_matches('\n'), "{vector}");
        assert_eq!(digest::digest(&steps).as_str(), text[1].trim(), "{vector}");
    }
}

#[test]
fn values_are_written_as_the_page_says() {
    let section = sections("Values").remove(0);
    let rows = rows(&section);
    assert!(rows.len() > 10);
    for row in rows {
        let val: super::val::Val = serde_json::from_str(&row[1]).unwrap();
        let written: Value = serde_json::from_str(&row[1]).unwrap();
        assert_eq!(val.to_json(), written, "{row:?}");
    }
}

#[test]
fn numbers_have_the_text_of_the_page() {
    for row in rows(&sections("Numbers").remove(0)) {
        assert_eq!(number::canonical(&row[0]), row[1], "{row:?}");
    }
}

#[test]
fn a_secret_is_hashed_as_the_page_says() {
    let section = sections("Secrets").remove(0);
    for row in rows(&section) {
        let mut document: Value = serde_json::from_str(&row[0]).unwrap();
        let expected = row[1].clone();
        let hash = move |bytes: &[u8]| {
            assert_eq!(String::from_utf8_lossy(bytes), expected);
            Digest::of(bytes)
        };
        hide::hide(&mut document, &[], &[], &hash).unwrap();
        assert!(document["hmac"].is_string(), "{row:?}");
    }
}

#[test]
fn coverage_is_judged_as_the_page_says() {
    let cases = sections("Covered").into_iter().chain(sections("Not covered"));
    let cases: Vec<_> = cases.collect();
    assert!(cases.len() >= 4, "{} cases", cases.len());
    for case in cases {
        let parts = blocks(&case, "json");
        let case: Value = serde_json::from_str(&parts[0]).unwrap();
        let steps = |key: &str| {
            let steps: Vec<Step> = serde_json::from_value(case[key].clone()).unwrap();
            Steps::of(steps, Vec::new(), 0)
        };
        let context = case.get("context").cloned().unwrap_or_else(|| json!({}));
        let context: Context = serde_json::from_value(context).unwrap();
        let expected: Coverage = serde_json::from_str(&parts[1]).unwrap();
        assert_eq!(covers(&steps("approved"), &steps("fresh"), &context), expected, "{case}");
    }
}

#[test]
fn every_code_is_on_the_page() {
    let page = page();
    for code in crate::coverage::Code::ALL {
        let name = serde_json::to_value(code).unwrap();
        assert!(page.contains(&format!("| `{}` |", name.as_str().unwrap())), "{name}");
    }
}

#[test]
fn the_page_names_a_real_look() {
    let page = page();
    for case in ["update", "retry-delete-first-main", "rewritten"] {
        assert!(sample::folder(case).is_dir() && page.contains(&format!("`{case}`")), "{case}");
    }
}
