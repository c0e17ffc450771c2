//! `tidegate keys`.

use crate::cli::KeysCommand;
use anyhow::Result;
use std::process::ExitCode;
use tidegate_ledger::LogKey;

pub(crate) fn run(command: &KeysCommand) -> Result<ExitCode> {
    match command {
        KeysCommand::New { name, out } => {
            let key = LogKey::generate(&name.parse()?)?;
            key.write_new(out)?;
            println!("{}", key.verifier());
        }
        KeysCommand::Show { key } => println!("{}", LogKey::read(key)?.verifier()),
    }
    Ok(ExitCode::SUCCESS)
}
