//! Which identity a client sees: one rule for every TLS library.

use super::{Choice, Hello, LoadedIdentity, Names, Resolver};

/// Identities in the form of a TLS library. One is chosen by the callback, then by name, then the default.
#[derive(Debug)]
pub struct Identities<T> {
    names: Names<T>,
    default: Option<T>,
    resolver: Option<Resolver>,
}

impl<T: Clone> Identities<T> {
    /// Of these, each with what it became; the first is the default. The resolver is asked before.
    pub fn new<'a>(
        identities: impl IntoIterator<Item = (&'a LoadedIdentity, T)>,
        resolver: Option<Resolver>,
    ) -> Self {
        let mut names = Names::new();
        let mut default = None;
        for (identity, adapted) in identities {
            for pattern in identity.patterns() {
                names.add(pattern, &adapted);
            }
            default.get_or_insert(adapted);
        }
        Self { names, default, resolver }
    }

    /// The one for a name, in lower case, that a client asks for; `None` refuses the client. `adapt` makes the form of what the callback gives;
    /// if it can't, the callback counts as if it had given none.
    pub fn choose(&self, name: Option<&str>, adapt: impl FnOnce(&LoadedIdentity) -> Option<T>) -> Option<T> {
        let given = match &self.resolver {
            Some(resolver) => resolver.choose(Hello { server_name: name }),
            None => Choice::ByName,
        };
        let adapted = match given {
            Choice::ByName => None,
            Choice::Identity(identity) => adapt(&identity),
            Choice::Refuse => return None,
        };
        adapted.or_else(|| name.and_then(|name| self.names.find(name)).or(self.default.as_ref()).cloned())
    }
}
