//! The socket behind which the gate answers, and who comes through it.

use rustix::fs::{Mode, OFlags};
use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::Stream;
use tonic::transport::server::Connected;

/// The socket's name in the pack's folder, which is also where the pack is started.
pub(super) const SOCKET: &str = "gate.sock";

/// Opens the door in `folder`, for this user alone.
pub(super) fn open(folder: &Path) -> io::Result<Visitors> {
    // A socket's path has at most 107 bytes, and a scratch folder may lie deep.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(folder, flags, Mode::empty())?;
    let short = Path::new("/proc/self/fd").join(descriptor.as_raw_fd().to_string());
    let listener = UnixListener::bind(short.join(SOCKET))?;
    std::fs::set_permissions(folder.join(SOCKET), Permissions::from_mode(0o600))?;
    Ok(Visitors { listener, user: rustix::process::geteuid().as_raw(), next: 0 })
}

/// The connections, one after the other.
pub(super) struct Visitors {
    listener: UnixListener,
    user: u32,
    next: u64,
}

/// One connection.
pub(super) struct Visitor {
    stream: UnixStream,
    number: u64,
}

/// The number of the connection that a call came by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) u64);

impl Stream for Visitors {
    type Item = io::Result<Visitor>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let stream = match ready!(self.listener.poll_accept(context)) {
                Ok((stream, _)) => stream,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            // Another user is no part of this run, whatever the file's mode was.
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == self.user) {
                self.next += 1;
                return Poll::Ready(Some(Ok(Visitor { stream, number: self.next })));
            }
        }
    }
}

impl Connected for Visitor {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        Caller(self.number)
    }
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
