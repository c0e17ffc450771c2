//! Builds the core as a WebAssembly module and wraps it into a component.
//!
//! One module serves two hosts: wasmtime takes the component, and the Gerrit plugin compiles the
//! module inside it to JVM bytecode. So the module may use only what both understand, and neither
//! may import anything: a core that can ask for nothing can only decide.
//!
//! [`build_policy`] builds the bundled policy modules in the same way; only wasmtime runs those.
//!
//! [`build_core`] is called by `xtask` and by the build script of `host/sandbox`; both get the same
//! bytes, and so does a checkout in another folder.

mod artifacts;
mod build_core;
mod cargo_environment;
mod guest;
mod module_check;
mod rustc;

pub use artifacts::{Artifacts, PolicyArtifact};
pub use build_core::{BuildError, build_core, build_policy, has_target, sources, target_dir_of};
pub use guest::{GuestError, TARGET};
pub use module_check::{CheckError, Kind};
pub use rustc::RustcError;
