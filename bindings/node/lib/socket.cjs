'use strict';
// What a WebSocket is to a program, whoever opened it: states, sends, and what comes, as events of both styles or in a loop.

const { EventEmitter } = require('node:events');
const { WOULD_BLOCK } = require('./native.cjs');
const { coded } = require('./errors.cjs');
const { eventOf, ABNORMAL } = require('./socket_events.cjs');
const { KeptMessages } = require('./kept_messages.cjs');
const { WIRE, TELL, MESSAGE, DRAIN, CLOSED, FAILED, OPENED, HOLD, LISTENS } = require('./symbols.cjs');

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
const BINARY_TYPES = ['nodebuffer', 'arraybuffer', 'blob'];

/** The listener behind a function of `addEventListener`, and that of `on...` properties. */
const LISTENER = Symbol('listener');
const PROPERTY = Symbol('property');

/**
 * `[WIRE]` is what sends: `send(data)`, `ping(data)`, `close(code, reason)`, which give the numbers of the addon, `pause()`, `resume()`,
 * `buffered()`.
 */
class Socket extends EventEmitter {
  #state = STATES.CONNECTING;
  #binaryType = BINARY_TYPES[0];
  #refused = false;
  #drained = undefined;
  #kept = undefined;
  /** What comes is kept until somebody says how he wants it. */
  #held = false;
  #waitsForListener = false;
  #end = undefined;
  #closed = undefined;

  constructor(wire) {
    super({ captureRejections: true });
    this[WIRE] = wire;
  }

  get readyState() {
    return this.#state;
  }

  get bufferedAmount() {
    return this.#state === STATES.CLOSED ? 0 : this[WIRE].buffered() ?? 0;
  }

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(type) {
    if (!BINARY_TYPES.includes(type)) throw new TypeError(`${type} is no binaryType; there are ${BINARY_TYPES.join(', ')}`);
    this.#binaryType = type;
  }

  send(data) {
    return this.#sent(this[WIRE].send(this.#sendable(data)));
  }

  ping(data = '') {
    return this.#sent(this[WIRE].ping(this.#sendable(data)));
  }

  #sendable(data) {
    if (this.#state === STATES.CONNECTING) throw new DOMException('the socket is not open yet', 'InvalidStateError');
    return contentOf(data);
  }

