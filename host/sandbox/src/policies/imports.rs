//! What a module wants of its host, and what it gets.

use super::failure::ModuleError;

/// What every module gets: what a standard library expects of its surroundings, with nothing in it.
/// No file is open, no variable and argument is set, input is at its end, output goes nowhere, the
/// clock stands still, sleeping takes no time, and random bytes are always the same.
const GRANTED: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// The versions of WASI that are granted: 0.2 and its patches.
const VERSION: &str = "0.2.";

/// The names of all interfaces that are granted, for people.
pub fn granted() -> impl Iterator<Item = String> {
    GRANTED.into_iter().map(|name| format!("{name}@{VERSION}x"))
}

/// Whether an import is granted.
pub(super) fn is_granted(import: &str) -> bool {
    import
        .split_once('@')
        .is_some_and(|(name, version)| GRANTED.contains(&name) && version.starts_with(VERSION))
}

/// Refuses a module that wants more than it gets.
pub(super) fn check(imports: &[String]) -> Result<(), ModuleError> {
    if imports.iter().all(|import| is_granted(import)) {
        return Ok(());
    }
    let refused = imports.iter().filter(|import| !is_granted(import)).cloned().collect();
    Err(ModuleError::Imports { refused, wanted: imports.to_vec() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::standard_library("wasi:cli/environment@0.2.6", true)]
    #[case::sockets("wasi:sockets/tcp@0.2.6", false)]
    #[case::http("wasi:http/outgoing-handler@0.2.6", false)]
    #[case::another_generation("wasi:cli/environment@0.3.0", false)]
    #[case::a_longer_name("wasi:cli/environment-more@0.2.0", false)]
    #[case::no_version("wasi:cli/environment", false)]
    #[case::a_bare_name("env", false)]
    fn only_what_is_listed_is_granted(#[case] import: &str, #[case] good: bool) {
        assert_eq!(is_granted(import), good);
    }

    #[test]
    fn a_refusal_lists_what_is_wanted_and_what_is_granted() {
        let imports = ["wasi:cli/exit@0.2.0".to_owned(), "evil:net/dial@1.0.0".to_owned()];
        let error = check(&imports).unwrap_err().to_string();
        assert!(
            error.starts_with("it imports evil:net/dial@1.0.0, which is not granted"),
            "{error}"
        );
        assert!(error.contains("it wants wasi:cli/exit@0.2.0, evil:net/dial@1.0.0;"), "{error}");
        assert!(error.contains("granted are wasi:cli/environment@0.2.x, "), "{error}");
    }
}
