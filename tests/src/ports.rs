use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// A loopback port that nobody listens on at this moment.
///
/// Another process may take it before it is used, so whoever starts a server on it must also check
/// that the server is the one that answers.
///
/// # Errors
/// The system has no port to give.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("failed to find a free port on loopback")?;
    Ok(listener.local_addr()?.port())
}

/// Whether the process `pid` holds a socket that listens on `port`. `None` where the system doesn't
/// tell (it has no Linux `/proc`).
pub(crate) fn listens(pid: u32, port: u16) -> Option<bool> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(text) = fs::read_to_string(table) else {
            continue;
        };
        sockets.extend(text.lines().filter_map(|line| listening_socket(line, port)));
    }
    let held = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    Some(
        held.flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str())),
    )
}

/// The socket of a line of the kernel's table as `/proc/PID/fd` names it.
fn listening_socket(line: &str, port: u16) -> Option<String> {
    // Columns: number, local address, remote address, state (0A is LISTEN), …, tenth the inode.
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
    let matches = u16::from_str_radix(local_port, 16).ok()? == port && *columns.get(3)? == "0A";
    matches.then(|| format!("socket:[{}]", columns.get(9).unwrap_or(&"")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_listener_is_known_by_its_process() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = std::process::id();
        assert_ne!(listens(own, port), Some(false));
        assert_ne!(listens(1, port), Some(true));
        drop(listener);
        assert_ne!(listens(own, port), Some(true));
    }
}
