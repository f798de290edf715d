//! WebSockets that were accepted.
//!
//! JavaScript has one function for what happens to all of them, and a number for each. It is called in the server's turn, as handlers of
//! requests are.

use std::sync::Arc;

use flare::websocket::{Message, SendError, SocketHandler, WebSocket, WsOptions};
use flare::{Handler, Request, Response};

use crate::answer::draft;
use crate::environment::Register;
use crate::gate::{Gate, Passed};
use crate::handler::JsHandler;
use crate::js::{Arguments, Env, Error, Function, Kind, Result, Value, ValueScope};
use crate::packed::pack;
use crate::turn::{self, Turn};
use crate::{router, server, stock};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "wsRoute", call: route },
    Function { name: "wsSend", call: send },
    Function { name: "wsPing", call: ping },
    Function { name: "wsClose", call: close },
    Function { name: "wsPause", call: pause },
    Function { name: "wsResume", call: resume },
    Function { name: "wsSubscribe", call: subscribe },
    Function { name: "wsUnsubscribe", call: unsubscribe },
    Function { name: "wsPublish", call: publish },
    Function { name: "wsMissed", call: missed },
    Function { name: "wsBuffered", call: buffered },
];

/// Memory for messages is given back when it is larger.
const KEPT: usize = 64 * 1024;

/// What happens to a socket. The numbers are those of `lib/native.cjs`.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
enum Happening {
    /// A request asks for one: the value is the request, packed; the number is that under which it passed its gate. What comes back is `undefined`, or status, fields and content of a refusal.
    Asked = 0,
    /// It is there: the value is the subprotocol, if one was agreed.
    Open = 1,
    /// A message came: the value is a string.
    Text = 2,
    /// A message came: the value is a `Buffer`.
    Binary = 3,
    /// Sends are taken again.
    Writable = 4,
    /// It has ended: the value is the reason, beside the code.
    Closed = 5,
}

impl Turn {
    /// Tells JavaScript what happens to a socket.
    fn socket(&self, id: i32, what: Happening, value: Value, code: u16) -> Result<Value> {
        let env = self.env;
        let arguments = [env.integer(id)?, env.integer(what as i32)?, value, env.integer(code.into())?];
        env.call(self.this, self.socket, &arguments)
    }

    /// Tells it in a scope of its own, so that messages do not stay until the end of the turn.
    fn tell_socket(&self, id: i32, what: Happening, code: u16, value: impl FnOnce(Env) -> Result<Value>) {
        let told = ValueScope::open(self.env).and_then(|_scope| {
            value(self.env).and_then(|value| self.socket(id, what, value, code).map(drop))
        });
        if let Err(error) = told {
            self.fail(error);
        }
    }

    /// Asks JavaScript whether a request may have a socket. Err: the answer that refuses it.
    fn ask_for_socket(
        &self,
        route: i32,
        extras: bool,
        request: &Request,
    ) -> std::result::Result<(), Response> {
        let env = self.env;
        let mut packed = Vec::new();
        pack(request, extras, &mut packed);
        self.environment.write(Register::Handler, route);
        // JavaScript may know it from its gate.
        let known = request.extension::<Passed>().map_or(-1, |passed| passed.0);
        let ask = || {
            let answer = self.socket(known, Happening::Asked, env.latin1(&packed)?, 0)?;
            if env.is_absent(answer)? {
                return Ok(None);
            }
            let mut response = Response::new(200);
            let part = |index| env.element(answer, index);
            draft(env, &mut response, part(0)?, part(1)?, part(2)?)?;
            Ok(Some(response))
        };
        let answer = ValueScope::open(env).and_then(|_scope| ask());
        match answer {
            Ok(None) => Ok(()),
            Ok(Some(response)) => Err(response),
            Err(error) => {
                self.fail(error);
                Err(Response::new(500))
            }
        }
    }
}

/// The handler of one socket. It holds nothing of JavaScript's, so any thread may drop it.
struct JsSocket {
    /// The number of the socket. `None`: it has none, and is closing.
    id: Option<i32>,
}

