'use strict';
// Settings of TLS, under the names that they have in C (docs/c-api/tls.md); the addon knows which there are.

/** Those that others need first. */
const FIRST = ['client_auth', 'early_data_limit'];

/** As the addon reads them: certificates, key, and names and values in turn. */
function tlsSettings(options) {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) throw new TypeError('tls is an object with cert and key');
  const { cert, key, ...rest } = options;
  for (const [name, value] of [['cert', cert], ['key', key]]) {
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw new TypeError(`tls.${name} is a path or a Buffer with PEM`);
  }
  if (cert.length === 0 || key.length === 0) throw new TypeError('tls.cert and tls.key are not empty');
  const list = [cert, key];
  for (const name of [...FIRST, ...Object.keys(rest).filter((name) => !FIRST.includes(name))]) {
    if (rest[name] === undefined) continue;
    for (const value of Array.isArray(rest[name]) ? rest[name] : [rest[name]]) {
      if (typeof value === 'boolean') list.push(name, value ? 1 : 0);
      else if (typeof value === 'string' || Number.isSafeInteger(value)) list.push(name, value);
      else throw new TypeError(`tls.${name} is a text, a whole number or a boolean`);
    }
  }
  return list;
}

module.exports = { tlsSettings };
