//! Tells why a run of the CLI did not succeed.

use crate::events::Told;
use crate::job::Job;
use crate::process::{Finished, Stop};
use crate::{Cli, Evidence, Failure, Limits, Redactor, StackId, classify, output};

/// A run that ended by itself.
pub(crate) struct Ended<'a> {
    pub(crate) cli: &'a Cli,
    pub(crate) stack: &'a StackId,
    pub(crate) job: &'a Job,
}

impl Ended<'_> {
    /// Why it failed; `log` is its event log, as far as there is one. Without a redactor that knows
    /// the stack's secrets, nothing of what it said is shown.
    pub(crate) fn failed(
        &self,
        code: i32,
        finished: &Finished,
        log: &[u8],
        redactor: Option<&mut Redactor>,
    ) -> Failure {
        let told = if redactor.is_some() { Told::read(log) } else { Told::default() };
        let evidence = Evidence {
            version: self.cli.version(),
            code,
            stdout: &output::plain(&finished.stdout),
            stderr: &output::plain(&finished.stderr),
            diagnostics: &told.errors,
            result: told.result.as_deref(),
        };
        let tail = match redactor {
            Some(redactor) => {
                let (stdout, stderr) = (&finished.stdout, &finished.stderr);
                output::tail(&output::shown(stdout, stderr, self.job.folder(), redactor))
            }
            None => "[not shown, because the stack's secrets are not known]".to_owned(),
        };
        classify(&evidence, self.stack, tail)
    }
}

/// Why it was stopped from our side.
pub(crate) fn stopped(stop: Stop, limits: &Limits) -> Failure {
    match stop {
        Stop::Cancelled | Stop::Refused => Failure::Cancelled,
        Stop::TimedOut => Failure::TimedOut { seconds: limits.time.as_secs() },
        Stop::OutputTooLarge => Failure::OutputTooLarge { limit: limits.output_bytes },
        Stop::EventLogTooLarge => Failure::EventLogTooLarge { limit: limits.event_log_bytes },
    }
}
