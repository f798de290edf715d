//! The priority of a stream (RFC 9218).

use crate::grammar::trim_ows;

/// How urgent an answer is, and whether a part of it is of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Priority {
    /// 0, the most urgent, to 7. Default 3.
    pub urgency: u8,
    /// Whether streams of this urgency share the connection. If the client said nothing, they do: RFC 9218's default would let one long answer
    /// hold back all others of a client that knows nothing of priorities.
    pub incremental: bool,
}

impl Priority {
    /// The priority of a stream of which nothing was said.
    pub const UNKNOWN: Priority = Priority { urgency: 3, incremental: true };

    /// What a `priority` field says: what is missing or malformed has its default (RFC 9218 section 4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Priority {
        let mut priority = Priority { urgency: 3, incremental: false };
        for member in value.split(|&byte| byte == b',') {
            // Parameters of members mean nothing here.
            let member = trim_ows(member.split(|&byte| byte == b';').next().unwrap_or_default());
            match member {
                [b'u', b'=', digit @ b'0'..=b'7'] => priority.urgency = digit - b'0',
                b"i" | b"i=?1" => priority.incremental = true,
                b"i=?0" => priority.incremental = false,
                _ => {}
            }
        }
        priority
    }
}

#[cfg(test)]
mod tests {
    use super::Priority;

    #[test]
    fn fields() {
        for (field, urgency, incremental) in [
            ("", 3, false),
            ("u=0", 0, false),
            ("u=7, i", 7, true),
            ("i=?1,u=2", 2, true),
            ("i, i=?0", 3, false),
            ("u=8", 3, false),
            ("u=-1;x, a=b, u", 3, false),
            (" u=5;x=1 ,\ti;y", 5, true),
            ("U=1", 3, false),
        ] {
            assert_eq!(Priority::parse(field.as_bytes()), Priority { urgency, incremental }, "{field}");
        }
    }
}
