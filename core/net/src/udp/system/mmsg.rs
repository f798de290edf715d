//! Many messages by one call: `recvmmsg(2)` and `sendmmsg(2)`.

use super::BATCH;
use super::control::{self, Control};
use crate::UdpSocket;
use crate::udp::datagrams::{Haul, Received};
use crate::udp::deliver::{Message, Outlet};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// Rooms of this size and distance would all begin in the same sets of a cache. So each begins a little further on.
const STAGGER: usize = 25 * 64;

/// `struct mmsghdr`, which libc does not have for every Linux.
#[repr(C)]
struct Header {
    message: libc::msghdr,
    length: libc::c_uint,
}

/// An address as the kernel writes and reads it: the longest is that of IPv6, and its family tells what it is.
#[derive(Copy, Clone)]
#[repr(C)]
union Name {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

/// What one call fills in beside the bytes.
#[repr(C)]
struct Headers {
    headers: [Header; BATCH],
    names: [Name; BATCH],
    controls: [Control; BATCH],
    pieces: [libc::iovec; BATCH],
}

/// Buffers for one batch: headers and rooms for the bytes, which the headers point to. Both are outside of Rust's references, because the
/// kernel knows them by pointers that stay.
pub(crate) struct Inbox {
    headers: NonNull<Headers>,
    rooms: NonNull<u8>,
    room: usize,
    /// How many headers the kernel has written to since they were made ready.
    dirty: usize,
}

// SAFETY: all pointers in it point into its own memory.
unsafe impl Send for Inbox {}

impl Inbox {
    /// Rooms of so many bytes for one message each. Memory that no message reaches is never touched.
    pub(crate) fn new(room: usize) -> Inbox {
        let room = room.max(1);
        // SAFETY: zeros are valid headers: integers, and pointers that are null.
        let headers = unsafe { zeroed(Layout::new::<Headers>()) }.cast::<Headers>();
        // SAFETY: bytes.
        let rooms = unsafe { zeroed(rooms_layout(room)) };
        let mut inbox = Inbox { headers, rooms, room, dirty: 0 };
        for place in 0..BATCH {
            let (base, all) = (inbox.base(place), inbox.headers.as_ptr());
            // SAFETY: `place` is less than the length of each array, and nobody else has this memory.
            unsafe {
                let piece = (&raw mut (*all).pieces).cast::<libc::iovec>().add(place);
                *piece = libc::iovec { iov_base: base.cast(), iov_len: room };
                let message = &raw mut (*(&raw mut (*all).headers).cast::<Header>().add(place)).message;
                (*message).msg_name = (&raw mut (*all).names).cast::<Name>().add(place).cast();
                (*message).msg_control = (&raw mut (*all).controls).cast::<Control>().add(place).cast();
                (*message).msg_iov = piece;
                (*message).msg_iovlen = 1;
            }
        }
        inbox.dirty = BATCH;
        inbox
    }

    /// Where a room begins. `place` is less than `BATCH`.
    fn base(&self, place: usize) -> *mut u8 {
        debug_assert!(place < BATCH);
        // SAFETY: that is what `rooms_layout` was made for.
        unsafe { self.rooms.as_ptr().add(place * (self.room + STAGGER)) }
    }

    /// The header of a room. `place` is less than `BATCH`.
    fn header(&mut self, place: usize) -> &mut Header {
        debug_assert!(place < BATCH);
        // SAFETY: the array is as long, and nobody else has this memory while `self` is borrowed.
        unsafe { &mut *(&raw mut (*self.headers.as_ptr()).headers).cast::<Header>().add(place) }
    }

    /// Receives what waits, up to as many messages as there are rooms.
    pub(crate) fn receive(&mut self, socket: &UdpSocket, into: &mut Vec<Received>) -> io::Result<Haul> {
        for place in 0..self.dirty {
            let message = &mut self.header(place).message;
            message.msg_namelen = size_of::<Name>() as libc::socklen_t;
            message.msg_controllen = size_of::<Control>() as _;
        }
        self.dirty = 0;
        let headers = self.headers.as_ptr().cast::<Header>();
        let none = std::ptr::null_mut::<libc::timespec>();
        // SAFETY: the headers point to rooms, names and control buffers of the sizes they say, which live as long as `self`. By the number
        // of the call, because not every C library has it, and because it is no point where a thread may be cancelled.
        let count = unsafe {
            libc::syscall(
                libc::SYS_recvmmsg,
                socket.socket.as_raw_fd(),
                headers,
                BATCH,
                libc::MSG_DONTWAIT,
                none,
            )
        };
        let Ok(count) = usize::try_from(count) else {
            return Err(io::Error::last_os_error());
        };
        let count = count.min(BATCH);
        self.dirty = count;
        let mut haul = Haul { full: count == BATCH, truncated: 0 };
        let local = socket.local_address();
        for place in 0..count {
            haul.truncated += usize::from(!self.read(place, local, into));
        }
        Ok(haul)
    }

