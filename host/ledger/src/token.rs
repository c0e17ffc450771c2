//! Tokens: the only texts in a leaf. They can name things and can't hold a sentence.

use std::fmt::Write as _;

/// The longest id in a leaf, encoded. Gerrit's longest name is a project's or a ref's; what is
/// longer, or a list, belongs into a blob with its digest in the leaf.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// The longest name of an id or a digest.
pub(crate) const MAX_KEY_BYTES: usize = 40;

/// The bytes that stand for themselves beside letters and digits. None needs an escape in JSON,
/// so a leaf has one spelling only.
const PLAIN: &[u8] = b"-._~:/+=@,$";

/// `text` as a token: every other byte as `%` and two upper-case hex digits.
pub(crate) fn encode(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            token.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(token, "%{byte:02X}");
        }
    }
    token
}

/// Whether `token` is what [`encode`] makes of some text.
pub(crate) fn is_token(token: &str) -> bool {
    decode(token).is_some_and(|text| encode(&text) == token)
}

/// The text of a token.
pub(crate) fn decode(token: &str) -> Option<String> {
    let mut text = Vec::with_capacity(token.len());
    let mut bytes = token.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            text.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            text.push(byte);
        }
    }
    String::from_utf8(text).ok()
}

/// Whether `key` can name an id or a digest: lower-case words with dashes and, for the second and
/// later of one kind, a number from 2, as in `approver.2`.
pub(crate) fn is_key(key: &str) -> bool {
    let (base, number) = split_key(key);
    let number_ok =
        number.is_none_or(|n| matches!(n.as_bytes(), [b'2'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']));
    key.len() <= MAX_KEY_BYTES
        && base.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && base.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && number_ok
}

/// A key's name and its number, if it has one.
pub(crate) fn split_key(key: &str) -> (&str, Option<&str>) {
    key.split_once('.').map_or((key, None), |(base, number)| (base, Some(number)))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || PLAIN.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("refs/heads/main", "refs/heads/main")]
    #[case("two words", "two%20words")]
    #[case("50%", "50%25")]
    #[case("\"\\\n", "%22%5C%0A")]
    #[case("\u{fc}", "%C3%BC")]
    fn what_is_not_plain_is_encoded(#[case] text: &str, #[case] token: &str) {
        assert_eq!(encode(text), token);
        assert_eq!(decode(token).as_deref(), Some(text));
    }

    #[rstest]
    #[case::lower_hex("%c3%bc")]
    #[case::needless("%41")]
    #[case::cut("a%2")]
    #[case::no_utf8("%FF")]
    #[case::space("a b")]
    #[case::letter("\u{fc}")]
    fn other_spellings_are_no_tokens(#[case] token: &str) {
        assert!(!is_token(token));
    }

    #[rstest]
    #[case("plan", true)]
    #[case("patch-set", true)]
    #[case("approver.2", true)]
    #[case("approver.99", true)]
    #[case("approver.1", false)]
    #[case("approver.02", false)]
    #[case("approver.100", false)]
    #[case("approver.", false)]
    #[case("Plan", false)]
    #[case("-plan", false)]
    #[case("", false)]
    #[case(&"a".repeat(40), true)]
    #[case(&"a".repeat(41), false)]
    fn keys_are_lower_case_words(#[case] key: &str, #[case] good: bool) {
        assert_eq!(is_key(key), good);
    }

    proptest! {
        #[test]
        fn every_text_has_one_token(text: String) {
            let token = encode(&text);
            prop_assert!(is_token(&token));
            prop_assert_eq!(decode(&token), Some(text));
            let json = serde_json::to_string(&token).unwrap_or_default();
            prop_assert_eq!(json, format!("\"{token}\""), "no escapes in JSON");
        }
    }
}
