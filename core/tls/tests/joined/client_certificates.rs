//! Clients that show certificates.

use flare_tls::{ClientAuth, Failure, Source};
use time::Duration;

use crate::support::authority::Pair;
use crate::support::{Authority, Joined, contexts, plain};

/// What the server says of a client with this certificate, and the certificate it saw.
fn server_says(
    auth: impl Fn(Vec<Source>) -> ClientAuth,
    authority: &Authority,
    client_pair: Option<&Pair>,
) -> (Option<Failure>, Option<Vec<u8>>) {
    let (_, mut server, mut client) = plain();
    let own = Authority::new("server");
    server.identities = vec![own.issue(&["server.test"]).identity()];
    client.trust = flare_tls::Trust::Roots(vec![own.pem()]);
    server.client_auth = auth(vec![authority.pem()]);
    client.identity = client_pair.map(Pair::identity);
    let (server, client) = contexts(&server, &client);
    let joined = Joined::shaken(&server, &client);
    let certificate = joined.server.seen.session.as_ref().and_then(|session| session.peer_certificate());
    (joined.server.seen.failure.clone(), certificate.map(<[u8]>::to_vec))
}

fn required(roots: Vec<Source>) -> ClientAuth {
    ClientAuth::Required { roots, revocation_lists: Vec::new() }
}

fn optional(roots: Vec<Source>) -> ClientAuth {
    ClientAuth::Optional { roots, revocation_lists: Vec::new() }
}

#[test]
fn a_good_certificate_is_shown_to_the_server() {
    let authority = Authority::new("clients");
    let pair = authority.issue(&["client.test"]);
    for auth in [required, optional] {
        let (failure, certificate) = server_says(auth, &authority, Some(&pair));
        assert_eq!(failure, None);
        let der = certificate.unwrap();
        assert!(der.windows(11).any(|part| part == b"client.test"));
    }
}

#[test]
fn no_certificate_is_a_failure_only_where_one_is_required() {
    let authority = Authority::new("clients");
    let (failure, certificate) = server_says(required, &authority, None);
    assert_eq!((failure, certificate), (Some(Failure::Certificate("there is none".to_owned())), None));
    assert_eq!(server_says(optional, &authority, None), (None, None));
}

#[test]
fn a_bad_certificate_is_a_failure_everywhere() {
    let authority = Authority::new("clients");
    let expired = authority.issue_valid(&["client.test"], 1, Duration::days(-9), Duration::days(-1));
    let foreign = Authority::new("others").issue(&["client.test"]);
    for auth in [required, optional] {
        for (pair, reason) in
            [(&expired, "has expired"), (&foreign, "is of an authority that is not believed")]
        {
            let (failure, certificate) = server_says(auth, &authority, Some(pair));
            assert_eq!((failure, certificate), (Some(Failure::Certificate(reason.to_owned())), None));
        }
    }
}

#[test]
fn a_revoked_client_is_refused_and_so_is_one_that_an_old_list_allows() {
    let authority = Authority::new("clients");
    let good = authority.issue_valid(&["good.test"], 10, Duration::days(-1), Duration::days(1));
    let revoked = authority.issue_valid(&["bad.test"], 11, Duration::days(-1), Duration::days(1));
    let with = |list: Source| {
        move |roots: Vec<Source>| ClientAuth::Required { roots, revocation_lists: vec![list.clone()] }
    };
    let list = authority.revoke(&[&revoked], Duration::days(1));
    assert_eq!(server_says(with(list.clone()), &authority, Some(&good)).0, None);
    let (failure, _) = server_says(with(list), &authority, Some(&revoked));
    assert_eq!(failure, Some(Failure::Certificate("was revoked".to_owned())));
    let old = authority.revoke(&[], Duration::days(-1));
    let (failure, _) = server_says(with(old), &authority, Some(&good));
    assert_eq!(failure, Some(Failure::Certificate("its revocation list is too old".to_owned())));
    // A list of somebody else covers nothing.
    let other = Authority::new("others").revoke(&[], Duration::days(1));
    let (failure, _) = server_says(with(other), &authority, Some(&good));
    assert_eq!(failure, Some(Failure::Certificate("is covered by no revocation list".to_owned())));
}
