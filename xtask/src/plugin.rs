use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidegate_core_build::Artifacts;
use tidegate_tests::cache::Key;
use tidegate_tests::{Tools, run_logged, workspace};

use crate::terminal::say;

/// From an empty Maven repository on a slow line.
const BUILD: Duration = Duration::from_secs(30 * 60);

/// The Gerrit plugin in `plugin-shim`, a Maven project.
///
/// Its pom takes the core's module from the property `core.wasm` and packs `target/tidegate.jar`.
pub(crate) struct Plugin {
    folder: PathBuf,
}

impl Plugin {
    /// The plugin; `None` in a source tree without it.
    pub(crate) fn find() -> Option<Self> {
        let folder = workspace::root().join("plugin-shim");
        folder.join("pom.xml").is_file().then_some(Self { folder })
    }

    /// Packs the jar, without running its tests. Does nothing if nothing has changed.
    pub(crate) fn package(&self, tools: &Tools, core: &Artifacts) -> Result<PathBuf> {
        let jar = self.folder.join("target/tidegate.jar");
        let stamp = self.folder.join("target/inputs.sha256");
        let inputs = self.inputs(tools, core)?.hex();
        if jar.is_file() && fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
            say(&format!("plugin {}", jar.display()));
            return Ok(jar);
        }
        let log = workspace::target_dir().join("plugin.log");
        let what = "building the Gerrit plugin";
        let known = self.resolved(tools)?;
        let mut package = self.maven(tools, core)?;
        package.args(["-DskipTests", "package"]);
        let offline =
            known.is_file() && run_logged(what, &log, BUILD, package.arg("--offline")).is_ok();
        if !offline {
            let mut package = self.maven(tools, core)?;
            package.args(["-DskipTests", "package"]);
            run_logged(what, &log, BUILD, &mut package)?;
            remember(&known)?;
        }
        ensure!(jar.is_file(), "Maven built no {}", jar.display());
        fs::write(&stamp, inputs)?;
        say(&format!("plugin {}", jar.display()));
        Ok(jar)
    }

    /// The command that runs the plugin's own tests.
    pub(crate) fn test(&self, tools: &Tools, core: &Artifacts) -> Result<Command> {
        let mut test = self.maven(tools, core)?;
        test.arg("test");
        Ok(test)
    }

    fn maven(&self, tools: &Tools, core: &Artifacts) -> Result<Command> {
        let mut maven = tools.maven()?;
        maven
            .arg("--file")
            .arg(self.folder.join("pom.xml"))
            .arg(format!("-Dcore.wasm={}", core.module.display()));
        Ok(maven)
    }

    /// Everything that the jar is made of: the sources, the files beside the pom, core and JDK.
    fn inputs(&self, tools: &Tools, core: &Artifacts) -> Result<Key> {
        let mut beside = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.is_file() {
                beside.push(path);
            }
        }
        beside.sort();
        let mut key = Key::new().folder(&self.folder.join("src"))?;
        for path in beside {
            key = key.text(&path.to_string_lossy()).file(&path)?;
        }
        Ok(key.text(&core.digest).text(&tools.jdk().version))
    }

    /// A mark that says that everything this pom needs was resolved on this machine, so that Maven
    /// need not ask its repositories again.
    fn resolved(&self, tools: &Tools) -> Result<PathBuf> {
        let pom = Key::new().file(&self.folder.join("pom.xml"))?.hex();
        Ok(tools.cache().root().join("maven-resolved").join(pom))
    }
}

fn remember(mark: &Path) -> Result<()> {
    if let Some(folder) = mark.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(mark, "")?;
    Ok(())
}
