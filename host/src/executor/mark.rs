//! Marks that a run was begun, so that a host that died in the middle knows it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tidegate_core::advance::EffectId;
use tidegate_core::ids::Digest;

/// The folder of marks in the state folder.
const FOLDER: &str = "begun";

/// The mark of one effect.
pub(super) struct Mark(PathBuf);

/// The mark of `effect`.
pub(super) fn of(state: &Path, effect: &EffectId) -> Mark {
    // An effect's id holds slashes.
    Mark(state.join(FOLDER).join(Digest::of(effect.0.as_bytes()).as_str()))
}

impl Mark {
    /// Whether a run was begun.
    pub(super) fn exists(&self) -> bool {
        // What can't be looked at is taken for begun: then nothing is done twice.
        self.0.try_exists().unwrap_or(true)
    }

    /// Notes that a run begins; it is on disk when this returns.
    pub(super) fn set(&self) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(folder)?;
        File::create(&self.0)?.sync_all()?;
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mark_stands_for_one_effect() {
        let folder = tempfile::tempdir().unwrap();
        let effect = |id: &str| EffectId(id.to_owned());
        let mark = of(folder.path(), &effect("s/p/refs/heads/main#1"));
        assert!(!mark.exists());
        mark.set().unwrap();
        mark.set().unwrap();
        assert!(of(folder.path(), &effect("s/p/refs/heads/main#1")).exists());
        assert!(!of(folder.path(), &effect("s/p/refs/heads/main#2")).exists());
    }
}
