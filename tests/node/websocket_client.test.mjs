// WebSockets to servers: those of the package ws, and flare's own.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocketServer } from 'ws';
import { App, WebSocket } from 'flare-node';
import { deferred, serving, settled } from './support.mjs';

const folder = mkdtempSync(join(tmpdir(), 'flare-websocket-'));
after(() => rmSync(folder, { recursive: true }));
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
  '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert], { stdio: 'pipe' });

/** A server of the package ws, until the test is done. */
async function wsServer(options, define, ask) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  define(server);
  await once(server, 'listening');
  try {
    await ask(`ws://127.0.0.1:${server.address().port}`, server);
  } finally {
    for (const client of server.clients) client.terminate();
    server.close();
  }
}

const echo = (server) => server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

async function collect(socket, count) {
  const messages = [];
  for await (const message of socket) if (messages.push(message) === count) break;
  return messages;
}

test('messages of both kinds, compressed or not', async () => {
  const messages = ['text é \u{1F600}', '', Buffer.from([0, 255]), Buffer.alloc(0), 'x'.repeat(70_000), Buffer.alloc(3 << 20, 7)];
  for (const deflate of [false, true]) {
    await wsServer({ perMessageDeflate: deflate, handleProtocols: () => 'b' }, echo, async (url) => {
      const socket = new WebSocket(`${url}/path?q`, ['a', 'b'], { messageLimit: 4 << 20, deflate, deflateTakeover: deflate });
      assert.deepEqual([socket.readyState, socket.url, socket.protocol, socket.bufferedAmount], [0, `${url}/path?q`, '', 0]);
      assert.throws(() => socket.send('early'), { name: 'InvalidStateError' });
      await socket.opened;
      assert.deepEqual([socket.readyState, socket.protocol, socket.extensions], [1, 'b', deflate ? 'permessage-deflate' : '']);
      const came = collect(socket, messages.length);
      for (const message of messages) while (!socket.send(message)) await socket.drained();
      assert.deepEqual(await came, messages);
      socket.close(1000, 'done');
      assert.equal(socket.readyState, 2);
      assert.deepEqual(await socket.closed, { code: 1000, reason: 'done', wasClean: true });
      assert.deepEqual([socket.readyState, socket.send('late')], [3, false]);
      await assert.rejects(socket.drained(), { code: 'ERR_FLARE_CLOSED' });
    });
  }
});

test('what the server sees, and says first', () => wsServer({}, (server) => server.on('connection', (socket, request) => {
  socket.send(JSON.stringify([request.url, request.headers.authorization, request.headers['sec-websocket-protocol'] ?? null, request.headers.host]));
  socket.send('second');
}), async (url) => {
  const socket = new WebSocket(url, { headers: { authorization: 'Bearer x' } });
  await socket.opened;
  // Nothing is lost between the opening and the loop.
  assert.deepEqual(await collect(socket, 2), [JSON.stringify(['/', 'Bearer x', null, url.slice(5)]), 'second']);
  socket.terminate();
  assert.deepEqual(await socket.closed, { code: 1006, reason: 'it was given up', wasClean: false });
}));

test('events as in a browser, and listeners as in Node', () => wsServer({}, echo, async (url) => {
  const story = [];
  const over = deferred();
  const socket = new WebSocket(url.replace('ws:', 'http:'));
  socket.binaryType = 'arraybuffer';
  socket.onopen = ({ type, target }) => { story.push([type, target === socket]); socket.send('one'); socket.send(new Uint8Array([1])); socket.ping('are you there'); };
  socket.addEventListener('message', ({ data }) => story.push(['message', data]));
  socket.on('message', (data) => { if (typeof data !== 'string') socket.close(3000, 'enough'); });
  socket.on('pong', (data) => story.push(['pong', String(data)]));
  socket.onerror = () => story.push('error');
  socket.onclose = ({ code, reason, wasClean }) => { story.push(['close', code, reason, wasClean]); over.resolve(); };
  await over.promise;
  assert.deepEqual(story.filter(([name]) => name !== 'pong'), [
    ['open', true], ['message', 'one'], ['message', new Uint8Array([1]).buffer], ['close', 3000, 'enough', true],
  ]);
  assert.deepEqual(story.filter(([name]) => name === 'pong'), [['pong', 'are you there']]);
}));

test('how it ends', () => wsServer({}, (server) => server.on('connection', (socket, { url }) => {
  if (url === '/close') socket.close(4001, 'go away');
  if (url === '/none') socket.close();
  if (url === '/cut') socket.terminate();
  if (url === '/long') socket.send('x'.repeat(101));
  if (url === '/wrong') socket._socket.write(Buffer.from([0x83, 0x00]));
}), async (url) => {
  for (const [path, code, wasClean] of [['/close', 4001, true], ['/none', 1005, true], ['/cut', 1006, false], ['/long', 1009, false], ['/wrong', 1002, false]]) {
    const socket = new WebSocket(url + path, { messageLimit: 100 });
    let events = 0;
    socket.onclose = () => events++;
    const end = await socket.closed;
    assert.deepEqual([end.code, end.wasClean, events], [code, wasClean, 1], path);
    if (path === '/close') assert.equal(end.reason, 'go away');
  }
}));

