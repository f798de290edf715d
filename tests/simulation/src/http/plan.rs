//! What a client asks, and what the server's program does about it.

use crate::network::Weather;
use crate::random::Random;

/// One exchange.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The connection that it is on.
    pub connection: usize,
    pub head_only: bool,
    pub upload: Upload,
    pub answer: Answer,
    /// The content of the answer, in bytes.
    pub download: usize,
    /// Whether the answer says its length.
    pub announced: bool,
    pub trailers: bool,
    /// The server says 103 first.
    pub informs: bool,
    /// The length of a field of the request, and of the answer.
    pub fill: [usize; 2],
    /// What the server's program takes between two steps, in milliseconds.
    pub delay: u64,
    /// How much it reads or writes at a time.
    pub piece: usize,
    /// The client lets go of it after so many milliseconds.
    pub leaves: Option<u64>,
    /// The client uses what comes only after so many milliseconds.
    pub uses_after: u64,
}

#[derive(Debug, Clone)]
pub struct Upload {
    pub length: usize,
    /// `None`: the request has no content at all.
    pub announced: Option<bool>,
    pub trailers: bool,
    pub piece: usize,
    /// Milliseconds between two pieces.
    pub pause: u64,
    /// It is sent when the server says 100.
    pub expects: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// In the handler.
    Now,
    /// After a while.
    Later,
    /// Written piece by piece.
    Stream,
    /// Pulled by the server.
    Pulled,
    /// The content of the request, as it comes.
    Echo,
    /// When the content of the request was read, slowly.
    Slow,
    /// Although the content of the request was not read.
    Early,
    /// None: the program forgets it, which the client has to see as 500.
    Forgotten,
    /// A part, then the program gives up: the client must not take it for whole.
    Torn,
}

impl Answer {
    /// Whether the program takes the content as it comes.
    pub fn reads(self) -> bool {
        matches!(self, Answer::Echo | Answer::Slow | Answer::Early)
    }

    /// Whether neither end has the content of the answer in one piece.
    pub fn flows(self) -> bool {
        matches!(self, Answer::Stream | Answer::Pulled | Answer::Echo | Answer::Torn)
    }
}

impl Plan {
    /// As the seed says. `long`: with more content than any buffer takes.
    pub fn new(connection: usize, weather: &Weather, long: bool, random: &mut Random) -> Self {
        use Answer::{Early, Echo, Forgotten, Later, Now, Pulled, Slow, Stream, Torn};
        let answer = match long {
            true => random.pick(&[Stream, Pulled, Echo, Slow]),
            false => random.pick(&[
                Now, Now, Now, Later, Stream, Stream, Pulled, Echo, Echo, Slow, Early, Forgotten, Torn,
            ]),
        };
        let most = match random.below(20) {
            0 => weather.bearable().min(600_000),
            1..=5 => weather.bearable().min(20_000),
            _ => 2000,
        };
        let size = |random: &mut Random| if long { 2_000_000 } else { random.scaled(most) };
        let with_content = long || random.one_in(2);
        let upload = Upload {
            length: if with_content { size(random) } else { 0 },
            announced: (with_content || random.one_in(10)).then(|| random.one_in(2)),
            trailers: random.one_in(4),
            piece: 100 + random.scaled(40_000),
            pause: if long { 0 } else { random.pick(&[0, 0, 0, 5, 20]) },
            expects: random.one_in(8),
        };
        Self {
            connection,
            head_only: answer == Now && upload.announced.is_none() && random.one_in(10),
            answer,
            download: match answer {
                Slow if long => 1000,
                _ if long || !random.one_in(6) => size(random),
                _ => 0,
            },
            announced: random.one_in(2),
            trailers: random.one_in(4),
            informs: random.one_in(10),
            fill: [random.scaled(2000), random.scaled(2000)],
            delay: random.pick(&[0, 0, 1, 10, 300]),
            piece: if long { 30_000 } else { 100 + random.scaled(40_000) },
            leaves: (!long && random.one_in(20)).then(|| random.scaled(2000) as u64),
            uses_after: if long { 20 } else { random.pick(&[0, 0, 0, 0, 30]) },
            upload,
        }
    }

    /// Whose content the request has.
    pub fn up(tag: usize) -> u64 {
        2 * tag as u64 + 1
    }

    /// Whose content the answer has.
    pub fn down(&self, tag: usize) -> u64 {
        if self.answer == Answer::Echo { Self::up(tag) } else { 2 * tag as u64 + 2 }
    }

    /// The length of the whole answer.
    pub fn answer_length(&self) -> usize {
        match self.answer {
            Answer::Echo => self.upload.length,
            Answer::Forgotten => 0,
            _ => self.download,
        }
    }

    /// Memory that it may take at both ends together. Content that flows is held up to the limits of buffers, whatever its length is.
    pub fn memory(&self) -> usize {
        /// Content of one direction that waits: for the program, and for the network, at both ends.
        const BUFFERS: usize = 1_600_000;
        let is_whole = [!self.answer.reads(), !self.answer.flows()];
        let lengths = [self.upload.length, self.answer_length()];
        let content = lengths.into_iter().zip(is_whole).map(|(length, whole)| match whole {
            true => 5 * length,
            false => (5 * length).min(BUFFERS),
        });
        60_000 + content.sum::<usize>()
    }
}

/// A value of a field.
pub fn filling(tag: usize, length: usize) -> String {
    (0..length).map(|place| char::from(b'a' + ((place * 7 + tag * 3) % 26) as u8)).collect()
}
