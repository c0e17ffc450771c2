//! The pack's program: passes bytes between the CLI and the host's socket, and decides nothing.

use super::door::SOCKET;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// What the CLI puts before a language's name to find the program for its packs.
const PROGRAM: &str = "pulumi-analyzer-policy-";

/// How the pack's made-up language begins.
const LANGUAGE: &str = "tidegate-";

/// The language and the program's name of the pack with this nonce.
pub(super) fn names(nonce: &str) -> (String, String) {
    let language = format!("{LANGUAGE}{nonce}");
    let program = format!("{PROGRAM}{language}");
    (language, program)
}

/// Whether this process was started as the program of a gate's policy pack, by its name.
#[must_use]
pub fn is_relay() -> bool {
    let name = std::env::args_os().next();
    let name = name.as_deref().map(Path::new).and_then(Path::file_name);
    name.is_some_and(|name| name.to_string_lossy().starts_with(&format!("{PROGRAM}{LANGUAGE}")))
}

/// Acts as the program of a gate's policy pack, until the CLI interrupts it or is gone.
///
/// It prints the port on which it listens, on loopback only, and connects each connection to the
/// socket in the folder that it was started in. When the host doesn't answer, nothing does.
#[must_use]
pub fn relay() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the gate's relay ends: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> io::Result<()> {
    // Before the port is printed: the CLI may interrupt at any time after it.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let mut out = io::stdout();
    writeln!(out, "{port}")?;
    out.flush()?;
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        () = parent_gone() => Ok(()),
        result = accept(listener) => result,
    }
}

async fn accept(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(pass(stream));
    }
}

/// A connection that breaks on one side ends on the other, which the CLI takes as a failure.
async fn pass(mut from: TcpStream) {
    if let Ok(mut to) = UnixStream::connect(SOCKET).await {
        let _ = copy_bidirectional(&mut from, &mut to).await;
    }
}

/// The CLI holds the other end of standard input and never writes to it. A thread of its own, as a
/// read that nobody ends would keep the runtime from ending.
async fn parent_gone() {
    let (gone, told) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = gone.send(());
    });
    let _ = told.await;
}