test('why it is not opened', async () => {
  const refusing = createServer().on('upgrade', (request, socket) => {
    socket.end(request.url === '/odd' ? 'HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n'
      : 'HTTP/1.1 401 No\r\nX-Why: who\r\nContent-Length: 6\r\n\r\nwho?\r\n');
  });
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  const url = `ws://127.0.0.1:${refusing.address().port}`;
  const socket = new WebSocket(url);
  const failed = once(socket, 'error');
  await assert.rejects(socket.opened, { code: 'ERR_FLARE_REFUSED', status: 401 });
  const [error] = await failed;
  assert.deepEqual([error.headers['x-why'], String(error.body)], ['who', 'who?\r\n']);
  assert.equal((await socket.closed).code, 1006);
  await assert.rejects(new WebSocket(`${url}/odd`).opened, { code: 'ERR_FLARE_PROTOCOL' });
  refusing.close();
  await once(refusing, 'close');
  await assert.rejects(new WebSocket(url).opened, { code: 'ECONNREFUSED' });
  const silent = createNetServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const nowhere = `ws://127.0.0.1:${silent.address().port}`;
  await assert.rejects(new WebSocket(nowhere, { openTimeout: 50 }).opened, { code: 'ETIMEDOUT' });
  const closed = new WebSocket(nowhere);
  const opened = closed.opened;
  closed.close();
  closed.close();
  assert.equal(closed.readyState, 2);
  await assert.rejects(opened, { code: 'ERR_FLARE_CLOSED' });
  assert.equal((await closed.closed).code, 1006);
  const reason = new Error('enough');
  const controller = new AbortController();
  const aborted = new WebSocket(nowhere, { signal: controller.signal });
  const waiting = aborted.opened;
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  assert.throws(() => new WebSocket(nowhere, { signal: AbortSignal.abort(reason) }), reason);
  silent.close();
});

test('a server that does not read: refusals, and drain', () => wsServer({}, (server) => server.on('connection', (socket) => {
  socket.pause();
  socket.on('message', () => {});
  server.emit('paused', socket);
}), async (url, server) => {
  const paused = once(server, 'paused');
  const socket = new WebSocket(url);
  await socket.opened;
  const [peer] = await paused;
  const part = Buffer.alloc(100_000);
  let taken = 0;
  while (socket.send(part)) assert.ok(++taken < 1000);
  assert.ok(socket.bufferedAmount > 64 * 1024, `${socket.bufferedAmount}`);
  const drained = once(socket, 'drain');
  peer.resume();
  await Promise.all([drained, socket.drained()]);
  assert.ok(socket.send('more'));
  assert.equal(socket.bufferedAmount < 64 * 1024, true);
  socket.close();
  await socket.closed;
}));

