use std::env;
use std::fs;

use tidegate_core_build::{TARGET, has_target};
use tidegate_tests::cache::Cache;
use tidegate_tests::{Jdk, MINIMUM_JAVA, PulumiRelease, workspace};

use crate::doctor::check::{Check, ask, version};

/// The first git that can be told by variables to read nobody's configuration.
const GIT: [u32; 2] = [2, 32];

/// The first Go that fetches a newer one where a module asks for it.
const GO_THAT_FETCHES: [u32; 2] = [1, 21];

/// The oldest Maven that the plugins used here run on.
const MAVEN: [u32; 3] = [3, 6, 3];

/// Looks for everything.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::program("Rust", &["rustc", "--version"], &[1, 95], "install rustup"),
        target(),
        Check::program(
            "C compiler",
            &["cc", "--version"],
            &[],
            "install gcc or clang (Debian: apt-get install build-essential; macOS: xcode-select \
             --install): SQLite is compiled from source",
        ),
        Check::program(
            "git",
            &["git", "--version"],
            &GIT,
            "install git (Debian: apt-get install git; macOS: brew install git)",
        ),
        Check::program(
            "ssh",
            &["ssh", "-V"],
            &[],
            "install OpenSSH's client (Debian: apt-get install openssh-client)",
        ),
        jdk(),
        Check::program(
            "Maven",
            &["mvn", "--version"],
            &MAVEN,
            "install Maven (Debian: apt-get install maven; macOS: brew install maven): it fetches \
             Gerrit and builds the plugin",
        ),
        pulumi(),
        gerrit(),
        bubblewrap(),
        cache(),
    ]
}

fn target() -> Check {
    const NAME: &str = "WebAssembly target";
    let add = format!("run `rustup target add {TARGET}`");
    match has_target(workspace::root()) {
        Ok(true) => Check::ok(NAME, TARGET),
        Ok(false) if ask(&["rustup", "--version"]).is_some() => {
            Check::warning(NAME, "not installed yet", "`cargo xtask setup` adds it")
        }
        Ok(false) => Check::missing(NAME, "not installed", &add),
        Err(error) => Check::missing(NAME, error.to_string(), &add),
    }
}

fn jdk() -> Check {
    const NAME: &str = "JDK";
    match Jdk::find() {
        Ok(jdk) => {
            let found = format!("{} in {}", jdk.version, jdk.home.display());
            if jdk.may_have_c2_fix() {
                return Check::ok(NAME, found);
            }
            Check::warning(
                NAME,
                found,
                "released before 2026-04-30, so without the fix of the C2 compiler for folded \
                 comparisons (JDK-8276162 hides the fault since Java 18); use a newer build for a \
                 Gerrit in production",
            )
        }
        Err(error) => Check::missing(
            NAME,
            error.to_string(),
            &format!(
                "install a JDK of version {MINIMUM_JAVA} or 25 (Debian: apt-get install \
                 openjdk-{MINIMUM_JAVA}-jdk-headless; macOS: brew install openjdk@{MINIMUM_JAVA})"
            ),
        ),
    }
}

/// An installed CLI, or Go to build one.
fn pulumi() -> Check {
    const NAME: &str = "Pulumi";
    const GET: &str = "install Go (go.dev/doc/install) to build the Pulumi CLI, or a Pulumi of \
                       3.227 or newer with its YAML host beside it on PATH";
    if let Some(release) = PulumiRelease::installed() {
        return Check::ok(NAME, release.description());
    }
    let Some(go) = ask(&["go", "version"]) else {
        return Check::missing(NAME, "neither a new enough Pulumi nor Go", GET);
    };
    let go = go.trim();
    let least = go_in_manifest();
    if version(go) >= least {
        return Check::ok(NAME, format!("built with {go}"));
    }
    if version(go).as_slice() >= GO_THAT_FETCHES.as_slice() {
        let advice = "Go will fetch the newer one that tests/pulumi-cli/go.mod names";
        return Check::warning(NAME, format!("built with {go}"), advice);
    }
    Check::missing(NAME, format!("{go} is too old to build it"), GET)
}

fn go_in_manifest() -> Vec<u32> {
    let path = workspace::root().join("tests/pulumi-cli/go.mod");
    let manifest = fs::read_to_string(path).unwrap_or_default();
    let line = manifest.lines().find(|line| line.starts_with("go "));
    version(line.unwrap_or_default())
}

fn gerrit() -> Check {
    const NAME: &str = "Gerrit";
    match env::var("TIDEGATE_GERRIT_WAR") {
        Ok(war) if fs::metadata(&war).is_ok() => Check::ok(NAME, format!("{war}, with web pages")),
        Ok(war) if !war.is_empty() => Check::missing(
            NAME,
            format!("TIDEGATE_GERRIT_WAR names {war}, which is not there"),
            "name a gerrit.war, or unset the variable to use the jars from Maven",
        ),
        _ => {
            Check::ok(NAME, "jars from Maven, without web pages (TIDEGATE_GERRIT_WAR names a war)")
        }
    }
}

fn bubblewrap() -> Check {
    const NAME: &str = "bubblewrap";
    ask(&["bwrap", "--version"]).map_or_else(
        || {
            Check::warning(
                NAME,
                "not found",
                "install it (Debian: apt-get install bubblewrap): without it, previews of people \
                 who aren't trusted are refused",
            )
        },
        |version| Check::ok(NAME, version.trim()),
    )
}

fn cache() -> Check {
    const NAME: &str = "cache";
    match Cache::open() {
        Ok(cache) => Check::ok(NAME, cache.root().display().to_string()),
        Err(error) => Check::missing(
            NAME,
            format!("{error:#}"),
            "name a folder that can be written in TIDEGATE_CACHE",
        ),
    }
}
