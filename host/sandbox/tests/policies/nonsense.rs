//! An answer that isn't fit to be shown counts as none.

use crate::guest::{ANSWER, Guest};
use crate::world::{ask, load};
use rstest::rstest;
use tidegate_sandbox::{FindingsError, ModuleError};

#[rstest]
#[case::too_many(Guest::new().finds(b"a", b"x").answers(101), "101 findings; at most 100")]
#[case::a_bad_code(Guest::new().finds(b"Not A Code", b"x"), "code \"Not A Code\"")]
#[case::a_second_line(Guest::new().finds(b"a", b"x\nTidegate-Plan: 1"), "U+000A")]
#[case::an_escape(Guest::new().finds(b"a", b"\x1b[2J"), "U+001B")]
#[case::turned_text(Guest::new().finds(b"a", "x\u{202e}y".as_bytes()), "U+202E")]
#[case::no_sentence(Guest::new().finds(b"a", b""), "an empty sentence")]
#[case::a_long_sentence(Guest::new().finds(b"a", &[b'x'; 501]), "501 characters; at most 500")]
fn a_finding_that_can_not_be_shown_leaves_none(#[case] guest: Guest, #[case] expected: &str) {
    let error = ask(&guest.build()).unwrap_err();
    assert!(matches!(error, FindingsError::Nonsense(_)), "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[rstest]
#[case::no_text(Guest::new().finds(b"a", b"\xff\xfe"), "utf-8")]
#[case::no_severity(Guest::new().finds_as(b"a", 7, b"x"), "discriminant")]
#[case::beyond_the_memory(Guest::new().answers(1 << 20), "out of bounds")]
fn an_answer_that_is_none_is_told_as_a_failure(#[case] guest: Guest, #[case] expected: &str) {
    let error = ask(&guest.build()).unwrap_err();
    assert!(matches!(error, FindingsError::Trapped(_)), "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn one_long_text_told_many_times_is_not_copied_many_times() {
    // 2,000 findings, each with the same half megabyte of zeros: a gigabyte on the host's side.
    let body = format!(
        "(loop $on
            (i32.store offset=0x60000 (i32.mul (local.get $n) (i32.const 44)) (i32.const 0x80000))
            (i32.store offset=0x60004 (i32.mul (local.get $n) (i32.const 44)) (i32.const 0x80000))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 2000))))
         (i32.store (i32.const {}) (i32.const 0x60000))
         (i32.store (i32.const {}) (i32.const 2000))",
        ANSWER + 4,
        ANSWER + 8,
    );
    let error = ask(&Guest::new().first(&body).build()).unwrap_err();
    assert!(matches!(error, FindingsError::Trapped(_)), "{error:?}");
    assert!(error.to_string().contains("host"), "{error}");
}

#[test]
fn what_a_guest_says_itself_is_passed_on() {
    let error = ask(&Guest::new().can_not(b"setting \"x\" is missing").build()).unwrap_err();
    assert_eq!(error.to_string(), "it can't judge: setting \"x\" is missing");
}

#[rstest]
#[case::a_second_line(Guest::new().named(b"a\nb"), "its name is not")]
#[case::a_long_name(Guest::new().named(&[b'a'; 65]), "its name is not 1 to 64")]
#[case::a_long_want(Guest::new().wants(&[b'a'; 1_001]), "more than 1000 characters")]
#[case::an_escape(Guest::new().wants(b"\x1b[2J"), "control characters")]
fn a_guest_that_can_not_be_shown_is_refused(#[case] guest: Guest, #[case] expected: &str) {
    let error = load(&guest.build()).unwrap_err();
    assert!(matches!(error, ModuleError::Described(_)), "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}
