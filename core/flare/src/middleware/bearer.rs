//! Bearer tokens (RFC 6750).

use std::sync::Arc;

use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::exchange::Exchange;
use crate::message::{IntoResponse, Request, Response};
use crate::middleware::{Middleware, Step};
use crate::server::ConfigError;

/// Lets only requests with a valid bearer token pass (RFC 6750).
///
/// The token comes in the field `Authorization` (section 2.1); tokens in the query or the content are not looked at. Refused
/// are, before any content is read: no token, 401; an invalid token, 401 with `error="invalid_token"`; a malformed field or
/// more than one, 400 with `error="invalid_request"` (section 3.1). Handlers get the [`Identity`] from [`identity`].
///
/// ```
/// use flare::middleware::{BearerAuth, identity};
/// use flare::prelude::*;
///
/// let mut router = Router::new();
/// router.layer(BearerAuth::tokens("api", [("8d1f0c", "ann"), ("77aa1b", "ben")])?);
/// router.get("/", |request: &Request| match identity(request) {
///     Some(who) => format!("hello, {}", who.name()),
///     None => "hello".to_owned(),
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BearerAuth {
    validator: Box<Validator>,
    /// Values of `WWW-Authenticate`: without an error, and with each of the errors.
    no_token: String,
    invalid_token: String,
    invalid_request: String,
}

type Validator = dyn Fn(&str, &Request) -> Option<Identity> + Send + Sync;

/// Who sent a request, as a token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
}

impl Identity {
    /// An identity with a name, which may be any text.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The identity of a request, if [`BearerAuth`] has let it pass.
#[must_use]
pub fn identity(request: &Request) -> Option<Arc<Identity>> {
    request.extension()
}

impl BearerAuth {
    /// Asks `validator` about each token. It is called on a worker and must not block. It may attach more to the request than
    /// the identity. A comparison of secrets should take the same time whatever their content: see [`FixedTokens`].
    ///
    /// `realm` names what is protected (RFC 9110, 11.5).
    ///
    /// # Errors
    /// The realm has other characters than printable ASCII.
    pub fn new(
        realm: &str,
        validator: impl Fn(&str, &Request) -> Option<Identity> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        if !realm.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            let problem = format!("{realm:?} has other characters than printable ASCII");
            return Err(ConfigError { field: "realm".to_owned(), problem });
        }
        let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let no_token = format!("Bearer realm=\"{quoted}\"");
        Ok(Self {
            validator: Box::new(validator),
            invalid_token: format!("{no_token}, error=\"invalid_token\""),
            invalid_request: format!("{no_token}, error=\"invalid_request\""),
            no_token,
        })
    }

    /// Takes a fixed set of tokens, each with the name of its owner. See [`FixedTokens`].
    ///
    /// # Errors
    /// The realm has other characters than printable ASCII, or something is no token. The error does not tell the token.
    pub fn tokens<T: AsRef<str>, N: Into<String>>(
        realm: &str,
        tokens: impl IntoIterator<Item = (T, N)>,
    ) -> Result<Self, ConfigError> {
        let tokens = FixedTokens::new(tokens)?;
        Self::new(realm, move |token, _| tokens.find(token).map(Identity::new))
    }

    fn check(&self, request: &Request) -> Result<Identity, (u16, &str)> {
        let mut fields = request.headers().get_all("authorization");
        let Some(field) = fields.next() else { return Err((401, &self.no_token)) };
        if fields.next().is_some() {
            return Err((400, &self.invalid_request));
        }
        // The scheme is compared without regard to case (RFC 9110, 11.1).
        let scheme = field.iter().position(|byte| *byte == b' ').unwrap_or(field.len());
        let (scheme, credentials) = field.split_at_checked(scheme).unwrap_or((field, b""));
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Err((401, &self.no_token));
        }
        let token = std::str::from_utf8(credentials.trim_ascii_start()).unwrap_or_default();
        if !is_token68(token) {
            return Err((400, &self.invalid_request));
        }
        (self.validator)(token, request).ok_or((401, &self.invalid_token))
    }
}

impl Middleware for BearerAuth {
    fn on_request(&self, exchange: Exchange) -> Step {
        let request = exchange.request();
        match self.check(request) {
            Ok(identity) => {
                request.set_extension(identity);
                Step::Next(exchange)
            }
            Err((status, challenge)) => {
                exchange.respond(refusal(status, challenge));
                Step::Done
            }
        }
    }
}

fn refusal(status: u16, challenge: &str) -> impl IntoResponse {
    Response::status_only(status).with_header("www-authenticate", challenge)
}

impl std::fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BearerAuth").field("challenge", &self.no_token).finish_non_exhaustive()
    }
}

/// `b64token` (RFC 6750, 2.1): `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// A fixed set of tokens. A look-up compares with all of them and takes a time that depends on their number and lengths, not on
/// their content, so that nobody can guess a token piece by piece.
pub struct FixedTokens {
    tokens: Vec<(String, String)>,
}

impl FixedTokens {
    /// A set of tokens with the names of their owners. Of equal tokens the last counts.
    ///
    /// # Errors
    /// Something is no token (RFC 6750, 2.1: letters, digits and `-._~+/`, with `=` only at the end). The error tells its place
    /// and not the token.
    pub fn new<T: AsRef<str>, N: Into<String>>(
        tokens: impl IntoIterator<Item = (T, N)>,
    ) -> Result<Self, ConfigError> {
        let check = |(index, (token, name)): (usize, (T, N))| {
            let token = token.as_ref();
            if is_token68(token) {
                return Ok((token.to_owned(), name.into()));
            }
            let problem = format!("number {} is no token of RFC 6750", index + 1);
            Err(ConfigError { field: "tokens".to_owned(), problem })
        };
        let tokens = tokens.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
        Ok(Self { tokens })
    }

