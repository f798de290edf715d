// Content that flows: backpressure tells the truth, and a client that leaves is noticed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deferred, errorsOf, serving } from './support.mjs';

const MEGABYTE = Buffer.alloc(1 << 20, 'x');

async function* pieces(count) {
  for (let i = 0; i < count; i++) yield MEGABYTE;
}

for (const [name, use] of [
  ['an iteration', async (req) => { let n = 0; for await (const part of req) n += part.length; return `${n}`; }],
  ['a Readable', async (req) => { let n = 0; for await (const part of req.stream()) n += part.length; return `${n}`; }],
  ['a ReadableStream', async (req) => { let n = 0; for await (const part of req.webStream()) n += part.length; return `${n}`; }],
  ['body()', async (req) => `${(await req.body()).length}`],
]) {
  test(`an upload by ${name}`, () => serving((app) => app.post('/', { streaming: true }, use), async ({ base }) => {
    const answer = await fetch(base, { method: 'POST', body: Readable.from(pieces(10)), duplex: 'half' });
    assert.equal(await answer.text(), String(10 << 20));
  }));
  test(`content that was collected, by ${name}`, () => serving((app) => app.post('/', use), async ({ base }) => {
    assert.equal(await (await fetch(base, { method: 'POST', body: 'abc' })).text(), '3');
    assert.equal(await (await fetch(base, { method: 'POST' })).text(), '0');
  }));
}

test('an upload that nobody reads is held back', () => {
  const go = deferred();
  return serving((app) => app.post('/', { streaming: true, bodyLimit: 1 << 30 }, async (req) => {
    await go.promise;
    let n = 0;
    for await (const part of req) n += part.length;
    return `${n}`;
  }), async ({ port }) => {
    const post = request({ port, method: 'POST' });
    let written = 0;
    while (post.write(MEGABYTE)) written++;
    for (let i = 0; i < 63; i++) post.write(MEGABYTE);
    // The kernel's buffers take some of it; then the socket is full, and stays so.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(post.writableLength > 32 << 20, `${post.writableLength} bytes wait`);
    go.resolve();
    post.end();
    const [answer] = await once(post, 'response');
    assert.equal((await answer.toArray()).join(''), String((written + 64) * (1 << 20)));
  });
});

test('writes are refused when the client takes nothing, and go on when it does', () => {
  const full = deferred();
  return serving((app) => app.get('/', async (req, res) => {
    let written = 0;
    while (res.write(MEGABYTE)) written++;
    full.resolve(written);
    await res.drained();
    res.end('end');
  }), async ({ port }) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    const written = await full.promise;
    assert.ok(written < 64, `${written} MiB were taken for a client that reads nothing`);
    let received = 0;
    socket.on('data', (part) => { received += part.length; });
    socket.resume();
    await once(socket, 'end');
    assert.ok(received > (written + 1) * (1 << 20));
  });
});

test('pipeline() into a response, and events', () => {
  const events = [];
  return serving((app) => app.get('/', async (req, res) => {
    for (const event of ['drain', 'finish', 'close']) res.on(event, () => events.push(event));
    await pipeline(Readable.from(pieces(8)), res.writable());
  }), async ({ base }) => {
    assert.equal((await (await fetch(base)).arrayBuffer()).byteLength, 8 << 20);
    assert.deepEqual(events.slice(-2), ['finish', 'close']);
    assert.ok(events.includes('drain'));
  });
});

test('a client that leaves: signal, stream and generator hear of it', () => {
  const heard = { called: deferred(), signal: deferred(), stopped: deferred(), destroyed: deferred() };
  const source = new Readable({ read() { setTimeout(() => this.push('x'), 1); } });
  source.on('close', () => heard.destroyed.resolve());
  return serving((app) => {
    const errors = errorsOf(app);
    app.get('/hang', (req, res) => {
      heard.called.resolve();
      req.signal.addEventListener('abort', () => heard.signal.resolve([req.signal.reason.code, res.write('x'), res.ended]));
    });
    app.get('/generator', async function* () {
      try {
        for (;;) {
          yield 'x';
          await new Promise(setImmediate);
        }
      } finally {
        heard.stopped.resolve();
      }
    });
    app.get('/readable', () => source);
    app.get('/errors', () => errors);
  }, async ({ port, base }) => {
    for (const path of ['/hang', '/generator', '/readable']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
      // A client that only closes its own side still gets its answer, so this one resets the connection.
      if (path === '/hang') heard.called.promise.then(() => socket.resetAndDestroy());
      else socket.once('data', () => socket.destroy());
      await once(socket, 'close');
    }
    assert.deepEqual(await heard.signal.promise, ['ERR_FLARE_PEER_GONE', false, true]);
    await heard.stopped.promise;
    await heard.destroyed.promise;
    assert.deepEqual(await (await fetch(`${base}/errors`)).json(), []);
  });
});

test('a client that leaves in the middle of its upload', () => {
  const heard = deferred();
  const began = deferred();
  return serving((app) => app.post('/', { streaming: true }, async (req) => {
    try {
      for await (const part of req) began.resolve(part.length);
    } catch (error) {
      heard.resolve(error.code);
      throw error;
    }
  }), async ({ port }) => {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc');
    assert.equal(await began.promise, 3);
    socket.destroy();
    assert.equal(await heard.promise, 'ERR_FLARE_PEER_GONE');
  });
});

test('a stream that fails cuts the answer', () => serving((app) => {
  const errors = errorsOf(app);
  app.get('/', async function* () {
    yield 'some';
    throw new Error('broken');
  });
  app.get('/errors', () => errors.map(String));
}, async ({ base }) => {
  await assert.rejects(async () => (await fetch(base)).text());
  assert.deepEqual(await (await fetch(`${base}/errors`)).json(), ['Error: broken']);
}));

test('a handler that takes too long is answered for', () => {
  const heard = deferred();
  return serving((app) => app.get('/', { timeout: 20 }, (req, res) => {
    req.signal.addEventListener('abort', () => heard.resolve([req.signal.reason.code, res.send('late').ended]));
  }), async ({ base }) => {
    assert.equal((await fetch(base)).status, 503);
    assert.deepEqual(await heard.promise, ['ERR_FLARE_DEADLINE', true]);
  });
});
