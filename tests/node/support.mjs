// What the tests share.
import { connect } from 'node:net';
import { once } from 'node:events';
import { App } from 'flare-node';

/** Runs a test with an app that listens, and closes it. */
export async function serving(define, ask, options) {
  const app = new App(options);
  define(app);
  const { port } = await app.listen();
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
