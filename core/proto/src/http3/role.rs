//! What differs between a server and a client.

use super::connection::Connection;
use super::error::ConnectionError;
use super::event::Event;
use super::headers::Section;
use crate::section::info::{RequestInfo, ResponseInfo};
use crate::{RequestHead, ResponseHead};

/// The side of a connection: [`Server`] or [`Client`].
pub trait Role: private::Sealed + Sized {
    /// The heads that come in.
    type Head;
    /// What such a head says to the connection's owner.
    type Info;

    #[doc(hidden)]
    const IS_SERVER: bool;

    /// Forgets what a head held.
    #[doc(hidden)]
    fn clear(head: &mut Self::Head);

    /// A field section that is no trailers.
    #[doc(hidden)]
    fn receive_head<'a>(
        connection: &mut Connection<Self>,
        section: Section<'_>,
        head: &mut Self::Head,
    ) -> Result<Option<Event<'a, Self::Info>>, ConnectionError>;
}

/// The side that answers.
#[derive(Debug)]
pub enum Server {}

/// The side that asks.
#[derive(Debug)]
pub enum Client {}

mod private {
    pub trait Sealed {}
    impl Sealed for super::Server {}
    impl Sealed for super::Client {}
}

impl Role for Server {
    type Head = RequestHead;
    type Info = RequestInfo;
    const IS_SERVER: bool = true;

    fn clear(head: &mut RequestHead) {
        head.clear();
    }

    #[inline]
    fn receive_head<'a>(
        connection: &mut Connection<Self>,
        section: Section<'_>,
        head: &mut RequestHead,
    ) -> Result<Option<Event<'a, RequestInfo>>, ConnectionError> {
        connection.receive_request(section, head)
    }
}

impl Role for Client {
    type Head = ResponseHead;
    type Info = ResponseInfo;
    const IS_SERVER: bool = false;

    fn clear(head: &mut ResponseHead) {
        head.clear();
    }

    fn receive_head<'a>(
        connection: &mut Connection<Self>,
        section: Section<'_>,
        head: &mut ResponseHead,
    ) -> Result<Option<Event<'a, ResponseInfo>>, ConnectionError> {
        connection.receive_response(section, head)
    }
}
