//! WebSockets to servers, in the loop of Node.
//!
//! The loop watches the descriptor of what is being opened, then that of the socket. What happens is told by the function for connections.

use std::cell::Cell;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use flare::Headers;
use flare::websocket::SendError;
use flare::websocket::client::{
    Backoff, Event, OpenError, OpenFailure, Opener, Opening, Options, Refusal, Socket,
};

use crate::answer::read_fields;
use crate::connector;
use crate::hosted::{Hosted, tell};
use crate::js::{Arguments, Env, Error, Function, Kind, Result, Scope, Value};
use crate::server::failed;
use crate::watch::Watched;
use crate::websocket::{told, with_message};
use crate::{client, packed};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "wscOpener", call: opener },
    Function { name: "wscOpen", call: open },
    Function { name: "wscSend", call: send },
    Function { name: "wscPing", call: ping },
    Function { name: "wscClose", call: close },
    Function { name: "wscAbort", call: abort },
    Function { name: "wscHold", call: hold },
    Function { name: "wscWork", call: work },
    Function { name: "wscBuffered", call: buffered },
];

/// So much is done before the loop goes on with others.
const BUDGET: usize = 64;

/// What happens to a socket. The numbers are those of `lib/native.cjs`.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
enum Happening {
    /// It is open: the subprotocol, and whether messages are compressed.
    Opened = 0,
    /// It was not opened: code, words and the server's answer, if that was something else.
    Unopened = 1,
    Text = 2,
    Binary = 3,
    Pong = 4,
    /// Messages are taken again.
    Writable = 5,
    /// It is over: code and reason, after a goodbye of both sides.
    Closed = 6,
    /// The same without one.
    Cut = 7,
    /// There is more, and no event will tell.
    Again = 8,
}

#[derive(Default)]
enum State {
    Opening(Box<Opening>),
    Open(Box<Socket>),
    #[default]
    Over,
}

/// A socket. JavaScript holds it, and so does its watch until it is over.
struct OwnSocket {
    hosted: Hosted<State>,
    /// What JavaScript knows it by.
    number: i32,
    /// JavaScript takes no messages for now.
    held: Cell<bool>,
}

struct JsOpener(Opener, Option<Backoff>);

struct JsSocket(Rc<OwnSocket>);

impl Drop for JsSocket {
    fn drop(&mut self) {
        self.0.hosted.end();
    }
}

fn of<'v>(arguments: &Arguments<'_>) -> Result<&'v Rc<OwnSocket>> {
    // SAFETY: `lib` hands over here only what `wscOpen` gave it.
    unsafe { arguments.env.to_external::<JsSocket>(arguments.get(0)) }.map(|socket| &socket.0)
}

/// `wscOpener(settings, tls, fields, again)`: `settings` names and values in turn; `tls` as for connectors, or `undefined` for defaults; `fields` of the
/// request; `again` names and values for further attempts, or `undefined` for none.
fn opener(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let mut options = Options::default();
    if !env.is_absent(arguments.get(1))? {
        options = options.tls(connector::settings(env, arguments.get(1))?);
    }
    let settings = arguments.get(0);
    for index in (0..env.array_length(settings)?).step_by(2) {
        let name = env.to_string(env.element(settings, index)?)?;
        let value = env.element(settings, index + 1)?;
        let set = match env.kind(value)? {
            Kind::Text => options.set_text(&name, &env.to_string(value)?),
            // Whole numbers, which `lib` has checked.
            _ => options.set_number(&name, env.to_number(value)? as i64),
        };
        set.map_err(|error| failed(&error))?;
    }
    let mut headers = Headers::new();
    read_fields(env, arguments.get(2), &mut headers)?;
    options.headers = headers;
    let again = again(env, arguments.get(3))?;
    let opener = Opener::new(options).map_err(|error| failed(&error))?;
    env.external(Box::new(JsOpener(opener, again)))
}

fn again(env: Env, array: Value) -> Result<Option<Backoff>> {
    if env.is_absent(array)? {
        return Ok(None);
    }
    let mut backoff = Backoff::default();
    for index in (0..env.array_length(array)?).step_by(2) {
        let name = env.to_string(env.element(array, index)?)?;
        let value = env.to_number(env.element(array, index + 1)?)? as i64;
        backoff.set_number(&name, value).map_err(|error| failed(&error.into()))?;
    }
    Ok(Some(backoff))
}

