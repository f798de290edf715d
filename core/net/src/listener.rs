//! Listening sockets.

use crate::Address;
use crate::socket_file::{SocketFile, remove_stale};
use socket2::{Domain, Socket, Type};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// How to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// How many connections may wait to be accepted. The system may have a lower bound (`net.core.somaxconn`). Default 1024.
    pub backlog: u32,
    /// Whether several listeners share one address and the system spreads connections over them (SO_REUSEPORT). All of them must set it,
    /// and belong to one user. Ignored for Unix sockets. Default false.
    pub reuse_port: bool,
    /// Whether accepted TCP connections send small pieces at once (TCP_NODELAY). Default true.
    pub nodelay: bool,
    /// Whether an IPv6 listener takes IPv6 only, and not IPv4 as mapped addresses. Default true.
    pub v6_only: bool,
    /// The permission bits of a Unix socket's file, 0 to 0o777. `None` leaves the process's umask to decide. Default `None`.
    pub unix_mode: Option<u32>,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions { backlog: 1024, reuse_port: false, nodelay: true, v6_only: true, unix_mode: None }
    }
}

/// A socket that listens. It accepts once [`Driver::listen`](crate::Driver::listen) has it; connections wait in its backlog until then.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: ListenSocket,
    address: Address,
    pub(crate) nodelay: bool,
    file: Option<Arc<SocketFile>>,
}

/// The two types of listening socket, in the form that accepts without blocking.
#[derive(Debug)]
pub(crate) enum ListenSocket {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
}

impl Listener {
    /// Binds and listens.
    ///
    /// For a Unix address, a socket file that nobody answers any more is replaced; the file of this listener is removed when its last
    /// clone is dropped, unless another file has taken its place.
    ///
    /// # Errors
    /// `AddrInUse` when somebody listens there, or the path is no socket; `PermissionDenied` for ports and folders that are not
    /// allowed; `InvalidInput` for a path that is too long for a socket (about 100 bytes); and what else the system says.
    pub fn bind(address: &Address, options: &ListenOptions) -> io::Result<Listener> {
        let backlog = i32::try_from(options.backlog).unwrap_or(i32::MAX);
        match address {
            Address::Ip(ip) => {
                let socket = Socket::new(Domain::for_address(*ip), Type::STREAM, None)?;
                // Lets a restarted server bind while connections of the old one are in TIME_WAIT.
                socket.set_reuse_address(true)?;
                if options.reuse_port {
                    socket.set_reuse_port(true)?;
                }
                if ip.is_ipv6() {
                    socket.set_only_v6(options.v6_only)?;
                }
                // Linux hands the option down to accepted sockets, which saves a system call for each.
                socket.set_tcp_nodelay(options.nodelay)?;
                socket.bind(&address.to_socket2()?)?;
                socket.listen(backlog)?;
                Listener::from_socket(socket, options.nodelay, None)
            }
            Address::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                let to = address.to_socket2()?;
                let path = path.as_deref().unwrap_or(Path::new(""));
                if let Err(error) = socket.bind(&to) {
                    if error.kind() != io::ErrorKind::AddrInUse || !remove_stale(path)? {
                        return Err(error);
                    }
                    socket.bind(&to)?;
                }
                let file = SocketFile::own(path)?;
                if let Some(mode) = options.unix_mode {
                    // Before listening: nobody can connect while the file has the wrong mode.
                    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
                }
                socket.listen(backlog)?;
                Listener::from_socket(socket, false, Some(Arc::new(file)))
            }
        }
    }

    fn from_socket(socket: Socket, nodelay: bool, file: Option<Arc<SocketFile>>) -> io::Result<Listener> {
        socket.set_nonblocking(true)?;
        let address = Address::from_socket2(&socket.local_addr()?);
        let socket = ListenSocket::new(socket.into(), &address);
        Ok(Listener { socket, address, nodelay, file })
    }

    /// Where it listens: with the port the system chose when port 0 was asked for.
    pub fn local_address(&self) -> &Address {
        &self.address
    }

    /// Another handle on the same socket, for a second driver. Each connection goes to one of them.
    ///
    /// # Errors
    /// Running out of descriptors.
    pub fn try_clone(&self) -> io::Result<Listener> {
        let socket = ListenSocket::new(self.as_fd().try_clone_to_owned()?, &self.address);
        Ok(Listener { socket, address: self.address.clone(), nodelay: self.nodelay, file: self.file.clone() })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            ListenSocket::Tcp(socket) => socket.as_fd(),
            ListenSocket::Unix(socket) => socket.as_fd(),
        }
    }
}

impl ListenSocket {
    fn new(socket: OwnedFd, address: &Address) -> ListenSocket {
        match address {
            Address::Ip(_) => ListenSocket::Tcp(mio::net::TcpListener::from_std(socket.into())),
            Address::Unix(_) => ListenSocket::Unix(mio::net::UnixListener::from_std(socket.into())),
        }
    }
}
