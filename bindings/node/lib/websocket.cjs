'use strict';
// WebSockets that clients open.

const { native, registers, HANDLER, ASKED, OPEN, TEXT_MESSAGE, BINARY_MESSAGE, SENDABLE } = require('./native.cjs');
const { Request, cancel } = require('./request.cjs');
const { Reply } = require('./reply.cjs');
const { Socket, contentOf, closedError } = require('./socket.cjs');
const { routes, report, errorReply } = require('./routes.cjs');
const { ROUTE, TELL, MESSAGE, DRAIN, CLOSED, FAILED, OPENED, HOLD, LISTENS } = require('./symbols.cjs');

/** Sends on the socket of a number. */
class ServerWire {
  constructor(id) {
    this.id = id;
  }

  send(data) {
    return native.wsSend(this.id, data);
  }

  ping(data) {
    return native.wsPing(this.id, data);
  }

  close(code, reason) {
    return native.wsClose(this.id, code, reason);
  }

  pause() {
    native.wsPause(this.id);
  }

  resume() {
    native.wsResume(this.id);
  }

  buffered() {
    return native.wsBuffered(this.id);
  }
}

/** A socket that a client opened. */
class ServerWebSocket extends Socket {
  #id;

  constructor(id, route, request, protocol, data) {
    super(new ServerWire(id));
    this.#id = id;
    this[ROUTE] = route;
    this.request = request;
    this.protocol = protocol;
    this.data = data;
    this[OPENED]();
  }

  get url() {
    const { scheme, host, url } = this.request;
    return `${scheme === 'https' ? 'wss' : 'ws'}://${host}${url}`;
  }

