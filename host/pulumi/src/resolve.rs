//! What a run left at the backend: locks, operations that were never finished, the state's digest.

use crate::decrypt::Decrypt;
use crate::job::Job;
use crate::process::{Allowance, End};
use crate::strays::is_alive;
use crate::{
    Backend, Cancel, Cli, Environment, Failure, Limits, LocalState, Lock, Scratch, StackId, ending,
};
use serde_json::Value;

/// Where a run's traces are looked for.
#[derive(Clone, Copy)]
pub struct ResolveRequest<'a> {
    /// The CLI.
    pub cli: &'a Cli,
    /// Where the run's own files go.
    pub scratch: &'a Scratch,
    /// Where the stack's state is.
    pub backend: &'a Backend,
    /// The stack.
    pub stack: &'a StackId,
    /// What each run of the CLI may take.
    pub limits: Limits,
}

/// What is at the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Who holds a lock; `None` if this backend can't tell without taking one.
    pub locks: Option<Vec<Lock>>,
    /// Operations that were begun and of which the engine doesn't know how they ended. A create
    /// among them may have left something that no state knows.
    pub pending_operations: Vec<PendingOperation>,
    /// SHA-256 of the state's bytes as the backend gave them.
    pub state_digest: String,
}

/// An operation of which nobody knows how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingOperation {
    /// `creating`, `updating`, `deleting`, `reading` or `importing`, as the state has it.
    pub operation: String,
    /// The resource.
    pub urn: String,
}

/// Why a lock is not taken away.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The backend doesn't tell who holds it.
    #[error(
        "cannot tell whose lock is on {0}: look at it, and run `pulumi cancel` if its run is dead"
    )]
    Unknown(StackId),
    /// It is not that of a dead run of this host.
    #[error(
        "the lock on {stack} is held by {user}@{host} (process {process}): it is not taken away, \
         because that is no dead run of this host"
    )]
    NotOurs {
        /// The stack.
        stack: StackId,
        /// Its holder.
        user: String,
        /// The machine.
        host: String,
        /// The process there.
        process: u64,
    },
    /// The CLI did not do it.
    #[error("cannot take the lock on {stack} away")]
    Cli {
        /// The stack.
        stack: StackId,
        /// Why.
        #[source]
        source: Failure,
    },
}

impl Resolved {
    pub(crate) fn of(state: &LocalState, deployment: &Value) -> Self {
        let pending = deployment.get("pending_operations").and_then(Value::as_array);
        let text = |value: Option<&Value>| {
            value.and_then(Value::as_str).unwrap_or_default().chars().take(NAME).collect()
        };
        let operation = |pending: &Value| PendingOperation {
            operation: text(pending.get("type")),
            urn: text(pending.pointer("/resource/urn")),
        };
        Self {
            locks: state.locks().map(<[Lock]>::to_vec),
            pending_operations: pending.into_iter().flatten().map(operation).collect(),
            state_digest: state.digest().to_owned(),
        }
    }
}

/// Longest name that is taken from a state, in characters: Pulumi's URNs stay far below.
const NAME: usize = 4_000;

/// Looks at what is at the backend, also long after a run, without the stack's passphrase.
///
/// # Errors
/// If the state can't be had.
pub async fn resolve(request: ResolveRequest<'_>, cancel: &Cancel) -> Result<Resolved, Failure> {
    let ResolveRequest { cli, scratch, backend, stack, limits } = request;
    let state = backend.local_copy(cli, scratch, stack, &[], &limits, cancel).await?;
    let job = Job::new(scratch)?;
    let environment = Environment::new();
    let decrypt =
        Decrypt { cli, job: &job, environment: &environment, stack, limits: &limits, cancel };
    let deployment = decrypt.encrypted_state(&state).await?;
    Ok(Resolved::of(&state, &deployment))
}

/// Takes the locks of dead runs of this host away (`pulumi cancel --yes`): all of them have to be
/// held by a process of this machine, by its host name, that no longer exists. That says nothing
/// about whose run it was: the caller has to know that the run was its own.
///
/// # Errors
/// If one of the locks may be somebody else's; or the CLI fails.
pub async fn release(request: ResolveRequest<'_>, cancel: &Cancel) -> Result<(), ReleaseError> {
    let ResolveRequest { cli, scratch, backend, stack, limits } = request;
    let failed = |source| ReleaseError::Cli { stack: stack.clone(), source };
    let resolved = resolve(request, cancel).await.map_err(failed)?;
    let locks = resolved.locks.ok_or_else(|| ReleaseError::Unknown(stack.clone()))?;
    if locks.is_empty() {
        return Ok(());
    }
    let this_host = this_host().map_err(failed)?;
    if let Some(other) = locks.iter().find(|lock| !is_dead(lock, &this_host)) {
        return Err(ReleaseError::NotOurs {
            stack: stack.clone(),
            user: other.user.clone(),
            host: other.host.clone(),
            process: other.process,
        });
    }
    let (url, environment) = backend.access().map_err(|error| failed(error.into()))?;
    let job = Job::new(scratch).map_err(|error| failed(error.into()))?;
    let allowance =
        Allowance { time: limits.time, patience: limits.patience, output: limits.output_bytes };
    let name = stack.to_string();
    let arguments = ["cancel", "--yes", "--stack", &name];
    let finished = job
        .run(cli, &environment, Some(&url), arguments, allowance, cancel.clone())
        .await
        .map_err(|error| failed(error.into()))?;
    match finished.end {
        End::Exited(0) => Ok(()),
        End::Exited(code) => {
            let ended = ending::Ended { cli, stack, job: &job };
            Err(failed(ended.failed(code, &finished, &[], None)))
        }
        End::Signalled(signal) => Err(failed(Failure::Killed(signal))),
        End::Stopped(stop) => Err(failed(ending::stopped(stop, &limits))),
    }
}

/// The name that the CLI writes into its locks.
fn this_host() -> Result<String, Failure> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name =
        name.map_err(|error| Failure::Machine(format!("cannot tell this host's name: {error}")))?;
    Ok(name.trim().to_owned())
}

/// A lock of this host's own CLI, whose process is gone.
fn is_dead(lock: &Lock, this_host: &str) -> bool {
    let process = i32::try_from(lock.process).unwrap_or(0);
    lock.host == this_host && process > 0 && !is_alive(process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn lock(host: &str, process: u64) -> Lock {
        Lock {
            file: "a.json".to_owned(),
            user: "tidegate".to_owned(),
            host: host.to_owned(),
            process,
            since: "2026-01-02T03:04:05Z".to_owned(),
        }
    }

    #[rstest]
    #[case::of_another_machine("h2", u64::from(u32::MAX / 2), false)]
    #[case::of_a_living_process("h1", u64::from(std::process::id()), false)]
    #[case::of_a_process_that_is_gone("h1", u64::from(u32::MAX / 2), true)]
    #[case::without_a_process("h1", 0, false)]
    #[case::of_an_impossible_process("h1", u64::MAX, false)]
    fn only_a_dead_process_of_this_machine_is_dead(
        #[case] host: &str,
        #[case] process: u64,
        #[case] expected: bool,
    ) {
        assert_eq!(is_dead(&lock(host, process), "h1"), expected);
    }
}
