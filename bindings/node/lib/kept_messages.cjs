'use strict';

/** What may be kept for a program that takes messages later, and below what there is room again. */
const MOST_MESSAGES = 1024;
const MOST_BYTES = 256 * 1024;

/** Messages that a loop will take, in their order. When there are many, no more are read from the peer. */
class KeptMessages {
  #messages = [];
  #bytes = 0;
  #waiting = [];
  #wire;
  #paused = false;
  #over = false;
  /** A loop takes them. */
  taken = false;

  constructor(wire) {
    this.#wire = wire;
  }

  add(message) {
    const next = this.#waiting.shift();
    if (next !== undefined) return next({ value: message, done: false });
    this.#messages.push(message);
    this.#bytes += sizeOf(message);
    if (!this.#paused && !this.#over && (this.#messages.length >= MOST_MESSAGES || this.#bytes >= MOST_BYTES)) {
      this.#paused = true;
      this.#wire.pause();
    }
  }

  /** The next one, or `undefined`. */
  take() {
    if (this.#messages.length === 0) return undefined;
    const message = this.#messages.shift();
    this.#bytes -= sizeOf(message);
    if (this.#paused && this.#messages.length < MOST_MESSAGES / 4 && this.#bytes < MOST_BYTES / 4) {
      this.#paused = false;
      this.#wire.resume();
    }
    return message;
  }

  /** The next one, when there is one. */
  next() {
    const message = this.take();
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing more comes. What is here can still be taken. */
  end() {
    this.#over = true;
    this.#paused = false;
    this.stop();
  }

  /** Nobody waits any more. */
  stop() {
    for (const next of this.#waiting.splice(0)) next({ value: undefined, done: true });
  }
}

function sizeOf(message) {
  return message.length ?? message.byteLength ?? message.size;
}

module.exports = { KeptMessages };
