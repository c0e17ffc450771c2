use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::finished::finish;

/// Gerrit 3.12 and later are built for Java 21.
pub const MINIMUM_JAVA: u32 = 21;

/// The long-term releases that Gerrit 3.13 is run on here; a newer one may lack something it uses.
const TRIED: [u32; 2] = [21, 25];

/// When the compiler's fix for folded comparisons was integrated (JDK change 30677). Builds of
/// Java 18 and later mask the fault, older ones of theirs don't contain the fix.
const C2_FIX: &str = "2026-04-30";

/// Names the JDK to use before any other.
const OVERRIDE: &str = "TIDEGATE_JAVA_HOME";

/// A Java development kit on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jdk {
    /// Its home folder.
    pub home: PathBuf,
    /// Its version as it says, e.g. `25.0.3`.
    pub version: String,
    /// The first number of the version.
    pub major: u32,
    /// The day of its release as `YYYY-MM-DD`, where it says.
    pub date: Option<String>,
}

impl Jdk {
    /// The JDK to use: the first that is new enough in the order of [`Jdk::all`].
    ///
    /// # Errors
    /// None is new enough; with what was found and where it was looked for.
    pub fn find() -> Result<Self> {
        let all = Self::all();
        let found: Vec<String> =
            all.iter().map(|jdk| format!("{} in {}", jdk.version, jdk.home.display())).collect();
        all.into_iter().find(|jdk| jdk.major >= MINIMUM_JAVA).with_context(|| {
            format!(
                "no JDK of version {MINIMUM_JAVA} or newer was found (found: {}); install one, \
                     or name its home folder in {OVERRIDE}",
                if found.is_empty() { "none".to_owned() } else { found.join(", ") },
            )
        })
    }

    /// Every JDK on this machine: those that the user named (`TIDEGATE_JAVA_HOME`, `JAVA_HOME`, the
    /// one on PATH), then those in the usual places: long-term releases first, newest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let mut kits = |homes: Vec<PathBuf>| -> Vec<Self> {
            homes
                .into_iter()
                .filter_map(|home| home.canonicalize().ok())
                .filter(|home| seen.insert(home.clone()))
                .filter_map(|home| Self::at(&home))
                .collect()
        };
        let mut all = kits(named_homes());
        let mut usual = kits(usual_homes());
        usual.sort_by_key(|jdk| Reverse(jdk.preference()));
        all.append(&mut usual);
        all
    }

    /// The JDK in the folder `home`; `None` where there is none, or only a runtime.
    #[must_use]
    pub fn at(home: &Path) -> Option<Self> {
        if !home.join("bin/javac").is_file() || !home.join("bin/java").is_file() {
            return None;
        }
        let release = fs::read_to_string(home.join("release")).ok()?;
        let value = |key: &str| {
            release
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .map(|value| value.trim().trim_matches('"').to_owned())
        };
        let version = value("JAVA_VERSION")?;
        Some(Self {
            home: home.to_path_buf(),
            major: major(&version)?,
            version,
            date: value("JAVA_VERSION_DATE"),
        })
    }

    /// The program `name` of the kit, e.g. `javac`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.home.join("bin").join(name)
    }

    /// Whether this build may contain the compiler's fix: one released before the fix can't.
    #[must_use]
    pub fn may_have_c2_fix(&self) -> bool {
        self.date.as_deref().is_some_and(|date| date >= C2_FIX)
    }

    fn preference(&self) -> (bool, Vec<u32>) {
        (TRIED.contains(&self.major), numbers(&self.version))
    }
}

/// `21.0.11` is 21, `1.8.0_402` is 8.
fn major(version: &str) -> Option<u32> {
    match numbers(version).as_slice() {
        [1, second, ..] => Some(*second),
        [first, ..] => Some(*first),
        [] => None,
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|part| part.parse().ok())
        .collect()
}

