//! Server names: exact ones, and wildcards for one label (RFC 6125, 6.4.3).

use std::collections::HashMap;

use rustls_pki_types::DnsName;

/// A name that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamePattern {
    Exact(String),
    /// `*.example.org` without its first label.
    Below(String),
}

impl NamePattern {
    /// `None`: it is neither a DNS name nor one with `*` as its first label.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("*.") {
            Some(rest) => (is_name(rest) && rest.contains('.')).then(|| Self::Below(rest.to_owned())),
            None => is_name(&lower).then_some(Self::Exact(lower)),
        }
    }
}

/// Whether a text is a DNS name as it stands in a ClientHello (RFC 6066, 3): no address, no final dot.
fn is_name(text: &str) -> bool {
    DnsName::try_from(text).is_ok() && !text.ends_with('.') && text.parse::<std::net::Ipv4Addr>().is_err()
}

/// A value for each name; the first that was added for a name wins.
#[derive(Debug)]
pub(crate) struct Names<T> {
    exact: HashMap<String, T>,
    below: HashMap<String, T>,
}

impl<T: Clone> Names<T> {
    pub(crate) fn new() -> Self {
        Self { exact: HashMap::new(), below: HashMap::new() }
    }

    pub(crate) fn add(&mut self, pattern: NamePattern, value: &T) {
        let (map, name) = match pattern {
            NamePattern::Exact(name) => (&mut self.exact, name),
            NamePattern::Below(name) => (&mut self.below, name),
        };
        map.entry(name).or_insert_with(|| value.clone());
    }

    /// The value for a name: exact before wildcard. The name is in lower case.
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        let below = || name.split_once('.').and_then(|(_, rest)| self.below.get(rest));
        self.exact.get(name).or_else(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_go_before_wildcards_and_a_wildcard_is_one_label() {
        let mut names = Names::new();
        for (pattern, value) in [("*.Example.org", 1), ("www.example.ORG", 2), ("www.example.org", 3)] {
            names.add(NamePattern::parse(pattern).unwrap(), &value);
        }
        for (name, found) in [
            ("a.example.org", Some(&1)),
            ("www.example.org", Some(&2)),
            ("example.org", None),
            ("a.b.example.org", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(names.find(name), found, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.org",
            "a.*.org",
            "*a.example.org",
            "a b",
            "10.0.0.1",
            "::1",
            "a.example.",
            "ä.org",
        ] {
            assert_eq!(NamePattern::parse(text), None, "{text}");
        }
        assert_eq!(NamePattern::parse("localhost"), Some(NamePattern::Exact("localhost".into())));
    }
}
