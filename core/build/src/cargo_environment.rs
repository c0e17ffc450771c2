use std::ffi::OsStr;

/// Cargo variables that say where things are fetched from and kept; everything else named `CARGO_*`
/// either belongs to an outer cargo or changes the built bytes.
const KEPT_PREFIXES: [&str; 6] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// Variables that a build script inherits, or that change how rustc is called.
const REMOVED: [&str; 16] = [
    "DEBUG",
    "HOST",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "TARGET",
];

/// Whether a nested cargo must not see the variable `name`.
///
/// The job server in `CARGO_MAKEFLAGS` goes too: waiting for a token that the outer cargo spends on
/// the very build script that waits would be slow, and the core is small.
pub(crate) fn disturbs(name: &OsStr) -> bool {
    // A name that is not text is none of cargo's.
    let Some(name) = name.to_str() else {
        return false;
    };
    if REMOVED.contains(&name) {
        return true;
    }
    name.starts_with("CARGO_")
        && name != "CARGO_HOME"
        && !KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::an_outer_builds_flags("CARGO_ENCODED_RUSTFLAGS", true)]
    #[case::an_outer_builds_package("CARGO_PKG_VERSION", true)]
    #[case::an_outer_builds_configuration("CARGO_CFG_TARGET_OS", true)]
    #[case::a_changed_profile("CARGO_PROFILE_GUEST_OPT_LEVEL", true)]
    #[case::another_target_folder("CARGO_TARGET_DIR", true)]
    #[case::the_job_server("CARGO_MAKEFLAGS", true)]
    #[case::a_wrapper("RUSTC_WRAPPER", true)]
    #[case::the_registry_folder("CARGO_HOME", false)]
    #[case::offline_mode("CARGO_NET_OFFLINE", false)]
    #[case::a_mirror("CARGO_SOURCE_CRATES_IO_REPLACE_WITH", false)]
    #[case::the_toolchain("RUSTUP_TOOLCHAIN", false)]
    #[case::the_search_path("PATH", false)]
    fn only_what_would_change_the_build_is_removed(#[case] name: &str, #[case] removed: bool) {
        assert_eq!(disturbs(OsStr::new(name)), removed);
    }
}