    /// Reads what the kernel says about one message. False: it was longer than its room, and what of it is no whole datagram is lost.
    fn read(&mut self, place: usize, local: SocketAddr, into: &mut Vec<Received>) -> bool {
        let room = self.room;
        let header = self.header(place);
        let mut length = (header.length as usize).min(room);
        // SAFETY: the kernel has filled it by the call before, and its buffers live as long as `self`.
        let notes = unsafe { control::read(&header.message) };
        let truncated = header.message.msg_flags & libc::MSG_TRUNC != 0;
        if truncated {
            length -= notes.segment.map_or(length, |segment| length % segment);
        }
        if truncated && length == 0 {
            return false;
        }
        // SAFETY: the name is in the array beside, and the kernel has written so much of it.
        let from = unsafe { address(header.message.msg_name.cast(), header.message.msg_namelen) };
        if let Some(from) = from {
            into.push(Received {
                room: place,
                length,
                segment: notes.segment.unwrap_or(length).max(1),
                from,
                to: notes.to.map_or(local, |(ip, scope)| with_port(ip, scope, local.port())),
                ecn: notes.ecn,
            });
        }
        !truncated
    }

    /// The bytes of one room; nothing for one that is not there.
    pub(crate) fn bytes(&mut self, place: usize) -> &mut [u8] {
        if place >= BATCH {
            return &mut [];
        }
        // SAFETY: the room has so many bytes, all of which were written, if only with zeros; nobody else has it while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.base(place), self.room) }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // SAFETY: both were allocated with these layouts, and are not used again.
        unsafe {
            dealloc(self.headers.as_ptr().cast(), Layout::new::<Headers>());
            dealloc(self.rooms.as_ptr(), rooms_layout(self.room));
        }
    }
}

fn rooms_layout(room: usize) -> Layout {
    match Layout::array::<u8>((room + STAGGER).saturating_mul(BATCH)) {
        Ok(layout) => layout,
        Err(_) => handle_alloc_error(Layout::new::<u8>()),
    }
}

/// Memory of zeros, which costs nothing until it is touched.
///
/// # Safety
/// The layout must not be empty.
unsafe fn zeroed(layout: Layout) -> NonNull<u8> {
    // SAFETY: so the caller.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// The address that the kernel has written.
///
/// # Safety
/// So many bytes must be there.
unsafe fn address(name: *const Name, length: libc::socklen_t) -> Option<SocketAddr> {
    let length = length as usize;
    if length < size_of::<libc::sa_family_t>() {
        return None;
    }
    // SAFETY: the family is first in every address.
    let family = unsafe { name.cast::<libc::sa_family_t>().read() };
    match libc::c_int::from(family) {
        libc::AF_INET if length >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: so many bytes are there.
            let v4 = unsafe { (*name).v4 };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 if length >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: so many bytes are there.
            let v6 = unsafe { (*name).v6 };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn with_port(ip: IpAddr, scope: u32, port: u16) -> SocketAddr {
    match ip {
        IpAddr::V4(ip) => SocketAddrV4::new(ip, port).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
    }
}

/// An address as the kernel reads it, and its length.
fn name(address: SocketAddr) -> (Name, libc::socklen_t) {
    match address {
        SocketAddr::V4(v4) => {
            let name = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*v4.ip()).to_be() },
                sin_zero: [0; 8],
            };
            (Name { v4: name }, size_of::<libc::sockaddr_in>() as libc::socklen_t)
        }
        SocketAddr::V6(v6) => {
            let name = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            (Name { v6: name }, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
        }
    }
}

/// What the kernel reads about one message that is sent.
struct Envelope {
    name: Name,
    control: Control,
    piece: libc::iovec,
}

/// The way out through a socket.
pub(crate) struct Way<'a>(pub(crate) &'a UdpSocket);

impl Outlet for Way<'_> {
    fn send<'a>(&mut self, messages: impl Iterator<Item = Message<'a>>) -> io::Result<usize> {
        let mut envelopes = [const { MaybeUninit::<Envelope>::uninit() }; BATCH];
        let mut headers = [const { MaybeUninit::<Header>::uninit() }; BATCH];
        let any = self.0.local_address().ip().is_unspecified();
        let mut count = 0;
        for ((message, envelope), header) in messages.zip(&mut envelopes).zip(&mut headers) {
            let (name, name_length) = name(message.to);
            // The kernel only reads.
            let piece = libc::iovec {
                iov_base: message.bytes.as_ptr().cast_mut().cast(),
                iov_len: message.bytes.len(),
            };
            let envelope = envelope.write(Envelope { name, control: Control([0; 128]), piece });
            let from = if any { message.from } else { None };
            let control_length =
                control::write(&mut envelope.control, message.to, from, message.ecn, message.segment);
            // SAFETY: zeros are a valid header, and with musl it has padding that can't be named.
            let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
            message.msg_name = (&raw mut envelope.name).cast();
            message.msg_namelen = name_length;
            message.msg_iov = &raw mut envelope.piece;
            message.msg_iovlen = 1;
            if control_length > 0 {
                message.msg_control = (&raw mut envelope.control).cast();
                message.msg_controllen = control_length as _;
            }
            header.write(Header { message, length: 0 });
            count += 1;
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: the first `count` headers were written, and point to envelopes and bytes that outlive the call. By the number of the
        // call: see `receive`.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_sendmmsg,
                self.0.socket.as_raw_fd(),
                headers.as_mut_ptr().cast::<Header>(),
                count,
                flags,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UdpOptions;
    use std::net::UdpSocket as Plain;

    #[test]
    fn a_message_that_is_longer_than_its_room_is_lost_and_what_comes_behind_is_not() {
        let socket = UdpSocket::bind(&([127, 0, 0, 1], 0).into(), &UdpOptions::default()).unwrap();
        let peer = Plain::bind("127.0.0.1:0").unwrap();
        for text in ["one", "much too long", "ten bytes.", "two"] {
            peer.send_to(text.as_bytes(), socket.local_address()).unwrap();
        }
        let mut inbox = Inbox::new(10);
        let mut messages = Vec::new();
        let haul = inbox.receive(&socket, &mut messages).unwrap();
        assert_eq!((haul.truncated, haul.full), (1, false));
        let texts: Vec<_> = messages
            .iter()
            .map(|message| String::from_utf8_lossy(&inbox.bytes(message.room)[..message.length]).into_owned())
            .collect();
        assert_eq!(texts, ["one", "ten bytes.", "two"]);
    }

    #[test]
    fn of_joined_datagrams_that_are_longer_than_their_room_the_whole_ones_are_kept() {
        let socket = UdpSocket::bind(&([127, 0, 0, 1], 0).into(), &UdpOptions::default()).unwrap();
        let sender = UdpSocket::bind(&([127, 0, 0, 1], 0).into(), &UdpOptions::default()).unwrap();
        let run = Message {
            to: socket.local_address(),
            from: None,
            ecn: Default::default(),
            bytes: b"aaaabbbbccccdd",
            segment: Some(4),
        };
        assert_eq!(Way(&sender).send([run].into_iter()).unwrap(), 1);
        let mut inbox = Inbox::new(10);
        let mut messages = Vec::new();
        let haul = inbox.receive(&socket, &mut messages).unwrap();
        assert_eq!(haul.truncated, 1);
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].length, messages[0].segment), (8, 4));
        assert_eq!(&inbox.bytes(messages[0].room)[..8], b"aaaabbbb");
    }

    #[test]
    fn addresses_come_back() {
        for text in
            ["127.0.0.1:80", "255.255.255.255:65535", "[::1]:1", "[fe80::1%7]:9", "[::ffff:1.2.3.4]:5"]
        {
            let expected: SocketAddr = text.parse().unwrap();
            let (name, length) = name(expected);
            // SAFETY: the name is so long.
            assert_eq!(unsafe { address(&raw const name, length) }, Some(expected));
            // SAFETY: as above.
            assert_eq!(unsafe { address(&raw const name, length - 1) }, None);
            // SAFETY: as above.
            assert_eq!(unsafe { address(&raw const name, 0) }, None);
        }
    }

    #[test]
    fn there_is_no_room_beyond_the_last() {
        let mut inbox = Inbox::new(3);
        assert_eq!(inbox.bytes(BATCH - 1), [0; 3]);
        assert!(inbox.bytes(BATCH).is_empty());
    }
}
