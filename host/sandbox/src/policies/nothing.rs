//! The surroundings of a module: WASI with nothing in it, standing still.

use super::limits::Limiter;
use std::time::Duration;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::sync::io::poll;
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random, sync};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView,
};

/// Most bytes that a module may ask for at once: seeds are short.
const RANDOM_BYTES: u64 = 4 << 10;

/// Most handles that a module may hold: the host pays for each.
const HANDLES: usize = 1_000;

/// What the host keeps for a running module.
pub(super) struct State {
    ctx: WasiCtx,
    table: ResourceTable,
    pub(super) limiter: Limiter,
}

impl State {
    pub(super) fn new(memory: usize) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        // No file, variable, argument or input, and output that goes nowhere, are the defaults.
        let ctx = WasiCtx::builder()
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .wall_clock(Stopped)
            .monotonic_clock(Stopped)
            .secure_random(always_the_same())
            .insecure_random(always_the_same())
            .insecure_random_seed(0)
            .max_random_size(RANDOM_BYTES)
            .build();
        Self { ctx, table, limiter: Limiter::new(memory) }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// Every byte once, in an order without a pattern, over and over: who draws until a number fits
/// comes to an end.
fn always_the_same() -> Deterministic {
    Deterministic::new((0..=u8::MAX).map(|n| n.wrapping_mul(167).wrapping_add(13)).collect())
}

/// A clock that stands still at the beginning of 1970.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Waiting that takes no time: whatever is waited for is there. A module that waits inside the host
/// would be out of reach of its limits.
pub(super) struct NoWait<'a>(&'a mut ResourceTable);

impl poll::Host for NoWait<'_> {
    fn poll(&mut self, all: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        if all.is_empty() {
            wasmtime::bail!("it waits for nothing");
        }
        Ok((0..).zip(all).map(|(n, _)| n).collect())
    }
}

impl poll::HostPollable for NoWait<'_> {
    fn ready(&mut self, _: Resource<DynPollable>) -> wasmtime::Result<bool> {
        Ok(true)
    }

    fn block(&mut self, _: Resource<DynPollable>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.0, pollable)
    }
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

struct Waiting;

impl HasData for Waiting {
    type Data<'a> = NoWait<'a>;
}

/// Links what is granted, interface by interface: what isn't here can't be had.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    io::error::add_to_linker::<State, Io>(l, |state| &mut state.table)?;
    poll::add_to_linker::<State, Waiting>(l, |state| NoWait(&mut state.table))?;
    sync::io::streams::add_to_linker::<State, Io>(l, |state| &mut state.table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx.random())?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    sync::filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    Ok(linker)
}
