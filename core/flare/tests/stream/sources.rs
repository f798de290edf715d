//! Answers from sources, and drafted content.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use flare::message::{FileBody, Part, Prepared, Pull, Source};
use flare::prelude::*;
use flare::testing::TestClient;

use super::{GET, begin, body, holding, text};

struct Counter(u32);

impl Source for Counter {
    fn pull(&mut self, _: &Request) -> Pull {
        self.0 += 1;
        if self.0 > 3 { Pull::End } else { Pull::Data(self.0.to_string().into()) }
    }
}

#[test]
fn a_source_is_pulled_to_its_end() {
    let mut router = Router::new();
    router.get("/", |_: &Request| Response::new(200).with_body(Body::from_source(Counter(0)))).unwrap();
    let client = TestClient::new(router);
    assert_eq!(client.get("/").text(), "123");
    assert_eq!(client.request("HEAD", "/").send().text(), "");
}

#[test]
fn drafted_content_of_every_kind_goes_before_what_is_written() {
    let path = std::env::temp_dir().join(format!("flare-stream-{}", std::process::id()));
    std::fs::write(&path, "0123").unwrap();
    let file = Arc::new(std::fs::File::open(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    let part = |offset, length| FileBody::new(Arc::clone(&file), offset, length);
    let parts = vec![Part::Bytes("1".into()), Part::File(part(0, 0)), Part::File(part(2, 2))];
    let prepared = Prepared::new(Response::text("123")).unwrap();
    let drafts = [
        Response::text("123"),
        Response::new(200).with_body(part(1, 3)),
        Response::new(200).with_body(parts),
        Response::new(200).with_body(Body::from_source(Counter(0))),
        prepared.into_response(),
    ];
    let (client, held) = holding();
    for mut draft in drafts {
        let kind = format!("{draft:?}");
        draft.trailers_mut().append("x-drafted", "1").unwrap();
        let (mut connection, exchange) = begin(&client, &held, GET);
        assert_eq!(exchange.add_trailer("x-added", "2"), Ok(Ok(())));
        exchange.draft(|response| *response = draft).unwrap();
        exchange.write("4").unwrap();
        assert!(connection.step());
        exchange.write("5").unwrap();
        exchange.finish().unwrap();
        assert!(connection.wait(), "{kind}");
        let (content, trailers) =
            body(&mut connection).split_once("\n0\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let content: String = content.lines().skip(1).step_by(2).collect();
        assert_eq!(
            (content.as_str(), trailers.as_str()),
            ("12345", "x-added: 2\nx-drafted: 1\n\n"),
            "{kind}"
        );
        assert!(connection.is_open());
    }
}

#[test]
fn a_drafted_source_that_waits_holds_back_what_is_written() {
    let (sender, content) = channel();
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    exchange.draft(|response| *response.body_mut() = Body::from_source(Fed(content))).unwrap();
    exchange.write("written").unwrap();
    exchange.finish().unwrap();
    assert!(connection.step());
    assert!(!text(&mut connection).contains("written"));
    sender.send("pulled").unwrap();
    drop(sender);
    exchange.request().wake();
    assert!(connection.wait());
    assert_eq!(text(&mut connection), "6\npulled\n7\nwritten\n0\n\n");
}

/// Gives what comes out of a channel, and ends with it.
struct Fed(Receiver<&'static str>);

impl Source for Fed {
    fn pull(&mut self, _: &Request) -> Pull {
        match self.0.try_recv() {
            Ok(data) => Pull::Data(data.into()),
            Err(TryRecvError::Empty) => Pull::WouldBlock,
            Err(TryRecvError::Disconnected) => Pull::End,
        }
    }
}

/// Content that never comes, from a source that looks at its exchange when it goes.
struct Nosy(Arc<Exchange>, std::sync::mpsc::Sender<bool>);

impl Source for Nosy {
    fn pull(&mut self, _: &Request) -> Pull {
        Pull::WouldBlock
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.1.send(self.0.read().is_err()).unwrap();
    }
}

#[test]
fn a_source_may_use_its_exchange_when_it_goes() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, GET);
    let (sender, gone) = channel();
    let exchange = Arc::new(exchange);
    let source = Nosy(Arc::clone(&exchange), sender);
    exchange.answer(Response::new(200).with_body(Body::from_source(source))).unwrap();
    assert!(connection.step());
    connection.abort();
    assert_eq!(gone.try_recv(), Ok(true));
}
