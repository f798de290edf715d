//! A router is tested without a port: the bytes take the way that they take on a socket, in the thread of the test.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]
use flare::prelude::*;
use flare::testing::TestClient;

fn routes() -> Result<Router, flare::RouteError> {
    let mut router = Router::new();
    router
        .get("/hi/:name", |request: &Request| format!("hi, {}\n", request.param("name").unwrap_or("you")))?;
    Ok(router)
}

#[test]
fn a_name_is_greeted() {
    let client = TestClient::new(routes().unwrap());
    let answer = client.get("/hi/ada");
    assert_eq!((answer.status, answer.text()), (200, "hi, ada\n"));
}

#[test]
fn another_method_is_refused() {
    let client = TestClient::new(routes().unwrap());
    assert_eq!(client.post("/hi/ada", "").status, 405);
}
