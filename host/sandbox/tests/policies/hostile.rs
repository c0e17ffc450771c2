//! Modules that misbehave end with an error that says how, and nothing else suffers.

use crate::guest::{Guest, component};
use crate::world::{ask, input, limits, load};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use tidegate_core::policy::PolicyOutcome;
use tidegate_sandbox::{FindingsError, ModuleError, PolicyLimits, PolicySandbox};

#[test]
fn a_guest_that_finds_nothing_has_nothing_against_a_plan() {
    assert_eq!(ask(&Guest::new().build()).unwrap(), []);
}

#[test]
fn a_finding_comes_back_as_it_was_told() {
    let findings = ask(&Guest::new().finds_as(b"a-code", 1, "Grüße".as_bytes()).build()).unwrap();
    let told = serde_json::to_value(findings).unwrap();
    let expected = json!([{ "code": "a-code", "severity": "advisory", "sentence": "Grüße" }]);
    assert_eq!(told, expected);
}

#[rstest]
#[case::trap("(unreachable)", "a panic")]
#[case::recursion("(call $evaluate (local.get $input)) (drop)", "call stack exhausted")]
#[case::out_of_bounds("(drop (i32.load (i32.const -8)))", "out of bounds")]
#[case::division("(drop (i32.div_u (i32.const 1) (local.get $n)))", "divide by zero")]
fn a_guest_that_fails_is_told(#[case] body: &str, #[case] expected: &str) {
    let error = ask(&Guest::new().first(body).build()).unwrap_err();
    assert!(matches!(error, FindingsError::Trapped(_)), "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_guest_that_loops_uses_up_its_work() {
    let error = ask(&Guest::new().first("(loop $on (br $on))").build()).unwrap_err();
    let expected = "it did more than 10000000 units of work, the most that one call may";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_guest_on_a_slow_machine_uses_up_its_time() {
    let limits = PolicyLimits { fuel: u64::MAX, time: Duration::from_millis(20), ..limits() };
    let guest = Guest::new().first("(loop $on (br $on))").build();
    let module = PolicySandbox::new(limits).unwrap().load(&guest).unwrap();
    let error = module.evaluate(&input("delete", json!({}))).unwrap_err();
    assert!(matches!(error, FindingsError::Time(_)), "{error:?}");
}

#[test]
fn a_guest_that_grows_uses_up_its_memory() {
    let grow = "(loop $on (drop (memory.grow (i32.const 1))) (br $on))";
    let error = ask(&Guest::new().first(grow).build()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it wanted more than 4 MiB of memory, the most that one call may have"
    );
}

#[test]
fn a_guest_that_begins_with_too_much_memory_is_not_loaded() {
    let guest = Guest::new().fields("(memory (export \"memory\") 65)").build();
    let error = load(&guest).unwrap_err();
    assert!(matches!(error, ModuleError::Asked(FindingsError::Memory(4))), "{error:?}");
}

#[test]
fn a_table_counts_as_well() {
    let guest = Guest::new()
        .fields("(memory (export \"memory\") 16) (table $t 1 funcref)")
        .first("(drop (table.grow $t (ref.null func) (i32.const 0x200000)))")
        .build();
    assert!(matches!(ask(&guest), Err(FindingsError::Memory(_))));
}

#[test]
fn a_guest_that_fails_while_it_says_what_it_is_is_not_loaded() {
    let error = load(&Guest::new().describe("(loop $on (br $on)) (unreachable)").build());
    assert!(matches!(error, Err(ModuleError::Asked(FindingsError::Work(_)))), "{error:?}");
}

#[rstest]
#[case::relaxed_simd(
    "(memory (export \"memory\") 16)
     (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
    "relaxed SIMD"
)]
#[case::threads("(memory (export \"memory\") 16) (memory 1 1 shared)", "threads")]
#[case::wide_memory("(memory (export \"memory\") 16) (memory i64 1)", "memory64")]
fn what_two_machines_could_do_differently_is_refused(#[case] fields: &str, #[case] named: &str) {
    let error = load(&Guest::new().fields(fields).build()).unwrap_err();
    assert!(matches!(error, ModuleError::Component(_)), "{error:?}");
    assert!(error.to_string().contains(named), "{error}");
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    for bytes in [b"no wasm".to_vec(), module] {
        assert!(matches!(load(&bytes), Err(ModuleError::Component(_))));
    }
}

#[test]
fn a_component_of_another_world_is_refused() {
    let module = "(module (func (export \"run\")))";
    let other = component(module, "package test:guest; world guest { export run: func(); }");
    let error = load(&other).unwrap_err();
    assert!(error.to_string().contains("no policy module of the world"), "{error}");
}

#[rstest]
#[case::the_network(
    "wasi:sockets/instance-network@0.2.6",
    "package wasi:sockets@0.2.6 { interface instance-network { call: func(); } }"
)]
#[case::something_unknown(
    "evil:net/dial@1.0.0",
    "package evil:net@1.0.0 { interface dial { call: func(); } }"
)]
fn a_guest_that_wants_more_than_is_granted_is_refused(#[case] name: &str, #[case] wit: &str) {
    let core = format!("(import \"{name}\" \"call\" (func $call))");
    let error = load(&Guest::new().import(name, wit, &core).build()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("it imports {name}, which is not granted")), "{error}");
    assert!(error.contains("granted are wasi:cli/environment@0.2.x, "), "{error}");
}

#[test]
fn a_guest_that_says_that_it_wants_more_is_refused() {
    let error = load(&Guest::new().wants(b"example:tree/files").build()).unwrap_err().to_string();
    assert!(error.starts_with("it wants example:tree/files, which is not granted; "), "{error}");
}

#[test]
fn an_outcome_names_the_module_that_failed() {
    let module = load(&Guest::new().first("(unreachable)").build()).unwrap();
    let outcome = module.outcome(&input("delete", json!({})));
    let PolicyOutcome::Failed { text } = outcome else { panic!("{outcome:?}") };
    let expected = format!("guest 1.0.0 ({}): it failed: ", module.digest().short());
    assert!(text.starts_with(&expected), "{text}");
}
