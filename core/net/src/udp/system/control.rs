//! Control messages: what Linux tells, and is told, beside the bytes of a message (recvmsg(2), ip(7), ipv6(7), udp(7)).

use crate::Ecn;
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Room for the control messages of one message. `LONGEST` is what is needed.
#[derive(Copy, Clone)]
#[repr(C, align(8))]
pub(super) struct Control(pub(super) [u8; 128]);

/// A local address, a traffic class and a segment size.
const LONGEST: usize = space::<libc::in6_pktinfo>() + 2 * space::<libc::c_int>();
const _: () =
    assert!(LONGEST <= size_of::<Control>() && align_of::<libc::cmsghdr>() <= align_of::<Control>());

/// The bytes that a control message with a `T` takes.
const fn space<T>() -> usize {
    // SAFETY: computes a number, and touches nothing.
    unsafe { libc::CMSG_SPACE(size_of::<T>() as libc::c_uint) as usize }
}

/// What came beside a message.
#[derive(Default)]
pub(super) struct Notes {
    /// The local address, and the interface for one that is valid only there.
    pub(super) to: Option<(IpAddr, u32)>,
    pub(super) ecn: Ecn,
    /// The size of each datagram, if the message is several.
    pub(super) segment: Option<usize>,
}

/// Reads what the kernel wrote beside a message.
///
/// # Safety
/// The header must be one that the kernel has filled, and its control buffer must still be there.
pub(super) unsafe fn read(header: &libc::msghdr) -> Notes {
    let mut notes = Notes::default();
    // SAFETY: the kernel has filled the header and the control buffer that it points to: so the caller.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !next.is_null() {
        // SAFETY: it points to a whole control message's header in the control buffer, which is aligned for it.
        let (level, kind, length) =
            unsafe { ((*next).cmsg_level, (*next).cmsg_type, (*next).cmsg_len as usize) };
        // SAFETY: as above; what it points to is read below, and no more than the length says.
        let data = unsafe { libc::CMSG_DATA(next) };
        // SAFETY: computes a number, and touches nothing.
        let length = length.saturating_sub(unsafe { libc::CMSG_LEN(0) } as usize);
        let holds = |size: usize| length >= size;
        match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) if holds(size_of::<libc::in_pktinfo>()) => {
                // SAFETY: so many bytes are there, and any of them are an in_pktinfo.
                let info = unsafe { data.cast::<libc::in_pktinfo>().read_unaligned() };
                // Not the address in the packet, which may be a broadcast: the one to answer from.
                let address = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
                notes.to = Some((address.into(), 0));
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if holds(size_of::<libc::in6_pktinfo>()) => {
                // SAFETY: so many bytes are there, and any of them are an in6_pktinfo.
                let info = unsafe { data.cast::<libc::in6_pktinfo>().read_unaligned() };
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let scope = if address.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
                notes.to = Some((address.into(), scope as u32));
            }
            // One byte in IPv4, an int in IPv6.
            (libc::IPPROTO_IP, libc::IP_TOS) if holds(1) => {
                // SAFETY: one byte is there.
                notes.ecn = Ecn::from_bits(unsafe { data.read() });
            }
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) if holds(size_of::<libc::c_int>()) => {
                // SAFETY: so many bytes are there, and any of them are an int.
                let class = unsafe { data.cast::<libc::c_int>().read_unaligned() };
                notes.ecn = Ecn::from_bits(class as u8);
            }
            (libc::SOL_UDP, libc::UDP_GRO) if holds(size_of::<libc::c_int>()) => {
                // SAFETY: so many bytes are there, and any of them are an int.
                let size = unsafe { data.cast::<libc::c_int>().read_unaligned() };
                notes.segment = usize::try_from(size).ok().filter(|size| *size > 0);
            }
            _ => {}
        }
        // SAFETY: header and control message are those from above.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    notes
}

/// Writes what the kernel is to be told beside a message, and says how many bytes that took.
pub(super) fn write(
    control: &mut Control,
    to: SocketAddr,
    from: Option<SocketAddr>,
    ecn: Ecn,
    segment: Option<u16>,
) -> usize {
    let mut used = 0;
    match from {
        Some(SocketAddr::V4(from)) if !from.ip().is_unspecified() => {
            let address = libc::in_addr { s_addr: u32::from(*from.ip()).to_be() };
            let none = libc::in_addr { s_addr: 0 };
            let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: none };
            put(control, &mut used, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
        }
        Some(SocketAddr::V6(from)) if !from.ip().is_unspecified() => {
            let address = libc::in6_addr { s6_addr: from.ip().octets() };
            let info = libc::in6_pktinfo { ipi6_addr: address, ipi6_ifindex: from.scope_id() as _ };
            put(control, &mut used, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        }
        _ => {}
    }
    if ecn != Ecn::NotEct {
        let class = libc::c_int::from(ecn.bits());
        match to {
            SocketAddr::V6(to) if !is_mapped(&to) => {
                put(control, &mut used, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class);
            }
            _ => put(control, &mut used, libc::IPPROTO_IP, libc::IP_TOS, class),
        }
    }
    if let Some(segment) = segment {
        put(control, &mut used, libc::SOL_UDP, libc::UDP_SEGMENT, segment);
    }
    used
}

/// Whether it is an IPv4 address in the clothes of IPv6.
fn is_mapped(address: &SocketAddrV6) -> bool {
    address.ip().to_ipv4_mapped().is_some()
}

fn put<T: Copy>(control: &mut Control, used: &mut usize, level: libc::c_int, kind: libc::c_int, value: T) {
    let Some(place) = control.0.get_mut(*used..*used + space::<T>()) else { return };
    let header = place.as_mut_ptr().cast::<libc::cmsghdr>();
    // SAFETY: the place has room for a header and a `T`, in the layout of CMSG_SPACE; it is aligned for the header, since the buffer is and
    // all that CMSG_SPACE gives is. A header of zeros is valid (musl has padding in it).
    unsafe {
        header.write(std::mem::zeroed());
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<T>() as libc::c_uint) as _;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
    }
    *used += space::<T>();
}
