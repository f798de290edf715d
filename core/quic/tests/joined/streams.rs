//! Bytes on streams, in both directions, in all sizes, over good and bad wires.

use std::collections::BTreeMap;

use bytes::Bytes;
use flare_quic::{Connection, QuicSettings, Read, StreamError};

use crate::support::{Faults, Random, Sender, World, client_context, pattern, read_all, server_tls};

/// What came on each stream, and whether its end did.
type Arrived = BTreeMap<u64, (Vec<u8>, bool)>;

fn take_all(connection: &mut Connection, arrived: &mut Arrived) {
    while let Some(stream) = connection.next_readable() {
        let (bytes, fin) = arrived.entry(stream).or_default();
        *fin |= read_all(connection, stream, bytes);
    }
}

/// Goes on only with those that are named.
fn write_on(connection: &mut Connection, senders: &mut BTreeMap<u64, Sender>) {
    while let Some(stream) = connection.next_writable() {
        let sender = senders.get_mut(&stream).unwrap_or_else(|| panic!("{stream} waits for nothing"));
        assert!(!sender.done, "{stream} waits for nothing");
        sender.go(connection);
    }
}

/// Each client's stream carries a content of some size, and what came is sent back, larger.
fn echo(world: &mut World, sizes: &[usize]) {
    let mut asked = BTreeMap::new();
    let (mut at_server, mut at_client) = (Arrived::new(), Arrived::new());
    let mut answers: BTreeMap<u64, Sender> = BTreeMap::new();
    let mut waiting = sizes.iter();
    world.run("all echoes", |world| {
        while waiting.len() > 0
            && let Ok(stream) = world.client().open_bidirectional()
        {
            let size = waiting.next().copied().unwrap_or_default();
            let mut sender = Sender::new(stream, pattern(size, stream));
            sender.go(world.client());
            asked.insert(stream, sender);
        }
        write_on(world.client(), &mut asked);
        take_all(world.server(), &mut at_server);
        for (stream, (content, fin)) in &at_server {
            if *fin && !answers.contains_key(stream) {
                let mut sender = Sender::new(*stream, [content.as_slice(), b"!"].concat());
                sender.go(world.server());
                answers.insert(*stream, sender);
            }
        }
        write_on(world.server(), &mut answers);
        take_all(world.client(), &mut at_client);
        at_client.len() == sizes.len() && at_client.values().all(|(_, fin)| *fin)
    });
    for ((stream, (content, _)), size) in at_client.iter().zip(sizes) {
        let expected = [pattern(*size, *stream).as_slice(), b"!"].concat();
        assert!(*content == expected, "stream {stream}: {} of {} bytes", content.len(), expected.len());
    }
}

#[test]
fn streams_carry_all_sizes_both_ways() {
    let mut world = World::joined();
    for size in
        [0, 1, 2, 63, 64, 1199, 1200, 1201, 16_383, 16_384, 65_536, 262_143, 262_144, 262_145, 1_500_000]
    {
        echo(&mut world, &[size]);
    }
}

#[test]
fn many_streams_at_once_all_get_their_answers() {
    let mut world = World::joined();
    let mut random = Random::new(3);
    for _ in 0..5 {
        let sizes: Vec<usize> = (0..100).map(|_| random.below(40_000) as usize).collect();
        echo(&mut world, &sizes);
    }
}

#[test]
fn nothing_is_lost_when_datagrams_are() {
    for seed in 1..=6 {
        let quic = QuicSettings { stream_window: 4096, connection_window: 20_000, ..QuicSettings::default() };
        let mut world = World::new(&server_tls(), &quic);
        world.random = Random::new(seed);
        world.faults = Faults { lost: 5, repeated: 5, reordered: 20, largest: 0 };
        world.connect(&client_context());
        world.settle_handshakes();
        let mut random = Random::new(seed + 100);
        let sizes: Vec<usize> = (0..40).map(|_| random.below(20_000) as usize).collect();
        echo(&mut world, &sizes);
    }
}

