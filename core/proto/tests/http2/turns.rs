//! Whose turn it is to send, and what the windows of the peer allow.

use flare_proto::http2::{FrameKind, Limits, Priority, ServerConnection, Stall, StreamKey};
use flare_proto::{ContentLength, SendError};

use crate::answers::head;
use crate::feeding::{fed, serving};
use crate::wire::{GET, frame, get, headers, settings, window_update};

/// A server whose streams all want to send content of unknown length, to a client with these settings.
fn sending(list: &[(u16, u32)], heads: &[Vec<u8>]) -> (ServerConnection, Vec<StreamKey>) {
    let (mut server, keys) = serving(Limits::default(), &[&[settings(list)], heads].concat());
    for key in &keys {
        head(&mut server, *key, 200, &[], ContentLength::Unknown, &mut Vec::new()).unwrap();
        server.want_send(*key);
    }
    (server, keys)
}

/// The ids of the next turns, each of which is used up to this many bytes.
fn turns(server: &mut ServerConnection, count: usize, most: usize) -> Vec<(u32, usize)> {
    let mut all = Vec::new();
    while all.len() < count
        && let Some(turn) = server.next_turn()
    {
        let len = turn.most.min(most);
        server.begin_data(turn.stream, len, false, &mut Vec::new()).unwrap();
        all.push((turn.stream.id(), len));
    }
    all
}

fn ids(server: &mut ServerConnection, count: usize) -> Vec<u32> {
    turns(server, count, 10).into_iter().map(|(id, _)| id).collect()
}

fn with_priority(id: u32, priority: &str) -> Vec<u8> {
    headers(id, true, &[&GET[..], &[("priority", priority)]].concat())
}

#[test]
fn streams_without_a_priority_take_turns() {
    let (mut server, keys) = sending(&[], &[get(1), get(3), get(5)]);
    assert_eq!(ids(&mut server, 7), [1, 3, 5, 1, 3, 5, 1]);
    server.stop_send(keys[1]);
    assert_eq!(ids(&mut server, 4), [5, 1, 5, 1]);
    server.want_send(keys[1]);
    server.send_end(keys[0], None, &mut Vec::new()).unwrap();
    assert_eq!(ids(&mut server, 3), [5, 3, 5]);
}

#[test]
fn the_urgent_come_first_and_what_is_not_incremental_goes_whole() {
    let (mut server, keys) =
        sending(&[], &[with_priority(1, "u=5"), with_priority(3, "u=1"), with_priority(5, "u=1"), get(7)]);
    assert_eq!(ids(&mut server, 3), [3, 3, 3]);
    server.send_end(keys[1], None, &mut Vec::new()).unwrap();
    assert_eq!(ids(&mut server, 2), [5, 5]);
    server.stop_send(keys[2]);
    assert_eq!(ids(&mut server, 1), [7]);
    // A change while it waits, by the client and by the server.
    fed(&mut server, &[frame(FrameKind::PriorityUpdate, 0, 0, b"\0\0\0\x01u=0,i")]);
    assert_eq!(ids(&mut server, 2), [1, 1]);
    assert_eq!(server.priority(keys[0]), Some(Priority { urgency: 0, incremental: true }));
    server.set_priority(keys[3], Priority { urgency: 0, incremental: true });
    assert_eq!(ids(&mut server, 3), [1, 7, 1]);
}

#[test]
fn a_priority_may_come_before_its_request() {
    let early = frame(FrameKind::PriorityUpdate, 0, 0, b"\0\0\0\x03u=7");
    let (server, keys) = sending(&[], &[get(1), early, with_priority(3, "u=2"), get(5)]);
    assert_eq!(server.priority(keys[1]), Some(Priority { urgency: 7, incremental: false }));
    assert_eq!(server.priority(keys[2]), Some(Priority::UNKNOWN));
}

#[test]
fn windows_of_streams() {
    let (mut server, keys) = sending(&[(4, 25)], &[get(1), get(3)]);
    assert_eq!(turns(&mut server, 9, 20), [(1, 20), (3, 20), (1, 5), (3, 5)]);
    assert_eq!((server.send_room(keys[0]), server.has_turn()), (0, false));
    fed(&mut server, &[window_update(3, 7)]);
    assert_eq!(server.send_room(keys[1]), 7);
    assert_eq!(turns(&mut server, 9, 20), [(3, 7)]);
    // A larger window for all, then one that is negative until it is opened.
    fed(&mut server, &[settings(&[(4, 30)])]);
    assert_eq!(turns(&mut server, 9, 20), [(1, 5), (3, 5)]);
    fed(&mut server, &[settings(&[(4, 0)]), window_update(1, 29)]);
    assert_eq!(turns(&mut server, 9, 20), []);
    fed(&mut server, &[window_update(1, 2)]);
    assert_eq!(turns(&mut server, 9, 20), [(1, 1)]);
}

