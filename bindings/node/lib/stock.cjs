'use strict';
// Middleware and handlers of flare's own. Requests that they see never cross into JavaScript.

const { native } = require('./native.cjs');
const { Fields } = require('./fields.cjs');
const { toReply } = require('./reply.cjs');
const { OWN } = require('./symbols.cjs');

/** Middleware in Rust. */
class Stock {
  constructor(own) {
    this[OWN] = own;
  }
}

/** A handler in Rust. */
class OwnHandler {
  constructor(own) {
    this[OWN] = own;
  }

  get length() {
    return 2;
  }
}

/** Reads options by name, and refuses those that nobody knows. */
function read(what, options, defaults) {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`${what} has no option ${name}; there are ${Object.keys(defaults).join(', ')}`);
    if (options[name] !== undefined && typeof options[name] !== typeof defaults[name]) {
      throw new TypeError(`${what}: ${name} is a ${typeof defaults[name]}, not ${typeof options[name]}`);
    }
  }
  return { ...defaults, ...options };
}

function requestId(options = {}) {
  const { trustIncoming } = read('requestId', options, { trustIncoming: false });
  return new Stock(native.requestId(trustIncoming));
}

function accessLog(options = {}) {
  const { format, to } = read('accessLog', options, { format: 'combined', to: 'stdout' });
  return new Stock(native.accessLog(format, to));
}

function bearer(realm, tokens) {
  if (typeof realm !== 'string') throw new TypeError('a realm is a string');
  if (typeof tokens !== 'object' || tokens === null) throw new TypeError('tokens are an object of tokens and names');
  const pairs = Object.entries(tokens).flat();
  if (pairs.some((text) => typeof text !== 'string')) throw new TypeError('the name of a token is a string');
  return new Stock(native.bearer(realm, pairs));
}

function rateLimit(options) {
  const defaults = { capacity: 0, perSecond: 0, ipv6Prefix: 64, maxClients: 65_536, fields: false, byIdentity: false };
  const own = read('rateLimit', options ?? {}, defaults);
  if (!Number.isInteger(own.capacity) || own.capacity < 1 || own.capacity > 0xffff_ffff) {
    throw new RangeError(`rateLimit: capacity: ${own.capacity} is not within 1 to 4294967295`);
  }
  return new Stock(native.rateLimit(own.capacity, own.perSecond, own.ipv6Prefix, own.maxClients, own.fields, own.byIdentity));
}

function forwarded(options) {
  const { field, trusted, trustUnix } = read('forwarded', options ?? {}, { field: 'both', trusted: [], trustUnix: false });
  return new Stock(native.forwarded(field, trusted, trustUnix));
}

function files(directory, options = {}) {
  if (typeof directory !== 'string') throw new TypeError('a directory is a string');
  const own = read('files', options, { index: '', cacheControl: '', precompressed: false, hidden: false, linksInside: false });
  const text = [];
  if (own.index !== '') text.push(`index=${own.index}`);
  if (own.cacheControl !== '') text.push(`cache_control=${own.cacheControl}`);
  if (own.precompressed) text.push('precompressed=1');
  if (own.hidden) text.push('hidden=1');
  if (own.linksInside) text.push('links_inside=1');
  if (text.some((option) => option.includes(';'))) throw new TypeError('files: no option may have a semicolon');
  return new OwnHandler(native.files(directory, text.join(';')));
}

function prepared(value) {
  const reply = toReply(value, undefined, new Fields());
  const { body } = reply;
  if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('only an answer whose content is a string or bytes can be prepared');
  }
  if (reply.trailers !== undefined) throw new TypeError('an answer with trailers can\'t be prepared');
  return new OwnHandler(native.prepared(reply.status, reply.headers.pack(), body));
}

module.exports = { Stock, OwnHandler, requestId, accessLog, bearer, rateLimit, forwarded, files, prepared };
