'use strict';
const querystring = require('node:querystring');
const { native, HAS_CONTENT, HAS_TRAILERS, STREAMING } = require('./native.cjs');
const packed = require('./packed.cjs');
const { HttpError, overError } = require('./errors.cjs');
const { Content } = require('./content.cjs');
const { PACKED, ID, FLAGS, CACHE, OVER } = require('./symbols.cjs');

const EMPTY = Buffer.alloc(0);

/** Exchanges whose content was not read when they were answered are kept as long as their request can be reached. */
const unread = new FinalizationRegistry((id) => native.release(id));

class Request {
  constructor(text, id, flags) {
    this[PACKED] = text;
    this[ID] = id;
    this[FLAGS] = flags;
    this[CACHE] = undefined;
    this[OVER] = undefined;
  }

  get method() {
    return packed.method(this[PACKED]);
  }

  get path() {
    return packed.path(this[PACKED]);
  }

  get url() {
    const list = texts(this);
    return packed.hasQuery(this[PACKED]) ? `${list[1]}?${list[2]}` : list[1];
  }

  get queryString() {
    return packed.hasQuery(this[PACKED]) ? texts(this)[2] : undefined;
  }

  get query() {
    const own = cache(this);
    return (own.query ??= querystring.parse(texts(this)[2]));
  }

  get searchParams() {
    const own = cache(this);
    return (own.searchParams ??= new URLSearchParams(texts(this)[2]));
  }

  get host() {
    return texts(this)[3];
  }

  get version() {
    return packed.version(this[PACKED]);
  }

  get scheme() {
    return packed.hasTls(this[PACKED]) ? 'https' : 'http';
  }

  get tls() {
    if (!packed.hasTls(this[PACKED])) return undefined;
    const own = cache(this);
    if (own.tls === undefined) {
      const at = packed.tlsAt(this[PACKED]);
      const [version, alpn, suite, serverName, certificate] = texts(this).slice(at, at + 5);
      own.tls = {
        version, suite, alpn: alpn || undefined, serverName: serverName || undefined,
        peerCertificate: certificate === '' ? undefined : Buffer.from(certificate, 'hex'),
      };
    }
    return own.tls;
  }

  get params() {
    const own = cache(this);
    if (own.params === undefined) {
      const list = texts(this);
      const at = packed.paramsAt(this[PACKED]);
      own.params = new packed.Bag();
      for (let i = 0; i < packed.paramCount(this[PACKED]); i++) {
        own.params[list[at + 2 * i]] = packed.decode(list[at + 2 * i + 1]);
      }
    }
    return own.params;
  }

  get headers() {
    const own = cache(this);
    return (own.headers ??= packed.fieldsObject(texts(this), packed.fieldsAt(this[PACKED])));
  }

  get rawHeaders() {
    const list = texts(this);
    return list.slice(packed.fieldsAt(this[PACKED]), list.length - 1);
  }

  header(name) {
    return this.headers[name.toLowerCase()];
  }

  get cookies() {
    const own = cache(this);
    return (own.cookies ??= parseCookies(this.headers.cookie));
  }

  get remoteAddress() {
    return packed.peerAddress(this[PACKED]);
  }

  get remotePort() {
    return packed.peerPort(this[PACKED]);
  }

  get requestId() {
    return extra(this, 4);
  }

  get identity() {
    return extra(this, 5);
  }

  get clientAddress() {
    return packed.hasExtras(this[PACKED]) ? extra(this, 6) : this.remoteAddress;
  }

  get locals() {
    const own = cache(this);
    return (own.locals ??= {});
  }

  get signal() {
    const own = cache(this);
    if (own.controller === undefined) {
      own.controller = new AbortController();
      if (this[OVER] !== undefined) own.controller.abort(this[OVER]);
    }
    return own.controller.signal;
  }

  body() {
    if (this[FLAGS] & STREAMING) return content(this).bytes();
    const own = cache(this);
    if (own.bytes === undefined) {
      if (this[FLAGS] & HAS_CONTENT) own.bytes = native.bodyBytes(this[ID]);
      else own.bytes = own.text === undefined ? EMPTY : Buffer.from(own.text);
      taken(this, HAS_CONTENT);
    }
    return own.bytes;
  }

