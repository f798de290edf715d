'use strict';
// From a request to its handler, and from what that gives back to the answer.

const {
  native, registers, connect, EXCHANGE, HANDLER, FLAGS: FLAGS_AT, KIND, STATUS, GATE, COMING, DONE, KEPT, TEXT, JSON_TEXT, BYTES,
} = require('./native.cjs');
const { Request, isUnread } = require('./request.cjs');
const { ServerResponse, OPEN, ENDED, GONE, answer, finish, keep, forget, notify } = require('./response.cjs');
const { Reply, toReply } = require('./reply.cjs');
const { routes, report, errorReply } = require('./routes.cjs');
const { onSocket, passing } = require('./websocket.cjs');
const { FIELDS, FLAGS, STATE, LATER, SINK, PASS, ID, REQUEST } = require('./symbols.cjs');

function dispatch(packed) {
  const route = routes[registers[HANDLER]];
  const request = new Request(packed, registers[EXCHANGE], registers[FLAGS_AT]);
  const response = new ServerResponse(request, route);
  try {
    const value = request[FLAGS] & GATE ? runChain(route, request, response) : route.handler(request, response);
    return settle(route, request, response, value);
  } catch (error) {
    return settle(route, request, response, errorReply(route, request, error));
  }
}

/** The answer of a handler that has returned. What goes back to the addon is an answer without fields of its own. */
function settle(route, request, response, value) {
  if (typeof value === 'string') {
    if (isPlain(request, response)) return plain(response, TEXT, value);
  } else if (value === undefined) {
    return untold(route, response);
  } else if (typeof value === 'object' && value !== null) {
    if (typeof value.then === 'function') {
      value.then(
        (late) => settleLate(route, request, response, late),
        (error) => settleLate(route, request, response, errorReply(route, request, error)),
      );
      return state(response);
    }
    if (isPlain(request, response)) {
      const prototype = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === Array.prototype) return plain(response, JSON_TEXT, JSON.stringify(value));
      if (Buffer.isBuffer(value)) return plain(response, BYTES, value);
    }
  }
  give(route, request, response, value);
  return state(response);
}

function isPlain(request, response) {
  return response[STATE] === OPEN && response[FIELDS] === undefined && response[LATER] === undefined && !isUnread(request);
}

function plain(response, kind, value) {
  response[STATE] = ENDED;
  registers[KIND] = kind;
  registers[STATUS] = response.statusCode;
  return value;
}

/** A handler gave nothing back: it has answered, will answer, or has nothing to say. */
function untold(route, response) {
  if (response[STATE] === OPEN && route.silent) finish(response, new Reply(204));
  return state(response);
}

function state(response) {
  const over = response[STATE] === ENDED || response[STATE] === GONE;
  registers[KIND] = over ? DONE : KEPT;
  if (!over) keep(response);
}

/** Answers with what a handler gave back. */
function give(route, request, response, value) {
  if (response[STATE] === GONE) return;
  if (response[STATE] !== OPEN) {
    // An answer beside the one that was begun is the program's mistake; the client has the first.
    if (value !== undefined && value !== response) {
      report(route, request, new Error('a handler gave back a value after it had begun to answer'));
      if (value instanceof Reply && value.error !== undefined && response[STATE] !== ENDED) response.destroy();
    }
    return;
  }
  if (value instanceof Passing && value.isUntouched()) return passOn(route, response, value);
  let reply;
  try {
    reply = value === response ? undefined : toReply(value, value === null ? undefined : response.statusCode, response[FIELDS]);
  } catch (error) {
    reply = errorReply(route, request, error);
  }
  if (reply === undefined) return;
  try {
    answer(response, reply);
  } catch (error) {
    answer(response, errorReply(route, request, error));
  }
}

function settleLate(route, request, response, value) {
  if (value === undefined) {
    if (response[STATE] === OPEN && route.silent) answer(response, new Reply(204));
    return;
  }
  give(route, request, response, value);
}

/** The answer of a handler of flare's own, or of the server when no route takes a request: fields can be added to it. */
class Passing extends Reply {
  constructor(status) {
    super(status === 0 ? 200 : status);
    this.known = this.status;
    if (status === 0) this.status = this.known = undefined;
  }

  isUntouched() {
    return this.status === this.known && this.body === undefined && this.trailers === undefined;
  }
}

function passOn(route, response, reply) {
  const request = response[REQUEST];
  response[STATE] = ENDED;
  forget(response);
  // Who asks for a socket is seen again when it may have one.
  const comesBack = route.sockets !== undefined;
  if (comesBack) passing.set(request[ID], request);
  native.proceed(request[ID], reply.headers.pack() ?? '', comesBack);
}

/** Runs middleware around the handler, from the outermost in. */
function runChain(route, request, response) {
  const { chain } = route;
  const step = async (index) => {
    try {
      if (index === chain.length) return await innermost(route, request, response);
      let next;
      const value = await chain[index](request, () => {
        if (next !== undefined) throw new Error('next() was called twice');
        return (next = step(index + 1));
      });
      if (value !== undefined) return toReply(value);
      if (next === undefined) throw new Error('a middleware neither called next() nor gave back an answer');
      return await next;
    } catch (error) {
      return errorReply(route, request, error);
    }
  };
  return step(0).then((reply) => {
    // What the handler did with its response was caught on the way; from here on it is the answer's own.
    response[SINK] = undefined;
    if (response[STATE] !== GONE) {
      response[STATE] = OPEN;
      response[FIELDS] = undefined;
      response[LATER] = undefined;
    }
    return reply;
  });
}

/** What is at the end of a chain: its answer, as a reply. */
async function innermost(route, request, response) {
  if (route.handler === undefined) return new Passing(native.refusal(request[ID]) ?? 0);
  if (request[FLAGS] & COMING) await collect(request, response);
  return new Promise((resolve, reject) => {
    response[SINK] = resolve;
    const back = (value) => {
      if (value === undefined && !(response[STATE] === OPEN && route.silent)) return;
      if (response[STATE] === OPEN) {
        const status = value === undefined || value === null ? undefined : response.statusCode;
        resolve(toReply(value, status, response[FIELDS]));
      }
    };
    Promise.resolve(route.handler(request, response)).then(back).catch(reject);
  });
}

/** Lets the exchange go on from its gate, and waits until its content is here, or flows. */
function collect(request, response) {
  return new Promise((resolve, reject) => {
    response[PASS] = () => {
      request[FLAGS] = registers[FLAGS_AT];
      resolve();
    };
    request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true });
    native.proceed(request[ID], undefined, true);
  });
}

/** Who hears of the ends of exchanges, by the number that the addon has of it. */
const listeners = new Map();

function onEnd(number, packed, status, bytes, duration, whole) {
  const app = listeners.get(number);
  try {
    app?.emit('end', { request: new Request(packed, -1, 0), status, bytes, duration, whole: whole === 1 });
  } catch (error) {
    // A listener's mistake is its own: throwing here would end the process in the middle of others' requests.
    if (app.listenerCount('error') > 0) app.emit('error', error);
    else console.error('flare: a listener for the end of exchanges:', error);
  }
}

/** Something happened to an exchange that is not at its handler. */
function onNotice(id, notice) {
  // No socket came of it: it asked for none, or may have none.
  passing.delete(id);
  notify(id, notice);
}

connect(dispatch, onNotice, onEnd, onSocket);

module.exports = { listeners };
