//! What the two ends of a socket say, as planned.

use flare_proto::websocket::Opcode;

use crate::content::content;
use crate::random::Random;

/// One socket.
#[derive(Debug, Clone)]
pub struct Talk {
    /// What the server says first, of its own.
    pub greetings: Vec<Said>,
    /// What the client says. The server sends each of these back.
    pub messages: Vec<Said>,
    /// The server says goodbye behind so many messages.
    pub server_closes_after: Option<usize>,
    /// The client says goodbye when it has said all, or when it has heard all.
    pub closes_early: bool,
    /// It leaves without a goodbye.
    pub vanishes: bool,
    /// Milliseconds between two messages of the client.
    pub pause: u64,
    /// The client uses what came only after so many milliseconds.
    pub uses_after: u64,
    pub offers_deflate: bool,
}

/// A message.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    pub kind: Kind,
    pub length: usize,
    /// In so many fragments.
    pub fragments: usize,
    /// A Ping goes before it.
    pub pings: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any bytes.
    Noise,
    /// The same over and over.
    Dull,
    /// Letters of one to four bytes.
    Text,
}

/// What the server closes with.
pub const SERVER_CODE: u16 = 4001;
/// What the client closes with.
pub const CLIENT_CODE: u16 = 4002;

impl Talk {
    /// As the seed says.
    pub fn new(deflate: bool, bearable: usize, random: &mut Random) -> Self {
        let most = if random.one_in(20) { bearable.min(150_000) } else { 1500 };
        let said = |random: &mut Random, fragments: bool| Said {
            kind: random.pick(&[Kind::Noise, Kind::Dull, Kind::Text]),
            length: random.scaled(most),
            fragments: if fragments && random.one_in(6) { random.within(2, 4) } else { 1 },
            pings: random.one_in(8),
        };
        let greetings = (0..random.below(3)).map(|_| said(random, false)).collect();
        let messages: Vec<_> = (0..random.below(8)).map(|_| said(random, true)).collect();
        Self {
            greetings,
            server_closes_after: (!messages.is_empty() && random.one_in(6))
                .then(|| random.within(1, messages.len())),
            messages,
            closes_early: random.one_in(2),
            vanishes: random.one_in(10),
            pause: random.pick(&[0, 0, 5, 50]),
            uses_after: random.pick(&[0, 0, 0, 30]),
            offers_deflate: deflate && !random.one_in(8),
        }
    }

    /// Memory that the messages may take at both ends together.
    pub fn memory(&self) -> usize {
        let content: usize = self.greetings.iter().chain(&self.messages).map(|said| said.length).sum();
        100_000 + 14 * content + if self.offers_deflate { 1_000_000 } else { 0 }
    }
}

impl Said {
    /// The message: of whom, and the how manieth.
    pub fn message(&self, owner: u64, number: usize) -> (Opcode, Vec<u8>) {
        match self.kind {
            Kind::Noise => (Opcode::Binary, content(owner, number * 1000, self.length)),
            Kind::Dull => (Opcode::Binary, vec![number as u8 ^ owner as u8; self.length]),
            Kind::Text => {
                let letters = ['a', '\u{e4}', '\u{20ac}', '\u{1f9ff}', 'x', 'y'];
                let mut text = String::new();
                while text.len() < self.length {
                    text.push(letters[(text.len() * 7 + number + owner as usize) % letters.len()]);
                }
                (Opcode::Text, text.into_bytes())
            }
        }
    }
}

/// Whose messages those of the client are, and those of the server.
pub fn owners(number: usize) -> [u64; 2] {
    [2 * number as u64 + 1, 2 * number as u64 + 2]
}
