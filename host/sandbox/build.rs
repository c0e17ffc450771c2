//! Builds the core as a component, so that the program carries the one that its sources make.

use anyhow::{Context as _, Result};
use std::path::Path;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the crate is not two folders below the workspace")?;
    for path in ["core/src", "core/Cargo.toml", "core/component", "Cargo.lock", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    let out = std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?;
    // <target>/<profile>/build/<package>/out
    let target = Path::new(&out).ancestors().nth(4).context("OUT_DIR is not in a target folder")?;
    let artifacts = tidegate_core_build::build_core(root, target)?;
    println!("cargo:rustc-env=TIDEGATE_CORE_COMPONENT={}", artifacts.component.display());
    println!("cargo:rustc-env=TIDEGATE_CORE_DIGEST={}", artifacts.digest);
    Ok(())
}
