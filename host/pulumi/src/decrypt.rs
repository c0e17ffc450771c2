//! What the CLI decrypts, so that secrets can be told from other text.

use crate::job::Job;
use crate::process::{Allowance, End};
use crate::{
    Cancel, Cli, Environment, Failure, Limits, LocalState, Secret, StackFile, StackId, ending,
    limits,
};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;

/// The runs of the CLI that only read and decrypt.
pub(crate) struct Decrypt<'a> {
    pub(crate) cli: &'a Cli,
    pub(crate) job: &'a Job,
    pub(crate) environment: &'a Environment,
    pub(crate) stack: &'a StackId,
    pub(crate) limits: &'a Limits,
    pub(crate) cancel: &'a Cancel,
}

impl Decrypt<'_> {
    /// The configuration in clear, by key; nothing if it has no secrets. The stack has to be in the
    /// backend `url`.
    pub(crate) async fn config(
        &self,
        folder: &Path,
        url: &Secret,
        stack_file: Option<&StackFile>,
    ) -> Result<Value, Failure> {
        let Some(stack_file) = stack_file.filter(|file| file.has_secrets()) else {
            return Ok(Value::Null);
        };
        let config = self.job.config_copy("config.yaml", Some(stack_file))?;
        let name = self.stack.to_string();
        let arguments = [
            OsStr::new("-C"),
            folder.as_os_str(),
            OsStr::new("config"),
            OsStr::new("--stack"),
            OsStr::new(&name),
            OsStr::new("--config-file"),
            config.as_os_str(),
            OsStr::new("--show-secrets"),
            OsStr::new("--json"),
        ];
        self.answer(url, &arguments, limits::CONFIG_BYTES).await
    }

    /// The deployment in clear.
    pub(crate) async fn state(&self, state: &LocalState) -> Result<Value, Failure> {
        if let Some(deployment) = state.plain_deployment() {
            return Ok(deployment.clone());
        }
        self.export(state, &["--show-secrets"]).await
    }

    /// The deployment with its secrets encrypted, which needs no passphrase.
    pub(crate) async fn encrypted_state(&self, state: &LocalState) -> Result<Value, Failure> {
        match state.encrypted_deployment() {
            Some(deployment) => Ok(deployment.clone()),
            None => self.export(state, &[]).await,
        }
    }

    async fn export(&self, state: &LocalState, flags: &[&str]) -> Result<Value, Failure> {
        let name = self.stack.to_string();
        let all = ["stack", "export", "--stack", &name];
        let arguments: Vec<&OsStr> = all.iter().chain(flags).map(OsStr::new).collect();
        let limit = usize::try_from(limits::STATE_BYTES).unwrap_or(usize::MAX);
        let mut exported = self.answer(state.url(), &arguments, limit).await?;
        exported.get_mut("deployment").map(Value::take).ok_or_else(|| {
            Failure::ResultBroken("the CLI's export of the state has no deployment".to_owned())
        })
    }

    /// What the CLI prints as JSON. None of it, nor what it says when it fails, may be shown.
    async fn answer(
        &self,
        url: &Secret,
        arguments: &[&OsStr],
        limit: usize,
    ) -> Result<Value, Failure> {
        let Limits { time, patience, .. } = *self.limits;
        let allowance = Allowance { time, patience, output: limit };
        let cancel = self.cancel.clone();
        let finished = self
            .job
            .run(self.cli, self.environment, Some(url), arguments, allowance, cancel)
            .await?;
        match finished.end {
            End::Exited(0) => serde_json::from_slice(&finished.stdout).map_err(|error| {
                let place = format!("line {}, column {}", error.line(), error.column());
                Failure::ResultBroken(format!("the CLI's answer is no JSON at {place}"))
            }),
            End::Exited(code) => {
                let ended = ending::Ended { cli: self.cli, stack: self.stack, job: self.job };
                Err(ended.failed(code, &finished, &[], None))
            }
            End::Signalled(signal) => Err(Failure::Killed(signal)),
            End::Stopped(stop) => Err(ending::stopped(stop, self.limits)),
        }
    }
}
