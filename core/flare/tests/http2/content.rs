//! Content both ways: windows, backpressure, trailers.

use std::collections::VecDeque;

use flare::message::{Body, FileBody, Pull, Request, Source};
use flare::{AnswerError, Event, Flow, Read};
use flare_proto::http2::{ErrorCode, Limits};

use crate::client::Client;
use crate::{holding, holding_with};
use flare::ServerConfig;

#[test]
fn content_is_collected_for_a_handler_that_wants_it_whole() {
    let (server, _) = holding();
    let mut client = Client::new(&server);
    for content in ["", "x", &"long ".repeat(30_000)] {
        let stream = client.begin("POST", "/echo", &[]);
        let mut rest = content.as_bytes();
        while !rest.is_empty() {
            let taken = client.write(stream, rest, false);
            rest = &rest[taken..];
        }
        client.write(stream, b"", true);
        let answer = client.answer(stream);
        assert_eq!((answer.status, answer.text() == content, answer.ended), (200, true, true));
        assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()));
    }
}

#[test]
fn too_much_content_is_refused_and_the_connection_goes_on() {
    let (server, _) = holding_with(ServerConfig { body_limit: 10, ..ServerConfig::default() });
    let mut client = Client::new(&server);
    let announced = client.begin("POST", "/echo", &[("content-length", "11")]);
    assert_eq!(client.answer(announced).status, 413);
    let stream = client.begin("POST", "/echo", &[]);
    client.write(stream, b"0123456789", false);
    client.write(stream, b"x", false);
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.reset), (413, Some(ErrorCode::NoError)));
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn content_that_nobody_asked_for_stops_at_the_window_and_is_not_lost() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let content: Vec<u8> = (0..600_000_u32).map(|at| (at / 251) as u8).collect();
    let mut sent = 0;
    while let taken @ 1.. = client.write(stream, &content[sent..], false) {
        sent += taken;
    }
    assert!(sent < content.len(), "nothing stopped the client");
    let mut received = Vec::new();
    while received.len() < content.len() {
        match exchange.read().unwrap() {
            Read::Data(data) => received.extend_from_slice(&data),
            Read::WouldBlock => assert!(client.step()),
            Read::End => panic!("too early"),
        }
        if sent < content.len() {
            sent += client.write(stream, &content[sent..], false);
        }
    }
    assert!(received == content);
    client.end_with(stream, "x-sum", "1");
    assert_eq!(exchange.read(), Ok(Read::End));
    assert_eq!(exchange.request().trailers().get_str("x-sum"), Some("1"));
    exchange.respond("done");
    assert!(client.step());
    assert_eq!(client.answer(stream).text(), "done");
}

