//! Content both ways: windows, backpressure, trailers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use flare_proto::http3::ErrorCode;
use flare_quic::QuicSettings;

use super::client::settings;
use super::{Client, holding, holding_with, pattern};
use crate::message::{Body, FileBody, Headers, Part, Pull, Request, Response, Source};
use crate::server::ServerConfig;
use crate::{AnswerError, Event, Flow, Read};

#[test]
fn content_is_collected_for_a_handler_that_wants_it_whole() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    for content in ["", "x", &"long ".repeat(200_000)] {
        let id = client.begin("POST", "/echo", &[]);
        for piece in content.as_bytes().chunks(60_000) {
            client.write(id, piece, false);
        }
        client.write(id, b"", true);
        let answer = client.whole(id);
        assert_eq!((answer.status, answer.text() == content), (200, true));
        assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()));
    }
}

#[test]
fn too_much_content_is_refused_and_the_connection_goes_on() {
    let (server, _) = holding_with(ServerConfig { body_limit: 10, ..ServerConfig::default() });
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/echo", &[("content-length", "11")]);
    assert_eq!(client.whole(id).status, 413);
    let id = client.begin("POST", "/echo", &[]);
    client.write(id, b"0123456789", false);
    client.write(id, b"x", false);
    assert_eq!(client.whole(id).status, 413);
    client.until("the wish for no more", |client| {
        client.write_more(id);
        client.answer(id).unwanted
    });
    assert_eq!(client.get("/").text(), "home");
    assert_eq!(client.server.env.in_flight, 0);
}

impl Client {
    /// Tries to send more than the server wants.
    fn write_more(&mut self, id: u64) {
        if !self.answer(id).unwanted {
            self.give(id, &[0x21, 0], false);
        }
    }
}

#[test]
fn content_that_nobody_asked_for_stops_at_the_window_and_is_not_lost() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let content = pattern(1_000_000);
    client.write(id, &content, false);
    client.end_with(id, "x-sum", "1");
    let waiting = client.waiting(id);
    assert!(waiting > 600_000, "{waiting} bytes wait: nothing stopped the client");
    let (mut received, mut ended) = (Vec::new(), false);
    client.until("all content", |_| {
        while !ended {
            match exchange.read().unwrap() {
                Read::Data(data) => received.extend_from_slice(&data),
                Read::WouldBlock => break,
                Read::End => ended = true,
            }
        }
        ended
    });
    assert!(received == content, "{} bytes", received.len());
    assert_eq!(exchange.request().trailers().get_str("x-sum"), Some("1"));
    exchange.respond("done");
    assert_eq!(client.whole(id).text(), "done");
}

#[test]
fn a_handler_that_pauses_stops_the_client_and_loses_nothing() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/hold", &[]);
    let exchange = Arc::new(held.try_recv().unwrap());
    let got = Arc::new(Mutex::new((Vec::new(), false)));
    let into = Arc::clone(&got);
    exchange.on_event(move |event| {
        let mut got = into.lock().unwrap();
        match event {
            Event::Data(data) => got.0.extend_from_slice(data),
            Event::End => got.1 = true,
            _ => {}
        }
        Flow::Pause
    });
    let content = pattern(900_000);
    client.write(id, &content, true);
    assert!(client.waiting(id) > 0, "nothing stopped the client");
    client.until("all of it", |_| {
        assert!(!got.lock().unwrap().1, "it ended while the handler paused");
        exchange.resume();
        got.lock().unwrap().0.len() == content.len()
    });
    client.until("the end", |_| got.lock().unwrap().1);
    assert!(got.lock().unwrap().0 == content);
    exchange.finish().unwrap();
    client.until("the answer", |client| client.answer(id).ended);
}

#[test]
fn large_answers_come_whole_through_small_windows() {
    let (server, held) = holding();
    let content = pattern(1_500_000);
    for window in [1 << 10, 5000, 64 << 10, 1 << 24] {
        let mut client = Client::with_window(&server, window);
        let id = client.send("GET", "/wait", &[]);
        held.try_recv().unwrap().respond(content[..window.min(50_000) as usize * 30].to_vec());
        let answer = client.whole(id);
        assert!(
            answer.body[..] == content[..window.min(50_000) as usize * 30],
            "{window}: {}",
            answer.body.len()
        );
    }
}

#[test]
fn many_answers_at_once_lose_nothing() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let lengths: Vec<usize> = (0..100).map(|at| at * at * 20).collect();
    let ids: Vec<u64> = lengths.iter().map(|_| client.send("GET", "/wait", &[])).collect();
    for (exchange, &length) in held.try_iter().zip(&lengths) {
        exchange.respond(pattern(length));
    }
    for (id, &length) in ids.into_iter().zip(&lengths) {
        assert!(client.whole(id).body == pattern(length), "{length}");
    }
    assert_eq!(client.server.env.in_flight, 0);
}

