'use strict';
// Reads the string that a request comes as: src/packed.rs says what is where. Everything is taken out when it is asked for.

/** Bytes, one in each character, as the text that they are in UTF-8. */
function decode(latin1) {
  for (let i = 0; i < latin1.length; i++) {
    if (latin1.charCodeAt(i) > 0x7f) return Buffer.from(latin1, 'latin1').toString('utf8');
  }
  return latin1;
}

const TEXT_AT_V4 = 7 + 4;
const TEXT_AT_V6 = 7 + 16;
const TEXT_AT_UNIX = 7;

function textStart(packed) {
  const kind = packed.charCodeAt(1);
  return kind === 0x34 ? TEXT_AT_V4 : kind === 0x36 ? TEXT_AT_V6 : TEXT_AT_UNIX;
}

function method(packed) {
  const start = textStart(packed);
  return packed.slice(start, packed.indexOf('\0', start));
}

function path(packed) {
  const start = packed.indexOf('\0', textStart(packed)) + 1;
  return packed.slice(start, packed.indexOf('\0', start));
}

/** All texts in turn; an empty one is behind the last. */
function texts(packed) {
  return packed.slice(textStart(packed)).split('\0');
}

const VERSIONS = { 0: '1.0', 1: '1.1', 2: '2.0', 3: '3.0' };
const version = (packed) => VERSIONS[packed[0]];
const hasQuery = (packed) => packed.charCodeAt(4) === 1;
const paramCount = (packed) => packed.charCodeAt(5);
const hasExtras = (packed) => (packed.charCodeAt(6) & 1) !== 0;
const hasTls = (packed) => (packed.charCodeAt(6) & 2) !== 0;
const tlsAt = (packed) => (hasExtras(packed) ? 7 : 4);
const paramsAt = (packed) => tlsAt(packed) + (hasTls(packed) ? 5 : 0);
const fieldsAt = (packed) => paramsAt(packed) + 2 * paramCount(packed);

function ipv6(packed, at) {
  const groups = [];
  for (let i = 0; i < 8; i++) groups.push((packed.charCodeAt(at + 2 * i) << 8) | packed.charCodeAt(at + 2 * i + 1));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${groups[6] >> 8}.${groups[6] & 255}.${groups[7] >> 8}.${groups[7] & 255}`;
  }
  // The first of the longest runs of zeros, if it is longer than one group (RFC 5952, 4.2).
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length === 1) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

/** The address of the peer, or undefined on a Unix socket. */
function peerAddress(packed) {
  const kind = packed.charCodeAt(1);
  if (kind === 0x34) {
    return `${packed.charCodeAt(7)}.${packed.charCodeAt(8)}.${packed.charCodeAt(9)}.${packed.charCodeAt(10)}`;
  }
  return kind === 0x36 ? ipv6(packed, 7) : undefined;
}

function peerPort(packed) {
  return packed.charCodeAt(1) === 0x75 ? undefined : (packed.charCodeAt(2) << 8) | packed.charCodeAt(3);
}

/** An object that inherits nothing. Made by a constructor, the engine keeps it in its fast form, which Object.create(null) is not. */
function Bag() {}
Bag.prototype = Object.create(null);

/** Names and values from `list[at]` on, as an object as Node's own `headers`: lists are joined, see RFC 9110, 5.3. */
function fieldsObject(list, at) {
  const object = new Bag();
  for (let i = at; i + 1 < list.length; i += 2) {
    const name = list[i];
    const before = object[name];
    if (before === undefined) object[name] = list[i + 1];
    else object[name] = before + (name === 'cookie' ? '; ' : ', ') + list[i + 1];
  }
  return object;
}

module.exports = {
  decode, method, path, texts, version, hasQuery, paramCount, hasExtras, hasTls, tlsAt, paramsAt, fieldsAt, peerAddress, peerPort,
  fieldsObject, Bag,
};
