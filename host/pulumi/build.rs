//! Makes the gate's messages and service out of `proto/analyzer.proto`, without a `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/analyzer.proto");
    let files = protox::compile(["proto/analyzer.proto"], ["proto"])?;
    tonic_prost_build::configure().build_client(false).build_transport(false).compile_fds(files)?;
    Ok(())
}
