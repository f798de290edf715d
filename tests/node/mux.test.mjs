// The mux: many streams on one connection, without a thread of Node's that waits.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Mux, MuxListener, MuxStream } from 'flare-node';

const patience = () => ({ signal: AbortSignal.timeout(20_000) });

/** Two ends of a connection. */
async function pair(ask, address = '127.0.0.1:0') {
  const listener = new MuxListener(address);
  const [far, near] = await Promise.all([listener.accept(patience()), Mux.connect(listener.address, patience())]);
  try {
    await ask(near, far, listener);
  } finally {
    near.close();
    far.close();
    listener.close();
  }
}

async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test('streams both ways, each with its own backpressure', () => pair(async (near, far) => {
  const slow = near.open();
  const atSlow = await far.accept(patience());
  const bytes = randomBytes(200_000);
  let sent = 0;
  while (slow.trySend(bytes)) sent += 1;
  assert.ok(sent >= 1);
  // The other stream goes on beside it.
  const quick = near.open();
  await quick.send('over here');
  quick.finish();
  const atQuick = await far.accept(patience());
  assert.equal((await all(atQuick)).toString(), 'over here');
  await atQuick.send('and back');
  atQuick.finish();
  assert.equal((await all(quick)).toString(), 'and back');
  // Whoever sends waits until some was taken.
  let waited = false;
  const more = slow.send(bytes, patience()).then(() => { waited = true; slow.finish(); });
  await new Promise(setImmediate);
  assert.equal(waited, false);
  const received = await all(atSlow);
  await more;
  assert.ok(received.equals(Buffer.concat(Array(sent + 1).fill(bytes))));
}));

test('a Unix socket, and the end of a connection', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flare-mux-'));
  try {
    await pair(async (near, far) => {
      const stream = near.open();
      await stream.send('last words');
      stream.finish();
      // No more streams; this one goes on, and the connection ends with it.
      near.close();
      const answered = all(stream);
      const streams = [];
      for await (const each of far) {
        streams.push((await all(each)).toString());
        each.finish();
        assert.equal((await answered).length, 0);
      }
      assert.deepEqual(streams, ['last words']);
      await assert.rejects(far.accept(), { code: 'ERR_FLARE_MUX_ENDED' });
      assert.throws(() => near.open(), { code: 'ERR_FLARE_MUX_ENDED' });
    }, `unix:${join(folder, 'socket')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('ways to end a stream', () => pair(async (near, far) => {
  const one = near.open();
  await one.send('a');
  const atOne = await far.accept(patience());
  one.error('no such model');
  await assert.rejects(all(atOne), { code: 'ERR_FLARE_MUX_REMOTE', message: /no such model/ });
  await assert.rejects(one.recv(), { code: 'ERR_FLARE_MUX_CANCELLED' });
  const two = near.open();
  await two.send('a');
  const atTwo = await far.accept(patience());
  const reading = two.recv(patience());
  atTwo.cancel();
  await assert.rejects(reading, { code: 'ERR_FLARE_MUX_CANCELLED' });
  const three = near.open();
  three.finish();
  assert.throws(() => three.finish(), { code: 'ERR_FLARE_MUX_FINISHED' });
  await assert.rejects(three.send('a'), { code: 'ERR_FLARE_MUX_FINISHED' });
  const closing = three.recv(patience());
  three.close();
  await assert.rejects(closing, { code: 'ERR_FLARE_MUX_CANCELLED' });
  three.close();
}));

test('a wait ends by a signal, and another begins', () => pair(async (near, far, listener) => {
  const stopped = new AbortController();
  const waits = [far.accept(stopped), listener.accept(stopped)];
  stopped.abort(new Error('enough'));
  for (const wait of waits) await assert.rejects(wait, /enough/);
  await assert.rejects(far.accept(stopped), /enough/);
  const stream = near.open();
  await stream.send('a');
  const at = await far.accept(patience());
  assert.equal((await at.recv(patience())).toString(), 'a');
  const accepting = listener.accept(patience());
  listener.close();
  await assert.rejects(accepting, { code: 'ERR_FLARE_MUX_ENDED' });
}));

test('misuse and failures are said', async () => {
  assert.throws(() => new MuxListener('nonsense'), { code: 'ERR_FLARE_ADDRESS' });
  await assert.rejects(Mux.connect('nonsense'), { code: 'ERR_FLARE_ADDRESS' });
  await assert.rejects(Mux.connect('unix:/nowhere/socket'), { code: 'ENOENT' });
  const listener = new MuxListener('127.0.0.1:0');
  assert.throws(() => new MuxListener(listener.address), { code: 'EADDRINUSE' });
  assert.throws(() => new Mux(), TypeError);
  assert.throws(() => new MuxStream(), TypeError);
  const near = await Mux.connect(listener.address, patience());
  const stream = near.open();
  assert.throws(() => stream.trySend(5), TypeError);
  await assert.rejects(stream.send({}), TypeError);
  stream.close();
  near.close();
  listener.close();
});

test('a process ends when nobody waits', () => {
  const program = `
    import { Mux, MuxListener } from 'flare-node';
    const listener = new MuxListener('127.0.0.1:0');
    const [far, near] = await Promise.all([listener.accept(), Mux.connect(listener.address)]);
    near.open().trySend('a');
    console.log((await (await far.accept()).recv()).toString());
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 20_000, cwd: import.meta.dirname });
  assert.equal(said, 'a\n');
});

test('a worker thread that is ended while others tell it news', async () => {
  const worker = new Worker(`
    const { Mux, MuxListener } = require('flare-node');
    const { parentPort } = require('node:worker_threads');
    (async () => {
      const listener = new MuxListener('127.0.0.1:0');
      parentPort.postMessage(listener.address);
      for await (const mux of listener) for await (const stream of mux) for await (const part of stream) parentPort.postMessage(part.length);
    })();
  `, { eval: true });
  const next = () => new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
  const mux = await Mux.connect(await next(), patience());
  const stream = mux.open();
  const first = next();
  await stream.send(randomBytes(1000));
  assert.equal(await first, 1000);
  const ended = worker.terminate();
  try {
    for (;;) await stream.send(randomBytes(100), { signal: AbortSignal.timeout(100) });
  } catch (error) {
    // The thread of the connection outlives the worker until it is collected, or took no more.
    assert.match(`${error.code ?? error.name}`, /ERR_FLARE_MUX_ENDED|ERR_FLARE_MUX_CANCELLED|TimeoutError/);
  }
  await ended;
  stream.close();
  mux.close();
});