impl JsSocket {
    fn tell(&self, what: Happening, code: u16, value: impl FnOnce(Env) -> Result<Value>) {
        if let Some(id) = self.id {
            // None: JavaScript can't be called any more.
            let _ = turn::with(|turn| turn.tell_socket(id, what, code, value));
        }
    }
}

impl SocketHandler for JsSocket {
    fn open(&mut self, socket: &WebSocket) {
        self.id = turn::with(|turn| turn.environment.sockets.borrow_mut().insert(socket.clone())).flatten();
        if self.id.is_none() {
            // Err: it can't be closing yet.
            let _ = socket.close(1013, "");
        }
        self.tell(Happening::Open, 0, |env| match socket.protocol() {
            Some(protocol) => env.text(protocol.as_bytes()),
            None => env.undefined(),
        });
    }

    fn message(&mut self, _: &WebSocket, message: Message<'_>) {
        match message {
            Message::Text(text) => self.tell(Happening::Text, 0, |env| env.text(text.as_bytes())),
            Message::Binary(data) => self.tell(Happening::Binary, 0, |env| env.buffer(data)),
        }
    }

    fn writable(&mut self, _: &WebSocket) {
        self.tell(Happening::Writable, 0, Env::undefined);
    }

    fn close(&mut self, _: &WebSocket, code: u16, reason: &str) {
        self.tell(Happening::Closed, code, |env| env.text(reason.as_bytes()));
        self.let_go();
    }
}

impl JsSocket {
    fn let_go(&mut self) {
        if let Some(id) = self.id.take() {
            // None: the environment lets go of all it has.
            let _ = turn::with(|turn| {
                let dropped = turn.environment.sockets.borrow_mut().remove(id);
                drop(dropped);
            });
        }
    }
}

impl Drop for JsSocket {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Options from an array of names and values in turn.
fn options(env: Env, array: Value) -> Result<WsOptions> {
    let mut options = WsOptions::default();
    for index in (0..env.array_length(array)?).step_by(2) {
        let name = env.to_string(env.element(array, index)?)?;
        let value = env.element(array, index + 1)?;
        let set = match env.kind(value)? {
            Kind::Text => options.set_text(&name, &env.to_string(value)?),
            // Whole numbers, which `lib` has checked.
            _ => options.set_number(&name, env.to_number(value)? as i64),
        };
        set.map_err(|error| server::failed(&error.into()))?;
    }
    Ok(options)
}

/// `wsRoute(router, pattern, route, gated, extras, middleware, options, otherwise)`: `route` is the number of the route in JavaScript; `gated` says
/// whether a chain of middleware is before it; `otherwise` a handler as that of `route`, or `undefined`.
fn route(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = router::of(env, arguments.get(0))?;
    let pattern = env.to_string(arguments.get(1))?;
    let (id, extras) = (env.to_integer(arguments.get(2))?, env.to_boolean(arguments.get(4))?);
    let mut options = options(env, arguments.get(6))?;
    let around = arguments.get(5);
    for index in 0..env.array_length(around)? {
        options = options.layer(stock::middleware(env, env.element(around, index)?)?);
    }
    if env.to_boolean(arguments.get(3))? {
        options = options.layer(Gate { id, extras, unrouted: false });
    }
    options.otherwise = otherwise(env, arguments.get(7), extras)?;
    let accept = move |request: &Request| {
        // None: JavaScript can't be called.
        let asked = turn::with(|turn| turn.ask_for_socket(id, extras, request));
        asked.unwrap_or_else(|| Err(Response::new(500))).map(|()| JsSocket { id: None })
    };
    router.0.borrow_mut().ws_with(&pattern, options, accept).map_err(|error| router::wrong(&error))?;
    env.undefined()
}

fn otherwise(env: Env, value: Value, extras: bool) -> Result<Option<Arc<dyn Handler>>> {
    Ok(match env.kind(value)? {
        Kind::Undefined => None,
        Kind::Number => {
            let id = env.to_integer(value)?;
            Some(Arc::new(JsHandler { id, streaming: false, extras, gated: false }))
        }
        _ => Some(Arc::new(stock::handler(env, value)?)),
    })
}

/// The number of a result: 0, -1 when the socket is closing or gone, -2 when so much waits that nothing was taken. Misuse is thrown.
pub(crate) fn told(env: Env, result: std::result::Result<(), SendError>) -> Result<Value> {
    match result {
        Ok(()) => env.integer(0),
        Err(SendError::Closed) => env.integer(-1),
        Err(SendError::WouldBlock) => env.integer(-2),
        Err(SendError::Misuse(problem)) => Err(Error::Type(problem.to_owned())),
    }
}

/// A string as a text message, and bytes as a binary one.
pub(crate) fn with_message<T>(
    arguments: &Arguments<'_>,
    value: Value,
    what: impl FnOnce(Message<'_>) -> T,
) -> Result<T> {
    let env = arguments.env;
    if let Some(data) = env.bytes(value)? {
        return Ok(what(Message::Binary(data)));
    }
    let mut scratch = arguments.environment.scratch.borrow_mut();
    scratch.clear();
    env.append_text(value, &mut scratch)?;
    // Lone surrogates have become U+FFFD, so this replaces nothing.
    let done = what(Message::Text(&String::from_utf8_lossy(&scratch)));
    if scratch.capacity() > KEPT {
        *scratch = Vec::new();
    }
    Ok(done)
}

/// Asks a socket something. One that is not here any more has nothing: `undefined`.
fn ask(arguments: &Arguments<'_>, what: impl FnOnce(Env, &WebSocket) -> Result<Value>) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let sockets = arguments.environment.sockets.borrow();
    match sockets.get(id) {
        Some(socket) => what(env, socket),
        None => env.undefined(),
    }
}

/// Does something with a socket, and gives the number of its result.
fn act(
    arguments: &Arguments<'_>,
    what: impl FnOnce(&WebSocket) -> Result<std::result::Result<(), SendError>>,
) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let sockets = arguments.environment.sockets.borrow();
    let result = match sockets.get(id) {
        Some(socket) => what(socket)?,
        None => Err(SendError::Closed),
    };
    told(env, result)
}

/// `wsSend(id, message)`
fn send(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, |socket| with_message(arguments, arguments.get(1), |message| socket.send(message)))
}

