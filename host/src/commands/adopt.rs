//! `tidegate adopt`: takes stacks over as they are.

use crate::config::Config;
use crate::exit::Coded;
use crate::serve::control::{AdoptRequest, Adopted, socket};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How long the answer may take: the state of each stack is read.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn run(path: &Path, request: &AdoptRequest, json: bool) -> Result<ExitCode> {
    let config = Config::read(path)?;
    let socket = socket(&config.state);
    if !socket.exists() {
        let text = format!(
            "{} isn't there: `tidegate serve` has to run on this machine while stacks are adopted",
            socket.display()
        );
        return Err(Coded::Config(text).into());
    }
    // Another provider can't be installed yet: this is the first thing that happens.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let adopted = runtime.block_on(ask(&socket, request))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&adopted)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (stack, baseline) in &adopted.stacks {
        println!("{stack}: adopted at {} (state {})", baseline.revision, baseline.state.short());
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(socket: &Path, request: &AdoptRequest) -> Result<Adopted> {
    let client = reqwest::Client::builder().unix_socket(socket).timeout(PATIENCE).build()?;
    let answer = client
        // The host name is of no matter: the socket is the address.
        .post("http://tidegate/adopt")
        .json(request)
        .send()
        .await
        .with_context(|| format!("`tidegate serve` doesn't answer on {}", socket.display()))?;
    if !answer.status().is_success() {
        anyhow::bail!("{}", answer.text().await?);
    }
    Ok(answer.json().await?)
}
