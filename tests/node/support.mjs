// What the tests share.
import { connect } from 'node:net';
import { once } from 'node:events';
import WebSocket from 'ws';
import { App } from 'flare-node';

/** Runs a test with an app that listens, and closes it. */
export async function serving(define, ask, options, where = 0) {
  const app = new App(options);
  define(app);
  const { port } = await app.listen(where);
  try {
    await ask({ app, port, base: `http://127.0.0.1:${port}` });
  } finally {
    await app.close(0).catch(() => {});
  }
}

/** Sends bytes on a connection of its own, and gives all that came when it was closed. */
export async function raw(port, bytes) {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const parts = [];
  socket.on('data', (part) => parts.push(part));
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

/** A promise and its ends. */
export function deferred() {
  const own = {};
  own.promise = new Promise((resolve, reject) => Object.assign(own, { resolve, reject }));
  return own;
}

/** Collects what an app reports. */
export function errorsOf(app) {
  const errors = [];
  app.on('error', (error) => errors.push(error));
  return errors;
}

/** A client of the package ws, which collects what comes. */
export async function open(url, ...rest) {
  const client = new WebSocket(url, ...rest);
  client.messages = [];
  client.on('message', (data, isBinary) => client.messages.push(isBinary ? data : data.toString()));
  client.ended = once(client, 'close').then(([code, reason]) => ({ code, reason: reason.toString() }));
  await once(client, 'open');
  return client;
}

/** The status and text of the answer that refuses a client. */
export async function refused(url, ...rest) {
  const client = new WebSocket(url, ...rest);
  client.on('error', () => {});
  const [, answer] = await once(client, 'unexpected-response');
  const text = (await answer.toArray()).join('');
  return [answer.statusCode, text];
}

/** A number, when it has not changed for a while. */
export async function settled(read) {
  for (let [before, same] = [read(), 0]; ; before = read()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    same = read() === before ? same + 1 : 0;
    if (same === 5) return before;
  }
}

/** As `serving`, for WebSockets. */
export const sockets = (define, ask, options) => serving(define, ({ app, port }) => ask({ app, port, base: `ws://127.0.0.1:${port}` }), options);
/** Handlers that send each message back. */
export const echo = { message: (socket, data) => { socket.send(data); } };
