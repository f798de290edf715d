//! Entity tags and lists of them (RFC 9110, 8.8.3, 13.1.1, 13.1.2).

/// The entity tag of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntityTag {
    /// As it is sent: `"opaque"` or `W/"opaque"`.
    text: String,
}

/// How two entity tags are compared (8.8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Equal, and neither is weak.
    Strong,
    /// Equal but for the mark of weakness.
    Weak,
}

impl EntityTag {
    /// `opaque` holds neither quotes nor white space.
    pub(super) fn new(opaque: &str, weak: bool) -> Self {
        Self { text: format!("{}\"{opaque}\"", if weak { "W/" } else { "" }) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_weak(&self) -> bool {
        self.text.starts_with("W/")
    }

    /// Whether another one, as a client sent it, is the same.
    pub(super) fn matches(&self, other: &[u8], comparison: Comparison) -> bool {
        match comparison {
            Comparison::Strong => !self.is_weak() && other == self.text.as_bytes(),
            Comparison::Weak => without_mark(other) == without_mark(self.text.as_bytes()),
        }
    }
}

fn without_mark(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether the text is one entity tag and nothing else.
pub(super) fn is_entity_tag(text: &[u8]) -> bool {
    matches!(split(text), Some((_, b"")))
}

/// Whether a value of `If-Match` or `If-None-Match` names this tag, or is `*`, which names whatever there is. Behind a member that is no
/// entity tag nothing is read.
pub(super) fn names(value: &[u8], tag: Option<&EntityTag>, comparison: Comparison) -> bool {
    if value == b"*" {
        return true;
    }
    let Some(tag) = tag else { return false };
    let mut rest = value;
    loop {
        while let [b' ' | b'\t' | b',', behind @ ..] = rest {
            rest = behind;
        }
        let Some((member, behind)) = split(rest) else { return false };
        if tag.matches(member, comparison) {
            return true;
        }
        rest = behind;
        while let [b' ' | b'\t', behind @ ..] = rest {
            rest = behind;
        }
        if rest.first() != Some(&b',') {
            return false;
        }
    }
}

/// The entity tag at the start of the text, and the rest.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = text.len() - without_mark(text).len();
    let opaque = text.get(mark..)?.strip_prefix(b"\"")?;
    let length = opaque.iter().position(|&byte| !is_opaque(byte))?;
    if opaque.get(length) != Some(&b'"') {
        return None;
    }
    text.split_at_checked(mark + length + 2)
}

/// `etagc`.
fn is_opaque(byte: u8) -> bool {
    byte == 0x21 || (byte >= 0x23 && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_rfc() {
        // RFC 9110, 8.8.3.2, table 3.
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "W/\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            let tag = EntityTag { text: one.to_owned() };
            assert_eq!(tag.matches(other.as_bytes(), Comparison::Strong), strong, "{one} {other}");
            assert_eq!(tag.matches(other.as_bytes(), Comparison::Weak), weak, "{one} {other}");
        }
    }

    #[test]
    fn lists() {
        let tag = EntityTag::new("a", false);
        for found in [
            "*",
            "\"a\"",
            "\"b\", \"a\"",
            "\"b\",\"a\"",
            "W/\"b\" , \"a\" ,",
            ", ,\"a\"",
            "\"b,\"\t,\t\"a\"",
            "\"\",\"a\"",
        ] {
            assert!(names(found.as_bytes(), Some(&tag), Comparison::Strong), "{found}");
        }
        for missing in [
            "",
            "a",
            "\"b\"",
            "\"a",
            "a\"",
            "\"b\" \"a\"",
            "b, \"a\"",
            "\"b\\\"x, \"a\"",
            "\"A\"",
            "w/\"a\"",
            "\"a \"",
            "\"b, \"a\"",
            "W/\"a\"",
            "\"*\"",
            "*, \"b\"",
        ] {
            assert!(!names(missing.as_bytes(), Some(&tag), Comparison::Strong), "{missing}");
        }
        assert!(names(b"W/\"a\"", Some(&tag), Comparison::Weak));
        assert!(names(b"*", None, Comparison::Strong));
        assert!(!names(b"\"a\"", None, Comparison::Weak));
    }

    #[test]
    fn one_tag_alone() {
        for tag in ["\"\"", "\"a\"", "W/\"a\"", "\"\u{fc}\""] {
            assert!(is_entity_tag(tag.as_bytes()), "{tag}");
        }
        for none in ["", "\"", "a", "\"a\"b", "\"a\", \"b\"", "W/", "W/a", "\"a b\""] {
            assert!(!is_entity_tag(none.as_bytes()), "{none}");
        }
    }
}
