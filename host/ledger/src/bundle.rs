//! Entry bundles (C2SP `tlog-tiles`): entries, each behind its length in two bytes.

use crate::leaf::MAX_ENTRY_BYTES;

/// The largest bundle of `width` entries, in bytes.
pub(crate) fn max_bytes(width: u64) -> u64 {
    width * (2 + MAX_ENTRY_BYTES as u64)
}

/// Adds an entry to a bundle. Leaves are never longer than [`MAX_ENTRY_BYTES`].
pub(crate) fn push(bundle: &mut Vec<u8>, entry: &[u8]) {
    debug_assert!(entry.len() <= MAX_ENTRY_BYTES);
    bundle.extend((entry.len() as u16).to_be_bytes());
    bundle.extend(entry);
}

/// The entries of a bundle; `None` when a length does not fit.
pub(crate) fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[0])]
    #[case(&[0, 2, 1])]
    #[case(&[0, 1, 7, 0])]
    fn a_bundle_with_a_wrong_length_has_no_entries(#[case] bundle: &[u8]) {
        assert_eq!(entries(bundle), None);
    }

    proptest! {
        #[test]
        fn entries_come_out_as_they_went_in(list: Vec<Vec<u8>>) {
            let mut bundle = Vec::new();
            for entry in &list {
                push(&mut bundle, entry);
            }
            let slices: Vec<_> = list.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(entries(&bundle), Some(slices));
        }
    }
}
