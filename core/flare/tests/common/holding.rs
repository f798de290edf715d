//! An exchange that the test has.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use flare::RouteOptions;
use flare::prelude::*;
use flare::testing::TestClient;

/// A router whose `/hold` gives its exchange to the test, on a streaming route.
pub fn holding() -> (TestClient, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.add_with("*", "/hold", RouteOptions::default().streaming(), hold).unwrap();
    router.get("/", |_: &Request| "home").unwrap();
    (TestClient::new(router), receiver)
}
