use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cache::{Cache, Key};
use crate::finished::run_logged;
use crate::jdk::{Jdk, MINIMUM_JAVA};
use crate::workspace;

/// Names a `gerrit.war` to use instead of the jars.
const WAR: &str = "TIDEGATE_GERRIT_WAR";

/// Changes when the entry in the cache is made otherwise, so that old ones are not used.
const RECIPE: &str = "1";

/// Some 90 MB from the repository.
const DOWNLOAD: Duration = Duration::from_secs(15 * 60);

/// One small class.
const COMPILE: Duration = Duration::from_secs(3 * 60);

/// A Gerrit that can be started.
#[derive(Clone, Debug)]
pub enum GerritRelease {
    /// The server's jars from Maven, without web pages.
    Jars {
        /// A folder with `boot.jar` and `lib/*.jar`.
        folder: PathBuf,
        /// Its version.
        version: String,
    },
    /// A whole `gerrit.war`.
    War(PathBuf),
}

impl GerritRelease {
    /// The war that the user names in `TIDEGATE_GERRIT_WAR`, or else the jars, fetched at first.
    ///
    /// # Errors
    /// The war isn't there; Maven is missing or fails.
    pub fn get(cache: &Cache, jdk: &Jdk, maven: impl FnOnce() -> Result<Command>) -> Result<Self> {
        if let Some(war) = env::var_os(WAR).filter(|war| !war.is_empty()) {
            let war = std::path::absolute(war)?;
            ensure!(war.is_file(), "{WAR} names {}, which is no file", war.display());
            return Ok(Self::War(war));
        }
        let sources = workspace::root().join("tests/gerrit");
        let (pom, boot) = (sources.join("pom.xml"), sources.join("Boot.java"));
        let key = Key::new().text(RECIPE).file(&pom)?.file(&boot)?;
        let log = cache.log("gerrit", &key);
        let folder = cache.entry("gerrit", &key, |folder| {
            let lib = folder.join("lib");
            let mut fetch = maven()?;
            fetch
                .arg("--file")
                .arg(&pom)
                .arg("dependency:copy-dependencies")
                .arg(format!("-DoutputDirectory={}", lib.display()));
            run_logged("fetching Gerrit's jars with Maven", &log, DOWNLOAD, &mut fetch)?;
            compile_boot(jdk, &boot, folder, &log)
        })?;
        let version = version_in(&fs::read_to_string(&pom)?)?;
        Ok(Self::Jars { folder, version })
    }

    /// Whether the web pages are there: only the war has them.
    #[must_use]
    pub fn has_web_pages(&self) -> bool {
        matches!(self, Self::War(_))
    }

    /// Which Gerrit this is, for people.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Jars { version, .. } => {
                format!("Gerrit {version} from Maven artifacts, without web pages")
            }
            Self::War(war) => format!("{}, with web pages", war.display()),
        }
    }

    /// What a template site made by this release depends on.
    pub(crate) fn key(&self) -> Result<Key> {
        match self {
            Self::Jars { folder, .. } => Ok(Key::new().text(&folder.to_string_lossy())),
            Self::War(war) => Key::new().file(war),
        }
    }

    /// The JVM with one of Gerrit's programs, `Init` or `Daemon`; the caller adds its arguments.
    ///
    /// # Errors
    /// The jars can't be listed.
    pub(crate) fn command(&self, jdk: &Jdk, options: &[String], program: &str) -> Result<Command> {
        let mut command = Command::new(jdk.program("java"));
        command.args(options);
        match self {
            Self::Jars { folder, .. } => {
                let class_path = env::join_paths(class_path(folder)?)?;
                command.arg("-cp").arg(class_path).args(["Boot", program]);
            }
            Self::War(war) => {
                command.arg("-jar").arg(war).arg(program.to_lowercase());
            }
        }
        Ok(command)
    }
}

/// Named one by one and in order: the JVM checks an archive of classes against this list.
fn class_path(folder: &Path) -> Result<Vec<PathBuf>> {
    let lib = folder.join("lib");
    let entries =
        fs::read_dir(&lib).with_context(|| format!("failed to list {}", lib.display()))?;
    let mut jars = Vec::new();
    for entry in entries {
        jars.push(entry?.path());
    }
    jars.sort();
    jars.insert(0, folder.join("boot.jar"));
    Ok(jars)
}

fn compile_boot(jdk: &Jdk, source: &Path, folder: &Path, log: &Path) -> Result<()> {
    let classes = folder.join("classes");
    let class_path = env::join_paths(class_path(folder)?)?;
    let mut javac = Command::new(jdk.program("javac"));
    javac
        .args(["--release", &MINIMUM_JAVA.to_string(), "-cp"])
        .arg(class_path)
        .arg("-d")
        .arg(&classes)
        .arg(source);
    run_logged("compiling Gerrit's launcher", log, COMPILE, &mut javac)?;
    let mut jar = Command::new(jdk.program("jar"));
    jar.args(["--create", "--file"]).arg(folder.join("boot.jar")).arg("-C").arg(&classes).arg(".");
    run_logged("packing Gerrit's launcher", log, COMPILE, &mut jar)?;
    fs::remove_dir_all(&classes)?;
    Ok(())
}

fn version_in(pom: &str) -> Result<String> {
    let version = pom
        .split_once("<gerrit.version>")
        .and_then(|(_, rest)| rest.split_once("</gerrit.version>"));
    let (version, _) = version.context("tests/gerrit/pom.xml has no gerrit.version")?;
    Ok(version.to_owned())
}
