//! The places of files in a log (C2SP `tlog-tiles`).

use crate::checkpoint::number;
use std::fmt;

/// Entries in a full bundle, hashes in a full tile.
pub(crate) const FULL: u64 = 256;

/// Entries, or the hashes of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    Entries,
    Hashes(u32),
}

/// One tile or bundle: `tile/<row>/<index>`, with `.p/<width>` when it is partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) row: Row,
    pub(crate) index: u64,
    pub(crate) width: u64,
}

impl Row {
    /// How many entries stand behind one item of the row, as a power of 256.
    fn level(self) -> u32 {
        match self {
            Self::Entries => 0,
            Self::Hashes(level) => level,
        }
    }

    /// How many items the tile `index` of this row has in a log of `size` entries.
    pub(crate) fn width_at(self, index: u64, size: u64) -> u64 {
        let items = size.checked_shr(8 * self.level()).unwrap_or(0);
        items.saturating_sub(index.saturating_mul(FULL)).min(FULL)
    }
}

impl Place {
    /// The place of a path with `/`, when it is one of a tile or bundle.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/').collect::<Vec<_>>().into_iter();
        if parts.next() != Some("tile") {
            return None;
        }
        let row = match parts.next()? {
            "entries" => Row::Entries,
            level => Row::Hashes(number(level).filter(|level| *level < 64)? as u32),
        };
        let mut index = 0_u64;
        let mut width = FULL;
        while let Some(part) = parts.next() {
            let (digits, is_last) = match part.strip_prefix('x') {
                Some(digits) => (digits, false),
                None => (part.strip_suffix(".p").unwrap_or(part), true),
            };
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
            if is_last && part.ends_with(".p") {
                width = number(parts.next()?).filter(|width| (1..FULL).contains(width))?;
            }
            if is_last && parts.next().is_some() {
                return None;
            }
        }
        let place = Self { row, index, width };
        (place.to_string() == path).then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Entries => write!(f, "tile/entries/")?,
            Row::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let digits = self.index.to_string();
        let zeroes = (3 - digits.len() % 3) % 3;
        let digits = "0".repeat(zeroes) + &digits;
        let groups = digits.len() / 3;
        for group in 0..groups {
            let three = &digits[group * 3..group * 3 + 3];
            if group + 1 < groups { write!(f, "x{three}/")? } else { write!(f, "{three}")? }
        }
        if self.width < FULL { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("tile/0/000", Row::Hashes(0), 0, 256)]
    #[case("tile/63/999.p/7", Row::Hashes(63), 999, 7)]
    #[case("tile/entries/x001/000", Row::Entries, 1000, 256)]
    #[case("tile/1/x001/x234/067.p/255", Row::Hashes(1), 1_234_067, 255)]
    #[case("tile/2/x018/x446/x744/x073/x709/x551/615", Row::Hashes(2), u64::MAX, 256)]
    fn places_have_the_paths_of_the_specification(
        #[case] path: &str,
        #[case] row: Row,
        #[case] index: u64,
        #[case] width: u64,
    ) {
        let place = Place { row, index, width };
        assert_eq!(place.to_string(), path);
        assert_eq!(Place::parse(path), Some(place));
    }

    #[rstest]
    #[case("tile")]
    #[case("tile/0")]
    #[case("tile/0/x001")]
    #[case("tile/0/1")]
    #[case("tile/0/x000/001")]
    #[case("tile/0/000/000")]
    #[case("tile/64/000")]
    #[case("tile/0/000.p")]
    #[case("tile/0/000.p/256")]
    #[case("tile/0/000.p/1/2")]
    #[case("tile/data/000")]
    #[case("tile/2/x018/x446/x744/x073/x709/x551/616")]
    fn other_paths_are_none(#[case] path: &str) {
        assert_eq!(Place::parse(path), None);
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        assert_eq!(Row::Hashes(0).width_at(272, 70_000), 256);
        assert_eq!(Row::Hashes(0).width_at(273, 70_000), 112);
        assert_eq!(Row::Hashes(1).width_at(1, 70_000), 17);
        assert_eq!(Row::Hashes(2).width_at(0, 70_000), 1);
        assert_eq!(Row::Hashes(3).width_at(0, 70_000), 0);
        assert_eq!(Row::Hashes(1).width_at(0, 256), 1);
        assert_eq!(Row::Hashes(0).width_at(1, 256), 0);
    }
}
