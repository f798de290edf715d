//! A connection to a server, in the loop of Node, and the exchanges on it.
//!
//! While it is made the loop watches the descriptor of that, then the socket. JavaScript has one function for what happens on all connections;
//! content that it was given counts as used when it says so, so whoever does not read stops the server.

mod commands;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use flare::Version;
use flare::client::{Client, ConnectingHttp3, Event, ExchangeId, Failure, Response as Head};
use flare::connect::{ConnectError, Connecting};

use crate::connector;
use crate::hosted::{Hosted, tell};
use crate::js::{Arguments, Env, Error, Function, Result, Scope, Value};
use crate::packed::pack_fields;
use crate::watch::Watched;

pub(crate) use commands::FUNCTIONS as COMMANDS;

pub(crate) const FUNCTIONS: &[Function] = &[Function { name: "clientConnect", call: connect }];

/// So much is done before the loop goes on with others.
const BUDGET: usize = 64;

/// What happens on a connection. The numbers are those of `lib/native.cjs`.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
enum Happening {
    /// It is there. The value: whether several exchanges run at a time.
    Connected = 0,
    /// It was not made: a code and words.
    Unconnected = 1,
    /// An interim answer: status and fields.
    Informational = 2,
    /// The head of the answer: status and, behind a digit for the version, fields.
    Head = 3,
    /// Content.
    Data = 4,
    /// The answer has ended: its trailers.
    End = 5,
    /// Content of the request is taken again.
    Writable = 6,
    /// The exchange is over: a code and words.
    Failed = 7,
    /// The connection is over.
    Over = 8,
}

#[derive(Default)]
enum State {
    Connecting(Making),
    Open(Box<Client>),
    #[default]
    Over,
}

/// A connection that is being made.
enum Making {
    /// Over TCP or a Unix socket, and whether HTTP/2 is known to be spoken.
    Stream(Box<Connecting>, bool),
    Http3(Box<ConnectingHttp3>),
}

impl Making {
    fn poll(&self) -> std::result::Result<Option<Client>, ConnectError> {
        match self {
            Self::Stream(connecting, http2) => {
                let made = connecting.poll()?;
                Ok(made.map(|made| if *http2 { Client::http2(made) } else { Client::new(made) }))
            }
            Self::Http3(connecting) => connecting.poll(),
        }
    }
}

impl AsRawFd for Making {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Stream(connecting, _) => connecting.as_raw_fd(),
            Self::Http3(connecting) => connecting.as_raw_fd(),
        }
    }
}

/// A connection. JavaScript holds it, and so does its watch until it is over.
struct OwnClient {
    hosted: Hosted<State>,
    /// What JavaScript knows it by.
    number: i32,
    /// What the watch watches for.
    interest: Cell<(bool, bool)>,
    /// More can be done, though no event will tell.
    again: Cell<bool>,
    keeps_alive: Cell<bool>,
    exchanges: RefCell<HashMap<u64, ExchangeId>>,
    /// What was found when JavaScript could not be called.
    found: RefCell<VecDeque<Event>>,
}

/// What JavaScript holds: when it lets go, the connection is closed.
struct JsClient(Rc<OwnClient>);

impl Drop for JsClient {
    fn drop(&mut self) {
        self.0.hosted.end();
    }
}

fn of<'v>(arguments: &Arguments<'_>) -> Result<&'v Rc<OwnClient>> {
    // SAFETY: `lib` hands over here only what `clientConnect` gave it.
    unsafe { arguments.env.to_external::<JsClient>(arguments.get(0)) }.map(|client| &client.0)
}

/// `clientConnect(connector, target, version, number)`: begins to connect. `version`: 2 or 3 when it is known to be spoken, or 0.
fn connect(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let target = env.to_string(arguments.get(1))?;
    let connector = connector::of(env, arguments.get(0))?;
    let begun = match env.to_integer(arguments.get(2))? {
        3 => Client::begin_http3(connector, &target).map(|begun| Making::Http3(Box::new(begun))),
        version => connector.begin(&target).map(|begun| Making::Stream(Box::new(begun), version == 2)),
    };
    let making = begun.map_err(|error| Error::Coded(connector::code(&error), error.to_string()))?;
    let fd = making.as_raw_fd();
    let client = Rc::new(OwnClient {
        hosted: Hosted::new(arguments, State::Connecting(making)),
        number: env.to_integer(arguments.get(3))?,
        interest: Cell::new((true, false)),
        again: Cell::new(false),
        keeps_alive: Cell::new(true),
        exchanges: RefCell::default(),
        found: RefCell::default(),
    });
    client.hosted.begin(fd, "FlareClient", Rc::clone(&client) as Rc<dyn Watched>)?;
    env.external(Box::new(JsClient(client)))
}

impl Watched for OwnClient {
    fn ready(&self, _: &mut Scope<'_>, _: bool) {
        self.hosted.enter(|| self.work());
    }

    fn end(&self) {
        self.hosted.end();
    }
}

impl OwnClient {
    fn work(&self) {
        let connected = match &*self.hosted.state.borrow() {
            State::Connecting(making) => making.poll(),
            State::Open(_) | State::Over => Ok(None),
        };
        match connected {
            Ok(Some(client)) => self.connected(client),
            Ok(None) => {}
            Err(error) => {
                self.hosted.end();
                let code = connector::code(&error);
                return self.tell_failure(Happening::Unconnected, None, code, &error.to_string());
            }
        }
        self.pump();
        self.set_interest();
    }

