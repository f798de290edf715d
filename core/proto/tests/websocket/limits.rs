//! What a peer can't do.

use flare_proto::websocket::{CloseCode, Limits, Rate};

use crate::feeding::{FIN, Seen, feed, masked, plain, plain_close, refused, run, server_with};

fn small() -> Limits {
    Limits { message_bytes: 10, frame_bytes: 6, control_frames: Rate { burst: 3, per_second: 2 } }
}

#[test]
fn messages_and_frames_have_a_longest_length() {
    let input = [masked(2, &[1; 6]), masked(FIN, &[2; 4])].concat();
    let (seen, _, result) = run(&mut server_with(small()), &[&input]);
    assert_eq!((seen.len(), result), (1, Ok(())));
    refused(|| server_with(small()), &masked(2, &[0; 7]), CloseCode::MESSAGE_TOO_BIG, &[]);
    let input = [masked(2, &[1; 6]), masked(FIN, &[2; 5])].concat();
    refused(|| server_with(small()), &input, CloseCode::MESSAGE_TOO_BIG, &[]);
}

#[test]
fn a_length_that_is_too_long_is_refused_without_its_bytes() {
    for head in [
        &b"\x82\xfe\xff\xff"[..],
        b"\x82\xff\0\0\0\0\x7f\xff\xff\xff",
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut server = server_with(small());
        let (_, out, result) = run(&mut server, &[head, b"\0\0\0\0"]);
        let error = result.unwrap_err();
        assert_eq!(out, plain_close(1009, error.reason));
    }
}

#[test]
fn a_length_that_is_announced_takes_no_memory() {
    let limits = Limits { message_bytes: usize::MAX, frame_bytes: usize::MAX, ..Limits::default() };
    let mut server = server_with(limits);
    let head = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    let (seen, out, result) = run(&mut server, &[head, b"some"]);
    assert_eq!((seen, out, result), (vec![], vec![], Ok(())));
    assert!(server.held_bytes() < 1024);
    // The sum of two such lengths is no smaller one.
    let mut server =
        server_with(Limits { message_bytes: usize::MAX, frame_bytes: usize::MAX, ..Limits::default() });
    let head = b"\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    assert_eq!(run(&mut server, &[&masked(2, b"begin"), head, b"some"]).2, Ok(()));
}

#[test]
fn the_buffer_of_a_long_message_is_given_back() {
    let mut server = server_with(Limits::default());
    let (seen, _, _) = run(&mut server, &[&masked(FIN | 2, &[7; 100_000])]);
    assert_eq!(seen, [Seen::Binary(vec![7; 100_000])]);
    assert!(server.held_bytes() <= 128, "{}", server.held_bytes());
    // Also when a control frame is the last that came.
    let input = [masked(2, &[7; 100_000]), masked(FIN, b""), masked(FIN | 9, &[1; 125])].concat();
    assert_eq!(run(&mut server, &[&input]).0.len(), 2);
    assert!(server.held_bytes() <= 128, "{}", server.held_bytes());
}

#[test]
fn control_frames_have_a_budget() {
    for frame in [masked(FIN | 9, b""), masked(FIN | 10, b""), masked(2, b"")] {
        // Further fragments of the message that the last one begins.
        let next = if frame[0] == 2 { masked(0, b"") } else { frame.clone() };
        let mut server = server_with(small());
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        server.set_now(5_000);
        feed(&mut server, &[&frame[..], &next, &next].concat(), &mut out, &mut seen).unwrap();
        // A second is two more; what was saved before is no more than the burst.
        feed(&mut server, &[&next[..], &next, &next].concat(), &mut out, &mut seen).unwrap();
        let error = feed(&mut server, &next, &mut out, &mut seen).unwrap_err();
        assert_eq!(error.code, CloseCode::POLICY_VIOLATION);
        assert!(out.ends_with(&plain_close(1008, error.reason)));
    }
}

#[test]
fn a_budget_comes_back_with_time_and_with_messages() {
    let ping = masked(FIN | 9, b"");
    let mut server = server_with(small());
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    for second in 0..100 {
        server.set_now(second * 1000);
        feed(&mut server, &[&ping[..], &ping].concat(), &mut out, &mut seen).unwrap();
    }
    assert_eq!(seen.len(), 200);
    assert_eq!(out, plain(FIN | 10, b"").repeat(200));
    for _ in 0..100 {
        feed(&mut server, &[&ping[..], &masked(FIN | 2, b"x")].concat(), &mut out, &mut seen).unwrap();
    }
}
