//! Finds and kills the processes that a run left behind.
//!
//! The CLI puts each language host and provider into a process group of its own, so that killing
//! the CLI's group leaves them running, and a provider goes on creating. But they all inherit the
//! run's own `PULUMI_HOME`, and that marks them. A program that clears its environment hides from
//! this; against such a one there is isolation by namespaces, not this.

use crate::limits;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The kernel's flag for its own threads (`PF_KTHREAD`).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// Kills all processes whose `PULUMI_HOME` is `home`, among those that were started since `since`
/// (as [`start_of`] has it). Returns how many are still there after the last round, which is zero
/// unless something forks faster than it can be killed.
pub(crate) fn kill_marked(home: &Path, since: u64) -> usize {
    let mark = mark(home);
    kill(&|variable| variable == mark, Some(since))
}

/// Kills all processes whose `PULUMI_HOME` is inside `folder`.
pub(crate) fn kill_below(folder: &Path) -> usize {
    let mut mark = mark(folder);
    mark.push(b'/');
    kill(&|variable| variable.starts_with(&mark), None)
}

/// When a process was started, in the kernel's ticks since its boot; 0 if it is gone.
pub(crate) fn start_of(pid: Pid) -> u64 {
    Stat::read(pid).map_or(0, |stat| stat.started)
}

/// Whether there is a process of this number on this machine.
pub(crate) fn is_alive(pid: i32) -> bool {
    // One whose end nobody has looked at yet does nothing any more.
    let stat = Pid::from_raw(pid).and_then(Stat::read);
    stat.is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

fn mark(home: &Path) -> Vec<u8> {
    [b"PULUMI_HOME=", home.as_os_str().as_bytes()].concat()
}

fn kill(is_mark: &dyn Fn(&[u8]) -> bool, since: Option<u64>) -> usize {
    for _ in 0..limits::STRAY_ROUNDS {
        let (marked, undecided) = find(is_mark, since);
        if marked.is_empty() && !undecided {
            return 0;
        }
        marked.into_iter().for_each(|pid| kill_one(pid, is_mark));
        // The kernel takes a moment to tear a killed process down, or to set a new one up.
        std::thread::sleep(limits::STRAY_PAUSE);
    }
    find(is_mark, since).0.len()
}

/// Kills through a descriptor, and looks again after opening it: the number alone may by now belong
/// to another process.
fn kill_one(pid: Pid, is_mark: &dyn Fn(&[u8]) -> bool) {
    let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    if environment(pid).is_some_and(|environment| is_marked(&environment, is_mark)) {
        // One that ended meanwhile is what we want.
        let _ = pidfd_send_signal(&descriptor, Signal::KILL);
    }
}

/// The marked processes, and whether there is one of which it can't be told yet: during `exec` the
/// environment is empty for a moment.
fn find(is_mark: &dyn Fn(&[u8]) -> bool, since: Option<u64>) -> (Vec<Pid>, bool) {
    let Ok(entries) = std::fs::read_dir("/proc") else { return (Vec::new(), false) };
    let pids = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw);
    let (mut marked, mut undecided) = (Vec::new(), false);
    for pid in pids {
        // Another user's can't be read, and is none of ours.
        let Some(environment) = environment(pid) else { continue };
        if is_marked(&environment, is_mark) {
            marked.push(pid);
        } else if let Some(since) = since
            && environment.is_empty()
        {
            undecided |= Stat::read(pid).is_some_and(|stat| stat.is_new(since));
        }
    }
    (marked, undecided)
}

fn environment(pid: Pid) -> Option<Vec<u8>> {
    let file = File::open(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    let mut environment = Vec::new();
    file.take(limits::ENVIRON_BYTES).read_to_end(&mut environment).ok()?;
    Some(environment)
}

fn is_marked(environment: &[u8], is_mark: &dyn Fn(&[u8]) -> bool) -> bool {
    environment.split(|byte| *byte == 0).any(is_mark)
}

/// What `/proc/<pid>/stat` says (`proc(5)`).
struct Stat {
    state: char,
    flags: u64,
    started: u64,
}

impl Stat {
    fn read(pid: Pid) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
    }

    /// The name stands in parentheses and may hold any character, so it is cut off first.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            flags: fields.get(6)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// A living process, no thread of the kernel, started no earlier than `since`.
    fn is_new(&self, since: u64) -> bool {
        !matches!(self.state, 'Z' | 'X') && self.flags & KERNEL_THREAD == 0 && self.started >= since
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use std::process::{Child, Command, Stdio};

    fn start(home: &Path) -> (Child, Pid) {
        // `cat` waits for its input and needs no time.
        let child = Command::new("cat")
            .env("PULUMI_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn marked_processes_die_and_others_live() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut ours, pid) = start(home.path());
        let (mut theirs, _) = start(other.path());
        assert_eq!(kill_marked(home.path(), start_of(pid)), 0);
        assert!(!ours.wait().unwrap().success());
        assert!(theirs.try_wait().unwrap().is_none());
        drop(theirs.stdin.take());
        assert!(theirs.wait().unwrap().success());
    }

    #[test]
    fn processes_are_found_by_a_folder_above_their_home() {
        let root = tempfile::tempdir().unwrap();
        let (mut child, pid) = start(&root.path().join("run-1/home-0"));
        // Until its `exec` is over there is nothing to see in it.
        while environment(pid).is_some_and(|environment| environment.is_empty()) {
            std::thread::yield_now();
        }
        assert_eq!(kill_below(&root.path().join("run-2")), 0);
        assert!(child.try_wait().unwrap().is_none());
        assert_eq!(kill_below(&root.path().join("run-1")), 0);
        assert!(!child.wait().unwrap().success());
    }

    #[rstest]
    #[case::living("7 (x) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 500 1", true)]
    #[case::name_with_spaces("7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 1", true)]
    #[case::zombie("7 (x) Z 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 1", false)]
    #[case::kernel_thread("7 (x) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 500 1", false)]
    #[case::older("7 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 499 1", false)]
    fn only_new_living_processes_are_waited_for(#[case] stat: &str, #[case] expected: bool) {
        assert_eq!(Stat::parse(stat).unwrap().is_new(500), expected);
    }
}
