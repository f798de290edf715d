'use strict';
const { EventEmitter } = require('node:events');
const { PassThrough, Writable } = require('node:stream');
const { native, WRITABLE, CANCELLED, PASSED, READABLE, END, WOULD_BLOCK, MISUSE } = require('./native.cjs');
const { Fields } = require('./fields.cjs');
const { Reply, toReply, checkStatus } = require('./reply.cjs');
const { coded, overError } = require('./errors.cjs');
const { piecesOf } = require('./pieces.cjs');
const { isUnread, keepUnread, cancel } = require('./request.cjs');
const { Datagrams } = require('./datagrams.cjs');
const { CACHE, FLAGS, ID, FIELDS, STATE, LATER, OVER, REQUEST, SINK, PASS, ROUTE, WIRE } = require('./symbols.cjs');

/** Nothing was sent; the head was; all was; the exchange ended before. */
const OPEN = 0;
const STARTED = 1;
const ENDED = 2;
const GONE = 3;

/** Answers that come later, by the number of their exchange. */
const kept = new Map();

class ServerResponse {
  constructor(request, route) {
    this.statusCode = 200;
    this[REQUEST] = request;
    this[FIELDS] = undefined;
    this[STATE] = OPEN;
    this[LATER] = undefined;
    this[SINK] = undefined;
    this[PASS] = undefined;
    this[ROUTE] = route;
  }

  get headSent() {
    return this[STATE] !== OPEN;
  }

  get ended() {
    return this[STATE] >= ENDED;
  }

  status(code) {
    mustBeOpen(this);
    this.statusCode = checkStatus(code);
    return this;
  }

  header(name, value) {
    mustBeOpen(this);
    fields(this).set(name, value);
    return this;
  }

  append(name, value) {
    mustBeOpen(this);
    fields(this).append(name, value);
    return this;
  }

  getHeader(name) {
    return this[FIELDS]?.get(name);
  }

  removeHeader(name) {
    mustBeOpen(this);
    this[FIELDS]?.remove(name);
    return this;
  }

  type(value) {
    return this.header('content-type', value);
  }

  send(value) {
    mustBeOpen(this);
    finish(this, toReply(value, value === undefined || value === null ? undefined : this.statusCode, this[FIELDS]));
    return this;
  }

  json(value) {
    mustBeOpen(this);
    finish(this, Reply.json(value, { status: this.statusCode, headers: this[FIELDS] }));
    return this;
  }

  html(value) {
    mustBeOpen(this);
    finish(this, Reply.html(value, { status: this.statusCode, headers: this[FIELDS] }));
    return this;
  }

  redirect(location, status) {
    mustBeOpen(this);
    const reply = Reply.redirect(location, status);
    finish(this, toReply(reply, undefined, this[FIELDS]));
    return this;
  }

  inform(status, headers) {
    mustBeOpen(this);
    const result = native.inform(this[REQUEST][ID], status, Fields.from(headers).pack());
    if (result === -3) throw new RangeError(`${status} is no status of an interim answer: those are 102 to 199`);
    return result === 0;
  }

  relay(address, options = {}) {
    mustBeOpen(this);
    if (this[SINK] !== undefined) throw new Error('an answer that middleware waits for can\'t be relayed');
    const { prologue = '', connectTimeout = 5000, silenceTimeout = 30_000, forwardContent = false } = options;
    if (typeof address !== 'string') throw new TypeError('the address of an upstream is a string: host:port or unix:/path');
    if (this[STATE] === GONE) return this;
    const { list } = fields(this);
    if (!list.includes('content-type')) list.push('content-type', 'application/octet-stream');
    native.relay(
      this[REQUEST][ID], this.statusCode, fields(this).pack(), address, prologue, connectTimeout, silenceTimeout, forwardContent,
    );
    this[REQUEST][FLAGS] = 0;
    ended(this);
    return this;
  }

  datagrams(protocol) {
    mustBeOpen(this);
    if (this[SINK] !== undefined) throw new Error('an answer that middleware waits for can\'t become datagrams');
    if (typeof protocol !== 'string') throw new TypeError('a protocol is a string');
    if (this[STATE] === GONE) throw this[REQUEST][OVER];
    const result = native.switchToDatagrams(this[REQUEST][ID], protocol, fields(this).pack());
    if (result === MISUSE) throw new RangeError(`the client does not offer ${JSON.stringify(protocol)}`);
    if (result < 0) throw overError(result);
    this[STATE] = STARTED;
    return (later(this).datagrams = new Datagrams(this));
  }

