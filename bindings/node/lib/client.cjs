'use strict';
// Requests to a server, on one connection at a time.

const { native } = require('./native.cjs');
const { Fields } = require('./fields.cjs');
const { clientTlsSettings } = require('./tls.cjs');
const { fieldsObject } = require('./packed.cjs');
const { isStream } = require('./pieces.cjs');
const { coded } = require('./errors.cjs');
const { ClientConnection, closedError } = require('./client_connection.cjs');
const { ClientExchange } = require('./client_exchange.cjs');

const VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete'];
const SETTINGS = { http2: undefined, http3: false, tls: undefined, timeout: 30_000, connectTimeout: 10_000, attemptDelay: 250, maxContent: 64 << 20 };
const OPTIONS = ['headers', 'body', 'json', 'trailers', 'timeout', 'maxContent', 'signal', 'onInterim'];

class Client {
  #origin;
  #settings;
  #connector;
  #connection;
  /** Exchanges that were not begun yet, in their order. */
  #waiting = [];
  /** How often in a row a connection was over before an exchange could begin on it. */
  #refusals = 0;
  #closed;

  constructor(origin, options = {}) {
    this.#origin = readOrigin(origin);
    this.#settings = readSettings(options);
    const { http2, http3, tls, connectTimeout, attemptDelay } = this.#settings;
    const isSecure = this.#origin.scheme === 'https';
    if (tls !== undefined && !isSecure) throw new TypeError(`tls: ${origin} is not encrypted`);
    if (http3 && !isSecure) throw new TypeError(`http3: ${origin} is not encrypted`);
    const alpn = http2 === undefined ? 'h2,http/1.1' : http2 ? 'h2' : 'http/1.1';
    this.#connector = native.connector(connectTimeout, attemptDelay, alpn, isSecure ? clientTlsSettings(tls) : undefined);
  }

  get origin() {
    return this.#origin.text;
  }

  get tls() {
    const agreed = this.#connection?.isOver === false ? this.#connection.tls : undefined;
    if (agreed === undefined) return undefined;
    const [version, suite, alpn, certificate, resumed] = agreed;
    return { version, suite, alpn: alpn || undefined, peerCertificate: certificate.length === 0 ? undefined : certificate, resumed };
  }

  async request(method, target, options = {}) {
    const asked = this.#readRequest(method, target, options);
    if (this.#closed !== undefined) throw closedError();
    asked.signal?.throwIfAborted();
    const exchange = new ClientExchange(asked);
    const response = exchange.takeResponse();
    response.catch(() => {
      // It may still wait; then it must not be begun.
      const at = this.#waiting.indexOf(exchange);
      if (at >= 0) this.#waiting.splice(at, 1);
    });
    this.#waiting.push(exchange);
    this.#begin();
    return response;
  }

  #readRequest(method, target, options) {
    if (typeof method !== 'string') throw new TypeError('a method is a string');
    if (typeof target !== 'string' || !(target.startsWith('/') || target === '*')) {
      throw new TypeError('a target is a path with its query, such as /search?q=x');
    }
    for (const name of Object.keys(options)) {
      if (!OPTIONS.includes(name)) throw new TypeError(`a request has no option ${name}; there are ${OPTIONS.join(', ')}`);
    }
    const { signal, onInterim, timeout = this.#settings.timeout, maxContent = this.#settings.maxContent } = options;
    checkNumber('timeout', timeout, 1);
    checkNumber('maxContent', maxContent, 0);
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal');
    if (onInterim !== undefined && typeof onInterim !== 'function') throw new TypeError('onInterim is a function');
    const fields = Fields.from(options.headers);
    const { body, length } = readBody(options, fields);
    const authority = fields.get('host') ?? this.#origin.authority;
    fields.remove('host');
    if (options.trailers !== undefined && length !== -2) throw new TypeError('trailers stand behind content that is a stream of unknown length');
    return {
      method, scheme: this.#origin.scheme, authority, target, fields: fields.pack(), body, length, timeout, maxContent, signal,
      trailers: options.trailers === undefined ? undefined : Fields.from(options.trailers).pack(),
      onInterim: onInterim === undefined ? undefined : (status, packed) => onInterim(status, fieldsObject(packed.slice(1).split('\0'), 0)),
    };
  }

  /** Begins what waits, as far as the connection goes. */
  #begin() {
    while (this.#waiting.length > 0) {
      const connection = this.#connect();
      if (connection === undefined || !connection.isConnected) return;
      const [exchange] = this.#waiting;
      let isBegun;
      try {
        isBegun = connection.open(exchange, exchange.asked);
      } catch (error) {
        // The request is wrong.
        this.#waiting.shift();
        exchange.fail(error);
        continue;
      }
      if (isBegun) {
        this.#waiting.shift();
        this.#refusals = 0;
      } else if (!connection.isOver) {
        return;
      } else if (++this.#refusals > 1) {
        this.#refusals = 0;
        this.#failWaiting(coded('ERR_FLARE_CUT', 'the server ends each connection at once'));
      }
    }
  }