  text() {
    if (this[FLAGS] & STREAMING) return content(this).bytes().then((bytes) => bytes.toString());
    const own = cache(this);
    if (own.text === undefined) {
      if (own.bytes !== undefined) {
        own.text = own.bytes.toString();
      } else if (this[FLAGS] & HAS_CONTENT) {
        own.text = native.bodyText(this[ID]);
        // Bytes that are no UTF-8 can't be made from the text again, so they stay where they are.
        if (!own.text.includes('\ufffd')) taken(this, HAS_CONTENT);
      } else {
        own.text = '';
      }
    }
    return own.text;
  }

  json() {
    if (this[FLAGS] & STREAMING) return content(this).bytes().then((bytes) => parseJson(bytes.toString()));
    return parseJson(this.text());
  }

  get trailers() {
    const own = cache(this);
    if (this[FLAGS] & HAS_TRAILERS || (own.content !== undefined && own.content.ended && own.trailers === undefined)) {
      const text = native.trailers(this[ID]);
      own.trailers = packed.fieldsObject(text === undefined ? [] : text.split('\0'), 0);
      taken(this, HAS_TRAILERS);
    }
    return own.trailers ?? Object.create(null);
  }

  get offeredProtocol() {
    const own = cache(this);
    return (own.offered ??= native.offeredProtocol(this[ID]));
  }

  stream() {
    return content(this).readable();
  }

  webStream() {
    return content(this).readableStream();
  }

  [Symbol.asyncIterator]() {
    return content(this).chunks();
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `Request ${inspect({ method: this.method, url: this.url, headers: { ...this.headers } }, options)}`;
  }
}

function cache(request) {
  return (request[CACHE] ??= {
    texts: undefined, tls: undefined, headers: undefined, params: undefined, query: undefined, searchParams: undefined, cookies: undefined,
    locals: undefined, offered: undefined, bytes: undefined, text: undefined, trailers: undefined, controller: undefined, content: undefined,
  });
}

function texts(request) {
  const own = cache(request);
  return (own.texts ??= packed.texts(request[PACKED]));
}

function extra(request, index) {
  const text = packed.hasExtras(request[PACKED]) ? texts(request)[index] : '';
  return text === '' ? undefined : packed.decode(text);
}

function content(request) {
  const own = cache(request);
  return (own.content ??= new RequestContent(request, request[FLAGS] & STREAMING ? undefined : request.body()));
}

/** Content that the addon gives. */
class RequestContent extends Content {
  constructor(request, whole) {
    super(whole);
    this.request = request;
  }

  read() {
    const found = native.read(this.request[ID]);
    if (typeof found === 'object') return found;
    if (found < 0) throw overError(found);
    return found === 1 ? null : undefined;
  }
}

function taken(request, flag) {
  request[FLAGS] &= ~flag;
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, 'the content is not JSON', { cause: error });
  }
}

/** RFC 6265, 5.4, read leniently: pairs with a semicolon between, the first of a name counts. */
function parseCookies(field) {
  const cookies = Object.create(null);
  for (const pair of field === undefined ? [] : field.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const name = pair.slice(0, equals).trim();
    let value = pair.slice(equals + 1).trim();
    if (value.length > 1 && value.startsWith('"') && value.endsWith('"')) value = value.slice(1, -1);
    if (name in cookies) continue;
    try {
      cookies[name] = value.includes('%') ? decodeURIComponent(value) : value;
    } catch {
      cookies[name] = value; // not in percent-encoding
    }
  }
  return cookies;
}

/** Whether something of the request is in the addon alone. */
function isUnread(request) {
  return (request[FLAGS] & (HAS_CONTENT | HAS_TRAILERS)) !== 0;
}

/** The exchange was answered and is kept by the addon, for what is unread. */
function keepUnread(request) {
  unread.register(request, request[ID]);
}

/** The exchange is over before its answer was whole. */
function cancel(request, error) {
  request[OVER] = error;
  const own = request[CACHE];
  own?.controller?.abort(error);
  own?.content?.fail(error);
}

module.exports = { Request, isUnread, keepUnread, cancel };
