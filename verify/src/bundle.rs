//! Entry bundles: each entry behind its length in two bytes.

/// The most bytes of a full bundle.
pub(crate) const MAX_BYTES: u64 = 256 * (2 + 65_535);

/// The entries of a bundle that must have `count` of them, or what is wrong with it.
pub(crate) fn split(bytes: &[u8], count: u64) -> Result<Vec<&[u8]>, String> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = entries.len();
        if number as u64 == count {
            return Err(format!("{} bytes follow its {count} entries", rest.len()));
        }
        let [high, low, after @ ..] = rest else {
            return Err(format!("it ends in the length of its entry {number}"));
        };
        let length = usize::from(*high) * 256 + usize::from(*low);
        if after.len() < length {
            let left = after.len();
            return Err(format!("its entry {number} should have {length} bytes, {left} are left"));
        }
        let (entry, after) = after.split_at(length);
        entries.push(entry);
        rest = after;
    }
    if entries.len() as u64 == count {
        Ok(entries)
    } else {
        Err(format!("it has {} entries, and should have {count}", entries.len()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[test]
    fn entries_stand_behind_their_lengths() {
        assert_eq!(split(&[0, 1, 7, 0, 0, 0, 2, 8, 9], 3), Ok(vec![&[7_u8][..], &[], &[8, 9]]));
        assert_eq!(split(&[], 0), Ok(vec![]));
    }

    #[rstest]
    #[case(&[0], 1, "ends in the length of its entry 0")]
    #[case(&[0, 2, 1], 1, "should have 2 bytes, 1 are left")]
    #[case(&[0, 1, 7, 0, 1, 8], 1, "3 bytes follow its 1 entries")]
    #[case(&[0, 1, 7], 2, "has 1 entries, and should have 2")]
    fn a_broken_bundle_says_where(#[case] bytes: &[u8], #[case] count: u64, #[case] part: &str) {
        let error = split(bytes, count).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
