//! Asking for the addresses of a host, and waiting for the answer.

use crate::HostName;
use std::ffi::{CStr, CString};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr;

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no such name, or it has no address.
    NotFound,
    /// It could not be found out: what the system said.
    Failed(String),
    /// Too many names wait to be looked up.
    Busy,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolveError::NotFound => f.write_str("the name has no address"),
            ResolveError::Failed(problem) => f.write_str(problem),
            ResolveError::Busy => f.write_str("too many names wait to be looked up"),
        }
    }
}

impl std::error::Error for ResolveError {}

/// Who knows the addresses of hosts.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a host, at least one, none twice, with port 0. May block: it is called on threads that wait.
    ///
    /// # Errors
    /// Why there are none.
    fn lookup(&self, name: &HostName) -> Result<Vec<SocketAddr>, ResolveError>;
}

/// The system: getaddrinfo, with all that the host is set up with (hosts file, DNS, mDNS, search lists).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        let failed = |problem: &str| ResolveError::Failed(problem.to_owned());
        let name = CString::new(name.as_str()).map_err(|_| failed("the name has a NUL"))?;
        // SAFETY: all zeros is a value of this struct of numbers and pointers: no hints.
        let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
        hints.ai_family = libc::AF_UNSPEC;
        hints.ai_socktype = libc::SOCK_STREAM;
        let mut list = ptr::null_mut();
        // SAFETY: a terminated string, hints that live for the call, and a place for the result.
        let code = unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut list) };
        match code {
            0 => {}
            libc::EAI_NONAME | EAI_NODATA => return Err(ResolveError::NotFound),
            libc::EAI_SYSTEM => return Err(failed(&std::io::Error::last_os_error().to_string())),
            code => {
                // SAFETY: static, terminated text for every number.
                let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
                return Err(failed(&text.to_string_lossy()));
            }
        }
        let mut found = Vec::new();
        let mut next = list;
        while !next.is_null() {
            // SAFETY: an element of the list that getaddrinfo made, which is freed below.
            let info = unsafe { &*next };
            // SAFETY: its address is of its family.
            let address = unsafe { address(info) };
            found.extend(address.filter(|address| !found.contains(address)));
            next = info.ai_next;
        }
        // SAFETY: the list of the call above, which nobody uses any more.
        unsafe { libc::freeaddrinfo(list) };
        if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) }
    }
}

/// The name exists and has no address. Not in libc for every system.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EAI_NODATA: i32 = -5;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EAI_NODATA: i32 = 7;

/// The address of an element, if it is an internet address.
///
/// # Safety
/// `ai_addr` points to an address of `ai_family`, or is NULL.
unsafe fn address(info: &libc::addrinfo) -> Option<SocketAddr> {
    if info.ai_addr.is_null() {
        return None;
    }
    match info.ai_family {
        libc::AF_INET => {
            // SAFETY: the caller's promise; it may be read from any place.
            let address = unsafe { info.ai_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(SocketAddr::from((Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)), 0)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let address = unsafe { info.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, 0, 0, address.sin6_scope_id).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_itself() {
        let found = SystemLookup.lookup(&HostName::new("localhost").unwrap()).unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 0), "{found:?}");
    }

    #[test]
    fn a_name_that_is_reserved_for_nobody_is_not_found() {
        // RFC 6761, 6.4. Without a network the system may only say that it could not ask.
        let error = SystemLookup.lookup(&HostName::new("a.invalid.").unwrap()).unwrap_err();
        assert!(matches!(error, ResolveError::NotFound | ResolveError::Failed(_)), "{error:?}");
    }
}
