'use strict';
// From a request to its handler, and from what that gives back to the answer.

const {
  native, registers, connect, EXCHANGE, HANDLER, FLAGS, KIND, STATUS, DONE, KEPT, TEXT, JSON_TEXT, BYTES,
} = require('./native.cjs');
const { Request, isUnread } = require('./request.cjs');
const { ServerResponse, OPEN, ENDED, GONE, answer, finish, keep, notify } = require('./response.cjs');
const { Reply, toReply } = require('./reply.cjs');
const { HttpError } = require('./errors.cjs');
const { FIELDS, STATE, LATER, SINK, ID } = require('./symbols.cjs');

/** Routes by the number that the addon has of them. */
const routes = [];
const free = [];

/** A route: `{ app, handler, chain, silent }`. `silent`: its handler takes no response, so `undefined` is its answer. */
function register(route) {
  const id = free.length > 0 ? free.pop() : routes.length;
  routes[id] = route;
  return id;
}

function unregister(id) {
  routes[id] = undefined;
  free.push(id);
}

function dispatch(packed) {
  const route = routes[registers[HANDLER]];
  const request = new Request(packed, registers[EXCHANGE], registers[FLAGS]);
  const response = new ServerResponse(request);
  try {
    const value = route.chain === undefined ? route.handler(request, response) : runChain(route, request, response);
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

/** Tells the program of an error: its listeners, or standard error. */
function report(route, request, error) {
  const { app } = route;
  if (app.listenerCount('error') > 0) app.emit('error', error, request);
  else console.error(`flare: ${request.method} ${request.path}:`, error);
}

/** What the client hears of an error: nothing of what went wrong, unless it was meant for it. */
function errorReply(route, request, error) {
  if (error instanceof HttpError) {
    const reply = Reply.text(`${error.message}\n`, { status: error.status });
    reply.error = error;
    return reply;
  }
  report(route, request, error);
  const reply = Reply.text('Internal Server Error', { status: 500 });
  reply.error = error;
  return reply;
}

/** Runs middleware around the handler, from the outermost in. */
function runChain(route, request, response) {
  const { chain, handler } = route;
  const step = async (index) => {
    try {
      if (index === chain.length) return await innermost(route, request, response, handler);
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

/** The handler at the end of a chain: what it gives back, or does with its response, becomes a reply. */
function innermost(route, request, response, handler) {
  return new Promise((resolve, reject) => {
    response[SINK] = resolve;
    const back = (value) => {
      if (value === undefined && !(response[STATE] === OPEN && route.silent)) return;
      if (response[STATE] === OPEN) resolve(toReply(value, value === undefined || value === null ? undefined : response.statusCode, response[FIELDS]));
    };
    Promise.resolve(handler(request, response)).then(back).catch(reject);
  });
}

connect(dispatch, notify);

module.exports = { register, unregister, report };
