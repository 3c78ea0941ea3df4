//! What the server listens on: ports of TCP, and a path.

use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::ffi::ClosedInChild;
use crate::stream::SharedStream;

/// A socket that is bound, not yet served.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, SocketFile),
}

impl Bound {
    pub(crate) fn tcp(host: &str, port: u16) -> io::Result<(Self, SocketAddr)> {
        let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
        let listener = std::net::TcpListener::bind(addresses.as_slice())?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((Self::Tcp(listener), address))
    }

    pub(crate) fn unix(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = std::os::unix::net::UnixListener::bind(path)?;
        let file = SocketFile::of(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self::Unix(listener, file))
    }

    /// Begins to serve; called on the runtime's thread.
    pub(crate) fn into_listener(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener {
                _file: None,
                _entry: ClosedInChild::new(&listener),
                socket: Listening::Tcp(tokio::net::TcpListener::from_std(listener)?),
            },
            Self::Unix(listener, file) => Listener {
                _file: Some(file),
                _entry: ClosedInChild::new(&listener),
                socket: Listening::Unix(tokio::net::UnixListener::from_std(listener)?),
            },
        })
    }
}

/// A socket that accepts. Field order matters: the table entry goes before the socket is closed.
#[derive(Debug)]
pub(crate) struct Listener {
    _file: Option<SocketFile>,
    _entry: ClosedInChild,
    socket: Listening,
}

#[derive(Debug)]
enum Listening {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<SharedStream> {
        match &self.socket {
            Listening::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Only a matter of latency.
                let _ = stream.set_nodelay(true);
                Ok(SharedStream::tcp(stream))
            }
            Listening::Unix(listener) => Ok(SharedStream::unix(listener.accept().await?.0)),
        }
    }
}

/// The file of a Unix socket: removed when dropped, unless another stands there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            // The working folder may change.
            path: std::path::absolute(path)?,
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // A file that stays is removed by whoever binds the path next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Removes a socket that nobody listens on any more: a process that was killed left it. Anything else stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        fs::remove_file(path)?;
    }
    Ok(())
}
