//! The sockets that listeners wait on. A unix socket has its permission bits before anyone can find it, never replaces the
//! socket of a server that lives, and is removed at the end.

use std::fs::{Permissions, remove_file, rename, set_permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_core::wire::Opens;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::config::{Address, Forwarded, Listener, Serves, TlsConfig};
use crate::tls::{Tls, TlsError};

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("listening on {address}")]
    Tcp { address: SocketAddr, source: io::Error },
    #[error("listening on `{path}`")]
    Unix { path: PathBuf, source: io::Error },
    #[error("`{path}` is taken: something else is there, or a server listens on it")]
    UnixTaken { path: PathBuf },
    #[error("TLS of {address}")]
    Tls { address: SocketAddr, source: TlsError },
}

/// One listener, bound. Owned by its accept loop alone, so the socket closes when that ends.
#[derive(Debug)]
pub(crate) struct Door {
    pub address: Address,
    pub rules: Arc<Rules>,
    socket: Socket,
}

/// What a listener's connections need of it for as long as they live.
#[derive(Debug)]
pub(crate) struct Rules {
    pub tls: Option<Tls>,
    pub forwarded: Forwarded,
    pub opens: Opens,
    pub serves: Serves,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix { socket: UnixListener, _file: SocketFile },
}

/// What accept gives.
#[derive(Debug)]
pub(crate) enum Raw {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Door {
    pub(crate) async fn bind(listener: Listener) -> Result<Self, SocketError> {
        let Listener { address, tls, forwarded, opens, serves } = listener;
        let (address, tls, socket) = match address {
            Address::Tcp(address) => bind_tcp(address, tls).await?,
            Address::Unix { path, mode } => {
                let (socket, file) = bind_unix(&path, mode)?;
                (Address::Unix { path, mode }, None, Socket::Unix { socket, _file: file })
            }
        };
        Ok(Self { address, rules: Arc::new(Rules { tls, forwarded, opens, serves }), socket })
    }

    /// The next connection and the address it comes from, in its IPv4 form where it has one.
    pub(crate) async fn accept(&self) -> io::Result<(Raw, Option<SocketAddr>)> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Raw::Tcp(stream), Some(SocketAddr::new(peer.ip().to_canonical(), peer.port()))))
            }
            Socket::Unix { socket, .. } => socket.accept().await.map(|(stream, _)| (Raw::Unix(stream), None)),
        }
    }
}

async fn bind_tcp(address: SocketAddr, tls: Option<TlsConfig>) -> Result<(Address, Option<Tls>, Socket), SocketError> {
    let tls = tls.map(Tls::new).transpose().map_err(|source| SocketError::Tls { address, source })?;
    let failed = |source| SocketError::Tcp { address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok((Address::Tcp(address), tls, Socket::Tcp(socket)))
}

/// The file of a unix socket, removed when the listener goes.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone_already = remove_file(&self.0);
    }
}

/// Binds under a name of its own, sets the mode, then renames: nobody can connect before the mode holds.
fn bind_unix(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile), SocketError> {
    let failed = |source| SocketError::Unix { path: path.to_owned(), source };
    if is_taken(path).map_err(failed)? {
        return Err(SocketError::UnixTaken { path: path.to_owned() });
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let hidden = SocketFile(PathBuf::from(name));
    let socket = UnixListener::bind(&hidden.0).map_err(failed)?;
    set_permissions(&hidden.0, Permissions::from_mode(mode)).map_err(failed)?;
    rename(&hidden.0, path).map_err(failed)?;
    Ok((socket, SocketFile(path.to_owned())))
}

/// A socket that refuses connections is left from an earlier run and may be replaced; all else is somebody's.
fn is_taken(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => Ok(true),
        Ok(_) => Ok(!matches!(std::os::unix::net::UnixStream::connect(path),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)),
    }
}
