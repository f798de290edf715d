'use strict';
const { Fields } = require('./fields.cjs');
const { isStream } = require('./pieces.cjs');

function checkStatus(status) {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`${status} is no status of a final answer`);
  return status;
}

/** An answer as a value: what handlers may return, and what middleware gets from `next()`. */
class Reply {
  constructor(status, body, headers) {
    this.status = checkStatus(status);
    this.headers = Fields.from(headers);
    this.body = body;
    this.trailers = undefined;
    this.error = undefined;
  }

  trailer(name, value) {
    (this.trailers ??= new Fields()).append(name, value);
    return this;
  }

  static text(body, init) {
    return typed(body, 'text/plain; charset=utf-8', init);
  }

  static html(body, init) {
    return typed(body, 'text/html; charset=utf-8', init);
  }

  static json(value, init) {
    return typed(JSON.stringify(value), 'application/json', init);
  }

  static bytes(body, init) {
    return typed(body, 'application/octet-stream', init);
  }

  static redirect(location, status = 302) {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`${status} is no status of a redirect`);
    return new Reply(status, undefined, { location });
  }
}

function typed(body, type, init) {
  const reply = new Reply(init?.status ?? 200, body, init?.headers);
  if (reply.headers.find('content-type') < 0) reply.headers.list.push('content-type', type);
  return reply;
}

/** What a handler gave back, as a reply. `undefined` and `null` are 204. */
function toReply(value, status, fields) {
  if (value instanceof Reply) {
    if (fields !== undefined && fields.list.length > 0) {
      for (let i = 0; i < fields.list.length; i += 2) {
        if (value.headers.find(fields.list[i]) < 0) value.headers.list.push(fields.list[i], fields.list[i + 1]);
      }
    }
    return value;
  }
  let reply;
  if (value === undefined || value === null) {
    return new Reply(status ?? 204, undefined, fields);
  } else if (typeof value === 'string') {
    reply = typedAs(value, 'text/plain; charset=utf-8', status, fields);
  } else if (typeof value === 'object' && ArrayBuffer.isView(value)) {
    const bytes = value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    reply = typedAs(bytes, 'application/octet-stream', status, fields);
  } else if (value instanceof ArrayBuffer) {
    reply = typedAs(new Uint8Array(value), 'application/octet-stream', status, fields);
  } else if (typeof Response === 'function' && value instanceof Response) {
    reply = fromWeb(value, fields);
  } else if (typeof Blob === 'function' && value instanceof Blob) {
    reply = typedAs(value.stream(), value.type || 'application/octet-stream', status, fields);
  } else if (typeof value === 'object' && isStream(value)) {
    reply = typedAs(value, 'application/octet-stream', status, fields);
  } else if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`a handler can't answer with a ${typeof value}`);
  } else if (value instanceof Error) {
    throw new TypeError('a handler gave back an error, which JSON has no text for: throw it', { cause: value });
  } else {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('a handler answered with what JSON has no text for');
    reply = typedAs(text, 'application/json', status, fields);
  }
  return reply;
}

function typedAs(body, type, status, fields) {
  const reply = new Reply(status ?? 200, body, fields);
  if (reply.headers.find('content-type') < 0) reply.headers.list.push('content-type', type);
  return reply;
}

/** From a WHATWG `Response`. */
function fromWeb(response, fields) {
  const reply = new Reply(response.status, response.body ?? undefined, fields);
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie') reply.headers.append(name, value);
    else reply.headers.set(name, value);
  }
  return reply;
}

module.exports = { Reply, toReply, checkStatus };
