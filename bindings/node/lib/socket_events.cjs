'use strict';
// Events of sockets as browsers have them. Node 20 has no CloseEvent, and its own MessageEvent belongs to an EventTarget.

class SocketEvent extends Event {
  #socket;

  constructor(type, socket) {
    super(type);
    this.#socket = socket;
  }

  get target() {
    return this.#socket;
  }

  get currentTarget() {
    return this.#socket;
  }

  get srcElement() {
    return this.#socket;
  }
}

class MessageEvent extends SocketEvent {
  constructor(socket, data) {
    super('message', socket);
    this.data = data;
  }
}

class CloseEvent extends SocketEvent {
  constructor(socket, code, reason, wasClean) {
    super('close', socket);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

class ErrorEvent extends SocketEvent {
  constructor(socket, error) {
    super('error', socket);
    this.error = error;
    this.message = error?.message ?? '';
  }
}

/** There was no Close frame (RFC 6455, 7.4.1). */
const ABNORMAL = 1006;

/** The event for the values that a listener of `on()` gets. */
function eventOf(type, socket, values) {
  switch (type) {
    case 'message': return new MessageEvent(socket, values[0]);
    case 'close': return new CloseEvent(socket, ...values);
    case 'error': return new ErrorEvent(socket, values[0]);
    default: return new SocketEvent(type, socket);
  }
}

module.exports = { eventOf, ABNORMAL };
