//! Datagrams of an exchange (RFC 9297).

use flare::{AnswerError, DatagramError, Exchange, Read};

use crate::answer::{append, read_fields, refusal};
use crate::content::ask;
use crate::js::{Arguments, Error, Function, Result, Value};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "offeredProtocol", call: offered_protocol },
    Function { name: "switchToDatagrams", call: switch_to_datagrams },
    Function { name: "sendDatagram", call: send_datagram },
    Function { name: "readDatagram", call: read_datagram },
    Function { name: "maxDatagramSize", call: max_datagram_size },
];

/// A datagram that is too large, as a number beside those of [`refusal`].
const TOO_LARGE: i32 = -4;

/// `offeredProtocol(id)`: what the client offers to go on with, or `undefined`.
fn offered_protocol(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| match exchange.request().offered_protocol() {
        Some(protocol) => env.latin1(protocol.as_bytes()),
        None => env.undefined(),
    })
}

/// `switchToDatagrams(id, protocol, fields)`: accepts a protocol with datagrams. 0, or as `answer`.
fn switch_to_datagrams(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let (id, protocol) = (env.to_integer(arguments.get(0))?, env.to_string(arguments.get(1))?);
    let exchanges = arguments.environment.exchanges.borrow();
    let Some(exchange) = exchanges.get(id) else { return env.integer(refusal(AnswerError::Answered)) };
    let drafted = exchange.draft(|response| {
        response.headers_mut().clear();
        read_fields(env, arguments.get(2), response.headers_mut())
    });
    let switched = match drafted {
        Ok(written) => {
            written.map_err(Error::from)?;
            exchange.switch_to_datagrams(&protocol)
        }
        Err(error) => Err(error),
    };
    env.integer(switched.map_or_else(refusal, |()| 0))
}

/// `sendDatagram(id, datagram)`: 0, -4 when it is too large, or as `answer`.
fn send_datagram(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let mut bytes = Vec::new();
    append(env, arguments.get(1), &mut bytes)?;
    let id = env.to_integer(arguments.get(0))?;
    let sent = {
        let exchanges = arguments.environment.exchanges.borrow();
        let over = || Err(DatagramError::Closed(AnswerError::Answered));
        exchanges.get(id).map_or_else(over, |exchange| exchange.send_datagram(&bytes))
    };
    env.integer(match sent {
        Ok(()) => 0,
        Err(DatagramError::TooLarge { .. }) => TOO_LARGE,
        Err(DatagramError::Closed(error)) => refusal(error),
        Err(_) => refusal(AnswerError::WouldBlock),
    })
}

/// `readDatagram(id)`: a `Buffer`, 0 for "nothing yet", 1 when the client has closed its side, or a negative number as those of `answer`.
fn read_datagram(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let id = env.to_integer(arguments.get(0))?;
    let found = {
        let exchanges = arguments.environment.exchanges.borrow();
        exchanges.get(id).map_or(Err(AnswerError::Answered), Exchange::read_datagram)
    };
    match found {
        Ok(Some(datagram)) => env.buffer(&datagram),
        Err(error) => env.integer(refusal(error)),
        Ok(None) => {
            let exchanges = arguments.environment.exchanges.borrow();
            let end = exchanges.get(id).map_or(Err(AnswerError::Answered), Exchange::read);
            env.integer(end.map_or_else(refusal, |read| i32::from(read == Read::End)))
        }
    }
}

/// `maxDatagramSize(id)`: the most bytes that one to the client may have; 0 where there are none.
fn max_datagram_size(arguments: &Arguments<'_>) -> Result<Value> {
    ask(arguments, |env, exchange| env.number(exchange.max_datagram_size() as f64))
}