#[test]
fn the_window_of_the_connection() {
    let (mut server, keys) = sending(&[(4, 1 << 20)], &[get(1), get(3)]);
    let sent: usize = turns(&mut server, 100, 1 << 20).iter().map(|(_, len)| len).sum();
    assert_eq!(sent, 65_535);
    assert_eq!((server.has_turn(), server.send_room(keys[0])), (false, 0));
    fed(&mut server, &[window_update(0, 100)]);
    assert_eq!(turns(&mut server, 9, 60), [(1, 60), (3, 40)]);
}

#[test]
fn frames_are_as_long_as_both_sides_allow() {
    for (frame_bytes, data_bytes, expected) in
        [(16_384, 16_384, 16_384), (20_000, 100_000, 20_000), (20_000, 5000, 5000)]
    {
        let limits = Limits { data_bytes, ..Limits::default() };
        let (mut server, keys) = serving(limits, &[settings(&[(5, frame_bytes)]), get(1)]);
        head(&mut server, keys[0], 200, &[], ContentLength::Unknown, &mut Vec::new()).unwrap();
        server.want_send(keys[0]);
        let turn = server.next_turn().unwrap();
        assert_eq!(turn.most, expected);
        let mut out = Vec::new();
        assert_eq!(server.begin_data(keys[0], expected + 1, false, &mut out), Err(SendError::Order));
        assert_eq!(server.begin_data(keys[0], 0, false, &mut out), Ok(()));
        assert!(out.is_empty());
    }
}

#[test]
fn content_at_hand_goes_as_far_as_the_windows_allow() {
    let (mut server, keys) = sending(&[(4, 40_000)], &[get(1)]);
    let mut out = Vec::new();
    assert_eq!(server.send_data(keys[0], &[7; 50_000], true, &mut out), Ok(40_000));
    assert_eq!(crate::wire::shown(&out), ["DATA 1 16384", "DATA 1 16384", "DATA 1 7232"]);
    assert_eq!(server.send_data(keys[0], &[7; 10_000], true, &mut out), Ok(0));
    fed(&mut server, &[window_update(1, 20_000)]);
    out.clear();
    assert_eq!(server.send_data(keys[0], &[7; 10_000], true, &mut out), Ok(10_000));
    assert_eq!(crate::wire::shown(&out), ["DATA 1 10000 end"]);
    assert!(!server.is_open(keys[0]));
}

#[test]
fn who_wants_to_send_before_its_head_waits_for_it() {
    let (mut server, keys) = serving(Limits::default(), &[get(1)]);
    server.want_send(keys[0]);
    assert_eq!(server.next_turn(), None);
    head(&mut server, keys[0], 200, &[], ContentLength::Unknown, &mut Vec::new()).unwrap();
    assert_eq!(ids(&mut server, 1), [1]);
}

#[test]
fn stalls_begin_with_the_last_progress() {
    let (mut server, keys) = sending(&[(4, 2000)], &[get(1), get(3)]);
    assert_eq!(server.longest_stall(), None);
    server.set_now(100);
    turns(&mut server, 9, 1000);
    // All windows are closed. Time goes by.
    assert_eq!(server.longest_stall().map(|stall| stall.since), Some(100));
    server.set_now(5_000);
    fed(&mut server, &[window_update(3, 2000)]);
    turns(&mut server, 9, 2000);
    assert_eq!(server.longest_stall(), Some(Stall { stream: keys[0], since: 100 }));
    server.set_now(6_000);
    fed(&mut server, &[window_update(1, 1500)]);
    turns(&mut server, 9, 2000);
    assert_eq!(server.longest_stall(), Some(Stall { stream: keys[1], since: 5_000 }));
    // A few bytes now and then are no progress.
    server.set_now(9_000);
    fed(&mut server, &[window_update(3, 10)]);
    assert_eq!(turns(&mut server, 9, 2000), [(3, 10)]);
    assert_eq!(server.longest_stall(), Some(Stall { stream: keys[1], since: 5_000 }));
    server.stop_send(keys[1]);
    assert_eq!(server.longest_stall(), Some(Stall { stream: keys[0], since: 6_000 }));
    server.stop_send(keys[0]);
    assert_eq!(server.longest_stall(), None);
}
