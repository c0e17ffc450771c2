//! Runs one program and ends it, with everything it started, when the warden's standard input
//! closes: also when whoever holds the other end is killed.
//!
//! `tidegate-warden LOG PROGRAM ARGUMENTS…` appends the program's output to LOG, prints `pid N` on
//! standard output and later `code N` or `signal N`. The program's end is not the warden's: what
//! the program left running goes on until standard input closes, as it would without a warden.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};

fn main() -> ExitCode {
    match watch(env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate-warden: {error}");
            ExitCode::FAILURE
        }
    }
}

fn watch(arguments: Vec<OsString>) -> io::Result<()> {
    let [log, program, arguments @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("usage: tidegate-warden LOG PROGRAM ARGUMENTS…"));
    };
    // Orphans of the program become children of ours, so that they can be found at the end.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: a terminal's Ctrl-C is for the program's owner to handle.
        .process_group(0)
        .spawn()?;
    let group = Pid::from_child(&child);
    say(&format!("pid {}", child.id()));
    let owner = thread::spawn(|| {
        let mut ignored = Vec::new();
        // An error means the same as the end: nobody is there any more.
        let _ = io::stdin().read_to_end(&mut ignored);
    });
    let waiter = thread::spawn(move || {
        if let Ok(status) = child.wait() {
            match (status.code(), status.signal()) {
                (Some(code), _) => say(&format!("code {code}")),
                (None, signal) => say(&format!("signal {}", signal.unwrap_or_default())),
            }
        }
    });
    // A thread that panicked has ended too.
    let _ = owner.join();
    // The group may be empty by now.
    let _ = kill_process_group(group, Signal::KILL);
    // Before other children are collected: the program's own status is for its waiter.
    let _ = waiter.join();
    end_descendants();
    Ok(())
}

fn say(line: &str) {
    let mut output = io::stdout().lock();
    // The owner may be gone: then nobody wants to know.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Kills and collects all descendants until none is left, where the system lists them.
fn end_descendants() {
    loop {
        let left = descendants();
        for pid in &left {
            // It may have ended by itself.
            let _ = kill_process(*pid, Signal::KILL);
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if left.is_empty() {
            return;
        }
        thread::yield_now();
    }
}

/// Running processes below this one, by Linux's `/proc`; empty on other systems.
fn descendants() -> Vec<Pid> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        parents.extend(parent(&stat));
    }
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut found = vec![own];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        found.extend(parents.iter().filter(|row| row.1 == pid).map(|row| row.0));
    }
    found.into_iter().skip(1).filter_map(Pid::from_raw).collect()
}

/// Process and parent of a line `pid (name) state ppid …`; the name may hold spaces and brackets.
/// Nothing for a process that has ended and only waits to be asked for its status.
fn parent(stat: &str) -> Option<(i32, i32)> {
    let pid = stat.split_whitespace().next()?.parse().ok()?;
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    if rest.next()? == "Z" {
        return None;
    }
    Some((pid, rest.next()?.parse().ok()?))
}
