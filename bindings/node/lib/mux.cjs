'use strict';
const { native } = require('./native.cjs');

let news;
/** Who waits for news of an object, by its number. Only who waits is held here. */
const waiting = new Map();
let last = 0;

function wake(number) {
  const all = waiting.get(number);
  if (all === undefined) return;
  waiting.delete(number);
  if (waiting.size === 0) native.newsKeepAlive(news, false);
  for (const resolve of all) resolve();
}

function watched() {
  news ??= native.news(wake);
  return news;
}

function nextNumber() {
  last = last === 0x7fffffff ? 1 : last + 1;
  return last;
}

/** Waits for news of an object. The process stays alive for it. */
function change(number, signal) {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    if (waiting.size === 0) native.newsKeepAlive(watched(), true);
    const all = waiting.get(number) ?? [];
    waiting.set(number, all);
    const give = () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const stop = () => {
      all.splice(all.indexOf(give), 1);
      if (all.length === 0) wake(number);
      reject(signal.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
    all.push(give);
  });
}

/** Asks until there is something else than `undefined`. */
async function until(number, signal, ask) {
  for (;;) {
    const found = ask();
    if (found !== undefined) return found;
    await change(number, signal);
  }
}

function over() {
  return Object.assign(new Error('the connection is over'), { code: 'ERR_FLARE_MUX_ENDED' });
}

const INSIDE = Symbol('inside');

/** One stream of bytes, both ways. */
class MuxStream {
  #native;
  #number;
  #finished = false;
  #peerDone = false;

  constructor(inside, stream, number) {
    if (inside !== INSIDE) throw new TypeError('streams are made by open() and accept()');
    this.#native = stream;
    this.#number = number;
  }

  trySend(data) {
    return native.muxSend(this.#native, data) === 1;
  }

  async send(data, { signal } = {}) {
    await until(this.#number, signal, () => (native.muxSend(this.#native, data) === 1 ? true : undefined));
  }

  async recv({ signal } = {}) {
    if (this.#peerDone) return undefined;
    const data = await until(this.#number, signal, () => native.muxReceive(this.#native));
    if (data !== null) return data;
    this.#peerDone = true;
    this.#closeIfDone();
    return undefined;
  }

  finish() {
    native.muxFinish(this.#native);
    this.#finished = true;
    this.#closeIfDone();
  }

  /** Nothing more can happen. Garbage is collected late, and an open stream keeps its connection. */
  #closeIfDone() {
    if (this.#finished && this.#peerDone) native.muxCloseStream(this.#native);
  }

  error(text) {
    native.muxError(this.#native, `${text}`);
  }

  cancel() {
    native.muxCancel(this.#native);
  }

  close() {
    native.muxCloseStream(this.#native);
  }

  async *[Symbol.asyncIterator]() {
    for (let data = await this.recv(); data !== undefined; data = await this.recv()) yield data;
  }
}

/** One end of a connection of many streams. */
class Mux {
  #native;
  #number;

  constructor(inside, mux, number) {
    if (inside !== INSIDE) throw new TypeError('connections are made by Mux.connect() and accept()');
    this.#native = mux;
    this.#number = number;
  }

  static async connect(address, { signal } = {}) {
    const number = nextNumber();
    const connecting = native.muxConnect(`${address}`, watched(), number);
    return new Mux(INSIDE, await until(number, signal, () => native.muxConnected(connecting, news, number)), number);
  }

  open() {
    const number = nextNumber();
    return new MuxStream(INSIDE, native.muxOpen(this.#native, watched(), number), number);
  }

  async #next(signal) {
    const number = nextNumber();
    const stream = await until(this.#number, signal, () => native.muxAccept(this.#native, news, number));
    return stream === null ? undefined : new MuxStream(INSIDE, stream, number);
  }

  async accept({ signal } = {}) {
    const stream = await this.#next(signal);
    if (stream === undefined) throw over();
    return stream;
  }

  close() {
    native.muxClose(this.#native);
  }

  async *[Symbol.asyncIterator]() {
    for (let stream = await this.#next(); stream !== undefined; stream = await this.#next()) yield stream;
  }
}

/** Listens for connections of many streams. */
class MuxListener {
  #native;
  #number = nextNumber();

  constructor(address) {
    this.#native = native.muxListen(`${address}`, watched(), this.#number);
  }

  get address() {
    return native.muxAddress(this.#native);
  }

  async #next(signal) {
    const number = nextNumber();
    const mux = await until(this.#number, signal, () => native.muxAcceptConnection(this.#native, news, number));
    return mux === null ? undefined : new Mux(INSIDE, mux, number);
  }

  async accept({ signal } = {}) {
    const mux = await this.#next(signal);
    if (mux === undefined) throw over();
    return mux;
  }

  close() {
    native.muxCloseListener(this.#native);
  }

  async *[Symbol.asyncIterator]() {
    for (let mux = await this.#next(); mux !== undefined; mux = await this.#next()) yield mux;
  }
}

module.exports = { Mux, MuxListener, MuxStream };