  trailer(name, value) {
    if (this.ended) throw coded('ERR_FLARE_ANSWERED', 'the answer has ended');
    (later(this).trailers ??= new Fields()).append(name, value);
    return this;
  }

  flushHead() {
    if (this[STATE] === OPEN) begin(this);
    return this;
  }

  write(chunk) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      throw new TypeError('a piece of content is a string or a Uint8Array');
    }
    if (this[STATE] === GONE) return false;
    if (this[STATE] === ENDED) throw coded('ERR_FLARE_ANSWERED', 'write after the end');
    if (this[STATE] === OPEN) begin(this);
    const own = later(this);
    if (own.pipe !== undefined) return own.pipe.write(chunk);
    if (own.queue.length === 0) {
      const result = native.write(this[REQUEST][ID], chunk);
      if (result === 0) return true;
      if (result !== WOULD_BLOCK) {
        own.refused = result;
        return false;
      }
    }
    own.queue.push(chunk);
    return false;
  }

  end(chunk) {
    if (this[STATE] === GONE) return this;
    if (this[STATE] === ENDED) throw coded('ERR_FLARE_ANSWERED', 'the answer has ended before');
    if (this[STATE] === OPEN && this[LATER]?.trailers === undefined) {
      const reply = new Reply(this.statusCode, chunk, this[FIELDS]);
      finish(this, reply);
      return this;
    }
    if (chunk !== undefined) this.write(chunk);
    else if (this[STATE] === OPEN) begin(this);
    const own = later(this);
    if (own.pipe !== undefined) {
      own.pipe.end();
      this[STATE] = ENDED;
    } else {
      own.ending = true;
      if (own.queue.length === 0) endNow(this);
    }
    return this;
  }

  drained() {
    const own = this[LATER];
    if (this[STATE] === GONE) return Promise.reject(this[REQUEST].signal.reason);
    if (own?.pipe !== undefined) {
      return own.pipe.writableNeedDrain ? new Promise((resolve) => own.pipe.once('drain', resolve)) : Promise.resolve();
    }
    if (own === undefined || own.queue.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => own.waiting.push({ resolve, reject }));
  }

  destroy() {
    if (this.ended) return this;
    native.reset(this[REQUEST][ID]);
    gone(this, overError(-13));
    return this;
  }

  writable() {
    const response = this;
    const stream = new Writable({
      write(chunk, _, done) {
        if (response[STATE] === GONE) return done(response[REQUEST].signal.reason);
        if (response.write(chunk)) return done();
        response.drained().then(() => done(), done);
      },
      final(done) {
        response.end();
        done();
      },
      destroy(error, done) {
        if (!response.ended) response.destroy();
        done(error);
      },
    });
    this.once('close', () => {
      if (response[STATE] === GONE) stream.destroy(response[REQUEST].signal.reason);
    });
    return stream;
  }

  on(event, listener) {
    emitter(this).on(event, listener);
    return this;
  }

  once(event, listener) {
    emitter(this).once(event, listener);
    return this;
  }

  off(event, listener) {
    emitter(this).off(event, listener);
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }
}

function fields(response) {
  return (response[FIELDS] ??= new Fields());
}

function later(response) {
  return (response[LATER] ??= {
    queue: [], waiting: [], ending: false, trailers: undefined, emitter: undefined, pipe: undefined, source: undefined,
    refused: 0, datagrams: undefined,
  });
}

function emitter(response) {
  return (later(response).emitter ??= new EventEmitter());
}

function emit(response, event) {
  response[LATER]?.emitter?.emit(event);
}

function mustBeOpen(response) {
  if (response[STATE] !== OPEN && response[STATE] !== GONE) {
    throw coded('ERR_FLARE_ANSWERED', 'the answer was begun before');
  }
}

/** The answer is all handed over. */
function ended(response) {
  response[STATE] = ENDED;
  const id = response[REQUEST][ID];
  kept.delete(id);
  if (isUnread(response[REQUEST])) keepUnread(response[REQUEST]);
  emit(response, 'finish');
  emit(response, 'close');
}

