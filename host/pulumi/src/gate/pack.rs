//! The policy pack's folder, made for one run.

use super::relay;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Random characters in the pack's name. Without them a project could name a program of its own
/// for the pack in `Pulumi.yaml` (`plugins.analyzers`), which then would answer in our place.
const NONCE: usize = 20;

/// The pack of one run: a `PulumiPolicy.yaml` with a language of which no host exists, and a
/// program for that language's packs. All CLIs since 3.227.0 start such a program directly, in the
/// pack's folder (`NewPolicyAnalyzer` in their `analyzer_plugin.go`).
pub(crate) struct Pack {
    folder: TempDir,
}

impl Pack {
    /// Makes the pack inside `job`. `program` is one that calls [`super::relay`] when it is started
    /// under the pack's name.
    pub(crate) fn new(job: &Path, program: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("gate-").rand_bytes(NONCE).tempdir_in(job)?;
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
        let nonce = name.trim_start_matches("gate-").to_ascii_lowercase();
        let (language, program_name) = relay::names(&nonce);
        let text = format!(
            "runtime: {language}\nversion: {}\ndescription: Holds a deploy until its steps are \
             approved.\n",
            env!("CARGO_PKG_VERSION")
        );
        std::fs::write(folder.path().join("PulumiPolicy.yaml"), text)?;
        let pack = Self { folder };
        std::fs::create_dir(pack.tools())?;
        symlink(program, pack.tools().join(program_name))?;
        Ok(pack)
    }

    /// The folder, for `--policy-pack`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder with the pack's program, for the PATH.
    pub(crate) fn tools(&self) -> PathBuf {
        self.folder.path().join("bin")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_run_has_a_pack_of_another_name() {
        let job = tempfile::tempdir().unwrap();
        let program = |pack: &Pack| {
            let entry = std::fs::read_dir(pack.tools()).unwrap().next().unwrap().unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read_link(entry.path()).unwrap())
        };
        let pack = || Pack::new(job.path(), Path::new("/bin/true")).unwrap();
        let (a, b) = (pack(), pack());
        assert_ne!(program(&a).0, program(&b).0);
        assert_eq!(program(&a).1, Path::new("/bin/true"));
        let text = std::fs::read_to_string(a.folder().join("PulumiPolicy.yaml")).unwrap();
        let language = text.lines().next().unwrap().strip_prefix("runtime: ").unwrap();
        assert_eq!(program(&a).0, format!("pulumi-analyzer-policy-{language}"));
    }
}
