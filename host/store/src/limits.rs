//! Every bound of the store, each with its reason, and the checks that apply them.

use crate::StoreError;

/// Longest key, id, kind, lane, source or worker name, in bytes. Gerrit bounds neither project nor
/// ref names; the longest seen in practice stay under 300 bytes, and a key holds one of each.
pub const MAX_NAME_BYTES: usize = 1024;

/// Largest raw event, in bytes. Gerrit's largest events carry a commit message and a list of
/// approvals; anything near this size isn't an event.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// Largest state of a subject, in bytes. A state is read and written whole in each transaction;
/// what is bigger belongs into a blob with its digest in the state.
pub const MAX_STATE_BYTES: usize = 16 << 20;

/// Largest body of an effect, in bytes. An effect names its material by digest.
pub const MAX_EFFECT_BYTES: usize = 4 << 20;

/// Largest leaf of the log, in bytes. C2SP `tlog-tiles` writes an entry's length in 16 bits.
pub const MAX_LEAF_BYTES: usize = u16::MAX as usize;

/// Largest blob, in bytes. A row is held in memory whole, and is written twice (write-ahead log,
/// then file); states of large Pulumi stacks are some tens of megabytes.
pub const MAX_BLOB_BYTES: usize = 64 << 20;

/// Most effects, leaves, cancelled ids, blobs or kept digests in one transition, each. A
/// transition holds the writer; a change that needs more than this is a fault of the decision.
pub const MAX_TRANSITION_ITEMS: usize = 10_000;

/// Most rows that one call returns; a larger `limit` is cut to this.
pub const MAX_PAGE: usize = 1_000;

/// Once a page holds this many bytes of bodies, it ends, so that a page of the largest states
/// stays within memory. So a short page doesn't mean that there is no further one; an empty one
/// does.
pub const MAX_PAGE_BYTES: usize = 32 << 20;

/// Longest reason (why an event was ignored, why an effect is retried) that is kept, in bytes.
/// Longer ones are cut at a character: they are for people, and often end in a process's output.
pub const MAX_REASON_BYTES: usize = 4096;

/// Refuses a name that is empty, too long, or holds a NUL (SQLite's text functions stop there).
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.contains('\0') {
        return Err(StoreError::BadName { what });
    }
    check_size(what, name.len(), MAX_NAME_BYTES)
}

/// Refuses what is larger than its limit.
pub(crate) fn check_size(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size > limit {
        return Err(StoreError::TooLarge { what, size, limit });
    }
    Ok(())
}

/// The number as SQLite's signed integer.
pub(crate) fn to_column(what: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::NumberTooLarge { what, number })
}

/// A column that the schema keeps at or above zero.
pub(crate) fn from_column(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A page's size as a number that SQLite takes.
pub(crate) fn page(limit: usize) -> i64 {
    i64::try_from(limit.min(MAX_PAGE)).unwrap_or(i64::MAX)
}

/// The rows of a page, until their bodies are over [`MAX_PAGE_BYTES`]; at least one if there is one.
pub(crate) fn collect_page<T>(
    rows: impl Iterator<Item = Result<T, rusqlite::Error>>,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<T>, rusqlite::Error> {
    let mut page = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let row = row?;
        bytes += size(&row);
        page.push(row);
        if bytes >= MAX_PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

/// The longest beginning of `reason` that may be kept.
pub(crate) fn cut_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty("", false)]
    #[case::nul("a\0b", false)]
    #[case::longest(&"x".repeat(MAX_NAME_BYTES), true)]
    #[case::too_long(&"x".repeat(MAX_NAME_BYTES + 1), false)]
    #[case::usual("gerrit.example/infra/12", true)]
    fn a_name_is_bounded_and_without_nul(#[case] name: &str, #[case] accepted: bool) {
        assert_eq!(check_name("name", name).is_ok(), accepted);
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let reason = format!("{}é", "x".repeat(MAX_REASON_BYTES - 1));
        assert_eq!(cut_reason(&reason).len(), MAX_REASON_BYTES - 1);
        assert_eq!(cut_reason("short"), "short");
    }

    #[test]
    fn a_number_beyond_sqlites_range_is_refused() {
        assert!(to_column("position", u64::MAX).is_err());
        assert_eq!(to_column("position", 7).ok(), Some(7));
    }

    #[test]
    fn a_page_ends_with_the_row_that_fills_it() {
        let rows = [MAX_PAGE_BYTES - 1, 1, 1];
        let page = collect_page(rows.into_iter().map(Ok), |size| *size);
        assert_eq!(page.ok(), Some(vec![MAX_PAGE_BYTES - 1, 1]));
    }

    #[test]
    fn a_page_is_never_larger_than_its_limit() {
        assert_eq!(page(usize::MAX), 1_000);
        assert_eq!(page(3), 3);
    }
}
