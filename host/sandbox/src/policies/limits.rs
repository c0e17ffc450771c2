//! What one call of a module may use.

use std::time::Duration;
use wasmtime::ResourceLimiter;

/// What one call of a module may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyLimits {
    /// Work, in wasmtime's fuel: some one for each instruction. Equal on every machine, so that a
    /// module that does too much fails everywhere.
    pub fuel: u64,
    /// Time. Only a net below the fuel, for a machine that is very slow.
    pub time: Duration,
    /// Memory, over all memories of the module, in bytes.
    pub memory: usize,
}

impl Default for PolicyLimits {
    /// Some five seconds of work, for a plan of 20,000 steps judged by an interpreted language; a
    /// module in Rust takes a thousandth of it. The memory is eight times the largest input.
    fn default() -> Self {
        Self { fuel: 5_000_000_000, time: Duration::from_secs(60), memory: 256 << 20 }
    }
}

/// Most instances, memories and tables inside one module: a component made of several has some.
const PARTS: usize = 32;

/// Most elements of all tables together: each takes a pointer of the host's memory.
const TABLE_ELEMENTS: usize = 1 << 20;

/// Counts what a running module takes.
#[derive(Debug)]
pub(super) struct Limiter {
    memory: usize,
    memory_used: usize,
    elements_used: usize,
}

/// The memory is used up.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("out of memory")]
pub(super) struct OutOfMemory;

impl Limiter {
    pub(super) fn new(memory: usize) -> Self {
        Self { memory, memory_used: 0, elements_used: 0 }
    }
}

/// Adds what a part grows by, as long as all parts stay within the limit.
fn grow(used: &mut usize, limit: usize, current: usize, desired: usize) -> wasmtime::Result<bool> {
    // An error ends the call, which `false` would leave to the module: it could go on by half.
    let more = used.saturating_add(desired.saturating_sub(current));
    if more > limit {
        return Err(OutOfMemory.into());
    }
    *used = more;
    Ok(true)
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(&mut self.memory_used, self.memory, current, desired)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(&mut self.elements_used, TABLE_ELEMENTS, current, desired)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}