/// `wsPing(id, data)`: a string or bytes.
fn ping(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, |socket| {
        with_message(arguments, arguments.get(1), |message| socket.ping(message.as_bytes()))
    })
}

/// `wsClose(id, code, reason)`
fn close(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let (code, reason) = (env.to_integer(arguments.get(1))?, env.to_string(arguments.get(2))?);
    act(arguments, |socket| Ok(socket.close(u16::try_from(code).unwrap_or_default(), &reason)))
}

/// `wsPause(id)`: no more messages.
fn pause(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, socket| {
        socket.pause();
        env.undefined()
    })
}

/// `wsResume(id)`: messages again.
fn resume(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, socket| {
        socket.resume();
        env.undefined()
    })
}

/// `wsSubscribe(id, topic)`
fn subscribe(arguments: &Arguments<'_>) -> Result<Value> {
    let topic = arguments.env.to_string(arguments.get(1))?;
    ask(arguments, |env, socket| {
        socket.subscribe(&topic);
        env.undefined()
    })
}

/// `wsUnsubscribe(id, topic)`
fn unsubscribe(arguments: &Arguments<'_>) -> Result<Value> {
    let topic = arguments.env.to_string(arguments.get(1))?;
    ask(arguments, |env, socket| {
        socket.unsubscribe(&topic);
        env.undefined()
    })
}

/// `wsPublish(id, topic, message)`
fn publish(arguments: &Arguments<'_>) -> Result<Value> {
    let topic = arguments.env.to_string(arguments.get(1))?;
    act(arguments, |socket| {
        with_message(arguments, arguments.get(2), |message| socket.publish(&topic, message))
    })
}

/// `wsMissed(id)`: publications that it has missed.
fn missed(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, socket| env.number(socket.missed() as f64))
}

/// `wsBuffered(id)`: bytes that wait for the client.
fn buffered(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, socket| env.number(socket.buffered() as f64))
}
