'use strict';
const { EventEmitter } = require('node:events');
const { native } = require('./native.cjs');
const { listeners } = require('./dispatch.cjs');
const { register, unregister } = require('./routes.cjs');
const { checkHandlers, socketOptions, checkTopic } = require('./websocket.cjs');
const { contentOf } = require('./socket.cjs');
const { settings } = require('./settings.cjs');
const { tlsSettings } = require('./tls.cjs');
const { addResolver, removeResolver } = require('./resolve.cjs');
const { coded } = require('./errors.cjs');
const { Stock, OwnHandler } = require('./stock.cjs');
const { TestClient } = require('./testing.cjs');
const { OWN } = require('./symbols.cjs');

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

let lastListener = 0;

class App extends EventEmitter {
  #routes = [];
  #sockets = [];
  #mounts = [];
  #middleware = [];
  #settings;
  #server;
  #secure = false;
  #closed;
  #handlers = [];

  constructor(options) {
    super();
    this.#settings = settings(options);
  }

  route(methods, pattern, ...rest) {
    const route = readRoute(methods, pattern, rest);
    this.#routes.push(route);
    try {
      this.#build(false);
    } catch (error) {
      this.#routes.pop();
      throw error;
    }
    return this;
  }

  any(pattern, ...rest) {
    return this.route('*', pattern, ...rest);
  }

  ws(pattern, ...rest) {
    this.#sockets.push(readSocketRoute(pattern, rest));
    try {
      this.#build(false);
    } catch (error) {
      this.#sockets.pop();
      throw error;
    }
    return this;
  }

  mount(prefix, app) {
    if (!(app instanceof App)) throw new TypeError('only an App can be mounted');
    if (app === this || app.#has(this)) throw new TypeError("an App can't be mounted into itself");
    this.#mounts.push({ prefix, app });
    try {
      this.#build(false);
    } catch (error) {
      this.#mounts.pop();
      throw error;
    }
    return this;
  }

  #has(app) {
    return this.#mounts.some((mount) => mount.app === app || mount.app.#has(app));
  }

  use(...middleware) {
    for (const one of middleware) {
      if (typeof one !== 'function' && !(one instanceof Stock)) throw new TypeError('a middleware is a function of a request and next');
    }
    this.#middleware.push(...middleware);
    return this;
  }

