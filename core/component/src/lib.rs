//! Glue only: exports the pure core as the WIT world `tidegate:core/core`.
#![allow(missing_docs, unsafe_code, unreachable_pub)]

wit_bindgen::generate!({ path: "wit", world: "core" });

use exports::tidegate::core::rules::Guest;
use tidegate_core::Verb;

struct Core;

impl Guest for Core {
    fn describe() -> Vec<u8> {
        tidegate_core::describe()
    }

    fn classify(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Classify.call(&input)
    }

    fn settings(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Settings.call(&input)
    }

    fn needs(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Needs.call(&input)
    }

    fn plan(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Plan.call(&input)
    }

    fn steps(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Steps.call(&input)
    }

    fn covers(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Covers.call(&input)
    }

    fn admit(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Admit.call(&input)
    }

    fn allow(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Allow.call(&input)
    }

    fn ran(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Ran.call(&input)
    }

    fn decide(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Decide.call(&input)
    }

    fn advance(input: Vec<u8>) -> Result<Vec<u8>, String> {
        Verb::Advance.call(&input)
    }
}

export!(Core);
