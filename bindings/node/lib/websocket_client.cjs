'use strict';
// WebSockets to servers.

const { native, OPENED, UNOPENED, TEXT_CAME, BINARY_CAME, PONG, SENDABLE_AGAIN, CLOSED_BY_BOTH, CUT } = require('./native.cjs');
const { Fields } = require('./fields.cjs');
const { clientTlsSettings } = require('./tls.cjs');
const { fieldsObject } = require('./packed.cjs');
const { coded } = require('./errors.cjs');
const { hosted, nextNumber } = require('./hosted.cjs');
const { Socket } = require('./socket.cjs');
const { ABNORMAL } = require('./socket_events.cjs');
const { WIRE, TELL, MESSAGE, DRAIN, CLOSED, FAILED, OPENED: OPENED_NOW } = require('./symbols.cjs');

/** Sends on a socket, or gives up opening it. */
class ClientWire {
  #native;
  #held = false;

  constructor(opener, url, number) {
    this.#native = native.wscOpen(opener, url, number);
  }

  send(data) {
    return native.wscSend(this.#native, data);
  }

  ping(data) {
    return native.wscPing(this.#native, data);
  }

  close(code, reason) {
    return native.wscClose(this.#native, code, reason);
  }

  abort() {
    native.wscAbort(this.#native);
  }

  pause() {
    this.#held = true;
    native.wscHold(this.#native, true);
  }

  resume() {
    this.#held = false;
    native.wscHold(this.#native, false);
    this.soon();
  }

  /** There is more to be told: in the next turn of the loop, as it would come by itself. */
  soon() {
    setImmediate(() => {
      if (!this.#held) native.wscWork(this.#native);
    });
  }

  buffered() {
    return native.wscBuffered(this.#native);
  }
}

class WebSocket extends Socket {
  #number = nextNumber();
  #opened;
  #stopAbort;

  constructor(url, protocols, options) {
    const given = readArguments(protocols, options);
    const address = readUrl(url);
    // What is wrong throws here, before there is a socket.
    const opener = openerOf(given);
    given.signal?.throwIfAborted();
    super(undefined);
    this[WIRE] = new ClientWire(opener, address, this.#number);
    this.url = address;
    this.protocol = '';
    this.extensions = '';
    hosted.set(this.#number, this);
    if (given.signal !== undefined) {
      const { signal } = given;
      const abort = () => this.#stop(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#stopAbort = () => signal.removeEventListener('abort', abort);
    }
  }

  get opened() {
    if (this.#opened === undefined) {
      const own = (this.#opened = {});
      own.promise = new Promise((resolve, reject) => Object.assign(own, { resolve, reject }));
      if (this.readyState === Socket.OPEN) own.resolve();
      else if (this.readyState !== Socket.CONNECTING) own.reject(coded('ERR_FLARE_CLOSED', 'the socket is closing or closed'));
    }
    return this.#opened.promise;
  }

  close(code, reason) {
    if (this.readyState !== Socket.CONNECTING) return super.close(code, reason);
    super.close(code, reason);
    this.#stop(coded('ERR_FLARE_CLOSED', 'the socket was closed before it was open'));
  }

  terminate() {
    this.#stop(undefined);
  }

  /** Gives it up. Told behind the call, as everything that happens. */
  #stop(error) {
    if (this.readyState === Socket.CLOSED) return;
    this[WIRE].abort();
    hosted.delete(this.#number);
    queueMicrotask(() => this.#fail(error));
  }

  #fail(error) {
    if (this.readyState === Socket.CLOSED) return;
    const isOpening = this.#opened !== undefined && this.readyState !== Socket.OPEN;
    if (isOpening) this.#opened.reject(error ?? coded('ERR_FLARE_CLOSED', 'the socket was given up'));
    if (error !== undefined) this[TELL]('error', error);
    this.#end(ABNORMAL, error?.message ?? 'it was given up', false);
  }

  #end(code, reason, wasClean) {
    hosted.delete(this.#number);
    this.#stopAbort?.();
    this[CLOSED](code, reason, wasClean);
  }

  happens(id, what, first, second) {
    switch (what) {
      case OPENED:
        this.protocol = first;
        this.extensions = second ? 'permessage-deflate' : '';
        this[OPENED_NOW]();
        this.#opened?.resolve();
        return this[TELL]('open');
      case UNOPENED:
        return this.#fail(openError(first, second));
      case TEXT_CAME:
      case BINARY_CAME:
        return this[MESSAGE](first);
      case PONG:
        return this[TELL]('pong', first);
      case SENDABLE_AGAIN:
        return this[DRAIN]();
      case CLOSED_BY_BOTH:
      case CUT:
        return this.#end(first, second, what === CLOSED_BY_BOTH);
      default:
        return this[WIRE].soon();
    }
  }

  /** What a listener throws is the program's own: nobody else waits for it. */
  [FAILED](error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** Why a socket was not opened, with what the server answered instead. */
function openError([code, words], answer) {
  const error = coded(code, words);
  if (answer !== undefined) {
    const [status, packed, content] = answer;
    Object.assign(error, { status, headers: fieldsObject(packed.split('\0'), 0), body: content });
  }
  return error;
}

const NUMBERS = {
  messageLimit: 'message_limit', openTimeout: 'open_timeout_ms', pingInterval: 'ping_interval_ms', pingTimeout: 'ping_timeout_ms',
  closeTimeout: 'close_timeout_ms',
};
const SWITCHES = { deflate: 'deflate', deflateTakeover: 'deflate_takeover' };
const OTHERS = ['protocols', 'headers', 'tls', 'http2', 'target', 'retry', 'signal'];
const RETRY = { attempts: 'attempts', wait: 'attempt_wait_ms', mostWait: 'attempt_most_wait_ms', waitFirst: 'attempt_wait_first' };

/** `(url, protocols)` as in a browser, `(url, protocols, options)`, or `(url, options)`. */
function readArguments(protocols, options) {
  const isOptions = typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols);
  if (isOptions && options !== undefined) throw new TypeError('protocols are a string or a list of strings');
  const given = { ...(isOptions ? protocols : options) };
  if (!isOptions && protocols !== undefined) given.protocols = protocols;
  for (const name of Object.keys(given)) {
    const all = [...OTHERS, ...Object.keys(NUMBERS), ...Object.keys(SWITCHES)];
    if (!all.includes(name)) throw new TypeError(`a WebSocket has no option ${name}; there are ${all.join(', ')}`);
  }
  if (given.signal !== undefined && !(given.signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal');
  return given;
}

function readUrl(url) {
  const syntax = (problem) => new DOMException(`${url}: ${problem}`, 'SyntaxError');
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    throw syntax('it is no URL');
  }
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') throw syntax('its scheme is neither ws nor wss');
  if (parsed.hash !== '' || parsed.href.endsWith('#')) throw syntax('it has a fragment');
  if (parsed.username !== '' || parsed.password !== '') throw syntax('it has a name of a user, which belongs into the field Authorization');
  return parsed.href;
}

function openerOf({ protocols, headers, tls, http2, target, retry, signal, ...rest }) {
  const settings = [];
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (Object.hasOwn(SWITCHES, name)) {
      if (typeof value !== 'boolean') throw new TypeError(`${name} is a boolean`);
      settings.push(SWITCHES[name], value ? 1 : 0);
    } else {
      if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is a whole number, not ${value}`);
      settings.push(NUMBERS[name], value);
    }
  }
  if (protocols !== undefined) settings.push('protocols', readProtocols(protocols));
  if (http2 !== undefined) {
    if (typeof http2 !== 'boolean') throw new TypeError('http2 is a boolean');
    settings.push('http', http2 ? 2 : 1);
  }
  if (target !== undefined) {
    if (typeof target !== 'string') throw new TypeError('target is an address, such as 127.0.0.1:80 or unix:/run/app.sock');
    settings.push('target', target);
  }
  return kept(settings, tls === undefined ? [] : clientTlsSettings(tls), Fields.from(headers).pack(), readRetry(retry));
}

/**
 * What opens sockets, by its settings: making it reads the authorities of the system, and sockets of the same one share TLS sessions and what was found
 * out about servers. Those with files of their own are made anew, since the files may have changed.
 */
const openers = new Map();
const MOST_OPENERS = 32;

function kept(...settings) {
  if (settings[1].length > 0) return native.wscOpener(...settings);
  const key = JSON.stringify(settings);
  let opener = openers.get(key);
  if (opener === undefined) {
    opener = native.wscOpener(...settings);
    if (openers.size === MOST_OPENERS) openers.delete(openers.keys().next().value);
    openers.set(key, opener);
  }
  return opener;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function readProtocols(protocols) {
  const list = Array.isArray(protocols) ? protocols : [protocols];
  if (list.some((one) => !TOKEN.test(one)) || new Set(list).size < list.length) {
    throw new DOMException(`${list}: has a subprotocol that is no token, or one twice`, 'SyntaxError');
  }
  return list.join(',');
}

function readRetry(retry) {
  if (retry === undefined || retry === false) return undefined;
  if (typeof retry !== 'object' || retry === null) throw new TypeError('retry is an object');
  const list = [];
  for (const [name, value] of Object.entries(retry)) {
    if (!Object.hasOwn(RETRY, name)) throw new TypeError(`retry has no ${name}; there are ${Object.keys(RETRY).join(', ')}`);
    const number = typeof value === 'boolean' && name === 'waitFirst' ? Number(value) : value;
    if (!Number.isSafeInteger(number)) throw new TypeError(`retry: ${name} is a whole number, not ${value}`);
    list.push(RETRY[name], number);
  }
  return list;
}

module.exports = { WebSocket };
