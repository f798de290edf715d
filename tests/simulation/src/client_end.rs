//! The client's end of a connection: a session, and how bytes come to it and leave.

use flare::client::Session;

use crate::network::{Arrival, Link, Way};
use crate::planted::{self, Bug};
use crate::scene::Scene;

/// A client that hears nothing for so many milliseconds gives up.
pub const PATIENCE: u64 = 15 * 60 * 1000;

pub struct ClientEnd {
    pub session: Session,
    /// When something came last.
    pub heard: u64,
    /// Nothing is sent or received any more.
    pub gone: bool,
    /// The most output that may wait, in bytes.
    most_output: usize,
    hoard: Vec<u8>,
}

impl ClientEnd {
    pub fn new(session: Session, most_output: usize) -> Self {
        Self { session, heard: 0, gone: false, most_output, hoard: Vec::new() }
    }

    pub fn wants_input(&self) -> bool {
        !self.gone && self.session.wants_input()
    }

    /// Takes the next thing that arrived. False: there is none. What came of it is to be taken before the next.
    pub fn receive(&mut self, link: &mut Link, scene: &mut Scene) -> bool {
        let wants = self.wants_input();
        match link.arrived(Way::Down, wants, scene.now, &mut scene.random) {
            None => return false,
            Some(_) if self.gone => {}
            Some(Arrival::Bytes(bytes)) => {
                self.heard = scene.now;
                scene.trace.note(format_args!("client takes {} bytes", bytes.len()));
                // PLANTED: what came is kept for ever.
                if planted::has(Bug::Grows) {
                    (0..100).for_each(|_| self.hoard.extend_from_slice(&bytes));
                }
                self.session.receive(&bytes);
            }
            Some(Arrival::End) => {
                scene.trace.note(format_args!("client: the server ended"));
                self.session.receive_end();
            }
            Some(Arrival::Lost) => {
                scene.trace.note(format_args!("client: the connection is lost"));
                self.session.lose();
            }
        }
        true
    }

    /// Sends as much as the network takes. Whether anything was.
    pub fn send(&mut self, link: &mut Link, scene: &mut Scene) -> bool {
        let mut sent = false;
        loop {
            let room = link.room(Way::Up);
            let output = self.session.output();
            assert!(output.len() <= self.most_output, "{} bytes wait at the client", output.len());
            if link.is_ended(Way::Up) || link.is_broken() {
                // What is sent now goes nowhere.
                output.clear();
                return sent;
            }
            let length = output.len().min(room);
            if length == 0 {
                return sent;
            }
            link.send(Way::Up, &output[..length], scene.now, &mut scene.random);
            output.drain(..length);
            scene.trace.note(format_args!("client sends {length} bytes"));
            sent = true;
        }
    }

    /// Closes when the session is over and all of it was sent. True: it does, and what happened last is to be taken.
    pub fn closes(&mut self, link: &Link) -> bool {
        self.session.is_over() && (self.session.output().is_empty() || link.is_broken())
    }

    pub fn close(&mut self, link: &mut Link, scene: &mut Scene) {
        scene.trace.note(format_args!("client closes"));
        link.end(Way::Up, scene.now, &mut scene.random);
        link.discard(Way::Down);
        self.gone = true;
    }
}
