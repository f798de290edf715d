//! Request methods (RFC 9110 section 9, RFC 5789).

/// A request method. Methods are case-sensitive (RFC 9110 section 9.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `CONNECT`
    Connect,
    /// `OPTIONS`
    Options,
    /// `TRACE`
    Trace,
    /// `PATCH` (RFC 5789)
    Patch,
    /// Any other method. Its name is kept by the request head.
    Extension,
}

impl Method {
    /// Whether it only asks, and changes nothing that the client would answer for (RFC 9110, 9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options | Method::Trace)
    }

    /// The method with this name. Any name that is not one of the standard methods is [`Method::Extension`]; whether the
    /// name is a valid token is not checked here.
    #[inline]
    pub fn from_bytes(name: &[u8]) -> Method {
        match name {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            _ => Method::Extension,
        }
    }

    /// The name of a standard method; `None` for [`Method::Extension`].
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Method::Get => Some("GET"),
            Method::Head => Some("HEAD"),
            Method::Post => Some("POST"),
            Method::Put => Some("PUT"),
            Method::Delete => Some("DELETE"),
            Method::Connect => Some("CONNECT"),
            Method::Options => Some("OPTIONS"),
            Method::Trace => Some("TRACE"),
            Method::Patch => Some("PATCH"),
            Method::Extension => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn every_standard_name_comes_back() {
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
            assert_eq!(Method::from_bytes(name.as_bytes()).as_str(), Some(name));
        }
    }

    #[test]
    fn names_are_case_sensitive() {
        assert_eq!(Method::from_bytes(b"get"), Method::Extension);
        assert_eq!(Method::Extension.as_str(), None);
    }
}
