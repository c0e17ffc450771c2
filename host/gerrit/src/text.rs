//! Making strangers' text fit for a message.

/// Most characters of somebody else's text that go into one of our messages: two lines.
const SAID_CHARS: usize = 300;

/// `bytes` as one line of text: control characters and runs of blanks become one blank, and what is
/// longer than two lines is cut.
pub(crate) fn said(bytes: &[u8]) -> String {
    // A cut in the middle of a character only costs that character.
    let head = bytes.get(..SAID_CHARS * 8).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= SAID_CHARS && head.len() == bytes.len() {
        return line;
    }
    let mut cut: String = line.chars().take(SAID_CHARS).collect();
    cut.push('…');
    cut
}

/// The content of the first `<title>` of an HTML page, as one line.
pub(crate) fn html_title(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..16_384).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let open = start + lower.get(start..)?.find('>')? + 1;
    let end = open + lower.get(open..)?.find("</title")?;
    Some(said(text.get(open..end)?.as_bytes())).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(b"Not found: x\n", "Not found: x")]
    #[case::controls(b"a\x1b[31mred\x00\r\nb", "a [31mred b")]
    #[case::not_utf_8(b"a\xffb", "a\u{fffd}b")]
    #[case::empty(b"", "")]
    fn text_becomes_one_line_without_control_characters(#[case] bytes: &[u8], #[case] line: &str) {
        assert_eq!(said(bytes), line);
    }

    #[test]
    fn long_text_is_cut() {
        let line = said("ä".repeat(100_000).as_bytes());
        assert_eq!(line.chars().count(), SAID_CHARS + 1);
        assert!(line.ends_with('…'));
    }

    #[rstest]
    #[case::plain("<html><head><TITLE>Sign in\n to ACME</title>", Some("Sign in to ACME"))]
    #[case::attributes("<title lang=en>x</title>", Some("x"))]
    #[case::never_closed("<title>x", None)]
    #[case::none("<p>hello", None)]
    fn the_title_of_a_page_is_found(#[case] page: &str, #[case] title: Option<&str>) {
        assert_eq!(html_title(page.as_bytes()).as_deref(), title);
    }
}