test('a loop that is slow stops the server, loses nothing, and is not taken for a dead server', () => wsServer({}, (server) => server.on('connection', (socket) => {
  for (let i = 0; i < 500; i++) socket.send(Buffer.alloc(64 * 1024));
  server.emit('full', socket);
}), async (url, server) => {
  const full = once(server, 'full');
  const socket = new WebSocket(url, { pingInterval: 20, pingTimeout: 20 });
  const messages = socket[Symbol.asyncIterator]();
  let bytes = (await messages.next()).value.length;
  const [peer] = await full;
  const left = await settled(() => peer.bufferedAmount);
  assert.ok(left > 16 << 20, `the client took all but ${left} bytes though nobody reads`);
  // Longer than a server may be silent, and with something to do in between.
  for (let i = 0; i < 10; i++) {
    assert.ok(socket.send('meanwhile'));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (let i = 1; i < 500; i++) bytes += (await messages.next()).value.length;
  assert.equal(bytes, 500 * 64 * 1024);
  socket.close();
  assert.deepEqual([await messages.next(), (await socket.closed).code], [{ value: undefined, done: true }, 1000]);
}));

test('a server that is silent is gone', () => wsServer({ autoPong: false }, () => {}, async (url) => {
  const socket = new WebSocket(url, { pingInterval: 20, pingTimeout: 20 });
  assert.deepEqual(await socket.closed, { code: 1006, reason: 'the Ping was not answered', wasClean: false });
}));

test('wss: HTTP/2 where the server takes it, HTTP/1.1 elsewhere', async () => {
  const app = new App();
  app.ws('/', { open: (socket) => { socket.send(socket.request.version); }, message: (socket, data) => { socket.send(data); } });
  const { port } = await app.listen({ tls: { cert, key } });
  for (const [http2, version] of [[undefined, '2.0'], [true, '2.0'], [false, '1.1']]) {
    const socket = new WebSocket(`wss://localhost:${port}/`, { http2, tls: { roots: cert } });
    assert.deepEqual(await collect(socket, 1), [version]);
    assert.ok(socket.send('x'.repeat(100_000)));
    assert.equal((await collect(socket, 1))[0].length, 100_000);
    socket.close();
    assert.equal((await socket.closed).code, 1000);
  }
  await assert.rejects(new WebSocket(`wss://localhost:${port}/`).opened, { code: 'ERR_FLARE_TLS' });
  await app.close();
  const server = createHttpsServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const sockets = new WebSocketServer({ server });
  echo(sockets);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = new WebSocket(`https://localhost:${server.address().port}`, { tls: { insecure_any_certificate: true } });
  await socket.opened;
  socket.send('secure');
  assert.deepEqual(await collect(socket, 1), ['secure']);
  socket.terminate();
  server.close();
  await assert.rejects(new WebSocket(`wss://localhost:${server.address()?.port ?? 1}`).opened, Error);
});

test('a server that is not ready yet is asked again', async () => {
  let asked = 0;
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (++asked < 3) return socket.end('HTTP/1.1 503 Wait\r\nContent-Length: 0\r\n\r\n');
    return sockets.handleUpgrade(request, socket, head, (opened) => opened.send('there'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${server.address().port}`;
  const socket = new WebSocket(url, { retry: { attempts: 5, wait: 5, mostWait: 20, waitFirst: true } });
  assert.deepEqual(await collect(socket, 1), ['there']);
  assert.equal(asked, 3);
  socket.terminate();
  asked = 0;
  await assert.rejects(new WebSocket(url, { retry: { attempts: 2, wait: 1 } }).opened, { status: 503 });
  server.close();
});

test('topics of one app, many sockets', () => serving((app) => {
  app.ws('/', { open: (socket) => { socket.subscribe('all'); }, message: (socket, data) => { app.publish('all', data); } });
}, async ({ port }) => {
  const sockets = Array.from({ length: 100 }, () => new WebSocket(`ws://127.0.0.1:${port}/`));
  await Promise.all(sockets.map((socket) => socket.opened));
  const came = Promise.all(sockets.map((socket) => collect(socket, 1)));
  sockets[0].send('to all');
  assert.deepEqual(new Set((await came).flat()), new Set(['to all']));
  for (const socket of sockets) socket.close();
  await Promise.all(sockets.map((socket) => socket.closed));
}));

test('mistakes of the program', () => {
  for (const [url, rest, error] of [
    ['nothing', [], { name: 'SyntaxError' }], ['ftp://a', [], { name: 'SyntaxError' }], ['ws://a#b', [], { name: 'SyntaxError' }], ['ws://u:p@a', [], { name: 'SyntaxError' }],
    ['ws://a', [['a', 'a']], { name: 'SyntaxError' }], ['ws://a', ['a b'], { name: 'SyntaxError' }], ['ws://a', [['']], { name: 'SyntaxError' }], ['ws://a', [{ nothing: 1 }], /no option nothing/],
    ['ws://a', [{}, {}], TypeError], ['ws://a', [{ http2: 1 }], TypeError], ['ws://a', [{ headers: { host: 'b' } }], { code: 'ERR_FLARE_CONFIG' }],
    ['ws://a', [{ headers: { 'sec-websocket-key': 'b' } }], { code: 'ERR_FLARE_CONFIG' }], ['ws://a', [{ messageLimit: 0 }], /message_limit/],
    ['ws://a', [{ pingInterval: 'x' }], TypeError], ['ws://a', [{ tls: { roots: '/no/such' } }], { code: 'ERR_FLARE_TLS' }], ['ws://a', [{ retry: 3 }], TypeError],
    ['ws://a', [{ retry: { attempts: 0 } }], /attempts/], ['ws://a', [{ retry: { nothing: 1 } }], TypeError], ['ws://a', [{ signal: 1 }], TypeError], ['ws://a', [{ deflate: 1 }], TypeError],
  ]) assert.throws(() => new WebSocket(url, ...rest), error, `${url} ${JSON.stringify(rest)}`);
  assert.deepEqual([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED], [0, 1, 2, 3]);
});

test('a process lives as long as its socket, and a thread may be ended with one', () => wsServer({}, echo, async (url) => {
  const program = fileURLToPath(new URL('programs/websocket_exit.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, url], { timeout: 20_000 });
  assert.equal(stdout, 'echo\nthread ended\nclosed 1000\n');
}));
