//! One text for each number.
//!
//! Events, saved plans and states are written by Go, what the gate is shown is written by the host:
//! the same double reads `2` here and `2.0` there. Texts are compared after they were brought into
//! one form, digit by digit, so that nothing is rounded. The form is ECMAScript's (ECMA-262,
//! `Number::toString`), which is also what Go's `encoding/json` writes for whole numbers.

/// The one text of the number that the JSON numeral `text` stands for: `3.0`, `30e-1` and `3` are
/// all `3`. A text that is no numeral comes back as it is.
#[must_use]
#[inline(never)]
pub(crate) fn canonical(text: &str) -> String {
    split(text).map_or_else(|| text.to_owned(), |numeral| numeral.write())
}

struct Numeral {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// Where the decimal point stands, counted from before the first digit.
    point: i64,
}

#[inline(never)]
fn split(text: &str) -> Option<Numeral> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let leading = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_sub(leading)?;
    Some(Numeral { negative, digits: significant.trim_end_matches('0').to_owned(), point })
}

/// Exponents beyond 18 digits stay as they were written: no double has them.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

impl Numeral {
    #[inline(never)]
    fn write(&self) -> String {
        let Some((first, others)) = self.digits.split_at_checked(1) else {
            return "0".to_owned();
        };
        let length = self.digits.len();
        let point = usize::try_from(self.point).unwrap_or(0);
        let sign = if self.negative { "-" } else { "" };
        match self.point {
            1..=21 if length <= point => format!("{sign}{}{}", self.digits, zeros(point - length)),
            1..=21 => {
                let (whole, fraction) = self.digits.split_at_checked(point).unwrap_or_default();
                format!("{sign}{whole}.{fraction}")
            }
            -5..=0 => {
                let gap = usize::try_from(-self.point).unwrap_or(0);
                format!("{sign}0.{}{}", zeros(gap), self.digits)
            }
            _ => {
                let dot = if others.is_empty() { "" } else { "." };
                let exponent = self.point - 1;
                let plus = if exponent < 0 { "" } else { "+" };
                format!("{sign}{first}{dot}{others}e{plus}{exponent}")
            }
        }
    }
}

fn zeros(count: usize) -> String {
    "0".repeat(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("3", "3")]
    #[case("3.0", "3")]
    #[case("30e-1", "3")]
    #[case("0.3E+1", "3")]
    #[case("1.50", "1.5")]
    #[case("-0.0", "0")]
    #[case("-12.5", "-12.5")]
    #[case("0.000001", "0.000001")]
    #[case("0.0000001", "1e-7")]
    #[case("123456789012345678901234567890", "1.2345678901234567890123456789e+29")]
    #[case("1e21", "1e+21")]
    #[case("1e20", "100000000000000000000")]
    #[case("9.223372036854776e18", "9223372036854776000")]
    #[case("1e999999999999999999999", "1e999999999999999999999")]
    #[case("Infinity", "Infinity")]
    fn equal_numbers_have_one_text(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(canonical(text), expected);
    }

    proptest! {
        #[test]
        fn the_canonical_text_stays_as_it_is(text in "-?[0-9]{1,25}(\\.[0-9]{1,10})?(e[+-]?[0-9]{1,3})?") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn a_double_keeps_its_value(number in proptest::num::f64::NORMAL) {
            let text = canonical(&format!("{number:e}"));
            prop_assert_eq!(text.parse::<f64>().unwrap_or(0.0).to_bits(), number.to_bits());
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = canonical(&text);
        }
    }
}