#[test]
fn files_parts_and_sources_go_before_what_is_written() {
    let path = std::env::temp_dir().join(format!("flare-http3-{}", std::process::id()));
    let content = pattern(600_000);
    std::fs::write(&path, &content).unwrap();
    let file = FileBody::whole(std::fs::File::open(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let cut = |from: u64, to: u64| Part::File(FileBody::new(Arc::clone(&file.file), from, to - from));
    let middle = Part::Bytes(content[1000..1010].to_vec().into());
    let parts = vec![cut(0, 1000), middle, cut(1010, 600_000)];
    let pieces = Pieces(content.chunks(50_000).map(<[u8]>::to_vec).collect());
    for body in [Body::from(file.clone()), Body::from(parts), Body::from_source(pieces)] {
        let kind = format!("{body:?}");
        let id = client.send("GET", "/hold", &[]);
        let exchange = held.try_recv().unwrap();
        exchange.draft(|response| *response.body_mut() = body).unwrap();
        exchange.write("written").unwrap();
        assert!(client.step());
        exchange.finish().unwrap();
        let answer = client.whole(id);
        assert!(answer.body == [&content[..], b"written"].concat(), "{kind}: {} bytes", answer.body.len());
    }
}

#[test]
fn a_file_that_became_shorter_resets_its_stream() {
    let path = std::env::temp_dir().join(format!("flare-http3-short-{}", std::process::id()));
    std::fs::write(&path, b"short").unwrap();
    let file = FileBody::new(Arc::new(std::fs::File::open(&path).unwrap()), 0, 10);
    std::fs::remove_file(&path).unwrap();
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.send("GET", "/wait", &[]);
    let mut answer = Response::status_only(200);
    *answer.body_mut() = Body::from(file);
    held.try_recv().unwrap().respond(answer);
    client.until("the reset", |client| client.answer(id).reset.is_some());
    assert_eq!(client.answer(id).reset, Some(ErrorCode::Internal.number()));
    assert_eq!(client.get("/").text(), "home");
}

/// Gives these pieces.
struct Pieces(VecDeque<Vec<u8>>);

impl Source for Pieces {
    fn pull(&mut self, _: &Request) -> Pull {
        self.0.pop_front().map_or(Pull::End, |piece| Pull::Data(piece.into()))
    }
}

#[test]
fn writes_are_refused_while_the_client_opens_no_window() {
    let (server, held) = holding();
    let mut client = Client::with_window(&server, 2000);
    client.greedy = false;
    let id = client.send("GET", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let piece = vec![b'x'; 100_000];
    let mut written = 0;
    while exchange.write(piece.clone()).is_ok() {
        written += piece.len();
    }
    assert_eq!(exchange.write("more"), Err(AnswerError::WouldBlock));
    assert!(client.step());
    client.use_content();
    let came = client.answer(id).body.len();
    assert!((1..=4000).contains(&came), "{came}: two windows and not more");
    client.until("room", |client| {
        client.use_content();
        exchange.write("last").is_ok()
    });
    exchange.finish().unwrap();
    client.until("the end", |client| {
        client.use_content();
        client.answer(id).ended
    });
    assert_eq!(client.answer(id).body.len(), written + 4);
}

#[test]
fn an_answer_before_the_end_of_its_request_lets_the_client_stop() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/hold", &[]);
    client.write(id, b"some", false);
    held.try_recv().unwrap().respond(403);
    assert_eq!(client.whole(id).status, 403);
    client.until("the wish for no more", |client| {
        client.write_more(id);
        client.answer(id).unwanted
    });
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn interim_answers_and_trailers_come_in_their_places() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.send("GET", "/hold", &[("te", "trailers")]);
    let exchange = held.try_recv().unwrap();
    exchange.inform(103, Headers::new()).unwrap();
    exchange.write("content").unwrap();
    exchange.add_trailer("x-sum", "7").unwrap().unwrap();
    exchange.finish().unwrap();
    let answer = client.whole(id);
    assert_eq!((answer.interim.as_slice(), answer.status, answer.text()), (&[103][..], 200, "content"));
    assert_eq!(answer.trailers.get_str("x-sum"), Some("7"));
}

#[test]
fn a_100_is_sent_when_the_content_is_asked_for() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let id = client.begin("POST", "/hold", &[("expect", "100-continue")]);
    assert!(client.answer(id).interim.is_empty());
    let exchange = held.try_recv().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(client.step());
    client.until("the 100", |client| client.answer(id).interim == [100]);
    let collected = client.begin("POST", "/echo", &[("expect", "100-continue")]);
    client.until("the 100", |client| client.answer(collected).interim == [100]);
    client.write(collected, b"after", true);
    assert_eq!(client.whole(collected).text(), "after");
}

#[test]
fn content_goes_both_ways_at_a_time() {
    let (server, held) = holding();
    let mut client = Client::of(&server, &QuicSettings { stream_window: 8 << 10, ..settings() });
    let id = client.begin("POST", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let content = pattern(400_000);
    exchange.start().unwrap();
    client.write(id, &content, true);
    let mut ended = false;
    client.until("the echo", |client| {
        while !ended {
            match exchange.read().unwrap() {
                Read::Data(data) => exchange.write(data).unwrap(),
                Read::WouldBlock => break,
                Read::End => {
                    exchange.finish().unwrap();
                    ended = true;
                }
            }
        }
        client.answer(id).ended
    });
    assert!(client.answer(id).body == content);
}
