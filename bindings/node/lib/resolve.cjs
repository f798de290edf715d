'use strict';
// Functions that choose certificates, by the number that the addon has of them.

const { native, connectResolvers } = require('./native.cjs');
const { pair } = require('./tls.cjs');

/** Certificates and their key, read and checked when it is made. */
class Identity {
  #own;

  constructor(options) {
    if (typeof options !== 'object' || options === null) throw new TypeError('an identity is made of an object with cert and key');
    const { cert, key, ...unknown } = options;
    for (const name of Object.keys(unknown)) throw new TypeError(`an identity has no option ${name}; there are cert and key`);
    this.#own = native.identity(...pair({ cert, key }));
  }

  /** What the addon has of it; undefined for anything else. */
  static own(value) {
    return typeof value === 'object' && value !== null && #own in value ? value.#own : undefined;
  }
}

/** `{ resolve, report }` by number. */
const resolvers = new Map();
let last = 0;

/** Gives a function a number, until it is removed. `report` hears of what it throws. */
function addResolver(resolve, report) {
  do last = last === 0x7fffffff ? 1 : last + 1; while (resolvers.has(last));
  resolvers.set(last, { resolve, report });
  return last;
}

function removeResolver(number) {
  resolvers.delete(number);
}

/** What the addon shows: an identity, what it has for the name (undefined), or nothing to this client (false). */
connectResolvers((number, name) => {
  const { resolve, report } = resolvers.get(number);
  try {
    const chosen = resolve(name);
    if (chosen === undefined) return undefined;
    const own = Identity.own(chosen);
    if (own !== undefined) return own;
    // Nobody else will hear of a promise that fails.
    if (chosen instanceof Promise) chosen.catch(() => {});
    throw new TypeError('tls.resolve gives an Identity or undefined, and at once');
  } catch (error) {
    report(error, name);
    return false;
  }
});

module.exports = { Identity, addResolver, removeResolver };