/** Sends the head of an answer that comes in pieces. */
function begin(response) {
  const own = later(response);
  if (response[SINK] !== undefined) {
    own.pipe = new PassThrough();
    const reply = new Reply(response.statusCode, own.pipe, response[FIELDS]);
    own.trailers ??= new Fields();
    reply.trailers = own.trailers;
    response[STATE] = STARTED;
    response[SINK](reply);
    return;
  }
  start(response, response.statusCode, fields(response));
}

function start(response, status, headers) {
  response[STATE] = STARTED;
  const result = native.start(response[REQUEST][ID], status, headers.pack());
  if (result < 0) later(response).refused = result;
}

function endNow(response) {
  const own = later(response);
  const unread = isUnread(response[REQUEST]);
  native.end(response[REQUEST][ID], own.trailers?.pack(), unread);
  ended(response);
}

/** Answers with a reply: now, or, in a chain of middleware, by handing it to who waits for it. */
function finish(response, reply) {
  if (response[STATE] === GONE) return;
  if (response[SINK] !== undefined) {
    response[STATE] = ENDED;
    response[SINK](reply);
    return;
  }
  answer(response, reply);
}

/** Sends a reply. */
function answer(response, reply) {
  if (response[STATE] === GONE) return;
  const { body } = reply;
  if (body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array) {
    const unread = isUnread(response[REQUEST]);
    native.answer(response[REQUEST][ID], reply.status, reply.headers.pack(), body, reply.trailers?.pack(), unread);
    ended(response);
    return;
  }
  start(response, reply.status, reply.headers);
  if (reply.trailers !== undefined) later(response).trailers = reply.trailers;
  pump(response, body);
}

async function pump(response, source) {
  const own = later(response);
  const pieces = piecesOf(source);
  own.source = pieces;
  try {
    for (;;) {
      const { done, value } = await pieces.next();
      if (response[STATE] !== STARTED) return;
      if (done) break;
      if (!response.write(value)) {
        // Nobody takes it, as after HEAD: the source has nothing more to do.
        if (own.refused < 0) {
          pieces.stop();
          break;
        }
        await response.drained();
      }
    }
    own.source = undefined;
    response.end();
  } catch (error) {
    if (response[STATE] === GONE) return;
    own.source = undefined;
    pieces.stop(error);
    response[ROUTE]?.onError(response[REQUEST], error);
    response.destroy();
  }
}

/** The exchange is over, and the answer was not whole. */
function gone(response, error) {
  if (response[STATE] >= ENDED) return;
  response[STATE] = GONE;
  const request = response[REQUEST];
  kept.delete(request[ID]);
  const own = response[LATER];
  cancel(request, error);
  if (own !== undefined) {
    own.queue.length = 0;
    own.source?.stop(error);
    own.datagrams?.[WIRE].fail(error);
    for (const { reject } of own.waiting.splice(0)) reject(error);
  }
  if (isUnread(request)) keepUnread(request);
  else native.release(request[ID]);
  emit(response, 'close');
}

/** Writes are taken again. */
function writable(response) {
  const own = response[LATER];
  if (own === undefined) return;
  while (own.queue.length > 0) {
    const result = native.write(response[REQUEST][ID], own.queue[0]);
    if (result === WOULD_BLOCK) return;
    own.queue.shift();
    if (result < 0) own.refused = result;
  }
  for (const { resolve } of own.waiting.splice(0)) resolve();
  if (own.ending) endNow(response);
  else emit(response, 'drain');
}

/** Something happened to an exchange that is kept. */
function notify(id, notice) {
  const response = kept.get(id);
  if (response === undefined) {
    if (notice === CANCELLED) native.release(id);
    return;
  }
  switch (notice) {
    case READABLE:
    case END:
      response[REQUEST][CACHE]?.content?.wake();
      response[LATER]?.datagrams?.[WIRE].wake();
      break;
    case WRITABLE:
      writable(response);
      break;
    case PASSED:
      response[PASS]();
      break;
    default:
      gone(response, overError(native.cancelled(id)));
  }
}

/** The answer comes later. */
function keep(response) {
  kept.set(response[REQUEST][ID], response);
}

/** The answer is not JavaScript's any more. */
function forget(response) {
  kept.delete(response[REQUEST][ID]);
  response[REQUEST][FLAGS] = 0;
}

module.exports = { ServerResponse, OPEN, STARTED, ENDED, GONE, answer, finish, keep, forget, notify, ended };
