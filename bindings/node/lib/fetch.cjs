'use strict';
// Programs that are one function from a WHATWG Request to a Response, as Hono's.

const { App } = require('./app.cjs');
const { Reply, toReply } = require('./reply.cjs');

/** What is behind a request of `serve`. */
const OWN = Symbol('own');
const REAL = Symbol('real');

/**
 * A `Request` that is made when somebody needs all of it: most programs only ask for method, url and a few fields. It is an
 * instance of the global `Request`, whose own properties it takes from a real one on demand.
 */
class LazyRequest {
  constructor(own) {
    this[OWN] = own;
    this[REAL] = undefined;
  }

  get method() {
    return this[OWN].method;
  }

  get url() {
    const own = this[OWN];
    return `${own.scheme}://${own.host || 'localhost'}${own.url}`;
  }

  get headers() {
    return real(this).headers;
  }

  get signal() {
    return this[OWN].signal;
  }

  // Without these, a body that is read once and whole would have to become a stream first.
  async text() {
    return untouched(this) ? (await this[OWN].body()).toString() : real(this).text();
  }

  async json() {
    return untouched(this) ? JSON.parse((await this[OWN].body()).toString()) : real(this).json();
  }

  async arrayBuffer() {
    if (!untouched(this)) return real(this).arrayBuffer();
    const bytes = await this[OWN].body();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  clone() {
    return real(this).clone();
  }
}

for (const name of ['body', 'bodyUsed', 'cache', 'credentials', 'destination', 'duplex', 'integrity', 'keepalive', 'mode', 'redirect',
  'referrer', 'referrerPolicy']) {
  Object.defineProperty(LazyRequest.prototype, name, { configurable: true, get() { return real(this)[name]; } });
}
for (const name of ['blob', 'formData', 'bytes']) {
  LazyRequest.prototype[name] = function () {
    return real(this)[name]();
  };
}
Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);

/** Where Node keeps the state of a request: `new Request(request)` looks there. */
const STATE = Object.getOwnPropertySymbols(new Request('http://localhost'));
for (const symbol of STATE) {
  Object.defineProperty(LazyRequest.prototype, symbol, { configurable: true, get() { return real(this)[symbol]; } });
}

/** Whether the content can be taken as it is. It is taken once: then the real request has to say that it was used. */
function untouched(request) {
  if (request[REAL] !== undefined) return false;
  request[REAL] = null;
  return true;
}

function real(request) {
  const own = request[OWN];
  if (request[REAL] === null) {
    // The content was read in the short way, so it is used.
    const used = make(own, request.url, own.method === 'GET' || own.method === 'HEAD' ? undefined : '');
    if (used.body !== null) used.text();
    request[REAL] = used;
  }
  return (request[REAL] ??= make(own, request.url, contentOf(own)));
}

function contentOf(own) {
  return own.method === 'GET' || own.method === 'HEAD' ? undefined : own.webStream();
}

function make(own, url, body) {
  const raw = own.rawHeaders;
  const headers = new Headers();
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
  return new Request(url, { method: own.method, headers, body, duplex: body === undefined ? undefined : 'half', signal: own.signal });
}

/** Where the state is out of reach, a request that only looks like one would not do: then it is a real one from the start. */
function requestOf(own) {
  if (STATE.length > 0) return new LazyRequest(own);
  return make(own, `${own.scheme}://${own.host || 'localhost'}${own.url}`, contentOf(own));
}

/** From a `Response` of any making to an answer. */
function answer(response) {
  if (response instanceof Response || response instanceof Reply) return toReply(response);
  throw new TypeError('fetch() did not give back a Response');
}

/** Makes an app of a function, and listens. */
async function serve(options) {
  const { fetch, port = 0, hostname = '127.0.0.1', tls, onError, streaming = true, ...settings } = options ?? {};
  if (typeof fetch !== 'function') throw new TypeError('serve() needs a function fetch');
  const app = new App(settings);
  if (onError !== undefined) app.on('error', onError);
  app.any('/*path', { streaming }, async (request) => answer(await fetch(requestOf(request), { request })));
  await app.listen({ port, host: hostname, tls });
  return app;
}

module.exports = { serve };
