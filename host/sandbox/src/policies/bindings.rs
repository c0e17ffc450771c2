//! The host's side of `policies/wit`.

wasmtime::component::bindgen!({ path: "../../policies/wit", world: "policy" });
