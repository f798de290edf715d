// From listen to close, several servers, and the end of processes, threads and clusters.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import WebSocket from 'ws';
import { App } from 'flare-node';
import { deferred, raw, serving } from './support.mjs';

const program = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const run = (name, ...rest) => promisify(execFile)(process.execPath, [program(name), ...rest], { timeout: 20_000 });

test('where an app listens', async () => {
  const app = new App();
  // As it stands in the environment.
  const { port } = await app.listen('0');
  assert.ok(port > 0);
  await app.close(0);
  assert.deepEqual(await app.listen(String(port)), { address: `127.0.0.1:${port}`, host: '127.0.0.1', port });
  await app.close(0);
  assert.equal((await app.listen(`[::1]:${port}`)).host, '::1');
  await app.close(0);
  for (const wrong of [[0, () => {}], [0, '127.0.0.1', () => {}], [0, 5]]) await assert.rejects(app.listen(...wrong), TypeError);
  for (const wrong of ['65536', -1, 0.5, null]) await assert.rejects(app.listen(wrong), RangeError);
});

test('close lets running exchanges end', async () => {
  const called = deferred();
  const go = deferred();
  const app = new App();
  app.get('/', async () => { called.resolve(); await go.promise; return 'done'; });
  const { port } = await app.listen();
  const answer = fetch(`http://127.0.0.1:${port}`);
  await called.promise;
  const closed = app.close();
  await assert.rejects(fetch(`http://127.0.0.1:${port}`));
  go.resolve();
  assert.equal(await (await answer).text(), 'done');
  const { aborted, requests } = await closed;
  assert.deepEqual([aborted, requests], [0, 1]);
  assert.deepEqual(await app.close(), await closed);
  assert.equal(app.address, undefined);
  assert.equal(app.stats(), undefined);
  // The same app may listen again.
  const again = await app.listen();
  assert.equal(await (await fetch(`http://127.0.0.1:${again.port}`)).text(), 'done');
  await app.close();
});

test('close cuts what does not end in time', async () => {
  const called = deferred();
  const aborted = deferred();
  const app = new App();
  app.get('/', (req, res) => {
    called.resolve();
    req.signal.addEventListener('abort', () => aborted.resolve([req.signal.reason.code, res.ended]));
  });
  const { port } = await app.listen();
  const answer = fetch(`http://127.0.0.1:${port}`);
  answer.catch(() => {});
  await called.promise;
  assert.deepEqual(await app.close(10), { finished: 0, aborted: 1, requests: 1 });
  await assert.rejects(answer);
  assert.deepEqual(await aborted.promise, ['ERR_FLARE_DRAIN', true]);
});

test('a handler may close its own server', async () => {
  const app = new App();
  let closed;
  app.get('/', () => { closed = app.close(); return 'last'; });
  const { port } = await app.listen();
  assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'last');
  assert.equal((await closed).aborted, 0);
});

test('misuse of listen and close', async () => {
  const app = new App();
  await assert.rejects(app.close(), { code: 'ERR_FLARE_NOT_LISTENING' });
  await assert.rejects(app.listen(70000), RangeError);
  await assert.rejects(app.listen(0, 'no such host'), { code: 'ERR_FLARE_ADDRESS' });
  await assert.rejects(new App({ idleTimeout: 0 }).listen(), { code: 'ERR_FLARE_CONFIG' });
  const { port } = await app.listen();
  await assert.rejects(app.listen(), { code: 'ERR_FLARE_LISTENING' });
  await assert.rejects(new App().listen(port), { code: 'EADDRINUSE' });
  await assert.rejects(app.close(-1), RangeError);
  await app.close();
});

test('two apps in one process, IPv6, a Unix socket', async () => {
  const [one, two, three] = [new App(), new App(), new App()];
  one.get('/', () => 'one');
  two.get('/', async (req) => (await (await fetch(`http://127.0.0.1:${one.address.port}`)).text()) + req.remoteAddress);
  three.get('/', (req) => `three ${req.remoteAddress}`);
  await one.listen();
  const { port } = await two.listen(0, '::1');
  const path = `./flare-${process.pid}.sock`;
  await three.listen(`unix:${path}`);
  assert.equal(await (await fetch(`http://[::1]:${port}`)).text(), 'one::1');
  const socket = connect(path);
  socket.end('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assert.match(String(Buffer.concat(await socket.toArray())), /three undefined$/);
  await Promise.all([one.close(), two.close(), three.close()]);
});

test('beside crypto and timers, the loop goes on', () => serving((app) => app.get('/', async () => {
  const key = await promisify(crypto.scrypt)('a', 'b', 16);
  return crypto.createHash('sha256').update(key).digest('hex');
}), async ({ base }) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(base)).text()));
  clearInterval(timer);
  assert.equal(new Set(answers).size, 1);
  assert.ok(ticks > 0);
}));