  /** The routes as the addon has them. Without `real` only to see whether they go together. */
  #build(real, around = [], owner = this) {
    const router = native.router();
    const number = (route) => {
      if (!real) return 0;
      const id = register(route);
      owner.#handlers.push(id);
      return id;
    };
    /** Who answers what asks for no WebSocket, behind the middleware of that route. */
    const other = (handler) => {
      if (handler === undefined) return undefined;
      if (handler instanceof OwnHandler) return handler[OWN];
      return number({ app: owner, handler, chain: [], silent: handler.length < 2 });
    };
    const chain = [...around, ...functions(this.#middleware)];
    const extras = owner.#hasStock();
    for (const route of this.#routes) {
      const whole = [...chain, ...functions(route.middleware)];
      const own = route.handler instanceof OwnHandler;
      const known = { app: owner, handler: own ? undefined : route.handler, chain: whole, silent: route.silent };
      const id = own && whole.length === 0 ? -1 : number(known);
      const handler = own ? route.handler[OWN] : id;
      for (const method of route.methods) {
        const gate = whole.length > 0 ? id : -1;
        native.route(router, method, route.pattern, handler, gate, extras, stock(route.middleware), route.options);
      }
    }
    for (const { pattern, handlers, middleware, options, otherwise } of this.#sockets) {
      const whole = [...chain, ...functions(middleware)];
      const id = number({ app: owner, handler: undefined, chain: whole, silent: false, sockets: handlers });
      native.wsRoute(router, pattern, id, whole.length > 0, extras, stock(middleware), options, other(otherwise));
    }
    for (const { prefix, app } of this.#mounts) native.mount(router, prefix, app.#build(real, chain, owner));
    for (const one of stock(this.#middleware)) native.layer(router, one);
    if (owner === this && chain.length > 0) {
      native.layer(router, number({ app: owner, handler: undefined, chain, silent: false }), extras);
    }
    return router;
  }

  #hasStock() {
    const any = (list) => list.some((one) => one instanceof Stock);
    const routes = [...this.#routes, ...this.#sockets];
    return any(this.#middleware) || routes.some((route) => any(route.middleware)) || this.#mounts.some(({ app }) => app.#hasStock());
  }

  async listen(place, ownHost, ...more) {
    if (typeof ownHost === 'function' || more.length > 0) throw new TypeError('listen() takes no callback: it gives a promise');
    const { port = 0, host = '127.0.0.1', tls, ...unknown } = readPlace(place, ownHost);
    for (const name of Object.keys(unknown)) throw new TypeError(`listen() has no option ${name}; there are port, host, tls`);
    const address = readAddress(port, host);
    const secure = tlsSettings(tls);
    if (this.#server !== undefined) throw coded('ERR_FLARE_LISTENING', 'the app listens already');
    const router = this.#build(true);
    const listener = this.listenerCount('end') > 0 ? ++lastListener : -1;
    if (listener >= 0) listeners.set(listener, this);
    const resolver = tls?.resolve === undefined ? undefined : addResolver(tls.resolve, (error, name) => this.#unresolved(error, name));
    if (resolver !== undefined) secure.push('resolve', resolver);
    const forget = () => {
      listeners.delete(listener);
      removeResolver(resolver);
      for (const id of this.#handlers.splice(0)) unregister(id);
    };
    let end;
    this.#closed = new Promise((resolve, reject) => {
      end = (problem, finished, aborted, requests) => {
        this.#server = undefined;
        forget();
        if (problem !== undefined) reject(coded('ERR_FLARE_SERVER', problem));
        else resolve({ finished, aborted, requests });
        this.emit('close');
      };
    });
    this.#closed.catch(() => {}); // whoever closes hears of it
    try {
      this.#server = native.listen(router, [address], this.#settings, end, listener, secure);
      this.#secure = secure !== undefined;
    } catch (error) {
      forget();
      throw error;
    }
    return this.address;
  }

  /** Tells the program that it has no certificate for a client. */
  #unresolved(error, name) {
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else console.error(`flare: choosing a certificate for ${name ?? 'a client that names nobody'}:`, error);
  }

  get address() {
    return this.#server === undefined ? undefined : parseAddress(native.addresses(this.#server)[0]);
  }

  async close(timeout = 30_000) {
    if (this.#server === undefined) {
      if (this.#closed === undefined) throw coded('ERR_FLARE_NOT_LISTENING', 'the app does not listen');
      return this.#closed;
    }
    if (typeof timeout !== 'number' || !(timeout >= 0)) throw new RangeError('the time to close is a number of milliseconds');
    native.drain(this.#server, timeout);
    native.keepAlive(this.#server, true);
    return this.#closed;
  }

  async run(port, host) {
    const address = await this.listen(port, host);
    const stop = () => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      this.close().catch(() => {}); // whoever waits for the end hears of it
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
    this.emit('listening', address);
    try {
      return await this.#closed;
    } finally {
      process.off('SIGTERM', stop).off('SIGINT', stop);
    }
  }

  testClient() {
    return new TestClient(this.#build(true), this.#settings);
  }

  reloadTls() {
    if (this.#server === undefined) throw coded('ERR_FLARE_NOT_LISTENING', 'the app does not listen');
    if (!this.#secure) throw coded('ERR_FLARE_TLS', 'the app listens without TLS');
    native.reloadTls(this.#server);
  }

  publish(topic, data) {
    checkTopic(topic);
    const message = contentOf(data);
    return this.#server !== undefined && native.publish(this.#server, topic, message) === 0;
  }

  stats() {
    return this.#server === undefined ? undefined : native.stats(this.#server);
  }

  ref() {
    if (this.#server !== undefined) native.keepAlive(this.#server, true);
    return this;
  }

  unref() {
    if (this.#server !== undefined) native.keepAlive(this.#server, false);
    return this;
  }
}

for (const method of METHODS) {
  App.prototype[method] = function (pattern, ...rest) {
    return this.route(method.toUpperCase(), pattern, ...rest);
  };
}

/** Where to listen, from `(port, host)` or one object. */
function readPlace(place, host) {
  return typeof place === 'object' && place !== null ? place : { port: place, host };
}

function readRoute(methods, pattern, rest) {
  const list = Array.isArray(methods) ? methods : [methods];
  if (list.length === 0 || list.some((method) => typeof method !== 'string')) {
    throw new TypeError('the methods of a route are a string or a list of strings');
  }
  if (typeof pattern !== 'string') throw new TypeError(`a pattern is a string, not ${typeof pattern}`);
  const hasOptions = typeof rest[0] === 'object' && rest[0] !== null && !(rest[0] instanceof Stock || rest[0] instanceof OwnHandler);
  const options = hasOptions ? rest.shift() : {};
  const handler = rest.pop();
  if (typeof handler !== 'function' && !(handler instanceof OwnHandler)) throw new TypeError(`the handler of ${list} ${pattern} is not a function`);
  const middleware = rest;
  if (options.blocking && !(handler instanceof OwnHandler)) {
    throw new TypeError('JavaScript runs on the thread of its loop: only handlers of flare\'s own can be blocking');
  }
  if (middleware.some((one) => typeof one !== 'function' && !(one instanceof Stock))) {
    throw new TypeError(`what stands before the handler of ${list} ${pattern} is middleware: functions`);
  }
  return {
    methods: list, pattern, handler, middleware, options: routeOptions(options), silent: handler.length < 2,
  };
}

function readSocketRoute(pattern, rest) {
  if (typeof pattern !== 'string') throw new TypeError(`a pattern is a string, not ${typeof pattern}`);
  const handlers = checkHandlers(pattern, rest.pop());
  const hasOptions = typeof rest[0] === 'object' && rest[0] !== null && !(rest[0] instanceof Stock);
  const given = hasOptions ? rest.shift() : {};
  const options = socketOptions(given);
  const { otherwise } = given;
  if (otherwise !== undefined && typeof otherwise !== 'function' && !(otherwise instanceof OwnHandler)) {
    throw new TypeError(`otherwise of ${pattern} is not a function`);
  }
  if (rest.some((one) => typeof one !== 'function' && !(one instanceof Stock))) {
    throw new TypeError(`what stands before the handlers of ${pattern} is middleware: functions`);
  }
  return { pattern, handlers, middleware: rest, options, otherwise };
}

const ROUTE_OPTIONS = ['bodyLimit', 'timeout', 'streaming', 'blocking', 'bodyTimeout', 'bodyMinRate'];

/** In the order in which the addon reads them; -1 leaves it to the server. */
function routeOptions(options) {
  for (const name of Object.keys(options)) {
    if (!ROUTE_OPTIONS.includes(name)) throw new TypeError(`a route has no option ${name}; there are ${ROUTE_OPTIONS.join(', ')}`);
  }
  return ROUTE_OPTIONS.map((name) => {
    const value = options[name];
    if (name === 'streaming' || name === 'blocking') {
      if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name} is a boolean`);
      return value === true ? 1 : 0;
    }
    if (value === undefined) return -1;
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name}: ${value} is no whole number from 0`);
    return value;
  });
}

const functions = (list) => list.filter((one) => !(one instanceof Stock));
const stock = (list) => list.filter((one) => one instanceof Stock).map((one) => one[OWN]);

function readAddress(port, host) {
  // A number may be a text, as in the environment; any other text is a whole address.
  if (typeof port === 'string' && !/^\d+$/.test(port)) return port;
  if (typeof port === 'string') port = Number(port);
  if (typeof host !== 'string') throw new TypeError(`a host is a string, not ${typeof host}`);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`${port} is no port`);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseAddress(text) {
  const match = /^\[?([^\]]*)\]?:(\d+)$/.exec(text);
  if (text.startsWith('unix:') || match === null) return { address: text, host: undefined, port: undefined };
  return { address: text, host: match[1], port: Number(match[2]) };
}

module.exports = { App };
