//! Lines for people. Colour only on a terminal.

use std::io::{self, IsTerminal, Write};

const BOLD: &str = "1";
const RED: &str = "1;31";

/// One line on standard output. A reader who has left, as `head` does, is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A new piece of work begins.
pub(crate) fn heading(text: &str) {
    say(&painted(&format!("==> {text}"), BOLD, io::stdout().is_terminal()));
}

/// The work ends badly.
pub(crate) fn complain(text: &str) {
    let line = painted(&format!("error: {text}"), RED, io::stderr().is_terminal());
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The text in a colour, by the number of its escape sequence.
pub(crate) fn painted(text: &str, colour: &str, on: bool) -> String {
    if on { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// The text without escape sequences.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // A sequence ends with its first letter.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_off_again() {
        assert_eq!(plain(&painted("Apache Maven", BOLD, true)), "Apache Maven");
        assert_eq!(painted("text", BOLD, false), "text");
    }
}
