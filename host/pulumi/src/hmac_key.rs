//! The keyed hash that stands for a secret value.

use crate::digest::hex;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Number, Value};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Whole numbers up to here are exact in a double, which is what Pulumi computes with.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A stack's key for hashes of secrets. Equal secrets of one stack have equal hashes, so that an
/// unchanged one is seen to be unchanged; without the key a hash cannot be guessed back.
#[derive(Clone)]
pub struct HmacKey(Zeroizing<[u8; 32]>);

impl HmacKey {
    /// Takes a key of 32 random bytes over. It must be the stack's own and stay the same.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// HMAC-SHA256 over the canonical form of `plaintext`, as 64 lower-case hex digits.
    ///
    /// The form is JSON with sorted keys and no space. Numbers are doubles, as everywhere in
    /// Pulumi, so that `1.50` in a plan and 1.5 at the engine's gate are one value.
    #[must_use]
    pub fn hash(&self, plaintext: &Value) -> String {
        let mut form = Zeroizing::new(String::new());
        write(plaintext, &mut form);
        // A key of any length is accepted by HMAC (RFC 2104), so this is never the other case.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return String::new();
        };
        mac.update(form.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey")
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&double(number)),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|entry| entry.0);
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// Whole numbers without a fraction, others in their shortest form; text beyond a double's range
/// stays as it is.
fn double(number: &Number) -> String {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            if value.fract() == 0.0 && value.abs() < EXACT {
                // Adding zero turns a negative zero into zero.
                format!("{:.0}", value + 0.0)
            } else {
                format!("{value:e}")
            }
        }
        _ => text,
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn hash(json: &str) -> String {
        HmacKey::new([7; 32]).hash(&serde_json::from_str(json).unwrap())
    }

    #[rstest]
    #[case::order_of_keys(r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#)]
    #[case::spelling_of_a_number("1.50", "1.5")]
    #[case::exponent("1e2", "100")]
    #[case::negative_zero("-0", "0")]
    #[case::large("123456789012345678901", "123456789012345680000")]
    #[case::escapes(r#""\u0061\/""#, r#""a/""#)]
    fn equal_values_have_equal_hashes(#[case] a: &str, #[case] b: &str) {
        assert_eq!(hash(a), hash(b));
    }

    #[rstest]
    #[case::type_matters("5", r#""5""#)]
    #[case::value("1.5", "1.25")]
    #[case::nesting(r#"["a",["b"]]"#, r#"[["a"],"b"]"#)]
    #[case::quotes(r#"["a","b"]"#, r#"["a\",\"b"]"#)]
    #[case::null_is_something("null", r#""""#)]
    fn different_values_have_different_hashes(#[case] a: &str, #[case] b: &str) {
        assert_ne!(hash(a), hash(b));
    }

    #[test]
    fn the_hash_is_hmac_sha256_and_depends_on_the_key() {
        let value = Value::from("hunter2");
        assert_ne!(HmacKey::new([7; 32]).hash(&value), HmacKey::new([8; 32]).hash(&value));
        // Computed with openssl over the JSON text, quotes included.
        assert_eq!(
            HmacKey::new([7; 32]).hash(&value),
            "d0aa72ac424a9908d6691908523b9da3b811ecfa856fdfee96bbfffd858bab9c"
        );
    }
}
