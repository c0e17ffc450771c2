//! The digest of steps.

use super::step::Step;
use crate::canonical;
use crate::ids::Digest;
use serde_json::Value;

/// The line before the canonical bytes: another form of steps gets another one.
pub const VERSION_LINE: &str = "tidegate steps/v1\n";

/// What a step says beside what it does: order and counts.
const LEFT_OUT: [&str; 4] = ["deletes_first", "opaque", "unknown", "secrets"];

/// SHA-256 over [`VERSION_LINE`] and the canonical bytes of the sorted steps.
#[must_use]
pub fn digest(steps: &[Step]) -> Digest {
    Digest::of(&bytes(steps))
}

/// What the digest is taken over.
#[must_use]
#[inline(never)]
pub fn bytes(steps: &[Step]) -> Vec<u8> {
    let mut bytes = VERSION_LINE.as_bytes().to_vec();
    let listed = steps.iter().map(hashed).collect();
    bytes.extend(canonical::bytes(&Value::Array(listed)));
    bytes
}

#[inline(never)]
fn hashed(step: &Step) -> Value {
    // A step is texts, flags, counts and values: writing it as JSON can't fail.
    let mut value = serde_json::to_value(step).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        for key in LEFT_OUT {
            map.remove(key);
        }
    }
    value
}