fn named_homes() -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> =
        [OVERRIDE, "JAVA_HOME"].iter().filter_map(env::var_os).map(PathBuf::from).collect();
    let path = env::var_os("PATH").unwrap_or_default();
    homes.extend(
        env::split_paths(&path)
            .map(|folder| folder.join("javac"))
            .filter_map(|javac| javac.canonicalize().ok())
            .filter_map(|javac| Some(javac.parent()?.parent()?.to_path_buf())),
    );
    homes
}

fn usual_homes() -> Vec<PathBuf> {
    let home = env::home_dir().unwrap_or_default();
    let mut homes = Vec::new();
    for folder in [
        PathBuf::from("/usr/lib/jvm"),
        PathBuf::from("/usr/java"),
        PathBuf::from("/usr/local/java"),
        PathBuf::from("/opt"),
        home.join(".sdkman/candidates/java"),
        home.join(".jdks"),
        home.join(".local/share/mise/installs/java"),
        home.join(".asdf/installs/java"),
    ] {
        homes.extend(subfolders(&folder));
    }
    for folder in [
        PathBuf::from("/Library/Java/JavaVirtualMachines"),
        home.join("Library/Java/JavaVirtualMachines"),
    ] {
        homes.extend(subfolders(&folder).map(|kit| kit.join("Contents/Home")));
    }
    for cellar in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        homes.extend(
            subfolders(Path::new(cellar))
                .filter(|kit| kit.to_string_lossy().contains("openjdk"))
                .flat_map(|kit| {
                    [kit.join("libexec/openjdk.jdk/Contents/Home"), kit.join("libexec")]
                }),
        );
    }
    homes.extend(java_home_tool());
    homes
}

fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
}

/// What macOS's own tool says.
fn java_home_tool() -> Option<PathBuf> {
    let tool = Path::new("/usr/libexec/java_home");
    if !tool.is_file() {
        return None;
    }
    let mut command = Command::new(tool);
    command.args(["--version", &format!("{MINIMUM_JAVA}+")]);
    let home = finish(&mut command, Duration::from_secs(10)).ok()?.ok().ok()?;
    Some(PathBuf::from(home.trim()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rstest::rstest;

    use super::*;

    fn kit(folder: &Path, release: &str) {
        fs::create_dir_all(folder.join("bin")).unwrap();
        for name in ["bin/java", "bin/javac"] {
            fs::write(folder.join(name), "").unwrap();
        }
        fs::write(folder.join("release"), release).unwrap();
    }

    #[rstest]
    #[case::current("25.0.3", Some(25))]
    #[case::first_of_its_line("21", Some(21))]
    #[case::early_access("27-ea", Some(27))]
    #[case::old_numbering("1.8.0_402", Some(8))]
    #[case::nonsense("openjdk", None)]
    fn the_major_version_is_read(#[case] version: &str, #[case] expected: Option<u32>) {
        assert_eq!(major(version), expected);
    }

    #[rstest]
    #[case::before_the_fix("2026-04-21", false)]
    #[case::of_the_day("2026-04-30", true)]
    #[case::after_it("2026-07-21", true)]
    fn a_build_older_than_the_fix_cannot_have_it(#[case] date: &str, #[case] may: bool) {
        let folder = tempfile::tempdir().unwrap();
        let release = format!("JAVA_VERSION=\"25.0.3\"\nJAVA_VERSION_DATE=\"{date}\"\n");
        kit(folder.path(), &release);
        let jdk = Jdk::at(folder.path()).unwrap();
        assert_eq!(jdk.version, "25.0.3");
        assert_eq!(jdk.may_have_c2_fix(), may);
    }

    #[test]
    fn a_runtime_without_compiler_is_no_kit() {
        let folder = tempfile::tempdir().unwrap();
        kit(folder.path(), "JAVA_VERSION=\"25\"\n");
        fs::remove_file(folder.path().join("bin/javac")).unwrap();
        assert_eq!(Jdk::at(folder.path()), None);
    }
}
