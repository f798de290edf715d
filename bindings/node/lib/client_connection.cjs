'use strict';
// One connection to a server, and what happens on it.

const {
  native, CONNECTED, UNCONNECTED, INFORMATIONAL, HEAD, DATA, ANSWER_END, ROOM, FAILED,
} = require('./native.cjs');
const { coded } = require('./errors.cjs');
const { hosted, nextNumber } = require('./hosted.cjs');

/**
 * So many exchanges are begun before the server has said how many it takes: it may refuse more, and no server should take less (RFC 9113,
 * 6.5.2).
 */
const AT_FIRST = 100;

class ClientConnection {
  #native;
  #number;
  #isConnected = false;
  #isBusy = true;
  /** The server has answered, so what it takes is known. */
  #isKnown = false;
  /** Exchanges that run, by their numbers. */
  #exchanges = new Map();
  isOver = false;

  /** `owner` hears `connected()`, `unconnected(error)`, and `room()` when another exchange may be begun. */
  constructor(connector, target, version, owner) {
    this.owner = owner;
    this.#number = nextNumber();
    this.#native = native.clientConnect(connector, target, version, this.#number);
    hosted.set(this.#number, this);
  }

  get isConnected() {
    return this.#isConnected;
  }

  get isIdle() {
    return this.#exchanges.size === 0;
  }

  get tls() {
    return native.clientTls(this.#native);
  }

  /** Begins an exchange. False: not now, or not on this connection any more. */
  open(exchange, { method, scheme, authority, target, fields, length }) {
    if (!this.#isKnown && this.#exchanges.size >= AT_FIRST) return false;
    const id = native.clientOpen(this.#native, method, scheme, authority, target, fields, length);
    if (id === -1) this.isOver = true;
    if (id < 0) return false;
    this.#exchanges.set(id, exchange);
    exchange.begin(this, id);
    this.#setBusy();
    return true;
  }

  write(id, data) {
    return native.clientWrite(this.#native, id, data);
  }

  finish(id, trailers) {
    return native.clientFinish(this.#native, id, trailers);
  }

  consumed(id, bytes) {
    native.clientConsumed(this.#native, id, bytes);
  }

  /** Nothing more of an exchange is wanted. */
  cancel(id) {
    native.clientCancel(this.#native, id);
    this.#ended(id);
  }

  /** An exchange has ended both ways. */
  ended(id) {
    native.clientForget(this.#native, id);
    this.#ended(id);
  }

  #ended(id) {
    if (!this.#exchanges.delete(id)) return;
    this.#setBusy();
    // Not while an event of the connection is told: who begins another exchange may end this one.
    queueMicrotask(() => this.owner.room());
  }

  #learn() {
    if (this.#isKnown) return;
    this.#isKnown = true;
    this.owner.room();
  }

  /** A connection on which nothing runs keeps neither itself nor the process: its client has it, and it ends with that. */
  #setBusy() {
    const isBusy = !this.isOver && (!this.#isConnected || this.#exchanges.size > 0);
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    if (isBusy) hosted.set(this.#number, this);
    else hosted.delete(this.#number);
    native.clientKeepAlive(this.#native, isBusy);
  }

  /** Says goodbye, when nothing runs. */
  close() {
    if (this.#isConnected && !this.isOver) native.clientClose(this.#native);
    this.destroy();
  }

  /** Ends all at once. */
  destroy(error) {
    this.isOver = true;
    native.clientDestroy(this.#native);
    for (const exchange of this.#exchanges.values()) exchange.fail(error ?? closedError());
    this.#exchanges.clear();
    this.#setBusy();
  }

  happens(id, what, first, second) {
    switch (what) {
      case CONNECTED:
        this.#isConnected = true;
        this.owner.connected();
        this.#setBusy();
        return;
      case UNCONNECTED:
        this.isOver = true;
        this.#setBusy();
        this.owner.unconnected(coded(first, second));
        return;
      default:
    }
    const exchange = this.#exchanges.get(id);
    this.#learn();
    switch (what) {
      case INFORMATIONAL: return exchange?.informational(first, second);
      case HEAD: return exchange?.head(first, second);
      case DATA: return exchange?.data(first);
      case ANSWER_END: return exchange?.end(first);
      case ROOM: return exchange?.room();
      case FAILED:
        exchange?.fail(coded(first, second));
        return this.ended(id);
      default:
        // The end of the connection. What still runs was cut by it.
        this.isOver = true;
        for (const one of this.#exchanges.values()) one.fail(coded('ERR_FLARE_CUT', 'the connection ended before the answer did'));
        this.#exchanges.clear();
        this.#setBusy();
        return this.owner.room();
    }
  }
}

function closedError() {
  return coded('ERR_FLARE_CLOSED', 'the client was closed');
}

module.exports = { ClientConnection, closedError };
