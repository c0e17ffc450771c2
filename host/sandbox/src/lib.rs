//! Runs the core in wasmtime: a fresh instance for each question, within limits of memory and time,
//! with nothing granted, since the core asks for nothing.

mod rules;
mod ticker;

pub use rules::{CallError, LoadError, Rules};
