//! What a module sees around it is nothing, and always the same.

use crate::guest::Guest;
use crate::world::{ask, input, load};
use serde_json::json;
use tidegate_sandbox::FindingsError;

const WASI: &str = "
    package wasi:random@0.2.6 { interface random {
        get-random-u64: func() -> u64;
        get-random-bytes: func(len: u64) -> list<u8>;
    } }
    package wasi:io@0.2.6 {
        interface poll { resource pollable { block: func(); } }
    }
    package wasi:clocks@0.2.6 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.6.{pollable};
            now: func() -> u64;
            subscribe-duration: func(when: u64) -> pollable;
        }
    }
    package wasi:cli@0.2.6 {
        interface environment { get-arguments: func() -> list<string>; }
        interface exit { exit: func(status: result); }
    }
";

/// Sixteen letters that tell a number, as the sentence of the finding in memory.
const TELL: &str = "
    (local.set $n (i32.const 0))
    (loop $on
        (i32.store8
            (i32.add (local.get $n) (i32.load (i32.const 524)))
            (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (global.get $told) (i64.const 15)))))
        (global.set $told (i64.shr_u (global.get $told) (i64.const 4)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 16))))
";

const FIELDS: &str = "(memory (export \"memory\") 16) (global $told (mut i64) (i64.const 0))";

fn telling() -> Guest {
    Guest::new().fields(FIELDS).finds(b"told", &[b'.'; 16])
}

fn told(guest: &Guest) -> String {
    ask(&guest.build()).unwrap().first().unwrap().sentence().to_owned()
}

#[test]
fn random_numbers_are_the_same_in_every_call() {
    let guest = telling()
        .import(
            "wasi:random/random@0.2.6",
            WASI,
            "(import \"wasi:random/random@0.2.6\" \"get-random-u64\" (func $random (result i64)))",
        )
        .first(&format!("(drop (call $random)) (global.set $told (call $random)) {TELL}"));
    let first = told(&guest);
    assert_eq!(first, told(&guest));
    assert_ne!(first, "a".repeat(16));
}

#[test]
fn the_clock_stands_still_and_sleeping_takes_no_time() {
    let clocks = "wasi:clocks/monotonic-clock@0.2.6";
    let core = format!(
        "(import \"{clocks}\" \"now\" (func $now (result i64)))
         (import \"{clocks}\" \"subscribe-duration\" (func $after (param i64) (result i32)))
         (import \"wasi:io/poll@0.2.6\" \"[method]pollable.block\" (func $block (param i32)))"
    );
    let guest = telling().import(clocks, WASI, &core).first(&format!(
        "(call $block (call $after (i64.const 3600000000000)))
         (global.set $told (call $now)) {TELL}"
    ));
    assert_eq!(told(&guest), "a".repeat(16));
}

#[test]
fn there_are_no_arguments() {
    let guest = telling()
        .import(
            "wasi:cli/environment@0.2.6",
            WASI,
            "(import \"wasi:cli/environment@0.2.6\" \"get-arguments\" (func $args (param i32)))",
        )
        .first(&format!(
            "(call $args (i32.const 64))
             (global.set $told (i64.load32_u (i32.const 68))) {TELL}"
        ));
    assert_eq!(told(&guest), "a".repeat(16));
}

#[test]
fn a_guest_that_ends_itself_has_given_no_answer() {
    let guest = Guest::new()
        .import(
            "wasi:cli/exit@0.2.6",
            WASI,
            "(import \"wasi:cli/exit@0.2.6\" \"exit\" (func $exit (param i32)))",
        )
        .first("(call $exit (i32.const 0))");
    assert!(matches!(ask(&guest.build()), Err(FindingsError::Exited(0))));
}

#[test]
fn handles_are_bounded() {
    let clocks = "wasi:clocks/monotonic-clock@0.2.6";
    let core = format!(
        "(import \"{clocks}\" \"subscribe-duration\" (func $after (param i64) (result i32)))
         (import \"wasi:io/poll@0.2.6\" \"[method]pollable.block\" (func $block (param i32)))"
    );
    let guest = Guest::new()
        .import(clocks, WASI, &core)
        .first("(loop $on (drop (call $after (i64.const 1))) (br $on))");
    let error = ask(&guest.build()).unwrap_err();
    assert!(matches!(error, FindingsError::Trapped(_)), "{error:?}");
}

#[test]
fn random_bytes_are_bounded() {
    let random = "wasi:random/random@0.2.6";
    let core = format!("(import \"{random}\" \"get-random-bytes\" (func $bytes (param i64 i32)))");
    let guest = |count: u32| {
        let call = format!("(call $bytes (i64.const {count}) (i32.const 64))");
        ask(&Guest::new().import(random, WASI, &core).first(&call).build())
    };
    assert!(guest(4_096).is_ok());
    assert!(matches!(guest(4_097), Err(FindingsError::Trapped(_))));
}

#[test]
fn nothing_is_remembered_from_one_call_to_the_next() {
    let guest = telling().first(&format!(
        "(i64.store (i32.const 64) (i64.add (i64.load (i32.const 64)) (i64.const 1)))
         (global.set $told (i64.load (i32.const 64))) {TELL}"
    ));
    let module = load(&guest.build()).unwrap();
    let input = input("delete", json!({}));
    let first = module.evaluate(&input).unwrap();
    assert_eq!(first.first().unwrap().sentence(), format!("b{}", "a".repeat(15)));
    assert_eq!(module.evaluate(&input).unwrap(), first);
}

#[test]
fn a_result_that_is_no_number_has_the_same_bits_everywhere() {
    let guest = telling().first(&format!(
        "(global.set $told (i64.reinterpret_f64
            (f64.div (f64.load (i32.const 64)) (f64.load (i32.const 64))))) {TELL}"
    ));
    // 0x7ff8_0000_0000_0000, the lowest digit first.
    assert_eq!(told(&guest), "aaaaaaaaaaaaipph");
}