/// `wscOpen(opener, uri, number)`: begins to open.
fn open(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    // SAFETY: `lib` hands over here only what `wscOpener` gave it.
    let JsOpener(opener, again) = unsafe { env.to_external::<JsOpener>(arguments.get(0)) }?;
    let uri = env.to_string(arguments.get(1))?;
    let opening = match again {
        Some(again) => opener.begin_again(&uri, again),
        None => opener.begin(&uri),
    };
    let opening = opening.map_err(|error| Error::Coded(code(&error), error.to_string()))?;
    let fd = opening.as_raw_fd();
    let number = env.to_integer(arguments.get(2))?;
    let state = State::Opening(Box::new(opening));
    let socket = Rc::new(OwnSocket { hosted: Hosted::new(arguments, state), number, held: Cell::new(false) });
    socket.hosted.begin(fd, "FlareWebSocket", Rc::clone(&socket) as Rc<dyn Watched>)?;
    env.external(Box::new(JsSocket(socket)))
}

impl Watched for OwnSocket {
    fn ready(&self, _: &mut Scope<'_>, _: bool) {
        self.hosted.enter(|| self.work());
    }

    fn end(&self) {
        self.hosted.end();
    }
}

impl OwnSocket {
    fn work(&self) {
        let opened = match &*self.hosted.state.borrow() {
            State::Opening(opening) => Some(opening.poll()),
            State::Open(_) | State::Over => None,
        };
        match opened {
            Some(Ok(None)) => {}
            // What comes on it is told in the next turn, when whoever waited for it listens.
            Some(Ok(Some(socket))) => self.opened(socket),
            Some(Err(error)) => {
                self.hosted.end();
                self.tell(Happening::Unopened, |env| told_failure(env, &error));
            }
            None => self.pump(),
        }
    }

    fn opened(&self, socket: Socket) {
        let protocol = socket.protocol().unwrap_or_default().to_owned();
        let is_compressed = socket.is_compressed();
        match self.hosted.become_other(socket.as_raw_fd(), State::Open(Box::new(socket))) {
            Ok(()) => self.tell(Happening::Opened, |env| {
                Ok([env.text(protocol.as_bytes())?, env.boolean(is_compressed)?])
            }),
            Err(_) => self.cut("the loop can't watch the socket"),
        }
    }

    /// Hands over what has happened.
    fn pump(&self) {
        for _ in 0..BUDGET {
            let event = match &*self.hosted.state.borrow() {
                State::Open(socket) if self.held.get() => match socket.hold() {
                    Ok(()) => return,
                    Err(_) => None,
                },
                State::Open(socket) => match socket.receive(Some(Duration::ZERO)) {
                    Ok(event) => Some(event),
                    Err(error)
                        if matches!(
                            error.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        ) =>
                    {
                        return;
                    }
                    Err(_) => None,
                },
                // It was let go by what was told before.
                State::Opening(_) | State::Over => return,
            };
            match event {
                Some(event) => self.tell_event(event),
                None => return self.cut("the system can't wait for the socket"),
            }
        }
        self.tell(Happening::Again, nothing);
    }

    fn cut(&self, reason: &str) {
        self.hosted.end();
        self.tell(Happening::Cut, |env| Ok([env.integer(1006)?, env.text(reason.as_bytes())?]));
    }

    fn tell_event(&self, event: Event) {
        match event {
            Event::Text(text) => {
                self.tell(Happening::Text, |env| Ok([env.text(text.as_bytes())?, env.undefined()?]));
            }
            Event::Binary(data) => {
                self.tell(Happening::Binary, |env| Ok([env.buffer(&data)?, env.undefined()?]));
            }
            Event::Pong(data) => {
                self.tell(Happening::Pong, |env| Ok([env.buffer(&data)?, env.undefined()?]));
            }
            Event::Writable => self.tell(Happening::Writable, nothing),
            Event::Closed(closed) => {
                self.hosted.end();
                let what = if closed.clean { Happening::Closed } else { Happening::Cut };
                self.tell(what, |env| {
                    Ok([env.integer(closed.code.into())?, env.text(closed.reason.as_bytes())?])
                });
            }
            // Pings are answered already.
            _ => {}
        }
    }

