//! The server's end of a connection: flare's own session behind a test connection, with the driver's part played here.

use flare::testing::{TestClient, TestConnection};

use crate::network::{Arrival, Link, Way};
use crate::scene::Scene;

pub struct Host {
    connection: TestConnection,
    /// The time up to which the connection has come.
    at: u64,
    /// Bytes that may wait for the client.
    most_waiting: usize,
    /// How long a client may take nothing, in milliseconds; the driver's deadline in a server.
    write_timeout: u64,
    /// When the client took something last, while something waits for it.
    stalled: Option<u64>,
    drains_at: Option<u64>,
    pub drained: bool,
    /// It has lost its client.
    lost: bool,
    ended: bool,
}

impl Host {
    /// `waiting`: bytes that may wait for the client.
    pub fn new(server: &TestClient, waiting: usize, drains_at: Option<u64>) -> Self {
        let mut connection = server.connect();
        connection.hold_output();
        Self {
            connection,
            at: 0,
            most_waiting: waiting,
            write_timeout: 30_000,
            stalled: None,
            drains_at,
            drained: false,
            lost: false,
            ended: false,
        }
    }

    pub fn is_over(&self) -> bool {
        self.lost || self.ended
    }

    pub fn wants_input(&self) -> bool {
        self.is_over() || !self.connection.is_open() || self.connection.wants_input()
    }

    fn lose(&mut self, scene: &mut Scene) {
        scene.trace.note(format_args!("server loses its client"));
        self.connection.abort();
        self.lost = true;
    }

    /// Lets time pass, and takes what arrived.
    pub fn receive(&mut self, link: &mut Link, scene: &mut Scene) {
        let passed = scene.now.saturating_sub(self.at);
        self.at = scene.now;
        if !self.is_over() {
            self.connection.advance(std::time::Duration::from_millis(passed));
        }
        if !self.is_over() && self.drains_at.is_some_and(|at| at <= scene.now) {
            self.drains_at = None;
            self.drained = true;
            scene.trace.note(format_args!("server drains"));
            self.connection.drain();
        }
        loop {
            let wants = self.wants_input();
            match link.arrived(Way::Up, wants, scene.now, &mut scene.random) {
                None => break,
                Some(_) if self.is_over() => {}
                Some(Arrival::Bytes(bytes)) => {
                    scene.trace.note(format_args!("server takes {} bytes", bytes.len()));
                    self.connection.send(&bytes);
                }
                Some(Arrival::End) => {
                    scene.trace.note(format_args!("server: the client ended"));
                    self.connection.close_write();
                }
                Some(Arrival::Lost) => self.lose(scene),
            }
            while self.connection.try_step() {}
        }
    }

    /// Hears what the program has done, and sends.
    pub fn act(&mut self, link: &mut Link, scene: &mut Scene) {
        while self.connection.try_step() {}
        if self.is_over() {
            return;
        }
        loop {
            let held = self.connection.held();
            assert!(
                held <= self.most_waiting,
                "{held} bytes wait at the server, {} at most",
                self.most_waiting
            );
            let room = link.room(Way::Down).min(held);
            if room == 0 {
                break;
            }
            let bytes = self.connection.take_held(room);
            scene.trace.note(format_args!("server sends {} bytes", bytes.len()));
            link.send(Way::Down, &bytes, scene.now, &mut scene.random);
            self.stalled = None;
            while self.connection.try_step() {}
        }
        if self.connection.held() > 0 {
            let since = *self.stalled.get_or_insert(scene.now);
            if scene.now >= since + self.write_timeout {
                self.lose(scene);
                link.cut(scene.now, &mut scene.random);
            }
        } else if !self.connection.is_open() {
            scene.trace.note(format_args!("server closes"));
            link.end(Way::Down, scene.now, &mut scene.random);
            link.discard(Way::Up);
            // As a worker does with every connection that it closes.
            self.connection.abort();
            self.ended = true;
        }
    }

    /// When it has something to do.
    pub fn due(&self) -> Option<u64> {
        if self.is_over() {
            return None;
        }
        let deadline = self.connection.deadline();
        let own = deadline.map(|after| self.at + u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 2));
        let stalled = self.stalled.map(|since| since + self.write_timeout);
        [own, stalled, self.drains_at].into_iter().flatten().min()
    }
}
