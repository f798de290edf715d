//! Connections without a socket, for tests of programs.

use std::cell::RefCell;

use flare::testing::{TestClient, TestConnection};

use crate::js::{Arguments, Env, Function, Result, Value};
use crate::{router, server};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "testConnect", call: connect },
    Function { name: "testSend", call: send },
    Function { name: "testStep", call: step },
    Function { name: "testAbort", call: abort },
];

struct JsConnection(RefCell<TestConnection>);

fn of<'v>(env: Env, value: Value) -> Result<&'v JsConnection> {
    // SAFETY: `lib` hands over here only what `testConnect` gave it.
    unsafe { env.to_external(value) }
}

/// `testConnect(router, settings)`: a connection.
fn connect(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let router = router::copy(env, arguments.get(0))?;
    let client = TestClient::with_config(router, server::config(env, arguments.get(1))?);
    env.external(Box::new(JsConnection(RefCell::new(client.connect()))))
}

/// Does something with a connection in a turn, and gives what the server has sent since.
fn act(arguments: &Arguments<'_>, what: impl FnOnce(&mut TestConnection)) -> Result<Value> {
    let env = arguments.env;
    let connection = of(env, arguments.get(0))?;
    let received = arguments.environment.enter(env, || {
        let mut connection = connection.0.borrow_mut();
        what(&mut connection);
        connection.received()
    })?;
    env.buffer(&received)
}

/// `testSend(connection, bytes)`
fn send(arguments: &Arguments<'_>) -> Result<Value> {
    let bytes = arguments.env.bytes(arguments.get(1))?.map(<[u8]>::to_vec).unwrap_or_default();
    act(arguments, |connection| connection.send(&bytes))
}

/// `testStep(connection)`: works off what happened to its exchange since.
fn step(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, |connection| while connection.try_step() {})
}

/// `testAbort(connection)`: the client is gone.
fn abort(arguments: &Arguments<'_>) -> Result<Value> {
    act(arguments, TestConnection::abort)
}
