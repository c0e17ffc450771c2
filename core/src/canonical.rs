//! Canonical JSON: the bytes that digests are taken over.
//!
//! The form is JCS (RFC 8785) with one rule more: **every number is a string with its text**. A
//! double would round what a reviewer approved, and two writers could print it in two ways. The
//! text is as it was read, but for an exponent, which gets its sign (`1e2` reads as `1e+2`).

use serde_json::Value;
use std::cmp::Ordering;

/// The canonical bytes of `value`.
#[must_use]
pub fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_text(&number.to_string(), out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| by_utf16(a.0, b.0));
            out.push(b'{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
    }
}

/// RFC 8785 sorts by UTF-16 code units, which differs from byte order above U+FFFF.
fn by_utf16(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Escapes as RFC 8785, section 3.2.2.2 has it: the two-letter escapes, else `\u00xx`.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if u32::from(c) < 0x20 => {
                out.extend_from_slice(b"\\u");
                out.extend_from_slice(crate::hex::encode(&[0, c as u8]).as_bytes());
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::sorted(r#"{"b":1,"a":[true,null]}"#, r#"{"a":[true,null],"b":"1"}"#)]
    #[case::numbers_keep_their_text(
        "[1.50,1e2,123456789012345678901234567890]",
        r#"["1.50","1e+2","123456789012345678901234567890"]"#
    )]
    #[case::escapes(r#""\u0007\n\/\u20ac""#, "\"\\u0007\\n/\u{20ac}\"")]
    #[case::utf16_order(
        "{\"\u{fb33}\":0,\"\u{1f600}\":0}",
        "{\"\u{1f600}\":\"0\",\"\u{fb33}\":\"0\"}"
    )]
    fn equal_values_have_equal_bytes(#[case] input: &str, #[case] expected: &str) {
        let value: Value = serde_json::from_str(input).unwrap();
        assert_eq!(String::from_utf8(bytes(&value)).unwrap(), expected);
    }
}
