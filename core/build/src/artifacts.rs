use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::build_core::BuildError;

/// Where the built core lies, and what it is called by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Artifacts {
    /// `core.wasm`: the core module, for the JVM.
    pub module: PathBuf,
    /// `core.component.wasm`: the same module as a component, for wasmtime.
    pub component: PathBuf,
    /// SHA-256 of the module in lower-case hex: the name by which both hosts record the core.
    pub digest: String,
    /// SHA-256 of the component in lower-case hex.
    pub component_digest: String,
}

impl Artifacts {
    /// Writes both files and their digests into `folder`, each only if it changes.
    pub(crate) fn write(
        folder: &Path,
        module: &[u8],
        component: &[u8],
    ) -> Result<Self, BuildError> {
        fs::create_dir_all(folder)
            .map_err(|source| BuildError::Write { path: folder.to_path_buf(), source })?;
        let (module, digest) = write_with_digest(folder, "core.wasm", module)?;
        let (component, component_digest) =
            write_with_digest(folder, "core.component.wasm", component)?;
        Ok(Self { module, component, digest, component_digest })
    }
}

/// Where a built policy module lies, and what settings call it by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyArtifact {
    /// `<name>.wasm`: the component.
    pub component: PathBuf,
    /// SHA-256 of the component in lower-case hex.
    pub digest: String,
}

impl PolicyArtifact {
    /// Writes the component and its digest into `folder`, each only if it changes.
    pub(crate) fn write(folder: &Path, name: &str, component: &[u8]) -> Result<Self, BuildError> {
        fs::create_dir_all(folder)
            .map_err(|source| BuildError::Write { path: folder.to_path_buf(), source })?;
        let (component, digest) = write_with_digest(folder, &format!("{name}.wasm"), component)?;
        Ok(Self { component, digest })
    }
}

fn write_with_digest(
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(PathBuf, String), BuildError> {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(name);
    // The form of sha256sum, so that anybody can check it with that tool.
    let line = format!("{digest}  {name}\n");
    let sum = folder.join(format!("{name}.sha256"));
    for (path, bytes) in [(&path, bytes), (&sum, line.as_bytes())] {
        write_if_changed(folder, path, bytes)
            .map_err(|source| BuildError::Write { path: path.clone(), source })?;
    }
    Ok((path, digest))
}

/// Replaces the file by rename, so that a reader sees the old bytes or the new ones.
fn write_if_changed(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    // A temporary file is private to its user; a build's result is not.
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_written_only_when_its_bytes_change() {
        let folder = tempfile::tempdir().unwrap();
        let first = Artifacts::write(folder.path(), b"module", b"component").unwrap();
        let written = fs::metadata(&first.module).unwrap().modified().unwrap();
        let second = Artifacts::write(folder.path(), b"module", b"component 2").unwrap();
        assert_eq!(first.digest, second.digest);
        assert_ne!(first.component_digest, second.component_digest);
        let again = fs::metadata(&second.module).unwrap().modified().unwrap();
        assert_eq!(written, again);
        assert_eq!(fs::read(&second.component).unwrap(), b"component 2");
    }

    #[test]
    fn the_digest_stands_beside_the_file_in_the_form_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::write(folder.path(), b"abc", b"").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(artifacts.digest, expected);
        assert_eq!(
            fs::read_to_string(folder.path().join("core.wasm.sha256")).unwrap(),
            format!("{expected}  core.wasm\n"),
        );
    }
}