  #sent(result) {
    if (result === WOULD_BLOCK) this.#refused = true;
    return result === 0;
  }

  drained() {
    if (this.#state >= STATES.CLOSING) return Promise.reject(closedError());
    if (!this.#refused) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#drained ??= []).push({ resolve, reject }));
  }

  close(code = 1000, reason = '') {
    if (!Number.isInteger(code)) throw new TypeError(`${code} is no close code`);
    if (typeof reason !== 'string') throw new TypeError('the reason of a close is a string');
    if (this.#state >= STATES.CLOSING) return;
    this[WIRE].close(code, reason);
    this.#closing();
  }

  #closing() {
    this.#state = STATES.CLOSING;
    for (const { reject } of this.#drained?.splice(0) ?? []) reject(closedError());
  }

  get closed() {
    this.#closed ??= promiseOf();
    if (this.#end !== undefined) this.#closed.resolve(this.#end);
    return this.#closed.promise;
  }

  [Symbol.asyncIterator]() {
    this.#kept ??= new KeptMessages(this[WIRE]);
    const kept = this.#kept;
    if (kept.taken) throw new Error('a loop takes the messages already: two would each see half');
    kept.taken = true;
    if (this.#end !== undefined) kept.end();
    return {
      next: () => kept.next(),
      return: async () => {
        kept.taken = false;
        kept.stop();
        // For another loop, unless somebody listens.
        if (!this[LISTENS]) this[HOLD]();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // Listeners as browsers have them, over those of EventEmitter.

  addEventListener(type, listener, options) {
    if (listener === null || listener === undefined) return;
    if (typeof listener !== 'function' && typeof listener !== 'object') throw new TypeError('a listener is a function or has handleEvent()');
    if (this.#listenerOf(type, listener) !== undefined || options?.signal?.aborted) return;
    const call = (...values) => {
      const event = eventOf(type, this, values);
      return typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event);
    };
    call[LISTENER] = listener;
    if (options?.once) this.once(type, call);
    else this.on(type, call);
    options?.signal?.addEventListener('abort', () => this.off(type, call), { once: true });
  }

  removeEventListener(type, listener) {
    const call = this.#listenerOf(type, listener);
    if (call !== undefined) this.off(type, call);
  }

  #listenerOf(type, listener) {
    return this.listeners(type).find((call) => call[LISTENER] === listener && !call[PROPERTY]);
  }

  // What the wire tells.

  [OPENED]() {
    this.#state = STATES.OPEN;
  }

  /** Whether messages are told to somebody, besides a loop. */
  get [LISTENS]() {
    return this.listenerCount('message') > 0;
  }

  /** Keeps what comes until there is a listener or a loop. */
  [HOLD]() {
    this.#held = true;
    if (this.#waitsForListener) return;
    this.#waitsForListener = true;
    this.on('newListener', (name) => {
      if (name === 'message' && this.#held) queueMicrotask(() => this.#release());
    });
  }

  #release() {
    if (!this.#held || this.#kept?.taken) return;
    this.#held = false;
    const kept = this.#kept;
    this.#kept = undefined;
    for (let message = kept?.take(); message !== undefined; message = kept.take()) this[TELL]('message', message);
  }

  [MESSAGE](data) {
    const message = typeof data === 'string' ? data : this.#binary(data);
    if (this.#held || this.#kept?.taken) (this.#kept ??= new KeptMessages(this[WIRE])).add(message);
    if (!this.#held) this[TELL]('message', message);
  }

  #binary(data) {
    switch (this.#binaryType) {
      case 'arraybuffer': return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      case 'blob': return new Blob([data]);
      default: return data;
    }
  }

  [DRAIN]() {
    this.#refused = false;
    for (const { resolve } of this.#drained?.splice(0) ?? []) resolve();
    this[TELL]('drain');
  }

  [CLOSED](code, reason, wasClean = code !== ABNORMAL) {
    if (this.#state === STATES.CLOSED) return;
    this.#closing();
    this.#state = STATES.CLOSED;
    this.#end = { code, reason, wasClean };
    this.#kept?.end();
    this.#closed?.resolve(this.#end);
    this[TELL]('close', code, reason, wasClean);
  }

  /** Calls the listeners. What they throw ends in `[FAILED]`. */
  [TELL](name, ...values) {
    if (this.listenerCount(name) === 0) return;
    try {
      this.emit(name, ...values);
    } catch (error) {
      this[FAILED](error);
    }
  }

  [Symbol.for('nodejs.rejection')](error) {
    this[FAILED](error);
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const state = Object.keys(STATES)[this.#state];
    return `${this.constructor.name} ${inspect({ readyState: state, protocol: this.protocol }, options)}`;
  }
}

for (const [name, value] of Object.entries(STATES)) {
  for (const owner of [Socket, Socket.prototype]) Object.defineProperty(owner, name, { value, enumerable: true });
}

for (const type of ['open', 'message', 'drain', 'close', 'error']) {
  Object.defineProperty(Socket.prototype, `on${type}`, {
    get() {
      return this.listeners(type).find((call) => call[PROPERTY])?.[LISTENER] ?? null;
    },
    set(listener) {
      const before = this.listeners(type).find((call) => call[PROPERTY]);
      if (before !== undefined) this.off(type, before);
      if (typeof listener !== 'function') return;
      const call = (...values) => listener.call(this, eventOf(type, this, values));
      call[LISTENER] = listener;
      call[PROPERTY] = true;
      this.on(type, call);
    },
  });
}

/** A message as the addon takes it. */
function contentOf(data) {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  throw new TypeError('a message is a string, an ArrayBuffer, or a view of one; of a Blob it is what arrayBuffer() gives');
}

function closedError() {
  return coded('ERR_FLARE_CLOSED', 'the socket is closing or closed');
}

function promiseOf() {
  const own = {};
  own.promise = new Promise((resolve) => {
    own.resolve = resolve;
  });
  return own;
}

module.exports = { Socket, contentOf, closedError };
