use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress::Progress;

/// Between two looks at a running program.
const POLL: Duration = Duration::from_millis(10);

/// Lines of a log that an error repeats.
const LAST_LINES: usize = 40;

/// A log's end that is read for its last lines; more would only fill a screen.
const TAIL_BYTES: u64 = 64 * 1024;

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    what: String,
}

impl Finished {
    /// Standard output if the code is 0.
    ///
    /// # Errors
    /// The command, its code and what it printed on both.
    pub fn ok(self) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        bail!("`{}` ended with {code}\n{}{}", self.what, self.stderr, self.stdout,)
    }
}

/// Runs a program to its end and returns its code and output.
///
/// # Errors
/// It could not be started, or did not end within `timeout` and was killed.
pub fn finish(command: &mut Command, timeout: Duration) -> Result<Finished> {
    let what = describe(command);
    // Files, not pipes: a program that prints much is never blocked by us.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()
        .with_context(|| format!("failed to start `{what}`"))?;
    let status = wait(&mut child, timeout)?;
    let (stdout, stderr) = (text(&mut stdout)?, text(&mut stderr)?);
    let Some(status) = status else {
        bail!("`{what}` did not end within {timeout:?} and was killed\n{stderr}{stdout}")
    };
    Ok(Finished { code: status.code(), stdout, stderr, what })
}

/// Runs something long into a log file, with lines on the terminal while it goes on.
///
/// # Errors
/// It could not be started, failed or took longer than `timeout`; with the log's last lines.
pub fn run_logged(what: &str, log: &Path, timeout: Duration, command: &mut Command) -> Result<()> {
    let mut file = append(log)?;
    writeln!(file, "$ {}", describe(command))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("failed to start `{}`", describe(command)))?;
    let progress = Progress::start(what, Some(log));
    let status = wait(&mut child, timeout)?;
    drop(progress);
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("{what} failed ({status}); {}", quote(log)),
        None => bail!("{what} took longer than {timeout:?}; {}", quote(log)),
    }
}

/// Opens a log for appending and makes its folder.
pub(crate) fn append(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("failed to open the log {}", log.display()))
}

/// The last lines of a log; empty where there is none.
pub(crate) fn last_lines(log: &Path, count: usize) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The log's place and its end, for an error message.
pub(crate) fn quote(log: &Path) -> String {
    format!("the end of {}:\n{}", log.display(), last_lines(log, LAST_LINES),)
}

fn wait(child: &mut Child, timeout: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_failure_names_command_code_and_output() {
        let mut command = Command::new("git");
        command.arg("no-such-command");
        let finished = finish(&mut command, Duration::from_secs(60)).unwrap();
        let error = finished.ok().unwrap_err().to_string();
        assert!(error.starts_with("`git no-such-command` ended with code 1\n"));
        assert!(error.contains("is not a git command"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_its_deadline() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let error = finish(&mut command, Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
    }

    #[test]
    fn a_logged_failure_repeats_the_logs_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("deep/run.log");
        let mut command = Command::new("git");
        command.arg("no-such-command");
        let error = run_logged("asking git", &log, Duration::from_secs(60), &mut command);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("asking git failed (exit status: 1); the end of"));
        assert!(error.contains("$ git no-such-command\n"), "{error}");
    }
}
