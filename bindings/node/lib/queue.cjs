'use strict';

/** Requests that loops of the program pull, instead of handlers that are called. */
class Queue {
  #items = [];
  #waiting = [];
  #closed = false;

  /** A handler that puts its requests here. The tag tells where they came from. */
  handler(tag) {
    return (request, response) => {
      if (this.#closed) {
        response.status(503).send('Service Unavailable');
        return;
      }
      const item = { request, response, tag };
      const next = this.#waiting.shift();
      if (next === undefined) this.#items.push(item);
      else next({ value: item, done: false });
    };
  }

  get size() {
    return this.#items.length;
  }

  /** The next request; waits for it. */
  next() {
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift(), done: false });
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing more is taken. What is here can still be pulled. */
  close() {
    this.#closed = true;
    for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return { next: () => this.next() };
  }
}

module.exports = { Queue };
