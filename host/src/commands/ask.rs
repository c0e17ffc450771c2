//! The core's verbs from the command line.

use crate::cli::AskArgs;
use crate::exit::{Coded, NO};
use anyhow::{Context as _, Result};
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use tidegate_core::Verb;
use tidegate_core::limits::INPUT_BYTES;
use tidegate_core::verdict::Verdict;
use tidegate_sandbox::{CallError, Rules};

pub(crate) fn run(verb: Verb, args: &AskArgs) -> Result<ExitCode> {
    let input = read(args)?;
    let answer = if args.native {
        verb.call(&input).map_err(Coded::NotUnderstood)?
    } else {
        match Rules::embedded()?.call(verb, &input) {
            Err(CallError::Refused(text)) => return Err(Coded::NotUnderstood(text).into()),
            answer => answer?,
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(&answer)
        .and_then(|()| out.write_all(b"\n"))
        .context("the answer can't be written")?;
    if verb == Verb::Decide {
        let verdict: Verdict = serde_json::from_slice(&answer)?;
        if !verdict.submittable {
            return Ok(ExitCode::from(NO));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(args: &AskArgs) -> Result<Vec<u8>> {
    let mut input = Vec::new();
    let most = INPUT_BYTES as u64 + 1;
    match &args.input {
        Some(path) => std::fs::File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut input))
            .with_context(|| format!("{} can't be read", path.display()))?,
        None => std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut input)
            .context("standard input can't be read")?,
    };
    Ok(input)
}
