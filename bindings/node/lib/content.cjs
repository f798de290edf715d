'use strict';
const { Readable } = require('node:stream');

/**
 * Content piece by piece. Reading is not begun before somebody asks, and goes no further than he does. `read()` gives a Buffer, `undefined` when
 * there is nothing yet, `null` at the end, or throws.
 */
class Content {
  /** `whole`: content that was collected already. */
  constructor(whole) {
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
      let found;
      try {
        found = this.read();
      } catch (error) {
        throw (this.error = error);
      }
      if (found === null) {
        this.ended = true;
        return undefined;
      }
      if (found !== undefined) return found;
      await this.wait();
    }
  }

  /** Waits until there is something to read, or the end. */
  wait() {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
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
      destroy(error, done) {
        if (!content.ended) content.cancel?.();
        done(error);
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
      cancel() {
        content.cancel?.();
      },
    }, { highWaterMark: 0 });
  }
}

module.exports = { Content };
