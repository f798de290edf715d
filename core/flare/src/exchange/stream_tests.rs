//! Both queues and the callback, step by step.

use bytes::Bytes;

use super::stream::*;

#[test]
fn writes_are_refused_above_the_limit_and_taken_again_below() {
    let mut inner = Inner::default();
    assert!(inner.push_data(Bytes::from(vec![0; OUTBOUND_HIGH])));
    assert!(!inner.push_data(Bytes::from_static(b"x")));
    assert!(!inner.became_writable());
    assert!(matches!(inner.pop_piece(), Some(Piece::Data(_))));
    assert!(inner.became_writable());
    assert!(!inner.became_writable(), "told twice");
    assert!(inner.push_data(Bytes::from_static(b"x")));
}

#[test]
fn the_reader_is_stopped_and_asked_again() {
    let mut inner = Inner::default();
    assert_eq!(inner.pop_content(usize::MAX), (Read::WouldBlock, true));
    assert!(inner.push_content(&vec![1; INBOUND_HIGH - 1]));
    assert!(!inner.push_content(&[2]));
    assert!(inner.pop_content(usize::MAX).1, "below the low mark");
    assert_eq!(inner.pop_content(usize::MAX), (Read::Data(Bytes::from(vec![2; 1])), false));
    assert_eq!(inner.pop_content(usize::MAX), (Read::WouldBlock, false));
    inner.received_all = true;
    assert_eq!(inner.pop_content(usize::MAX), (Read::End, false));
}

#[test]
fn the_first_read_asks_for_content() {
    let mut inner = Inner::default();
    assert_eq!(inner.pop_content(usize::MAX), (Read::WouldBlock, true));
    assert_eq!(inner.pop_content(usize::MAX), (Read::WouldBlock, false));
}

#[test]
fn a_callback_may_replace_itself_and_is_gone_after_the_end() {
    let stream = Stream::default();
    stream.lock().set_callback(hears(|_| Flow::Pause), false);
    assert_eq!(stream.call(Event::End), Some(Flow::Pause));
    assert!(stream.lock().end().is_some());
    assert_eq!(stream.call(Event::End), None);
}
