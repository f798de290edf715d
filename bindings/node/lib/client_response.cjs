'use strict';
// The answer of a server.

const packed = require('./packed.cjs');
const { Content } = require('./content.cjs');
const { coded } = require('./errors.cjs');

/** Content that the connection gives. Until it is whole, what is here counts as not used, so that the server sends no more than is wanted. */
class AnswerContent extends Content {
  #exchange;
  #parts = [];
  #whole = false;
  #most;
  trailers = '';

  constructor(exchange, most) {
    super();
    this.#exchange = exchange;
    this.#most = most;
  }

  get isEmpty() {
    return this.#parts.length === 0;
  }

  add(bytes) {
    this.#parts.push(bytes);
    this.wake();
  }

  /** All has come. Gives the number of bytes that are here. */
  end(trailers) {
    this.trailers = trailers;
    const left = this.#left();
    this.#whole = true;
    this.wake();
    return left;
  }

  /** No more comes, and what is here is not wanted. Gives the number of its bytes. */
  giveUp(error) {
    const left = this.#whole ? 0 : this.#left();
    if (!this.#whole) this.#parts.length = 0;
    this.fail(error);
    return left;
  }

  #left() {
    return this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  read() {
    const part = this.#parts.shift();
    if (part === undefined) return this.#whole ? null : undefined;
    if (!this.#whole) this.#exchange.consumed(part.length);
    return part;
  }

  async wait() {
    this.#exchange.awaits(true);
    await super.wait();
    this.#exchange.awaits(false);
  }

  async bytes() {
    this.claim('body(), text() or json()');
    const parts = [];
    let length = 0;
    for (let part = await this.next(); part !== undefined; part = await this.next()) {
      parts.push(part);
      length += part.length;
      if (length > this.#most) {
        const error = coded('ERR_FLARE_TOO_LONG', `the content of the answer is longer than ${this.#most} bytes (maxContent)`);
        this.#exchange.stop(error);
        throw error;
      }
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Nobody reads it. */
  cancel() {
    const error = coded('ERR_FLARE_CANCELLED', 'the answer was given up');
    this.#exchange.stop(error);
    // It may have been whole.
    this.fail(error);
  }

  async *chunks() {
    this.claim('an iteration');
    let whole = false;
    try {
      for (let part = await this.next(); part !== undefined; part = await this.next()) yield part;
      whole = true;
    } finally {
      // Whoever leaves the loop before the end does not want the rest.
      if (!whole) this.cancel();
    }
  }
}

/** Answers that were dropped before anybody read them: they are given up, or they would hold up their connections. */
const dropped = new FinalizationRegistry((content) => content.cancel());

class ClientResponse {
  #packed;
  #content;
  #texts;
  #headers;

  constructor(status, text, content) {
    this.status = status;
    this.#packed = text;
    this.#content = content;
    dropped.register(this, content, this);
  }

  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  get version() {
    return packed.version(this.#packed);
  }

  get #list() {
    return (this.#texts ??= this.#packed.slice(1).split('\0'));
  }

  get headers() {
    return (this.#headers ??= packed.fieldsObject(this.#list, 0));
  }

  get rawHeaders() {
    return this.#list.slice(0, -1);
  }

  header(name) {
    return this.headers[name.toLowerCase()];
  }

  get trailers() {
    return packed.fieldsObject(this.#content.trailers.split('\0'), 0);
  }

  /** The content, for a reader, who needs this no more. */
  get #read() {
    dropped.unregister(this);
    return this.#content;
  }

  body() {
    return this.#read.bytes();
  }

  async text() {
    return (await this.body()).toString();
  }

  async json() {
    return JSON.parse(await this.text());
  }

  stream() {
    return this.#read.readable();
  }

  webStream() {
    return this.#read.readableStream();
  }

  cancel() {
    this.#read.cancel();
  }

  [Symbol.asyncIterator]() {
    return this.#read.chunks();
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `ClientResponse ${inspect({ status: this.status, headers: { ...this.headers } }, options)}`;
  }
}

module.exports = { ClientResponse, AnswerContent };