test('process.nextTick and promises have their turn after each handler batch', () => serving((app) => app.get('/', async () => {
  const order = [];
  process.nextTick(() => order.push('tick'));
  await null;
  order.push('promise');
  await new Promise(setImmediate);
  return order;
}), async ({ base }) => assert.deepEqual(await (await fetch(base)).json(), ['promise', 'tick'].sort().reverse())));

test('pipelined requests are answered in order', () => serving((app) => {
  app.get('/a', async () => { await new Promise((done) => setTimeout(done, 5)); return 'a'; });
  app.get('/b', () => 'b');
}, async ({ port }) => {
  const answer = await raw(port, 'GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(answer, /\r\n\r\naHTTP[^]*\r\n\r\nb$/);
}));

test('the process ends when its server is closed, or was let go', async () => {
  assert.equal((await run('closed.mjs')).stdout, 'closed 1\n');
  assert.equal((await run('unref.mjs')).stdout, 'listening\n');
  const error = await run('exit.mjs').catch((failure) => failure);
  assert.deepEqual([error.code, error.stdout], [7, 'called\n']);
});

test('an exception that nobody catches is the process\'s own', async () => {
  const error = await run('uncaught.mjs').catch((failure) => failure);
  assert.equal(error.code, 1);
  assert.match(error.stderr, /thrown outside of a handler/);
});

test('SIGTERM ends run()', async () => {
  const child = spawn(process.execPath, [program('run.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [rest] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  assert.equal(child.exitCode, 0);
  assert.equal(rest.join(''), '{"finished":0,"aborted":0,"requests":0}\n');
});

test('worker threads have servers of their own, and may be terminated', async () => {
  const workers = [0, 1, 2].map((id) => new Worker(program('thread.mjs'), { workerData: id }));
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  const answers = await Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}`)).text()));
  assert.deepEqual(answers, ['thread 0', 'thread 1', 'thread 2']);
  // One ends by itself, one is ended while it is idle, one while an exchange runs in it.
  workers[0].postMessage('close');
  assert.deepEqual(await once(workers[0], 'exit'), [0]);
  await workers[1].terminate();
  const hanging = fetch(`http://127.0.0.1:${ports[2]}/hang`);
  const end = hanging.then((answer) => answer.status, () => 'cut');
  await once(workers[2], 'message');
  await workers[2].terminate();
  // 500: it ended in the middle of the call of the handler.
  assert.ok(['cut', 500].includes(await end));
});

test('a cluster shares a port', async () => {
  const { stdout } = await run('cluster.mjs');
  const report = JSON.parse(stdout);
  assert.equal(report.answers, 100);
  assert.deepEqual(report.exits, [0, 0]);
  assert.equal(report.workers, 2);
});

test('worker threads have WebSockets, and may be terminated while they are open', async () => {
  const workers = [0, 1].map((id) => new Worker(program('websocket_thread.mjs'), { workerData: id }));
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  const clients = ports.map((port) => new WebSocket(`ws://127.0.0.1:${port}`));
  const next = async (client) => String((await once(client, 'message'))[0]);
  assert.deepEqual(await Promise.all(clients.map(next)), ['thread 0', 'thread 1']);
  const said = clients.map(next);
  for (const client of clients) client.send('hi');
  assert.deepEqual(await Promise.all(said), ['0: hi', '1: hi']);
  const ends = clients.map((client) => once(client, 'close'));
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.deepEqual((await Promise.all(ends)).map(([code]) => code), [1006, 1006]);
});

test('a cluster has WebSockets', async () => {
  const { stdout } = await run('websocket_cluster.mjs');
  assert.deepEqual(JSON.parse(stdout), { processes: 2, said: ['to all'], codes: [1001], exits: [0, 0] });
});
