//! One module: loaded, asked.

use super::bindings::{Policy as Instance, PolicyPre};
use super::chain;
use super::describe::Described;
use super::failure::{FindingsError, ModuleError};
use super::imports;
use super::limits::PolicyLimits;
use super::nothing::{State, linker};
use crate::ticker::{TICK, Ticker};
use std::fmt;
use std::sync::Arc;
use std::thread;
use tidegate_core::ids::Digest;
use tidegate_core::policy::{Finding, PolicyInput, PolicyOutcome, RawFinding, findings};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// Most bytes that a module may hand over in one go. A hundred findings with the longest sentences
/// take less; without it, a small module could have one text taken a million times.
const ANSWER_BYTES: usize = 2 << 20;

/// Where modules run. Cheap to clone.
#[derive(Clone)]
pub struct PolicySandbox(Arc<Inner>);

struct Inner {
    engine: Engine,
    linker: Linker<State>,
    limits: PolicyLimits,
    _ticker: Ticker,
}

/// A module, compiled and ready to be asked. Each call gets an instance of its own.
pub struct PolicyModule {
    sandbox: PolicySandbox,
    pre: PolicyPre<State>,
    digest: Digest,
    imports: Vec<String>,
    described: Described,
}

/// What is known of a component, whether it can be used or not.
#[derive(Debug)]
pub struct Check {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// All that it imports, if that can be told.
    pub imports: Vec<String>,
    /// The module, or why it can't be used.
    pub module: Result<PolicyModule, ModuleError>,
}

impl PolicySandbox {
    /// A sandbox whose modules have these limits.
    ///
    /// # Errors
    /// wasmtime or its clock can't be started.
    pub fn new(limits: PolicyLimits) -> Result<Self, ModuleError> {
        let failed = |error: wasmtime::Error| ModuleError::Sandbox(format!("{error:#}"));
        let engine = engine().map_err(failed)?;
        let linker = linker(&engine).map_err(failed)?;
        let ticker = Ticker::start(&engine).map_err(ModuleError::Clock)?;
        Ok(Self(Arc::new(Inner { engine, linker, limits, _ticker: ticker })))
    }

    /// Compiles a component, checks what it wants, and asks it what it is.
    ///
    /// # Errors
    /// Why it can't be used.
    pub fn load(&self, bytes: &[u8]) -> Result<PolicyModule, ModuleError> {
        self.check(bytes).module
    }

    /// As [`Self::load`], and tells what is known of it even if it can't be used.
    #[must_use]
    pub fn check(&self, bytes: &[u8]) -> Check {
        let digest = Digest::of(bytes);
        let component = match Component::from_binary(&self.0.engine, bytes) {
            Ok(component) => component,
            Err(error) => {
                let module = Err(ModuleError::Component(format!("{error:#}")));
                return Check { digest, imports: Vec::new(), module };
            }
        };
        let kind = component.component_type();
        let imports: Vec<_> =
            kind.imports(&self.0.engine).map(|(name, _)| name.to_owned()).collect();
        let module = self.prepare(&component, &digest, &imports);
        Check { digest, imports, module }
    }

    fn prepare(
        &self,
        component: &Component,
        digest: &Digest,
        imports: &[String],
    ) -> Result<PolicyModule, ModuleError> {
        imports::check(imports)?;
        let pre = self
            .0
            .linker
            .instantiate_pre(component)
            .and_then(PolicyPre::new)
            .map_err(|error| ModuleError::World(format!("{error:#}")))?;
        let described = self
            .apart(&pre, |store, instance| instance.tidegate_policy_checks().call_describe(store))
            .map_err(ModuleError::Asked)?;
        Ok(PolicyModule {
            sandbox: self.clone(),
            pre,
            digest: digest.clone(),
            imports: imports.to_vec(),
            described: Described::check(described)?,
        })
    }

    /// Calls into a fresh instance, on a thread of its own: WASI's host side waits for its own async
    /// runtime, which the threads of another one may not, and a panic in it ends here.
    fn apart<T: Send>(
        &self,
        pre: &PolicyPre<State>,
        call: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<T> + Send,
    ) -> Result<T, FindingsError> {
        let run = || {
            let mut store = self.store()?;
            let instance = pre.instantiate(&mut store)?;
            call(&mut store, &instance)
        };
        let ended = thread::scope(|scope| {
            let thread = thread::Builder::new().name("policy".to_owned());
            match thread.spawn_scoped(scope, run) {
                Ok(running) => running.join().ok(),
                Err(_) => None,
            }
        });
        let failed = |error: wasmtime::Error| FindingsError::of(&error, &self.0.limits);
        ended
            .ok_or_else(|| FindingsError::Trapped("its thread could not be run".to_owned()))?
            .map_err(failed)
    }

    fn store(&self) -> wasmtime::Result<Store<State>> {
        let limits = &self.0.limits;
        let mut store = Store::new(&self.0.engine, State::new(limits.memory));
        store.limiter(|state| &mut state.limiter);
        store.set_fuel(limits.fuel)?;
        store.set_hostcall_fuel(ANSWER_BYTES);
        let ticks = limits.time.as_millis() / TICK.as_millis();
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
        Ok(store)
    }
}

impl PolicyModule {
    /// SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// All that it imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// What it says of itself.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// Asks it. Equal inputs get equal answers, on every machine.
    ///
    /// # Errors
    /// No answer, or none that can be used.
    pub fn evaluate(&self, input: &PolicyInput) -> Result<Vec<Finding>, FindingsError> {
        let input = input.into();
        let found = self.sandbox.apart(&self.pre, |store, instance| {
            instance.tidegate_policy_checks().call_evaluate(store, &input)
        })?;
        let found = found.map_err(FindingsError::Said)?;
        Ok(findings(found.into_iter().map(RawFinding::from).collect())?)
    }

    /// What asking it comes to. A failure names the module.
    #[must_use]
    pub fn outcome(&self, input: &PolicyInput) -> PolicyOutcome {
        match self.evaluate(input) {
            Ok(findings) => PolicyOutcome::Findings(findings),
            Err(error) => PolicyOutcome::failed(&format!("{self}: {}", chain(&error))),
        }
    }
}

impl fmt::Display for PolicyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Described { name, version, .. } = &self.described;
        write!(f, "{name} {version} ({})", self.digest.short())
    }
}

impl fmt::Debug for PolicyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyModule").field(&self.to_string()).finish()
    }
}

impl fmt::Debug for PolicySandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySandbox").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

/// Whatever two machines could do differently is off. Fuel bounds the work equally everywhere, and
/// the epochs are a net below it.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_shared_everything_threads(false)
        .wasm_stack_switching(false);
    Engine::new(&config)
}