    fn connected(&self, client: Client) {
        let multiplexed = client.is_multiplexed();
        let fd = client.as_fd().as_raw_fd();
        match self.hosted.become_other(fd, State::Open(Box::new(client))) {
            Ok(()) => {
                self.hosted.keep_alive(self.keeps_alive.get());
                self.interest.set((true, false));
                self.tell(Happening::Connected, None, |env| {
                    Ok([env.boolean(multiplexed)?, env.undefined()?])
                });
            }
            Err(_) => {
                self.hosted.end();
                self.tell_failure(
                    Happening::Unconnected,
                    None,
                    "ERR_FLARE_LOOP",
                    "the loop can't watch the connection",
                );
            }
        }
    }

    /// Hands over what has happened.
    fn pump(&self) {
        self.again.set(false);
        for _ in 0..BUDGET {
            let found = self.found.borrow_mut().pop_front();
            let next = match found {
                Some(event) => Ok(Some(event)),
                None => self.next_event(),
            };
            match next {
                Ok(Some(event)) => self.tell_event(event),
                Ok(None) => return self.over(),
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
                Err(_) => return self.over(),
            }
        }
        self.again.set(true);
    }

    /// What happened next, without waiting for it.
    fn next_event(&self) -> std::result::Result<Option<Event>, ErrorKind> {
        match &mut *self.hosted.state.borrow_mut() {
            State::Open(client) => {
                client.next_event_unused(Some(Duration::ZERO)).map_err(|error| error.kind())
            }
            // It was closed by what was told before.
            State::Connecting(_) | State::Over => Err(ErrorKind::WouldBlock),
        }
    }

    fn over(&self) {
        self.hosted.end();
        self.exchanges.borrow_mut().clear();
        self.tell(Happening::Over, None, |env| Ok([env.undefined()?, env.undefined()?]));
    }

    /// Watches for what the connection waits for.
    fn set_interest(&self) {
        let interest = match &mut *self.hosted.state.borrow_mut() {
            State::Open(client) => {
                let again = self.again.get() && !client.wake();
                (client.wants_read(), client.wants_write() || again)
            }
            State::Connecting(_) | State::Over => return,
        };
        if self.interest.replace(interest) != interest && self.hosted.set(interest.0, interest.1).is_err() {
            self.hosted.end();
        }
    }

    /// There may be more to hand over, and JavaScript is calling just now: the loop comes back at once.
    fn soon(&self) {
        self.again.set(true);
        self.set_interest();
    }

    fn tell_event(&self, event: Event) {
        let id = event.exchange();
        match event {
            Event::Informational(_, head) => {
                self.tell(Happening::Informational, Some(id), |env| told_head(env, &head));
            }
            Event::Head(_, head) => self.tell(Happening::Head, Some(id), |env| told_head(env, &head)),
            Event::Data(_, data) => {
                self.tell(Happening::Data, Some(id), |env| Ok([env.buffer(&data)?, env.undefined()?]))
            }
            Event::End(_, trailers) => {
                self.tell(Happening::End, Some(id), |env| {
                    let mut packed = Vec::new();
                    pack_fields(&trailers, &mut packed);
                    Ok([env.latin1(&packed)?, env.undefined()?])
                });
            }
            Event::Writable(_) => {
                self.tell(Happening::Writable, Some(id), |env| Ok([env.undefined()?, env.undefined()?]));
            }
            Event::Failed(_, failure) => {
                self.tell_failure(Happening::Failed, Some(id), failure_code(failure), &failure.to_string());
            }
            // Nothing of it was asked for.
            _ => {}
        }
    }

    fn tell_failure(&self, what: Happening, exchange: Option<ExchangeId>, code: &str, words: &str) {
        self.tell(what, exchange, |env| Ok([env.text(code.as_bytes())?, env.text(words.as_bytes())?]));
    }

    fn tell(
        &self,
        what: Happening,
        exchange: Option<ExchangeId>,
        values: impl FnOnce(Env) -> Result<[Value; 2]>,
    ) {
        tell(self.number, exchange.map_or(-1.0, |id| id.number() as f64), what as i32, values);
    }

    /// Does something with the connection, and watches for what it waits for then.
    fn with<T>(&self, what: impl FnOnce(&mut Client) -> T) -> Option<T> {
        let result = match &mut *self.hosted.state.borrow_mut() {
            State::Open(client) => Some(what(client)),
            State::Connecting(_) | State::Over => None,
        };
        self.set_interest();
        result
    }

    fn exchange(&self, arguments: &Arguments<'_>) -> Result<Option<ExchangeId>> {
        let number = arguments.env.to_number(arguments.get(1))?;
        Ok(self.exchanges.borrow().get(&(number as u64)).copied())
    }
}

/// Status and, behind a digit for the version, fields.
fn told_head(env: Env, head: &Head) -> Result<[Value; 2]> {
    let mut packed = vec![match head.version {
        Version::Http10 => b'0',
        Version::Http11 => b'1',
        Version::Http2 => b'2',
        Version::Http3 => b'3',
    }];
    pack_fields(&head.headers, &mut packed);
    Ok([env.integer(head.status.into())?, env.latin1(&packed)?])
}

pub(crate) fn failure_code(failure: Failure) -> &'static str {
    match failure {
        Failure::Refused => "ERR_FLARE_REFUSED",
        Failure::Reset(_) => "ERR_FLARE_RESET",
        Failure::Cut => "ERR_FLARE_CUT",
        _ => "ERR_FLARE_PROTOCOL",
    }
}
