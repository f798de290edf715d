'use strict';
// One request and its answer: content both ways, how long the server may do nothing, and the end.

const { WOULD_BLOCK } = require('./native.cjs');
const { coded } = require('./errors.cjs');
const { piecesOf } = require('./pieces.cjs');
const { ClientResponse, AnswerContent } = require('./client_response.cjs');

/** What is given to the connection at once. */
const PART = 64 * 1024;

class ClientExchange {
  #connection;
  #id;
  #settle;
  #content;
  /** The promise of the answer, until it was asked for: an answer that the program drops must be collected. */
  #response;
  #timer;
  #lastLook;
  #stopAbort;
  #roomWaiter;
  #isAwaited = false;
  /** The request is whole, or nobody wants the rest. */
  #sent = false;
  /** The answer is whole, or there will be no more of it. */
  #answered = false;
  #isOver = false;

  /** `asked`: what `Client` makes of the arguments of a request. */
  constructor(asked) {
    this.asked = asked;
    this.#response = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal } = asked;
    this.#progress();
    if (signal !== undefined) {
      const abort = () => this.stop(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#stopAbort = () => signal.removeEventListener('abort', abort);
    }
  }

  get isOver() {
    return this.#isOver;
  }


  takeResponse() {
    const response = this.#response;
    this.#response = undefined;
    return response;
  }

  /** It was begun. */
  begin(connection, id) {
    this.#connection = connection;
    this.#id = id;
    if (this.asked.length === -1 || this.asked.length === 0) this.#sent = true;
    else this.#send();
  }

  async #send() {
    const { body } = this.asked;
    if (body instanceof Uint8Array) {
      if (await this.#give(body)) this.#finish();
      return;
    }
    const pieces = piecesOf(body);
    try {
      for (;;) {
        const { done, value } = await pieces.next();
        if (this.#isOver || this.#sent) return pieces.stop();
        if (done) break;
        if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
          throw new TypeError('a piece of content is a string or a Uint8Array');
        }
        if (!await this.#give(typeof value === 'string' ? Buffer.from(value) : value)) return pieces.stop();
      }
    } catch (error) {
      pieces.stop(error);
      return this.stop(error);
    }
    this.#finish();
  }

  /** Gives bytes, as the server takes them. False: nobody wants them. */
  async #give(bytes) {
    try {
      for (let at = 0; at < bytes.length; at += PART) {
        const part = bytes.subarray(at, at + PART);
        for (;;) {
          if (this.#isOver || this.#sent) return false;
          const result = this.#connection.write(this.#id, part);
          if (result === 0) break;
          if (result !== WOULD_BLOCK) return this.#unwanted();
          await new Promise((resolve) => {
            this.#roomWaiter = resolve;
            this.#progress();
          });
        }
        this.#progress();
      }
      return true;
    } catch (error) {
      this.stop(error);
      return false;
    }
  }

  /** The server has answered already, and does not want the rest. */
  #unwanted() {
    this.#sent = true;
    this.#endIfOver();
    return false;
  }

  #finish() {
    if (this.#isOver || this.#sent) return;
    try {
      this.#connection.finish(this.#id, this.asked.trailers);
    } catch (error) {
      return this.stop(error);
    }
    this.#sent = true;
    this.#endIfOver();
  }

  // What the connection tells.

  informational(status, packed) {
    try {
      this.asked.onInterim?.(status, packed);
    } catch (error) {
      this.stop(error);
    }
  }

  head(status, packed) {
    this.#content = new AnswerContent(this, this.asked.maxContent);
    this.#progress();
    this.#settle.resolve(new ClientResponse(status, packed, this.#content));
    this.#settle = undefined;
  }

  data(bytes) {
    this.#content.add(bytes);
  }

  end(trailers) {
    this.#answered = true;
    this.#connection.consumed(this.#id, this.#content.end(trailers));
    // What the server has not read by now it does not want: HTTP/1.1 has to end the connection then.
    if (!this.#sent) return this.#cancel();
    this.#endIfOver();
  }

  room() {
    const resolve = this.#roomWaiter;
    this.#roomWaiter = undefined;
    resolve?.();
  }

  /** It is over, and there is no answer, or not all of it. */
  fail(error) {
    if (this.#isOver) return;
    this.#over();
    if (this.#content === undefined) return this.#settle.reject(error);
    const left = this.#content.giveUp(error);
    if (left > 0) this.#connection.consumed(this.#id, left);
  }

  // What the program does.

  /** So much content was used. */
  consumed(bytes) {
    if (!this.#isOver) this.#connection.consumed(this.#id, bytes);
  }

  /** Somebody waits for content, or does not any more. */
  awaits(isAwaited) {
    this.#isAwaited = isAwaited;
    this.#progress();
  }

  /** The time in which the server may do nothing begins, if something is waited for: the head, content, or that content is taken. */
  #progress() {
    this.#stopTimer();
    // A server that stopped taking content because nobody reads what it answers is not late.
    const stopped = this.#roomWaiter !== undefined && (this.#content === undefined || this.#content.isEmpty);
    if (this.#isOver || !(this.#content === undefined || this.#isAwaited || stopped)) return;
    this.#timer = setTimeout(() => this.#late(), this.asked.timeout);
  }

  /** Gives it up. */
  stop(error) {
    if (this.#isOver) return;
    const connection = this.#connection;
    this.fail(error);
    connection?.cancel(this.#id);
  }

  /** A loop that was busy comes to its timers before it comes to what arrived meanwhile: so that is looked at first. */
  #late() {
    this.#lastLook = setImmediate(() => this.stop(coded('ETIMEDOUT', `the server did nothing for ${this.asked.timeout} ms`)));
  }

  #stopTimer() {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
  }

  #cancel() {
    this.#over();
    this.#connection.cancel(this.#id);
  }

  #endIfOver() {
    if (this.#isOver || !this.#sent || !this.#answered) return;
    this.#over();
    this.#connection.ended(this.#id);
  }

  #over() {
    this.#isOver = true;
    this.#stopTimer();
    this.#stopAbort?.();
    this.room();
  }
}

module.exports = { ClientExchange };
