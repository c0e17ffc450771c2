//! The clock that wasmtime's epoch deadlines count.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

/// How long one epoch lasts. Deadlines are counted in these: finer costs wakeups, coarser makes a
/// stuck call end late.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Counts an engine's epochs for as long as it lives.
#[derive(Debug)]
pub(crate) struct Ticker(#[allow(dead_code, reason = "held for its drop")] Arc<AtomicBool>);

impl Ticker {
    /// Starts the thread. It ends by itself once the ticker or the engine is gone.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let alive = Arc::new(AtomicBool::new(true));
        let (weak, engine): (Weak<AtomicBool>, EngineWeak) =
            (Arc::downgrade(&alive), engine.weak());
        thread::Builder::new().name("epochs".to_owned()).spawn(move || {
            while weak.upgrade().is_some_and(|alive| alive.load(Ordering::Relaxed)) {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self(alive))
    }
}
