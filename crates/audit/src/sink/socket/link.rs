//! One connection to the peer. Everything here blocks, but never longer than the write timeout.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{Target, Transport};

pub(super) enum Link {
    Tcp(TcpStream, Duration),
    Unix(UnixStream, Duration),
    Udp(UdpSocket),
}

impl Link {
    pub(super) fn connect(target: &Target, timeout: Duration) -> io::Result<Self> {
        match target.transport {
            Transport::Unix => {
                let stream = connect_unix(&target.address)?;
                stream.set_write_timeout(Some(timeout))?;
                Ok(Self::Unix(stream, timeout))
            }
            Transport::Tcp => {
                let stream = first(&target.address, |address| TcpStream::connect_timeout(&address, timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream, timeout))
            }
            Transport::Udp => first(&target.address, |address| {
                let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(own)?;
                socket.connect(address)?;
                socket.set_write_timeout(Some(timeout))?;
                Ok(Self::Udp(socket))
            }),
        }
    }

    /// A line with its newline, which a datagram goes without. An error leaves the connection useless.
    pub(super) fn send(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream, timeout) => {
                stream.set_nonblocking(true)?;
                let is_there = check_open(stream);
                stream.set_nonblocking(false)?;
                is_there?;
                write_all(stream, line, *timeout)
            }
            Self::Unix(stream, timeout) => {
                stream.set_nonblocking(true)?;
                let is_there = check_open(stream);
                stream.set_nonblocking(false)?;
                is_there?;
                write_all(stream, line, *timeout)
            }
            Self::Udp(socket) => socket.send(line.strip_suffix(b"\n").unwrap_or(line)).map(drop),
        }
    }
}

/// The first of a name's addresses that works. Errors: that of the last one.
fn first<T>(address: &str, connect: impl Fn(std::net::SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut outcome = Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for address in address.to_socket_addrs()? {
        outcome = connect(address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Without waiting: a listener whose backlog is full would hold us for ever.
fn connect_unix(path: &str) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Whether the peer has hung up, so that no line is handed to a dead connection. What the peer says is ignored.
fn check_open(stream: &mut impl Read) -> io::Result<()> {
    let mut ignored = [0u8; 512];
    match stream.read(&mut ignored) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The whole line within the time, also when the peer takes a byte now and then.
fn write_all(stream: &mut impl Write, mut bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let start = Instant::now();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What a socket says when its timeout is over.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        }
        if !bytes.is_empty() && start.elapsed() >= timeout {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}