    fn tell(&self, what: Happening, values: impl FnOnce(Env) -> Result<[Value; 2]>) {
        tell(self.number, -1.0, what as i32, values);
    }
}

fn nothing(env: Env) -> Result<[Value; 2]> {
    Ok([env.undefined()?, env.undefined()?])
}

fn code(error: &OpenError) -> &'static str {
    match error.failure() {
        OpenFailure::Uri(_) => "ERR_FLARE_ADDRESS",
        OpenFailure::Connect(error) => connector::code(error),
        OpenFailure::Refused(_) => "ERR_FLARE_REFUSED",
        OpenFailure::Timeout(_) => "ETIMEDOUT",
        OpenFailure::Exchange(failure) => client::failure_code(*failure),
        OpenFailure::NoTls => "ERR_FLARE_TLS",
        OpenFailure::Request(_) => "ERR_INVALID_ARG_VALUE",
        OpenFailure::Cancelled | OpenFailure::Over => "ERR_FLARE_CLOSED",
        _ => "ERR_FLARE_PROTOCOL",
    }
}

/// Code and words, and the answer that refuses: status, packed fields and content.
fn told_failure(env: Env, error: &OpenError) -> Result<[Value; 2]> {
    let told = env.array()?;
    env.set_element(told, 0, env.text(code(error).as_bytes())?)?;
    env.set_element(told, 1, env.text(error.to_string().as_bytes())?)?;
    let Some(Refusal { response, content }) = error.refusal() else {
        return Ok([told, env.undefined()?]);
    };
    let mut fields = Vec::new();
    packed::pack_fields(&response.headers, &mut fields);
    let answer = env.array()?;
    env.set_element(answer, 0, env.integer(response.status.into())?)?;
    env.set_element(answer, 1, env.latin1(&fields)?)?;
    env.set_element(answer, 2, env.buffer(content)?)?;
    Ok([told, answer])
}

/// Does something with a socket, and gives the number of its result.
fn act(
    arguments: &Arguments<'_>,
    what: impl FnOnce(&Socket) -> Result<std::result::Result<(), SendError>>,
) -> Result<Value> {
    let state = of(arguments)?.hosted.state.borrow();
    let result = match &*state {
        State::Open(socket) => what(socket)?,
        State::Opening(_) | State::Over => Err(SendError::Closed),
    };
    told(arguments.env, result)
}

/// `wscSend(socket, message)`
fn send(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, |socket| with_message(arguments, arguments.get(1), |message| socket.try_send(message)))
}

/// `wscPing(socket, data)`: a string or bytes.
fn ping(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, |socket| {
        with_message(arguments, arguments.get(1), |message| socket.ping(message.as_bytes()))
    })
}

/// `wscClose(socket, code, reason)`
fn close(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let (code, reason) = (env.to_integer(arguments.get(1))?, env.to_string(arguments.get(2))?);
    act(arguments, |socket| Ok(socket.close(u16::try_from(code).unwrap_or_default(), &reason)))
}

/// `wscAbort(socket)`: gives up opening it, or cuts it. Nothing more is told.
fn abort(arguments: &Arguments<'_>) -> Result<Value> {
    let own = of(arguments)?;
    if let State::Open(socket) = &*own.hosted.state.borrow() {
        socket.abort();
    }
    own.hosted.end();
    arguments.env.undefined()
}

/// `wscHold(socket, held)`: whether JavaScript takes no messages for now. To go on, it also calls `wscWork`.
fn hold(arguments: &Arguments<'_>) -> Result<Value> {
    of(arguments)?.held.set(arguments.env.to_boolean(arguments.get(1))?);
    arguments.env.undefined()
}

/// `wscWork(socket)`: hands over what has happened.
fn work(arguments: &Arguments<'_>) -> Result<Value> {
    let own = Rc::clone(of(arguments)?);
    arguments.environment.enter(arguments.env, || own.pump())?;
    arguments.env.undefined()
}

/// `wscBuffered(socket)`: bytes that wait for the server.
fn buffered(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    match &*of(arguments)?.hosted.state.borrow() {
        State::Open(socket) => env.number(socket.buffered() as f64),
        State::Opening(_) | State::Over => env.integer(0),
    }
}
