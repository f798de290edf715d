//! The sockets that a worker takes connections from.

use flare_net::{Address, ListenOptions, Listener};

use super::ServerConfig;
use crate::error::Error;

/// Those of one worker.
#[derive(Default)]
pub(crate) struct Sockets {
    /// One for each address, in their order.
    pub(crate) listeners: Vec<Listener>,
    /// Of the addresses that serve HTTP/3: their place in that order, and the socket of the UDP port of the same number.
    #[cfg(feature = "http3")]
    pub(crate) datagrams: Vec<(usize, flare_net::UdpSocket)>,
}

/// Binds one address for every worker: a listener each, or one that they share. Returns the bound address. `datagrams`: the UDP port of the
/// same number too.
pub(super) fn bind_for_all(
    address: &Address,
    datagrams: bool,
    config: &ServerConfig,
    each: &mut [Sockets],
) -> Result<Address, Error> {
    let failed = |error| Error::Bind { address: address.to_string(), error };
    #[cfg(feature = "http3")]
    if let (true, Address::Ip(ip)) = (datagrams, address) {
        return both::bind(*ip, config, each);
    }
    debug_assert!(!datagrams);
    let (bound, listeners) = listen(address, config, each.len()).map_err(failed)?;
    for (worker, listener) in each.iter_mut().zip(listeners) {
        worker.listeners.push(listener);
    }
    Ok(bound)
}

/// A listener for each of so many workers.
fn listen(
    address: &Address,
    config: &ServerConfig,
    workers: usize,
) -> std::io::Result<(Address, Vec<Listener>)> {
    let own = !config.shared_listener && matches!(address, Address::Ip(_)) && workers > 1;
    let reuse_port = own || config.reuse_port;
    let options = ListenOptions { backlog: config.backlog, reuse_port, ..ListenOptions::default() };
    if own && !config.reuse_port {
        // Another server that shares its port the same way would take half of our connections, unseen: only the workers of one
        // server share. Without the option the system says when somebody else is there.
        let alone = ListenOptions { reuse_port: false, ..options.clone() };
        drop(Listener::bind(address, &alone)?);
    }
    let first = Listener::bind(address, &options)?;
    let bound = first.local_address().clone();
    let mut all = vec![first];
    while all.len() < workers
        && let Some(first) = all.first()
    {
        all.push(if own { Listener::bind(&bound, &options)? } else { first.try_clone()? });
    }
    Ok((bound, all))
}

#[cfg(feature = "http3")]
pub(super) use both::share;

/// TCP and UDP on one port number.
#[cfg(feature = "http3")]
mod both {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Arc;

    use flare_net::{Address, BpfInstruction, UdpOptions, UdpSocket};
    use flare_quic::{EndpointShared, Instruction};

    use super::{Sockets, listen};
    use crate::error::Error;
    use crate::log::{Level, Log};
    use crate::server::ServerConfig;

    /// How many ports are tried when any will do: the one that the system finds for TCP may be in use for UDP.
    const TRIES: usize = 32;

    pub(super) fn bind(
        address: SocketAddr,
        config: &ServerConfig,
        each: &mut [Sockets],
    ) -> Result<Address, Error> {
        let mut tries = if address.port() == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            match bind_once(address, config, each) {
                Err(error) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
                result => {
                    return result.map_err(|error| Error::Bind { address: address.to_string(), error });
                }
            }
        }
    }

    fn bind_once(address: SocketAddr, config: &ServerConfig, each: &mut [Sockets]) -> io::Result<Address> {
        let (bound, listeners) = listen(&Address::Ip(address), config, each.len())?;
        let Address::Ip(ip) = bound else { return Err(io::ErrorKind::InvalidInput.into()) };
        let sockets = open(ip, config.reuse_port, each.len())?;
        for ((worker, listener), socket) in each.iter_mut().zip(listeners).zip(sockets) {
            worker.datagrams.push((worker.listeners.len(), socket));
            worker.listeners.push(listener);
        }
        Ok(bound)
    }

    /// A socket for each of so many workers. They never share one: each connection belongs to a worker.
    fn open(address: SocketAddr, reuse_port: bool, workers: usize) -> io::Result<Vec<UdpSocket>> {
        let options = UdpOptions { reuse_port: reuse_port || workers > 1, ..UdpOptions::default() };
        if options.reuse_port && !reuse_port {
            // As with listeners: nobody else may share it.
            drop(UdpSocket::bind(&address, &UdpOptions { reuse_port: false, ..options.clone() })?);
        }
        (0..workers).map(|_| UdpSocket::bind(&address, &options)).collect()
    }

    /// What the endpoints of all workers share. Where the system can, it is told which of them a datagram is for.
    pub(in super::super) fn share(
        each: &[Sockets],
        config: &ServerConfig,
        log: &Log,
    ) -> io::Result<Arc<EndpointShared>> {
        // There are at most 1024.
        let workers = u16::try_from(each.len()).unwrap_or(u16::MAX);
        let shared = EndpointShared::new(config.quic.clone(), workers)?;
        // Sockets of other servers at the same port would be counted too.
        if let [first, _, ..] = each
            && config.quic.steering
            && !config.reuse_port
        {
            let program: Vec<BpfInstruction> = shared.steering().into_iter().map(in_bpf).collect();
            // The worker's number is the place of its socket: they were bound in that order. One speaks for all of an address.
            for (_, socket) in &first.datagrams {
                match socket.steer(&program) {
                    Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                        log.tell(Level::Info, "datagrams are not steered", || error.to_string());
                    }
                    _ => {}
                }
            }
        }
        Ok(shared)
    }

    fn in_bpf(one: Instruction) -> BpfInstruction {
        let Instruction { code, if_true, if_false, operand } = one;
        BpfInstruction { code, if_true, if_false, operand }
    }
}
