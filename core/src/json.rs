//! Reading and writing the verbs' JSON, within bounds.

use crate::limits;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `input` as the input of the verb `verb`.
///
/// # Errors
/// A sentence that names the verb and what was expected.
#[inline(never)]
pub fn read<T: DeserializeOwned>(verb: &str, input: &[u8]) -> Result<T, String> {
    if input.len() > limits::INPUT_BYTES {
        return Err(format!(
            "{verb}: the input has {} bytes; {} are read at most",
            input.len(),
            limits::INPUT_BYTES
        ));
    }
    serde_json::from_slice(input).map_err(|error| format!("{verb}: {error}"))
}

/// Writes a verb's output.
///
/// # Errors
/// Never for the core's own types; a sentence all the same, since the core doesn't panic.
#[inline(never)]
pub fn write<T: Serialize>(output: &T) -> Result<Vec<u8>, String> {
    serde_json::to_vec(output).map_err(|error| format!("the output can't be written: {error}"))
}

/// Checks a schema number: the present one and the one before are read.
///
/// # Errors
/// A sentence that names both numbers and says which side is too old.
pub fn schema(what: &str, found: u32, present: u32) -> Result<(), String> {
    if found == present || (present > 1 && found == present - 1) {
        return Ok(());
    }
    let cure = if found > present { "upgrade this core" } else { "upgrade who wrote it" };
    Err(format!("{what}: schema {found} is not known, {present} is the present one: {cure}"))
}
