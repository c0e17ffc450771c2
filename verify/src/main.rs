//! `tidegate-verify`: the auditor's program.

mod cli;
mod print;

use anyhow::Context as _;
use clap::Parser as _;
use cli::Cli;
use print::Style;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tidegate_verify::{Key, Report, Request, verify_log, verify_proof};

/// Keys are a line, checkpoints and proofs some kilobytes, messages with them rarely more.
const MAX_INPUT_BYTES: u64 = 1 << 20;

/// How long nothing is said, and how often something after that.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(io::stderr(), "tidegate-verify: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything was verified.
fn run(cli: &Cli) -> anyhow::Result<bool> {
    let key = read_key(&cli.key)?;
    let proof = cli.proof.as_deref().map(read_named).transpose()?;
    let report = match (&cli.dir, proof) {
        (Some(dir), proof) => {
            let since =
                cli.since.iter().map(|path| read_named(path)).collect::<anyhow::Result<_>>()?;
            let mut progress = Progress::new();
            verify_log(dir, &key, &Request { since, proof }, &mut |done, all| {
                progress.show(done, all)
            })?
        }
        (None, Some((name, text))) => verify_proof(&name, &text, &key)?,
        (None, None) => anyhow::bail!("give a log's folder or --proof"),
    };
    print(&report, cli.json)?;
    Ok(report.verified)
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
    } else {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        out.write_all(print::report(report, Style { colour })?.as_bytes())?;
    }
    Ok(out.flush()?)
}

/// The key of a line, or of a file with the line in it.
fn read_key(text: &str) -> anyhow::Result<Key> {
    match text.parse() {
        Ok(key) => Ok(key),
        Err(error) if text.contains('+') && !Path::new(text).exists() => {
            Err(error).context("--key")
        }
        Err(_) => read(Path::new(text))?
            .parse()
            .with_context(|| format!("--key: the file {text} has no verifier key")),
    }
}

fn read_named(path: &Path) -> anyhow::Result<(String, String)> {
    Ok((path.display().to_string(), read(path)?))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("can't read {}", path.display()))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        anyhow::bail!("{} is larger than 1 MiB", path.display());
    }
    // What is no UTF-8 is found wrong later, with the replacement character in it.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line on the terminal that tells how far it is.
struct Progress {
    shown: Instant,
    is_terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: Instant::now(), is_terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self, done: u64, all: u64) {
        if self.is_terminal && self.shown.elapsed() >= PATIENCE {
            self.shown = Instant::now();
            // Progress that can't be shown is no reason to stop.
            let _ = writeln!(io::stderr(), "{done} of {all} entries");
        }
    }
}
