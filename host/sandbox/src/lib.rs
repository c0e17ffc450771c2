//! Runs the core and policy modules in wasmtime: a fresh instance for each question, within limits
//! of memory and time. The core is granted nothing, since it asks for nothing; a policy module gets
//! what a standard library expects of its surroundings, empty and standing still.

mod policies;
mod rules;
mod ticker;

pub use policies::{
    Check, Described, FindError, FindingsError, Kind, ModuleError, NotGranted, Policies,
    PolicyLimits, PolicyModule, PolicySandbox, SettingHelp, Want, granted, read_module,
};
pub use rules::{CallError, LoadError, Rules};