    /// The name of the owner of a token.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<&str> {
        let mut found = u64::MAX;
        for (index, (own, _)) in (0_u64..).zip(&self.tokens) {
            found.conditional_assign(&index, own.as_bytes().ct_eq(token.as_bytes()));
        }
        let index = usize::try_from(found).ok()?;
        self.tokens.get(index).map(|(_, name)| name.as_str())
    }
}

impl std::fmt::Debug for FixedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FixedTokens").field("tokens", &self.tokens.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Router;
    use crate::testing::{TestClient, TestResponse};

    fn client(auth: BearerAuth) -> TestClient {
        let mut router = Router::new();
        router.layer(auth);
        router
            .get("/", |request: &Request| {
                identity(request).map_or(String::new(), |who| who.name().to_owned())
            })
            .unwrap();
        TestClient::new(router)
    }

    fn ann_and_ben() -> TestClient {
        client(BearerAuth::tokens("the \"api\"", [("aaa.111-_~+/==", "ann"), ("bbb", "ben")]).unwrap())
    }

    fn send(client: &TestClient, values: &[&str]) -> TestResponse {
        values
            .iter()
            .fold(client.request("GET", "/"), |request, value| request.header("authorization", value))
            .send()
    }

    #[test]
    fn a_valid_token_gives_its_identity() {
        let client = ann_and_ben();
        for (value, name) in [
            ("Bearer aaa.111-_~+/==", "ann"),
            ("Bearer bbb", "ben"),
            ("bearer bbb", "ben"),
            ("BEARER   bbb", "ben"),
        ] {
            let answer = send(&client, &[value]);
            assert_eq!((answer.status, answer.text()), (200, name), "{value}");
        }
    }

    #[test]
    fn refusals_say_why() {
        let client = ann_and_ben();
        let realm = "Bearer realm=\"the \\\"api\\\"\"";
        for (values, status, error) in [
            (&[][..], 401, ""),
            (&["Basic YTpi"], 401, ""),
            (&["Bearerbbb"], 401, ""),
            (&[""], 401, ""),
            (&["Bearer bbbb"], 401, ", error=\"invalid_token\""),
            (&["Bearer bb"], 401, ", error=\"invalid_token\""),
            (&["Bearer BBB"], 401, ", error=\"invalid_token\""),
            (&["Bearer"], 400, ", error=\"invalid_request\""),
            (&["Bearer a b"], 400, ", error=\"invalid_request\""),
            (&["Bearer =a"], 400, ", error=\"invalid_request\""),
            (&["Bearer ="], 400, ", error=\"invalid_request\""),
            (&["Bearer a=b"], 400, ", error=\"invalid_request\""),
            (&["Bearer \tbbb,"], 400, ", error=\"invalid_request\""),
            (&["Bearer b\u{e4}r"], 400, ", error=\"invalid_request\""),
            (&["Bearer bbb", "Bearer bbb"], 400, ", error=\"invalid_request\""),
            (&["Basic YTpi", "Bearer bbb"], 400, ", error=\"invalid_request\""),
        ] {
            let answer = send(&client, values);
            assert_eq!(answer.status, status, "{values:?}");
            assert_eq!(answer.header("www-authenticate"), Some(&*format!("{realm}{error}")), "{values:?}");
        }
    }

    #[test]
    fn paths_without_a_route_are_protected_too() {
        let client = ann_and_ben();
        assert_eq!(client.get("/missing").status, 401);
        assert_eq!(
            client.request("GET", "/missing").header("authorization", "Bearer bbb").send().status,
            404
        );
    }

    #[test]
    fn a_validator_sees_the_request_and_may_attach_more() {
        let auth = BearerAuth::new("r", |token, request| {
            request.set_extension(token.len());
            (request.path() == "/").then(|| Identity::new("x"))
        });
        let mut router = Router::new();
        router.layer(auth.unwrap());
        router.any("/*all", |request: &Request| format!("{:?}", request.extension::<usize>())).unwrap();
        let client = TestClient::new(router);
        assert_eq!(send(&client, &["Bearer four"]).text(), "Some(4)");
        let refused = client.request("GET", "/other").header("authorization", "Bearer four").send();
        assert_eq!(refused.status, 401);
    }

    #[test]
    fn wrong_settings_are_errors_that_tell_no_secret() {
        let error = BearerAuth::new("a\nb", |_, _| None).unwrap_err();
        assert_eq!(error.field, "realm");
        let error = FixedTokens::new([("ok", "a"), ("sec ret", "b")]).unwrap_err();
        assert_eq!(error.to_string(), "setting tokens: number 2 is no token of RFC 6750");
        let tokens = FixedTokens::new([("secret", "ann")]).unwrap();
        assert_eq!(format!("{tokens:?}"), "FixedTokens { tokens: 1 }");
    }

    #[test]
    fn the_set_of_tokens() {
        let tokens = FixedTokens::new([("a", "1"), ("b", "2"), ("a", "3")]).unwrap();
        assert_eq!(
            [tokens.find("a"), tokens.find("b"), tokens.find("c"), tokens.find("")],
            [Some("3"), Some("2"), None, None]
        );
        assert_eq!(FixedTokens::new([("", ""); 0]).unwrap().find("a"), None);
    }
}
