//! The core, loaded.

use crate::ticker::{TICK, Ticker};
use std::fmt;
use std::time::Duration;
use tidegate_core::Verb;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreLimits,
    StoreLimitsBuilder, Trap,
};

wasmtime::component::bindgen!({ path: "../../core/component/wit", world: "core" });

/// Most memory of one question. The largest input is 32 MiB, and its parsed form takes several times
/// that; beyond it something is wrong.
const MEMORY: usize = 512 << 20;

/// Longest time of one question. The usual one takes microseconds; the largest input, a second.
const TIME: Duration = Duration::from_secs(10);

/// Most questions at once: one for each slot of the pool.
const AT_ONCE: u32 = 16;

/// The component that this program was built with.
const EMBEDDED: &[u8] = include_bytes!(env!("TIDEGATE_CORE_COMPONENT"));

/// The core, ready to be asked. Cheap to share; each question gets an instance of its own.
pub struct Rules {
    engine: Engine,
    pre: CorePre<State>,
    digest: String,
    _ticker: Ticker,
}

struct State {
    limits: StoreLimits,
}

/// Why the core can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// wasmtime doesn't take it.
    #[error("the core component can't be loaded: {0}")]
    Component(String),
    /// The thread that bounds its time can't be started.
    #[error("the core's clock can't be started")]
    Clock(#[source] std::io::Error),
}

/// Why the core gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It didn't understand the input; nothing was decided.
    #[error("{0}")]
    Refused(String),
    /// It took longer than any question may.
    #[error("the core gave no answer to {verb} within {} s", TIME.as_secs())]
    TooLong {
        /// The question.
        verb: &'static str,
    },
    /// It failed.
    #[error("the core failed at {verb}: {cause}")]
    Trapped {
        /// The question.
        verb: &'static str,
        /// What wasmtime says.
        cause: String,
    },
}

impl Rules {
    /// The core that this program was built with.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn embedded() -> Result<Self, LoadError> {
        Self::load(EMBEDDED, env!("TIDEGATE_CORE_DIGEST").to_owned())
    }

    /// A core from the bytes of a component, with the digest to call it by.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(component: &[u8], digest: String) -> Result<Self, LoadError> {
        let failed = |error: wasmtime::Error| LoadError::Component(format!("{error:#}"));
        let engine = engine().map_err(failed)?;
        let component = Component::new(&engine, component).map_err(failed)?;
        // Nothing is linked: a core that imports anything is refused here.
        let linker: Linker<State> = Linker::new(&engine);
        let pre =
            CorePre::new(linker.instantiate_pre(&component).map_err(failed)?).map_err(failed)?;
        let ticker = Ticker::start(&engine).map_err(LoadError::Clock)?;
        Ok(Self { engine, pre, digest, _ticker: ticker })
    }

    /// The SHA-256 of the core's module, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who the core says that it is, as JSON.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn describe(&self) -> Result<Vec<u8>, CallError> {
        let (mut store, core) = self.instance("describe")?;
        core.tidegate_core_rules()
            .call_describe(&mut store)
            .map_err(|error| failed("describe", &error))
    }

    /// Asks the core.
    ///
    /// # Errors
    /// [`CallError`]: no answer means that nothing was decided.
    pub fn call(&self, verb: Verb, input: &[u8]) -> Result<Vec<u8>, CallError> {
        let name = verb.name();
        let (mut store, core) = self.instance(name)?;
        let rules = core.tidegate_core_rules();
        let answer = match verb {
            Verb::Classify => rules.call_classify(&mut store, input),
            Verb::Settings => rules.call_settings(&mut store, input),
            Verb::Needs => rules.call_needs(&mut store, input),
            Verb::Plan => rules.call_plan(&mut store, input),
            Verb::Steps => rules.call_steps(&mut store, input),
            Verb::Covers => rules.call_covers(&mut store, input),
            Verb::Admit => rules.call_admit(&mut store, input),
            Verb::Allow => rules.call_allow(&mut store, input),
            Verb::Ran => rules.call_ran(&mut store, input),
            Verb::Decide => rules.call_decide(&mut store, input),
            Verb::Advance => rules.call_advance(&mut store, input),
        };
        answer.map_err(|error| failed(name, &error))?.map_err(CallError::Refused)
    }

    fn instance(&self, verb: &'static str) -> Result<(Store<State>, Core), CallError> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY)
            .instances(4)
            .memories(1)
            .tables(2)
            .trap_on_grow_failure(false)
            .build();
        let mut store = Store::new(&self.engine, State { limits });
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline((TIME.as_millis() / TICK.as_millis()) as u64);
        let core = self.pre.instantiate(&mut store).map_err(|error| failed(verb, &error))?;
        Ok((store, core))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// The pool's slots are reserved once, so that a fresh instance costs microseconds.
fn engine() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(AT_ONCE)
        .total_core_instances(AT_ONCE * 2)
        .total_memories(AT_ONCE)
        .total_tables(AT_ONCE * 2)
        .max_memory_size(MEMORY);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn failed(verb: &'static str, error: &wasmtime::Error) -> CallError {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => CallError::TooLong { verb },
        _ => CallError::Trapped { verb, cause: error.root_cause().to_string() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_embedded_core_says_who_it_is() {
        let rules = Rules::embedded().unwrap();
        let text = String::from_utf8(rules.describe().unwrap()).unwrap();
        assert!(text.contains("tidegate-core"), "{text}");
    }

    #[test]
    fn every_verb_refuses_nonsense_as_the_native_core_does() {
        let rules = Rules::embedded().unwrap();
        for verb in Verb::ALL {
            let native = verb.call(b"{\"no\":1}").unwrap_err();
            match rules.call(verb, b"{\"no\":1}") {
                Err(CallError::Refused(text)) => assert_eq!(text, native),
                other => panic!("{}: {other:?}", verb.name()),
            }
        }
    }
}
