//! Checkpoints that somebody saved: in a file, or in a message with other text around.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::Key;
use crate::note::{DASH, NoteError};

/// The checkpoint in `text`. Mail and review systems indent lines and change their ends; that is
/// undone here, and the signature says whether the rest is whole.
pub(crate) fn find(text: &str, key: &Key) -> Result<Checkpoint, CheckpointError> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut error = CheckpointError::Note(NoteError::Form("it has no line with the log's name"));
    for start in (0..lines.len()).filter(|&at| lines[at] == key.name()) {
        match Checkpoint::verify(&note_at(&lines[start..]), key) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(what) => error = what,
        }
    }
    Err(error)
}

/// The note whose first line is the first of `lines`: text up to an empty line, then the signature
/// lines after it.
fn note_at(lines: &[&str]) -> String {
    let text = lines.iter().take_while(|line| !line.is_empty() && !line.starts_with(DASH));
    let rest = lines.iter().skip_while(|line| !line.starts_with(DASH));
    let signatures = rest.take_while(|line| line.starts_with(DASH));
    let mut note = String::new();
    for line in text.chain([&""]).chain(signatures) {
        note.push_str(line);
        note.push('\n');
    }
    note
}
