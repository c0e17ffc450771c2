//! Turns what a process printed into text that can be shown.

use crate::{Redactor, limits};
use std::path::Path;

/// What stands for the job's scratch folder, whose name says nothing to a reader.
const SCRATCH: &str = "(scratch)";

/// Standard output and then standard error as one text: without escapes and control characters,
/// without known secrets, and within the limits on lines. Of too many lines the last ones are
/// kept.
pub(crate) fn shown(
    stdout: &[u8],
    stderr: &[u8],
    scratch: &Path,
    redactor: &mut Redactor,
) -> String {
    let mut text = plain(stdout);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&plain(stderr));
    if let Some(scratch) = scratch.to_str() {
        text = text.replace(scratch, SCRATCH);
    }
    // Secrets are struck out before lines are cut, or half of one could stay.
    last_lines(&redactor.strike(&text), limits::OUTPUT_LINES)
}

/// The last lines of a shown text, for a failure's message.
pub(crate) fn tail(shown: &str) -> String {
    last_lines(shown.trim_end(), limits::TAIL_LINES)
}

/// Text without escape sequences and control characters but for line ends and tabs.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let stripped = anstream::adapter::strip_str(&text).to_string();
    stripped.chars().filter(|c| matches!(c, '\n' | '\t') || is_harmless(*c)).collect()
}

/// Neither a control character nor one that turns the direction of text, with which a program could
/// make a line read otherwise than it is.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

fn last_lines(text: &str, count: usize) -> String {
    let total = text.lines().count();
    let mut out = String::new();
    if total > count {
        out.push_str(&format!("[{} lines before this one are left out]\n", total - count));
    }
    for line in text.lines().skip(total.saturating_sub(count)) {
        match line.char_indices().nth(limits::OUTPUT_LINE_CHARS) {
            Some((at, _)) => {
                out.push_str(&line[..at]);
                out.push_str(" [cut]");
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use rstest::rstest;

    fn show(stdout: &str, stderr: &str) -> String {
        let mut redactor = Redactor::new();
        redactor.add(&Secret::new("hunter2-canary".to_owned()));
        shown(stdout.as_bytes(), stderr.as_bytes(), Path::new("/scratch/run-1"), &mut redactor)
    }

    #[rstest]
    #[case::colour("\x1b[31mError\x1b[0m: no\n", "Error: no\n")]
    #[case::title("\x1b]0;evil\x07ok", "ok\n")]
    #[case::backspace("pass\x08\x08ok\r", "passok\n")]
    #[case::direction("a\u{202e}b", "ab\n")]
    #[case::secret_around_an_escape("hunter2-\x1b[1mcanary", "[secret]\n")]
    #[case::scratch_path("to '/scratch/run-1/plan.json'", "to '(scratch)/plan.json'\n")]
    #[case::nothing("", "")]
    fn what_is_shown_is_plain_text(#[case] printed: &str, #[case] expected: &str) {
        assert_eq!(show(printed, ""), expected);
    }

    #[test]
    fn errors_follow_the_output_on_a_line_of_their_own() {
        assert_eq!(show("out", "error: x\n"), "out\nerror: x\n");
    }

    #[test]
    fn long_lines_and_many_lines_are_cut_and_say_so() {
        let line = "x".repeat(limits::OUTPUT_LINE_CHARS + 1);
        assert!(show(&line, "").ends_with("x [cut]\n"));
        let many = "line\n".repeat(limits::OUTPUT_LINES + 3);
        assert!(show(&many, "").starts_with("[3 lines before this one are left out]\nline\n"));
        assert_eq!(tail(&many).lines().count(), limits::TAIL_LINES + 1);
    }

    #[test]
    fn a_secret_at_the_place_of_the_cut_does_not_show_its_first_half() {
        let line = format!("{}hunter2-canary", "x".repeat(limits::OUTPUT_LINE_CHARS - 7));
        assert!(!show(&line, "").contains("hunter2"));
    }
}
