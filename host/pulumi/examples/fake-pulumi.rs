//! Stands in for the Pulumi CLI in tests of what the real one does rarely: it hangs, floods, dies.
//!
//! It is started through a link named `pulumi`; files beside the link say what it does: `version`
//! holds what `pulumi version` prints, `preview` one of the words below. Through a link named like a
//! plugin it is one that never says a word.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

type Failed = Box<dyn std::error::Error>;

/// The log of a preview that succeeds, without its end.
const BEGUN: &str = concat!(
    r#"{"sequence":0,"timestamp":1,"preludeEvent":{"config":{}}}"#,
    "\n",
    r#"{"sequence":1,"resourcePreEvent":{"metadata":{"op":"create","urn":"urn:pulumi:dev::app::t::r"}}}"#,
    "\n",
);
const ENDED: &str = concat!(
    r#"{"sequence":2,"summaryEvent":{"isPreview":true,"result":"succeeded"}}"#,
    "\n",
    r#"{"sequence":3,"cancelEvent":{}}"#,
    "\n",
);

fn main() -> Result<ExitCode, Failed> {
    let arguments: Vec<String> = std::env::args().collect();
    let here = Path::new(&arguments[0]).parent().unwrap_or(Path::new(".")).to_owned();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let name = Path::new(&arguments[0]).file_name().unwrap_or_default().to_string_lossy();
    if has("stay") || name.starts_with("pulumi-") {
        return stay();
    }
    if has("version") {
        print!("{}", std::fs::read_to_string(here.join("version"))?);
        return Ok(ExitCode::SUCCESS);
    }
    if has("preview") {
        return preview(&here, &arguments);
    }
    Ok(ExitCode::from(99))
}

fn preview(here: &Path, arguments: &[String]) -> Result<ExitCode, Failed> {
    let after = |flag: &str| -> Result<PathBuf, Failed> {
        let at = arguments.iter().position(|argument| argument == flag).ok_or("no such flag")?;
        Ok(PathBuf::from(arguments.get(at + 1).ok_or("no value")?))
    };
    let log = after("--event-log")?;
    let plan = after("--save-plan")?;
    let write = |text: &str| std::fs::write(&log, text);
    std::fs::write(&plan, r#"{"resourcePlans":{}}"#)?;
    match std::fs::read_to_string(here.join("preview"))?.trim() {
        "succeeds" => write(&[BEGUN, ENDED].concat())?,
        "hangs" => {
            write(BEGUN)?;
            loop {
                std::thread::park();
            }
        }
        "hangs-on" => {
            // A plugin, in a group of its own as the engine's are, which outlives the CLI.
            Command::new(&arguments[0]).arg("stay").stdin(Stdio::null()).spawn()?;
            write(BEGUN)?;
            return stay();
        }
        "leaves-a-plugin" => {
            use std::os::unix::process::CommandExt as _;
            Command::new(&arguments[0]).arg("stay").process_group(0).spawn()?;
            write(&[BEGUN, ENDED].concat())?;
        }
        "floods-output" => {
            let line = [b'x'; 1024];
            loop {
                std::io::stdout().write_all(&line)?;
            }
        }
        "floods-errors" => loop {
            eprintln!("{}", "x".repeat(1024));
        },
        "floods-events" => {
            let mut file = std::fs::File::create(&log)?;
            loop {
                file.write_all(BEGUN.as_bytes())?;
            }
        }
        "escapes" => {
            println!("\x1b[2J\x1b]0;evil\x07\x1b[31mred\x1b[0m\u{202e}\x08 \x1b[1mend");
            write(&[BEGUN, ENDED].concat())?;
        }
        "dies" => {
            write(BEGUN)?;
            std::process::abort();
        }
        "says-something-new" => {
            write(BEGUN)?;
            eprintln!("error: the moon is in the wrong phase");
            return Ok(ExitCode::from(42));
        }
        "truncates" => write(&BEGUN[..BEGUN.len() - 9])?,
        "has-no-log" => {}
        "has-no-plan" => {
            write(&[BEGUN, ENDED].concat())?;
            std::fs::remove_file(&plan)?;
        }
        "breaks-the-plan" => {
            write(&[BEGUN, ENDED].concat())?;
            std::fs::write(&plan, r#"{"resourcePlans":"#)?;
        }
        "claims-failure" => write(&[BEGUN, &ENDED.replace("succeeded", "failed")].concat())?,
        "violates" => {
            write(BEGUN)?;
            println!("error: resource urn:x violates plan: ~~pw[{{canary-in-a-plan}}!={{y}}]");
            return Ok(ExitCode::FAILURE);
        }
        "shows-itself" => {
            write(&[BEGUN, ENDED].concat())?;
            println!("arguments {:?}", &arguments[1..]);
            std::env::vars().for_each(|(name, value)| println!("variable {name}={value}"));
            println!("folder {}", std::env::current_dir()?.display());
            print!("{}", std::fs::read_to_string("/proc/self/status")?);
        }
        other => return Err(format!("unknown word {other:?}").into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Stays until it is killed: SIGINT and SIGTERM are taken and ignored.
#[tokio::main(flavor = "current_thread")]
async fn stay() -> Result<ExitCode, Failed> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
    }
}
