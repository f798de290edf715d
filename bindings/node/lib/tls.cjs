'use strict';
// Settings of TLS, under the names that they have in C (docs/c-api/tls.md); the addon knows which there are.

/** Those that others need first. */
const FIRST = ['client_auth', 'early_data_limit'];

/** As the addon reads them: certificates, key, and names and values in turn. `also` is another pair, and what comes behind it is of that pair. `resolve` gets a number first (resolve.cjs). */
function tlsSettings(options) {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) throw new TypeError('tls is an object with cert and key');
  const { cert, key, also = [], resolve, ...rest } = options;
  if (resolve !== undefined && typeof resolve !== 'function') throw new TypeError('tls.resolve is a function from a name to an Identity or undefined');
  const list = pair({ cert, key });
  for (const name of [...FIRST, ...Object.keys(rest).filter((name) => !FIRST.includes(name))]) addSetting(list, name, rest[name]);
  if (!Array.isArray(also)) throw new TypeError('tls.also is a list of objects with cert and key');
  for (const other of also) {
    if (typeof other !== 'object' || other === null) throw new TypeError('tls.also is a list of objects with cert and key');
    list.push('also', pair(other));
    addSetting(list, 'names', other.names);
    addSetting(list, 'ocsp', other.ocsp);
  }
  return list;
}

function pair({ cert, key }) {
  for (const [name, value] of [['cert', cert], ['key', key]]) {
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw new TypeError(`tls.${name} is a path or a Buffer with PEM`);
  }
  if (cert.length === 0 || key.length === 0) throw new TypeError('tls.cert and tls.key are not empty');
  return [cert, key];
}

function addSetting(list, name, setting) {
  if (setting === undefined) return;
  for (const value of Array.isArray(setting) ? setting : [setting]) {
    if (typeof value === 'boolean') list.push(name, value ? 1 : 0);
    else if (typeof value === 'string' || Number.isSafeInteger(value)) list.push(name, value);
    else throw new TypeError(`tls.${name} is a text, a whole number or a boolean`);
  }
}

/** What is PEM: the path of a file, or what is in it. */
const PEM = ['roots', 'revocation_lists'];

/** Those of a client, as the addon reads them: names and values in turn. */
function clientTlsSettings(options = {}) {
  if (typeof options !== 'object' || options === null) throw new TypeError('tls is an object');
  const { cert, key, ...rest } = options;
  const list = [];
  if ((cert === undefined) !== (key === undefined)) throw new TypeError('tls.cert and tls.key belong together');
  if (cert !== undefined) list.push('cert', checkPem('cert', cert), 'key', checkPem('key', key));
  for (const [name, setting] of Object.entries(rest)) {
    if (!PEM.includes(name)) {
      if (name === 'alpn') throw new TypeError('tls.alpn: http2 says which protocols are offered');
      addSetting(list, name, setting);
    } else if (setting !== undefined) {
      for (const one of Array.isArray(setting) ? setting : [setting]) list.push(name, checkPem(name, one));
    }
  }
  return list;
}

function checkPem(name, value) {
  if ((typeof value !== 'string' && !(value instanceof Uint8Array)) || value.length === 0) throw new TypeError(`tls.${name} is a path or a Buffer with PEM`);
  return value;
}

module.exports = { tlsSettings, clientTlsSettings, pair };