  get missed() {
    return native.wsMissed(this.#id) ?? 0;
  }

  subscribe(topic) {
    native.wsSubscribe(this.#id, checkTopic(topic));
    return this;
  }

  unsubscribe(topic) {
    native.wsUnsubscribe(this.#id, checkTopic(topic));
    return this;
  }

  publish(topic, data) {
    return native.wsPublish(this.#id, checkTopic(topic), contentOf(data)) === 0;
  }

  /** The handler of the route first, then the listeners. */
  [TELL](name, ...values) {
    const { sockets } = this[ROUTE];
    if (typeof sockets[name] === 'function') {
      try {
        this.#watch(sockets[name](this, ...values));
      } catch (error) {
        this[FAILED](error);
      }
    }
    super[TELL](name, ...values);
  }

  get [LISTENS]() {
    return typeof this[ROUTE].sockets.message === 'function' || super[LISTENS];
  }

  /** What a handler gave back, which may fail later. */
  #watch(value) {
    if (typeof value?.then === 'function') value.then(undefined, (error) => this[FAILED](error));
  }

  [FAILED](error) {
    report(this[ROUTE], this.request, error);
    this.close(1011);
  }

  /** Begins, with handlers or with a function that listens or loops by itself. */
  begin() {
    const { sockets } = this[ROUTE];
    if (typeof sockets !== 'function') return this[TELL]('open');
    this[HOLD]();
    try {
      this.#watch(sockets(this, this.request));
    } catch (error) {
      this[FAILED](error);
    }
    super[TELL]('open');
  }

  [CLOSED](code, reason, wasClean) {
    cancel(this.request, closedError());
    super[CLOSED](code, reason, wasClean);
  }
}

function checkTopic(topic) {
  if (typeof topic !== 'string') throw new TypeError('a topic is a string');
  return topic;
}

/** Sockets that are open, by their number. */
const sockets = new Map();

/** What was accepted, and is opened next. */
let accepted;

/** Requests on their way from middleware, by the number of their exchange. */
const passing = new Map();

/** The request that asks for a socket: that which middleware saw, if there is any. */
function requestOf(id, packed) {
  const request = passing.get(id);
  if (request === undefined) return new Request(packed, -1, 0);
  passing.delete(id);
  native.release(id);
  return request;
}

/** A request asks for a socket. `undefined` lets it have one; otherwise status, fields and content of the answer. */
function ask(id, packed) {
  const route = routes[registers[HANDLER]];
  const request = requestOf(id, packed);
  accepted = { route, request, data: undefined };
  const { upgrade } = route.sockets;
  if (upgrade === undefined) return undefined;
  try {
    const value = route.sockets.upgrade(request);
    if (value instanceof Reply) return refusal(value);
    if (typeof value?.then === 'function') throw new TypeError('upgrade() gave back a promise: what has to wait is middleware');
    accepted.data = value;
    return undefined;
  } catch (error) {
    return refusal(errorReply(route, request, error));
  }
}

function refusal({ status, headers, body }) {
  if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('the answer that refuses a socket has text or bytes as content');
  }
  return [status, headers.pack(), body];
}

/** Something happens to a socket. */
function onSocket(id, what, value, code) {
  if (what === ASKED) return ask(id, value);
  if (what === OPEN) {
    const { route, request, data } = accepted;
    accepted = undefined;
    const socket = new ServerWebSocket(id, route, request, value ?? '', data);
    sockets.set(id, socket);
    return socket.begin();
  }
  const socket = sockets.get(id);
  if (socket === undefined) return undefined;
  switch (what) {
    case TEXT_MESSAGE:
    case BINARY_MESSAGE:
      socket[MESSAGE](value);
      break;
    case SENDABLE:
      socket[DRAIN]();
      break;
    default:
      sockets.delete(id);
      socket[CLOSED](code, value);
  }
}

// Routes.

const HANDLERS = ['upgrade', 'open', 'message', 'drain', 'close'];
const NUMBERS = {
  messageLimit: 'message_limit', pingInterval: 'ping_interval_ms', pingTimeout: 'ping_timeout_ms', closeTimeout: 'close_timeout_ms',
};
const SWITCHES = { deflate: 'deflate', deflateTakeover: 'deflate_takeover' };
const OTHERS = ['protocols', 'origins', 'otherwise'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkHandlers(pattern, handlers) {
  if (typeof handlers === 'function') return handlers;
  if (typeof handlers !== 'object' || handlers === null) throw new TypeError(`the handlers of ${pattern} are a function or an object of functions`);
  for (const name of HANDLERS) {
    if (handlers[name] !== undefined && typeof handlers[name] !== 'function') throw new TypeError(`${name} of ${pattern} is not a function`);
  }
  const unknown = Object.keys(handlers).find((name) => typeof handlers[name] === 'function' && !HANDLERS.includes(name));
  const plain = [Object.prototype, null].includes(Object.getPrototypeOf(handlers));
  if (plain && unknown !== undefined) throw new TypeError(`a WebSocket has no handler ${unknown}; there are ${HANDLERS.join(', ')}`);
  return handlers;
}

/** As the addon reads them: names and values in turn. */
function socketOptions(options) {
  const list = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || name === 'otherwise') continue;
    if (Object.hasOwn(NUMBERS, name)) {
      if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is a whole number, not ${value}`);
      list.push(NUMBERS[name], value);
    } else if (Object.hasOwn(SWITCHES, name)) {
      if (typeof value !== 'boolean') throw new TypeError(`${name} is a boolean`);
      list.push(SWITCHES[name], value ? 1 : 0);
    } else if (name === 'protocols') {
      if (!Array.isArray(value)) throw new TypeError('protocols is a list');
      for (const one of value) if (typeof one !== 'string' || !TOKEN.test(one)) throw new TypeError(`${one} is no name of a subprotocol`);
      list.push('protocols', value.join(','));
    } else if (name === 'origins') {
      list.push('origins', readOrigins(value));
    } else {
      const all = [...Object.keys(NUMBERS), ...Object.keys(SWITCHES), ...OTHERS];
      throw new TypeError(`a WebSocket route has no option ${name}; there are ${all.join(', ')}`);
    }
  }
  return list;
}

function readOrigins(value) {
  if (value === 'same' || value === '*') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && one.includes('://') && !one.includes(','))) return value.join(',');
  throw new TypeError("origins is 'same', '*', or a list of origins such as 'https://example.com'");
}

module.exports = { ServerWebSocket, onSocket, passing, checkHandlers, socketOptions, checkTopic };
