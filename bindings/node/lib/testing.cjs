'use strict';
// A client for tests of programs: requests go to the routes of an app without a port, through flare's own reading and writing of HTTP.

const { native } = require('./native.cjs');
const { Fields } = require('./fields.cjs');
const { coded } = require('./errors.cjs');

/** An answer as the client sees it. */
class TestResponse {
  constructor(status, headers, body, trailers, interim) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.trailers = trailers;
    this.interim = interim;
  }

  text() {
    return this.body.toString();
  }

  json() {
    return JSON.parse(this.text());
  }
}

class TestClient {
  #router;
  #settings;

  constructor(router, settings) {
    this.#router = router;
    this.#settings = settings;
  }

  get(target, options) {
    return this.request('GET', target, options);
  }

  post(target, body, options) {
    return this.request('POST', target, { ...options, body });
  }

  /** Sends a request on a connection of its own and resolves with the answer. */
  async request(method, target, { headers, body, signal, timeout = 10_000 } = {}) {
    const connection = native.testConnect(this.#router, this.#settings);
    const parts = [native.testSend(connection, encode(method, target, Fields.from(headers), body))];
    const limit = Date.now() + timeout;
    for (;;) {
      const answer = decode(Buffer.concat(parts), method);
      if (answer !== undefined) return answer;
      if (signal?.aborted) {
        native.testAbort(connection);
        throw signal.reason;
      }
      if (Date.now() > limit) {
        native.testAbort(connection);
        throw coded('ERR_FLARE_TEST_TIMEOUT', `no answer to ${method} ${target} within ${timeout} ms`);
      }
      await new Promise(setImmediate);
      parts.push(native.testStep(connection));
    }
  }
}

function encode(method, target, fields, body) {
  const content = body === undefined || body === null ? undefined : toBytes(body, fields);
  if (fields.find('host') < 0) fields.set('host', 'test');
  if (content !== undefined) fields.set('content-length', String(content.length));
  const { list } = fields;
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i < list.length; i += 2) head += `${list[i]}: ${list[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), content ?? Buffer.alloc(0)]);
}

function toBytes(body, fields) {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  if (fields.find('content-type') < 0) fields.set('content-type', 'application/json');
  return Buffer.from(JSON.stringify(body));
}

/** The final answer in these bytes, or undefined while it is not whole. */
function decode(bytes, method) {
  const interim = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [start, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(start.slice(9, 12));
    const headers = readFields(lines);
    rest = rest.subarray(end + 4);
    if (status < 200) {
      interim.push({ status, headers });
      continue;
    }
    if (method === 'HEAD' || status === 204 || status === 304) return new TestResponse(status, headers, Buffer.alloc(0), {}, interim);
    if (headers['transfer-encoding'] !== undefined) return decodeChunks(rest, status, headers, interim);
    const length = Number(headers['content-length'] ?? 0);
    return rest.length < length ? undefined : new TestResponse(status, headers, rest.subarray(0, length), {}, interim);
  }
}

function decodeChunks(bytes, status, headers, interim) {
  const parts = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, line), 16);
    at = line + 2;
    if (size === 0) {
      const end = bytes.indexOf('\r\n\r\n', line);
      if (end < 0) return undefined;
      const lines = end === line ? [] : bytes.toString('latin1', at, end).split('\r\n');
      return new TestResponse(status, headers, Buffer.concat(parts), readFields(lines), interim);
    }
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

function readFields(lines) {
  const fields = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'set-cookie') (fields[name] ??= []).push(value);
    else fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
  }
  return fields;
}

module.exports = { TestClient, TestResponse };