#[test]
fn drafted_files_and_sources_go_before_what_is_written() {
    let path = std::env::temp_dir().join(format!("flare-http2-{}", std::process::id()));
    let content: Vec<u8> = (0..600_000_u32).map(|at| (at / 251) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    let file = FileBody::whole(std::fs::File::open(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let rest = Pieces(content.chunks(50_000).map(<[u8]>::to_vec).collect());
    let (server, held) = holding();
    let mut client = Client::new(&server);
    for body in [Body::from(file), Body::from_source(rest)] {
        let kind = format!("{body:?}");
        let stream = client.send("GET", "/hold", &[]);
        let exchange = held.try_recv().unwrap();
        exchange.draft(|response| *response.body_mut() = body).unwrap();
        exchange.write("written").unwrap();
        assert!(client.step());
        exchange.finish().unwrap();
        assert!(client.step());
        let answer = client.answer(stream);
        assert!(answer.ended, "{kind}");
        assert!(answer.body == [&content[..], b"written"].concat(), "{kind}: {} bytes", answer.body.len());
    }
}

/// Gives these pieces.
struct Pieces(VecDeque<Vec<u8>>);

impl Source for Pieces {
    fn pull(&mut self, _: &Request) -> Pull {
        self.0.pop_front().map_or(Pull::End, |piece| Pull::Data(piece.into()))
    }
}

#[test]
fn continue_goes_before_the_head_of_an_answer_that_began_with_the_first_read() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/hold", &[("expect", "100-continue")]);
    let exchange = held.try_recv().unwrap();
    exchange.start().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(client.step());
    let answer = client.answer(stream);
    assert_eq!((&answer.interim[..], answer.status), (&[100][..], 200));
}

#[test]
fn a_callback_that_pauses_gets_the_rest_when_it_resumes() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/hold", &[]);
    let exchange = std::sync::Arc::new(held.try_recv().unwrap());
    let got = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let into = std::sync::Arc::clone(&got);
    exchange.on_event(move |event| {
        match event {
            Event::Data(data) => into.lock().unwrap().push(String::from_utf8(data.to_vec()).unwrap()),
            Event::End => into.lock().unwrap().push("end".to_owned()),
            _ => {}
        }
        Flow::Pause
    });
    assert!(client.step());
    for (piece, ends) in [("one", false), ("two", false), ("three", true)] {
        client.write(stream, piece.as_bytes(), ends);
    }
    assert_eq!(*got.lock().unwrap(), ["one"]);
    exchange.resume();
    assert!(client.step());
    // What came meanwhile was gathered. The end waits with those who wait for room to send it back.
    assert_eq!(*got.lock().unwrap(), ["one", "twothree"]);
    exchange.resume();
    assert!(client.step());
    assert_eq!(*got.lock().unwrap(), ["one", "twothree", "end"]);
    exchange.finish().unwrap();
}

#[test]
fn writes_are_refused_while_the_client_opens_no_window() {
    let (server, held) = holding();
    let limits = Limits { stream_window: 1000, ..Limits::default() };
    let mut client = Client::with_limits(&server, limits);
    client.greedy = false;
    let stream = client.send("GET", "/hold", &[]);
    let exchange = held.try_recv().unwrap();
    let piece = vec![b'x'; 100_000];
    let mut written = 0;
    while exchange.write(piece.clone()).is_ok() {
        written += piece.len();
    }
    assert_eq!(exchange.write("more"), Err(AnswerError::WouldBlock));
    assert!(client.step());
    assert_eq!(client.answer(stream).body.len(), 1000, "the window and not more");
    assert_eq!(client.get("/").text(), "home", "the others go on");
    while exchange.write("last").is_err() {
        client.use_content();
    }
    exchange.finish().unwrap();
    client.step();
    while !client.answer(stream).ended {
        let before = client.answer(stream).body.len();
        client.use_content();
        assert!(client.answer(stream).body.len() > before);
    }
    assert_eq!(client.answer(stream).body.len(), written + 4);
}

#[test]
fn streams_take_turns() {
    let (server, held) = holding();
    let mut client = Client::with_limits(&server, Limits { stream_window: 1 << 20, ..Limits::default() });
    let streams: Vec<_> = (0..3).map(|_| client.send("GET", "/hold", &[("priority", "i")])).collect();
    for exchange in held.try_iter().collect::<Vec<_>>() {
        exchange.respond(vec![b'x'; 400_000]);
    }
    assert!(client.step() && client.step() && client.step());
    for stream in streams {
        let answer = client.answer(stream);
        assert_eq!((answer.body.len(), answer.ended), (400_000, true));
    }
}

#[test]
fn an_answer_before_the_end_of_its_request_lets_the_client_stop() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/hold", &[]);
    client.write(stream, b"some", false);
    held.try_recv().unwrap().respond(403);
    assert!(client.step());
    let answer = client.answer(stream);
    assert_eq!((answer.status, answer.ended, answer.reset), (403, true, Some(ErrorCode::NoError)));
    assert_eq!(client.get("/").text(), "home");
}

#[test]
fn interim_answers_and_trailers_come_in_their_places() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.send("GET", "/hold", &[("te", "trailers")]);
    let exchange = held.try_recv().unwrap();
    exchange.inform(103, flare::Headers::new()).unwrap();
    exchange.write("content").unwrap();
    exchange.add_trailer("x-sum", "7").unwrap().unwrap();
    exchange.finish().unwrap();
    assert!(client.step());
    let answer = client.answer(stream);
    assert_eq!((answer.interim.as_slice(), answer.status, answer.text()), (&[103][..], 200, "content"));
    assert_eq!(answer.trailers.get_str("x-sum"), Some("7"));
    assert!(answer.ended);
}

#[test]
fn a_100_is_sent_when_the_content_is_asked_for() {
    let (server, held) = holding();
    let mut client = Client::new(&server);
    let stream = client.begin("POST", "/hold", &[("expect", "100-continue")]);
    assert!(client.answer(stream).interim.is_empty());
    let exchange = held.try_recv().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(client.step());
    assert_eq!(client.answer(stream).interim, [100]);
    let collected = client.begin("POST", "/echo", &[("expect", "100-continue")]);
    assert_eq!(client.answer(collected).interim, [100]);
}
