//! Answers that a server of HTTP/2 resets, behind their end and before it (RFC 9113, 8.1).

use flare::client::{ContentLength, Event, Failure, Limits, Request, RequestError, Session};
use flare_proto::http2::ErrorCode;

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// 200, and `content-length` if there is a length.
fn head(length: Option<&str>) -> Vec<u8> {
    let mut section = vec![0x88];
    if let Some(length) = length {
        // A literal field whose name is in the static table (RFC 7541, 6.2.2).
        section.extend([0x0f, 0x0d, length.len() as u8]);
        section.extend(length.as_bytes());
    }
    frame(HEADERS, END_HEADERS, 1, &section)
}

fn data(flags: u8, content: &str) -> Vec<u8> {
    frame(DATA, flags, 1, content.as_bytes())
}

fn reset(code: ErrorCode) -> Vec<u8> {
    frame(RST_STREAM, 0, 1, &code.number().to_be_bytes())
}

fn asking(content: ContentLength) -> (Session, flare::client::ExchangeId) {
    let mut session = Session::http2(Limits::default());
    session.receive(&frame(SETTINGS, 0, 0, &[]));
    let id = session.open(&Request { content, ..Request::new("POST", "a.test", "/") }).unwrap();
    session.output().clear();
    (session, id)
}

/// The content that is told, and how the answer ends. Nothing is taken before everything was received.
fn told(session: &mut Session) -> (String, Option<Result<(), Failure>>) {
    let (mut content, mut end) = (String::new(), None);
    while let Some(event) = session.next_event() {
        if matches!(event, Event::Writable(_)) {
            continue;
        }
        assert_eq!(end, None, "something behind the end: {event:?}");
        match event {
            Event::Data(_, data) => content.push_str(std::str::from_utf8(&data).unwrap()),
            Event::End(..) => end = Some(Ok(())),
            Event::Failed(_, failure) => end = Some(Err(failure)),
            _ => {}
        }
    }
    (content, end)
}

fn answered(frames: &[Vec<u8>]) -> (String, Option<Result<(), Failure>>) {
    let (mut session, _) = asking(ContentLength::None);
    session.receive(&frames.concat());
    told(&mut session)
}

#[test]
fn a_reset_behind_the_end_takes_nothing_away() {
    for code in [ErrorCode::NoError, ErrorCode::Cancel, ErrorCode::Internal] {
        for length in [Some("10"), None] {
            let whole = answered(&[head(length), data(0, "hello"), data(END_STREAM, "world"), reset(code)]);
            assert_eq!(whole, ("helloworld".to_owned(), Some(Ok(()))), "{code} {length:?}");
        }
    }
}

#[test]
fn a_reset_without_error_behind_all_announced_content_is_the_end() {
    let answer = |length, content, code| answered(&[head(length), data(0, content), reset(code)]);
    assert_eq!(answer(Some("5"), "hello", ErrorCode::NoError), ("hello".to_owned(), Some(Ok(()))));
    for (length, content, code) in [
        (Some("6"), "hello", ErrorCode::NoError),
        (Some("5"), "hello", ErrorCode::Cancel),
        // Nobody knows whether it is whole.
        (None, "hello", ErrorCode::NoError),
    ] {
        let failed = (content.to_owned(), Some(Err(Failure::Reset(code))));
        assert_eq!(answer(length, content, code), failed, "{length:?}");
    }
}

#[test]
fn an_answer_is_whole_though_the_rest_of_its_request_is_not_wanted() {
    for behind in [
        vec![data(END_STREAM, "enough"), reset(ErrorCode::NoError)],
        // Without END_STREAM the length has to say it.
        vec![data(0, "enough"), reset(ErrorCode::NoError)],
    ] {
        let (mut session, id) = asking(ContentLength::Unknown);
        // More than the windows take: some of it waits.
        let mut given = 0;
        while session.write(id, &[0; 50_000]).is_ok() {
            given += 50_000;
            session.output().clear();
        }
        assert!(given > 65_535 && session.waiting(id) > 0);
        session.receive(&[head(Some("6")), behind.concat()].concat());
        assert_eq!(told(&mut session), ("enough".to_owned(), Some(Ok(()))));
        assert_eq!(session.write(id, b"more"), Err(RequestError::Over));
        assert!(session.next_event().is_none());
        assert_eq!(session.waiting(id), 0);
        // The connection is as good as before.
        assert!(session.can_open());
        session.close();
        assert!(session.is_over());
    }
}

#[test]
fn who_waits_to_send_the_rest_is_told() {
    let (mut session, id) = asking(ContentLength::Unknown);
    while session.write(id, &[0; 50_000]).is_ok() {
        session.output().clear();
    }
    session.receive(&[head(None), data(END_STREAM, "enough")].concat());
    assert_eq!(told(&mut session), ("enough".to_owned(), Some(Ok(()))));
    // The request may go on, and waits.
    assert_eq!(session.write(id, b"more"), Err(RequestError::WouldBlock));
    assert!(session.next_event().is_none());
    session.receive(&reset(ErrorCode::NoError));
    assert!(matches!(session.next_event(), Some(Event::Writable(writable)) if writable == id));
    assert_eq!(session.write(id, b"more"), Err(RequestError::Over));
    assert!(session.next_event().is_none());
}
