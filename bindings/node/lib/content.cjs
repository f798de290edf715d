'use strict';
const { Readable } = require('node:stream');
const { native } = require('./native.cjs');
const { overError } = require('./errors.cjs');
const { ID } = require('./symbols.cjs');

/** The content of a request, piece by piece. Reading is not begun before somebody asks, and goes no further than he does. */
class Content {
  /** `whole`: content that was collected already. */
  constructor(request, whole) {
    this.request = request;
    this.whole = whole;
    this.ended = false;
    this.error = undefined;
    this.waiting = undefined;
    this.used = undefined;
  }

  /** One reader: two would each see half. */
  claim(by) {
    if (this.used !== undefined) throw new Error(`the content of the request is being read already, by ${this.used}`);
    this.used = by;
  }

  /** A Buffer, or undefined at the end. */
  async next() {
    for (;;) {
      if (this.ended) return undefined;
      if (this.whole !== undefined) {
        this.ended = true;
        return this.whole.length === 0 ? undefined : this.whole;
      }
      if (this.error !== undefined) throw this.error;
      const found = native.read(this.request[ID]);
      if (typeof found === 'object') return found;
      if (found === 1) {
        this.ended = true;
        return undefined;
      }
      if (found < 0) throw (this.error = overError(found));
      await new Promise((resolve) => {
        this.waiting = resolve;
      });
    }
  }

  /** There is something to read, or the end. */
  wake() {
    const resolve = this.waiting;
    this.waiting = undefined;
    if (resolve !== undefined) resolve();
  }

  fail(error) {
    if (!this.ended && this.whole === undefined) this.error = error;
    this.wake();
  }

  async bytes() {
    this.claim('body(), text() or json()');
    const parts = [];
    for (let part = await this.next(); part !== undefined; part = await this.next()) parts.push(part);
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  async *chunks() {
    this.claim('an iteration');
    for (let part = await this.next(); part !== undefined; part = await this.next()) yield part;
  }

  readable() {
    this.claim('stream()');
    const content = this;
    return new Readable({
      read() {
        content.next().then((part) => this.push(part ?? null), (error) => this.destroy(error));
      },
    });
  }

  readableStream() {
    this.claim('webStream()');
    const content = this;
    return new ReadableStream({
      type: 'bytes',
      async pull(controller) {
        const part = await content.next();
        if (part === undefined) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else {
          controller.enqueue(new Uint8Array(part));
        }
      },
    }, { highWaterMark: 0 });
  }
}

module.exports = { Content };
