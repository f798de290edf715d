//! The fields that every answer of a server has in common.

use crate::http1::push_field;

/// Server and Date (RFC 9110 sections 10.2.4 and 6.6.1) as lines that are ready to be written. They change once a second, so
/// that writing them with each answer is one copy.
#[derive(Clone, Default, Debug)]
pub struct OriginFields {
    /// The line of Server, then that of Date; either may be missing.
    lines: Vec<u8>,
    server_len: usize,
}

impl OriginFields {
    /// Neither field. Does not allocate.
    pub const fn new() -> Self {
        OriginFields { lines: Vec::new(), server_len: 0 }
    }

    /// Replaces both values; `None` for no field. They are written as they are: each has to be a valid field value (RFC 9110
    /// section 5.5), which is not checked.
    pub fn set(&mut self, server: Option<&[u8]>, date: Option<&[u8]>) {
        self.lines.clear();
        if let Some(server) = server {
            push_field(&mut self.lines, b"server", server);
        }
        self.server_len = self.lines.len();
        if let Some(date) = date {
            push_field(&mut self.lines, b"date", date);
        }
    }

    /// The value of Server, if there is one.
    #[inline]
    pub(crate) fn server(&self) -> Option<&[u8]> {
        value_of(self.lines.get(..self.server_len)?, "server: ".len())
    }

    /// The value of Date, if there is one.
    #[inline]
    pub(crate) fn date(&self) -> Option<&[u8]> {
        value_of(self.lines.get(self.server_len..)?, "date: ".len())
    }

    /// Writes the fields that the answer has not got of its own, as lines of HTTP/1.
    #[inline]
    pub(crate) fn push_to(&self, out: &mut Vec<u8>, has_server: bool, has_date: bool) {
        let lines = match (has_server, has_date) {
            (false, false) => Some(self.lines.as_slice()),
            (true, false) => self.lines.get(self.server_len..),
            (false, true) => self.lines.get(..self.server_len),
            (true, true) => None,
        };
        out.extend_from_slice(lines.unwrap_or_default());
    }
}

/// What stands between the name and the CRLF.
#[inline]
fn value_of(line: &[u8], name_len: usize) -> Option<&[u8]> {
    line.get(name_len..line.len().checked_sub(2)?)
}

#[cfg(test)]
mod tests {
    use super::OriginFields;

    #[test]
    fn each_field_gives_way_to_the_answers_own() {
        let mut fields = OriginFields::new();
        let written = |fields: &OriginFields, has_server, has_date| {
            let mut out = Vec::new();
            fields.push_to(&mut out, has_server, has_date);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&fields, false, false), "");
        fields.set(Some(b"old"), None);
        fields.set(Some(b"a"), Some(b"b"));
        assert_eq!(written(&fields, false, false), "server: a\r\ndate: b\r\n");
        assert_eq!((fields.server(), fields.date()), (Some(&b"a"[..]), Some(&b"b"[..])));
        assert_eq!(written(&fields, true, false), "date: b\r\n");
        assert_eq!(written(&fields, false, true), "server: a\r\n");
        assert_eq!(written(&fields, true, true), "");
        fields.set(None, Some(b"b"));
        assert_eq!(written(&fields, false, true), "");
        assert_eq!((fields.server(), fields.date()), (None, Some(&b"b"[..])));
        assert_eq!(written(&fields, false, false), "date: b\r\n");
    }
}
