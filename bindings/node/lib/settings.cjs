'use strict';
// Settings of a server: names as JavaScript writes them, durations in milliseconds.

const NUMBERS = {
  backlog: 'backlog', maxConnections: 'max_connections', headBytes: 'head_bytes', targetBytes: 'target_bytes',
  headerCount: 'header_count', trailerBytes: 'trailer_bytes', chunkLineBytes: 'chunk_line_bytes', bodyLimit: 'body_limit',
  discardLimit: 'discard_limit', outputLimit: 'output_limit', maxExchanges: 'max_exchanges',
  headTimeout: 'head_timeout_ms', bodyTimeout: 'body_timeout_ms', idleTimeout: 'idle_timeout_ms',
  handlerTimeout: 'handler_timeout_ms', streamTimeout: 'stream_timeout_ms', writeTimeout: 'write_timeout_ms',
  lingerTimeout: 'linger_timeout_ms',
};

const SWITCHES = { reusePort: 'reuse_port', http2: 'http2', http3: 'http3' };

/** Those that are named as in C. */
function more(values, list) {
  if (typeof values !== 'object' || values === null) throw new TypeError('more is an object of settings by their names in C');
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') list.push(name, value);
    else if (typeof value === 'boolean') list.push(name, value ? 1 : 0);
    else if (Number.isSafeInteger(value)) list.push(name, value);
    else throw new TypeError(`more.${name} is a whole number, a boolean or a string, not ${value}`);
  }
}

/** As the addon reads them: names and values in turn. */
function settings(options = {}) {
  if (typeof options !== 'object' || options === null) throw new TypeError('the settings of an App are an object');
  const list = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name === 'serverName') {
      if (typeof value !== 'string') throw new TypeError('serverName is a string');
      list.push('server_name', value);
    } else if (Object.hasOwn(SWITCHES, name)) {
      if (typeof value !== 'boolean') throw new TypeError(`${name} is a boolean`);
      list.push(SWITCHES[name], value ? 1 : 0);
    } else if (name === 'more') {
      more(value, list);
    } else if (Object.hasOwn(NUMBERS, name)) {
      if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is a whole number, not ${value}`);
      list.push(NUMBERS[name], value);
    } else {
      throw new TypeError(`an App has no setting ${name}; there are serverName, more, ${Object.keys({ ...SWITCHES, ...NUMBERS }).join(', ')}`);
    }
  }
  return list;
}

module.exports = { settings };
