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

/** As the addon reads them: names and values in turn. */
function settings(options = {}) {
  if (typeof options !== 'object' || options === null) throw new TypeError('the settings of an App are an object');
  const list = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name === 'serverName') {
      if (typeof value !== 'string') throw new TypeError('serverName is a string');
      list.push('server_name', value);
    } else if (name === 'reusePort') {
      if (typeof value !== 'boolean') throw new TypeError('reusePort is a boolean');
      list.push('reuse_port', value ? 1 : 0);
    } else if (Object.hasOwn(NUMBERS, name)) {
      if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is a whole number, not ${value}`);
      list.push(NUMBERS[name], value);
    } else {
      throw new TypeError(`an App has no setting ${name}; there are serverName, reusePort, ${Object.keys(NUMBERS).join(', ')}`);
    }
  }
  return list;
}

module.exports = { settings };