#[test]
fn a_window_of_any_size_is_filled_to_its_last_byte() {
    // quiche does not call a stream with room for one byte writable.
    let quic = QuicSettings { stream_window: 1024, connection_window: 1024, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    let stream = world.client().open_bidirectional().unwrap();
    let (mut sent, mut got) = (0, 0);
    let mut buffer = [0; 2048];
    // One byte each time, read at once.
    world.run("the bytes", |world| {
        if sent < 5000 {
            match world.client().write(stream, b"x", false) {
                Ok(1) => sent += 1,
                Err(StreamError::Blocked) => {}
                other => panic!("{other:?}"),
            }
        }
        while let Some(stream) = world.server().next_readable() {
            while let Ok(Read { length, .. }) = world.server().read(stream, &mut buffer) {
                got += length;
            }
        }
        got == 5000
    });
}

#[test]
fn a_reader_who_stops_holds_up_the_writer_and_is_named_when_more_comes() {
    let quic = QuicSettings { stream_window: 10_000, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    let stream = world.client().open_bidirectional().unwrap();
    let mut sender = Sender::new(stream, pattern(50_000, stream));
    world.client().write(stream, &sender.content[..100], false).unwrap();
    sender.sent = 100;
    world.run_out();
    assert_eq!(world.server().next_readable(), Some(stream));
    let mut buffer = [0; 40];
    assert_eq!(world.server().read(stream, &mut buffer), Ok(Read { length: 40, fin: false }));
    assert_eq!(world.server().next_readable(), None, "nothing has come since");
    world.run_out();
    assert_eq!(world.server().next_readable(), None, "nothing has come since");

    sender.go(world.client());
    world.run_out();
    assert_eq!(world.server().next_readable(), Some(stream), "more has come");
    assert_eq!(world.server().next_readable(), None);
    assert_eq!(sender.sent, 10_000, "the window is full");
    assert_eq!(world.client().next_writable(), None);
    assert_eq!(world.client().capacity(stream), Ok(0));

    let mut got = buffer.to_vec();
    assert!(!read_all(world.server(), stream, &mut got));
    assert_eq!(got.len(), 10_000);
    world.run("the rest", |world| {
        while let Some(writable) = world.client().next_writable() {
            assert_eq!(writable, stream);
            sender.go(world.client());
        }
        world.server().next_readable().is_some_and(|stream| read_all(world.server(), stream, &mut got))
    });
    assert_eq!(got, sender.content);
    assert_eq!(world.server().read(stream, &mut buffer), Err(StreamError::Closed), "after the end");
}

#[test]
fn a_stream_that_was_not_read_is_named_when_more_comes() {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    for round in 1..=3_usize {
        world.client().write(stream, b"12345", round == 3).unwrap();
        world.run_out();
        assert_eq!(world.server().next_readable(), Some(stream), "{round}");
        assert_eq!(world.server().next_readable(), None, "{round}");
    }
    let mut got = Vec::new();
    assert!(read_all(world.server(), stream, &mut got));
    assert_eq!(got.len(), 15);
}

#[test]
fn a_reset_is_told_to_the_reader_also_when_it_has_not_read() {
    let mut world = World::joined();
    let (read, unread, empty) = (
        world.client().open_bidirectional().unwrap(),
        world.client().open_bidirectional().unwrap(),
        world.client().open_bidirectional().unwrap(),
    );
    for stream in [read, unread] {
        world.client().write(stream, &[7; 100], false).unwrap();
    }
    world.client().write(empty, b"", false).unwrap();
    world.run_out();
    let mut buffer = [0; 50];
    while let Some(stream) = world.server().next_readable() {
        if stream == read {
            world.server().read(stream, &mut buffer).unwrap();
        }
    }
    for stream in [read, unread, empty] {
        world.client().reset(stream, 0x10c + stream);
    }
    world.run_out();
    let mut named = Vec::new();
    while let Some(stream) = world.server().next_readable() {
        let error = world.server().read(stream, &mut buffer);
        assert_eq!(error, Err(StreamError::Reset(0x10c + stream)));
        named.push(stream);
    }
    named.sort_unstable();
    assert_eq!(named, [read, unread, empty]);
    // The other direction goes on.
    world.server().write(read, b"still here", true).unwrap();
    world.run_out();
    let mut got = Vec::new();
    assert_eq!(world.client().next_readable(), Some(read));
    assert!(read_all(world.client(), read, &mut got));
    assert_eq!(got, b"still here");
    assert_eq!(world.client().write(read, b"x", false), Err(StreamError::Closed), "after a reset");
}

#[test]
fn stop_sending_is_told_also_when_the_other_side_has_ended() {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    world.client().write(stream, b"all of it", true).unwrap();
    world.run_out();
    let mut got = Vec::new();
    assert_eq!(world.server().next_readable(), Some(stream));
    assert!(read_all(world.server(), stream, &mut got));
    assert_eq!(world.server().next_writable(), None);
    world.client().stop(stream, 0x10c);
    world.run_out();
    assert_eq!(world.server().next_writable(), Some(stream));
    assert_eq!(world.server().capacity(stream), Err(StreamError::Stopped(0x10c)));
    assert_eq!(world.server().next_writable(), None);
}

#[test]
fn stop_sending_is_told_to_the_writer_whether_it_waits_or_not() {
    let quic = QuicSettings { stream_window: 2000, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    let waits = world.client().open_bidirectional().unwrap();
    let idle = world.client().open_bidirectional().unwrap();
    assert_eq!(world.client().write(waits, &[1; 5000], true), Ok(2000));
    assert_eq!(world.client().write(idle, &[1; 10], false), Ok(10));
    world.run_out();
    assert_eq!(world.client().next_writable(), None, "nobody waits for room that is there");
    for stream in [waits, idle] {
        world.server().stop(stream, 0x10d);
    }
    world.run_out();
    let mut named = Vec::new();
    while let Some(stream) = world.client().next_writable() {
        assert_eq!(world.client().capacity(stream), Err(StreamError::Stopped(0x10d)));
        assert_eq!(world.client().write(stream, &[1; 10], true), Err(StreamError::Stopped(0x10d)));
        named.push(stream);
    }
    named.sort_unstable();
    assert_eq!(named, [waits, idle]);
    // The server can still answer.
    world.server().write(waits, b"enough", true).unwrap();
    world.run_out();
    let mut got = Vec::new();
    assert!(read_all(world.client(), waits, &mut got));
    assert_eq!(got, b"enough");
}

#[test]
fn streams_of_ours_are_numbered_and_limited() {
    let mut world = World::joined();
    let opened: Vec<u64> = std::iter::from_fn(|| world.client().open_unidirectional().ok()).collect();
    assert_eq!(opened, (0..8).map(|index| 2 + 4 * index).collect::<Vec<_>>());
    assert_eq!(world.client().open_unidirectional(), Err(StreamError::Limit));
    let opened: Vec<u64> = std::iter::from_fn(|| world.client().open_bidirectional().ok()).collect();
    assert_eq!(opened, (0..128).map(|index| 4 * index).collect::<Vec<_>>());
    assert_eq!(world.server().open_unidirectional(), Ok(3));
    assert_eq!(world.server().open_unidirectional(), Ok(7));
    assert_eq!(world.server().write(3, b"control", false), Ok(7));
    world.run_out();
    assert_eq!(world.client().next_readable(), Some(3));
    assert_eq!(world.client().write(3, b"x", false), Err(StreamError::Closed), "it is the server's");
    assert_eq!(world.client().capacity(999), Err(StreamError::Closed));
    let mut buffer = [0; 10];
    assert_eq!(world.client().read(999, &mut buffer), Err(StreamError::Closed));
}

#[test]
fn requests_beyond_the_limit_begin_when_others_have_ended() {
    let quic = QuicSettings { max_streams: 2, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    for round in 0..20 {
        echo(&mut world, &[10]);
        world.run(&format!("the next stream after {round}"), |world| {
            world.client().open_bidirectional().map(|stream| world.client().reset(stream, 0)).is_ok()
        });
        // The stream that was opened for the test is ended by both sides.
        world.run_out();
        while let Some(stream) = world.server().next_readable() {
            let mut buffer = [0; 10];
            let _ = world.server().read(stream, &mut buffer);
            world.server().write(stream, b"", true).ok();
        }
        world.run_out();
        while let Some(stream) = world.client().next_readable() {
            let mut got = Vec::new();
            read_all(world.client(), stream, &mut got);
        }
    }
}

#[test]
fn shared_bytes_are_held_until_they_have_arrived_and_then_let_go() {
    let mut world = World::joined();
    let stream = world.client().open_bidirectional().unwrap();
    let content = pattern(700_000, stream);
    let shared = Bytes::from(content.clone());
    let mut rest = shared.clone();
    let mut got = Vec::new();
    let first = world.client().write_shared(stream, &mut rest, true).unwrap();
    assert!(first > 0 && first < content.len(), "{first}");
    assert_eq!(rest.len(), content.len() - first);
    assert!(!shared.is_unique(), "it is held");
    world.run("all bytes", |world| {
        while let Some(writable) = world.client().next_writable() {
            assert_eq!(writable, stream);
            match world.client().write_shared(stream, &mut rest, true) {
                Ok(_) | Err(StreamError::Blocked) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        world.server().next_readable().is_some_and(|stream| read_all(world.server(), stream, &mut got))
    });
    assert!(rest.is_empty());
    assert_eq!(got, content);
    drop(rest);
    world.run("its release", |_| shared.is_unique());
}

#[test]
fn urgent_streams_are_sent_first() {
    let mut world = World::joined();
    let streams: Vec<u64> = (0..8).map(|_| world.client().open_bidirectional().unwrap()).collect();
    // The last one is the most urgent.
    for (index, stream) in streams.iter().enumerate() {
        world.client().set_priority(*stream, 7 - index as u8, false);
        assert_eq!(world.client().write(*stream, &[1; 1000], true), Ok(1000));
    }
    let mut order = Vec::new();
    world.faults.lost = 0;
    let now = std::time::Instant::now();
    let mut out = Vec::new();
    while let Some(run) = world.client().transmit(now, &mut out) {
        for datagram in out.chunks_mut(run.segment) {
            let path = flare_quic::Path { local: run.path.peer, peer: run.path.local };
            world.server().receive(datagram, path, flare_quic::Ecn::NotCapable);
            while let Some(stream) = world.server().next_readable() {
                if !order.contains(&stream) {
                    order.push(stream);
                }
            }
        }
        out.clear();
    }
    let reversed: Vec<u64> = streams.iter().rev().copied().collect();
    assert_eq!(order, reversed);
}

#[test]
fn datagrams_arrive_whole_or_not_at_all() {
    let mut world = World::joined();
    for length in [0, 1, 500, 1000] {
        assert!(world.client().write_datagram(vec![length as u8; length]), "{length}");
    }
    let room = world.client().datagram_room().unwrap();
    assert!((1000..1500).contains(&room), "{room}");
    assert!(!world.client().write_datagram(vec![0; room + 1]), "larger than a packet");
    world.run_out();
    let mut buffer = [0; 600];
    for length in [0, 1, 500] {
        assert_eq!(world.server().read_datagram(&mut buffer), Some(length));
        assert_eq!(buffer[..length], vec![length as u8; length]);
    }
    assert_eq!(world.server().read_datagram(&mut buffer), None, "one that does not fit is dropped");
    assert!(world.client().write_datagram(vec![0; room]));
    world.run_out();
    assert_eq!(world.server().read_datagram(&mut [0; 1500]), Some(room));
    assert!(!world.client().is_full_of_datagrams());
    let taken = (0..1000).filter(|_| world.client().write_datagram(b"x".to_vec())).count();
    assert!((1..1000).contains(&taken), "{taken} of 1000 are queued");
    assert!(world.client().is_full_of_datagrams());

    let quic = QuicSettings { datagrams: false, ..QuicSettings::default() };
    let mut world = World::new(&server_tls(), &quic);
    world.connect(&client_context());
    world.settle_handshakes();
    assert!(!world.client().write_datagram(b"x".to_vec()), "the server takes none");
    assert_eq!(world.client().datagram_room(), None);
}

#[test]
fn datagrams_of_one_size_leave_in_runs() {
    let mut world = World::joined();
    world.run_out();
    let stream = world.client().open_bidirectional().unwrap();
    let mut sender = Sender::new(stream, pattern(2_000_000, stream));
    let mut got = Vec::new();
    world.runs.clear();
    sender.go(world.client());
    world.run("the content", |world| {
        while world.client().next_writable().is_some() {
            sender.go(world.client());
        }
        world.server().next_readable().is_some_and(|stream| read_all(world.server(), stream, &mut got))
    });
    assert!(got == sender.content);
    let (runs, datagrams) =
        (world.runs.len(), world.runs.iter().map(|(segment, all)| all.div_ceil(*segment)).sum::<usize>());
    let longest = world.runs.iter().map(|(segment, all)| all.div_ceil(*segment)).max();
    assert!(datagrams > 1000, "{datagrams}");
    assert!(datagrams > 2 * runs, "{datagrams} datagrams in {runs} runs");
    assert!(longest >= Some(20), "{longest:?}");
}
