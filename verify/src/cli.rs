//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Verifies a Tidegate log without trusting whoever wrote it.
///
/// Every hash is computed anew from the entries, every tile is compared, and the checkpoint's
/// signature is checked. What is wrong is named: the file, the entry, the hash that should be
/// there and the one that is.
#[derive(Debug, Parser)]
#[command(name = "tidegate-verify", version, after_long_help = EXAMPLES, after_help = "--help has examples and the exit codes.")]
pub(crate) struct Cli {
    /// The log's folder; it may be left out to verify a proof alone.
    #[arg(value_name = "DIR", required_unless_present = "proof")]
    pub(crate) dir: Option<PathBuf>,

    /// The log's public key, a line `<name>+<id>+<base64>`, or a file with it.
    ///
    /// Get it from somebody you trust, not from the log's folder.
    #[arg(long, value_name = "VKEY|FILE")]
    pub(crate) key: String,

    /// A checkpoint saved earlier, alone or in the text of a message; the log must extend it.
    ///
    /// May be given several times. Without one, a log that was rewritten by its key's holder
    /// looks like any other.
    #[arg(long, value_name = "CHECKPOINT_FILE", requires = "dir")]
    pub(crate) since: Vec<PathBuf>,

    /// A proof that one entry is in the log (c2sp.org/tlog-proof@v1).
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,

    /// Print the whole report as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Verify a log with the key that the administrator published:
    tidegate-verify /srv/tidegate/log --key log.vkey

  Also check that it extends the checkpoint of last quarter's deploy message:
    tidegate-verify log --key log.vkey --since message-2026-q3.txt

  Verify the proof of one entry; the log is not needed:
    tidegate-verify --proof deploy-17.tlog-proof --key 'example.com/log+530d903a+Aekye...'

  List in a script what is wrong:
    tidegate-verify log --key log.vkey --json | jq -r '.findings[].text'

Exit codes:
  0  verified: everything that was asked for holds (there may be warnings)
  1  not verified: each finding is printed
  2  nothing was verified: wrong usage, or a file that can't be read";
