'use strict';
const { native, TOO_LARGE } = require('./native.cjs');
const { Content } = require('./content.cjs');
const { overError } = require('./errors.cjs');
const { ID, REQUEST, WIRE } = require('./symbols.cjs');

/** Datagrams that the addon gives, one by one. */
class Wire extends Content {
  constructor(response) {
    super(undefined);
    this.id = response[REQUEST][ID];
  }

  read() {
    const found = native.readDatagram(this.id);
    if (typeof found === 'object') return found;
    if (found < 0) throw overError(found);
    return found === 1 ? null : undefined;
  }
}

/** A stream of datagrams in place of an answer. */
class Datagrams {
  #response;

  constructor(response) {
    this.#response = response;
    this[WIRE] = new Wire(response);
  }

  get maxSize() {
    return native.maxDatagramSize(this.#response[REQUEST][ID]) ?? 0;
  }

  send(datagram) {
    if (typeof datagram !== 'string' && !(datagram instanceof Uint8Array)) throw new TypeError('a datagram is a string or a Uint8Array');
    const result = native.sendDatagram(this.#response[REQUEST][ID], datagram);
    if (result === TOO_LARGE) throw new RangeError(`a datagram may have ${this.maxSize} bytes here`);
    return result === 0;
  }

  receive() {
    return this[WIRE].next();
  }

  async *[Symbol.asyncIterator]() {
    for (let datagram = await this.receive(); datagram !== undefined; datagram = await this.receive()) yield datagram;
  }

  close() {
    if (!this.#response.ended) this.#response.end();
  }
}

module.exports = { Datagrams };