  /** The connection, which may be on its way. */
  #connect() {
    if (this.#connection === undefined || this.#connection.isOver) {
      try {
        this.#connection = new ClientConnection(this.#connector, this.#origin.target, versionOf(this.#settings), {
          connected: () => this.#begin(),
          room: () => this.#room(),
          unconnected: (error) => this.#failWaiting(error),
        });
      } catch (error) {
        this.#failWaiting(error);
        return undefined;
      }
    }
    return this.#connection;
  }

  #room() {
    if (this.#closed === undefined) this.#begin();
    else if (this.#connection === undefined || this.#connection.isOver || this.#connection.isIdle) this.#finish();
  }

  #failWaiting(error) {
    for (const exchange of this.#waiting.splice(0)) exchange.fail(error);
    if (this.#closed !== undefined) this.#finish();
  }

  close() {
    if (this.#closed === undefined) {
      this.#closed = {};
      this.#closed.promise = new Promise((resolve) => {
        this.#closed.resolve = resolve;
      });
      this.#failWaiting(closedError());
      this.#room();
    }
    return this.#closed.promise;
  }

  destroy(error) {
    const closed = this.close();
    this.#connection?.destroy(error);
    this.#finish();
    closed.catch(() => {});
  }

  #finish() {
    if (this.#connection !== undefined && !this.#connection.isOver) {
      if (!this.#connection.isIdle) return;
      this.#connection.close();
    }
    this.#closed.resolve();
  }
}

for (const verb of VERBS) {
  Client.prototype[verb] = function (target, options) {
    return this.request(verb.toUpperCase(), target, options);
  };
}
if (Symbol.asyncDispose !== undefined) {
  Client.prototype[Symbol.asyncDispose] = function () {
    return this.close();
  };
}

/** `https://name:port`, `http://name` or `unix:/path`. */
function readOrigin(origin) {
  const text = `${origin}`;
  if (text.startsWith('unix:/')) return { text, scheme: 'http', authority: 'localhost', target: text };
  let url;
  try {
    url = new URL(text);
  } catch (error) {
    throw new TypeError(`${text} is no origin, such as https://example.org or unix:/run/app.sock`, { cause: error });
  }
  const scheme = url.protocol.slice(0, -1);
  const rest = url.username + url.password + url.search + url.hash + (url.pathname === '/' ? '' : url.pathname);
  if (!['http', 'https'].includes(scheme) || rest !== '') throw new TypeError(`${text} is no origin: http or https, a name and a port alone`);
  const port = url.port || (scheme === 'https' ? '443' : '80');
  return { text: url.origin, scheme, authority: url.host, target: `${url.hostname}:${port}` };
}

function readSettings(options) {
  if (typeof options !== 'object' || options === null) throw new TypeError('the settings of a Client are an object');
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(SETTINGS, name)) throw new TypeError(`a Client has no setting ${name}; there are ${Object.keys(SETTINGS).join(', ')}`);
  }
  const settings = { ...SETTINGS };
  for (const [name, value] of Object.entries(options)) if (value !== undefined) settings[name] = value;
  if (settings.http2 !== undefined && typeof settings.http2 !== 'boolean') throw new TypeError('http2 is a boolean');
  if (typeof settings.http3 !== 'boolean') throw new TypeError('http3 is a boolean');
  if (settings.http3 && settings.http2 !== undefined) throw new TypeError('http3: together with http2');
  for (const name of ['timeout', 'connectTimeout', 'attemptDelay']) checkNumber(name, settings[name], 1);
  checkNumber('maxContent', settings.maxContent, 0);
  return settings;
}

/** The version that is spoken without asking; 0: what was agreed by ALPN, and HTTP/1.1 without. */
const versionOf = ({ http2, http3 }) => (http3 ? 3 : http2 ? 2 : 0);

function checkNumber(name, value, least) {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${name}: ${value} is no whole number from ${least}`);
}

/** Content and its length; -1: there is none, -2: it is not known. */
function readBody({ body, json }, fields) {
  if (json !== undefined) {
    if (body !== undefined) throw new TypeError('a request has a body or json, not both');
    const text = JSON.stringify(json);
    if (text === undefined) throw new TypeError('json is what JSON has no text for');
    setType(fields, 'application/json');
    return whole(Buffer.from(text));
  }
  if (body === undefined || body === null) return { body: undefined, length: -1 };
  if (typeof body === 'string') return whole(Buffer.from(body));
  if (body instanceof Uint8Array) return whole(body);
  if (ArrayBuffer.isView(body)) return whole(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body));
  if (body instanceof URLSearchParams) {
    setType(fields, 'application/x-www-form-urlencoded');
    return whole(Buffer.from(body.toString()));
  }
  if (body instanceof Blob) {
    if (body.type !== '') setType(fields, body.type);
    return { body: body.stream(), length: body.size };
  }
  if (typeof body === 'object' && isStream(body)) {
    const length = fields.get('content-length');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new TypeError(`content-length: ${length} is no length`);
    return { body, length: length === undefined ? -2 : Number(length) };
  }
  throw new TypeError('the body of a request is text, bytes, a Blob, URLSearchParams or a stream');
}

function setType(fields, type) {
  if (fields.find('content-type') < 0) fields.set('content-type', type);
}

const whole = (body) => ({ body, length: body.length });

module.exports = { Client };
