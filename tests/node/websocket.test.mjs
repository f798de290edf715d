// WebSockets that clients open: those of the package ws, and of WHATWG as Node and undici have it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect as connectHttp2 } from 'node:http2';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { WebSocket as Undici } from 'undici';
import { App, HttpError, Reply, bearer, prepared } from 'flare-node';
import { deferred, echo, errorsOf, open, raw, refused, serving, sockets } from './support.mjs';

const WebWebSocket = globalThis.WebSocket ?? Undici;
const require = createRequire(import.meta.url);
/** The addon's own count is not a part of the package's interface. */
const { native } = require(join(dirname(require.resolve('flare-node/package.json')), 'lib/native.cjs'));

test('messages of both kinds, also large ones and none, come back', () => sockets((app) => {
  app.ws('/', { messageLimit: 4 << 20 }, echo);
}, async ({ base }) => {
  const client = await open(base);
  const messages = ['text é \u{1F600}', '', Buffer.from([0, 255]), Buffer.alloc(0), 'x'.repeat(70_000), Buffer.alloc(3 << 20, 7)];
  for (const message of messages) client.send(message);
  while (client.messages.length < messages.length) await once(client, 'message');
  assert.deepEqual(client.messages, messages);
  client.close(1000, 'done');
  assert.deepEqual(await client.ended, { code: 1000, reason: '' });
}));

test('a WHATWG client, with a subprotocol', () => sockets((app) => {
  app.ws('/:room', { protocols: ['b', 'a'] }, { open: (socket) => { socket.send(`${socket.protocol} ${socket.request.params.room}`); }, ...echo });
}, async ({ base }) => {
  const client = new WebWebSocket(`${base}/hall`, ['a', 'b', 'c']);
  client.binaryType = 'arraybuffer';
  const messages = [];
  const first = deferred();
  client.onmessage = ({ data }) => {
    messages.push(data);
    if (messages.length === 1) client.send(new Uint8Array([1, 2]));
    else first.resolve();
  };
  await first.promise;
  assert.deepEqual([client.protocol, messages[0], [...new Uint8Array(messages[1])]], ['a', 'a hall', [1, 2]]);
  const ended = new Promise((resolve) => { client.onclose = resolve; });
  client.close(3001, 'bye');
  const { code, wasClean } = await ended;
  assert.deepEqual([code, wasClean], [3001, true]);
}));

test('what a handler sees, in order', () => {
  const story = [];
  return sockets((app) => {
    app.ws('/a/:b', {
      upgrade: (request) => ({ agent: request.headers['x-agent'], story: story.push(['upgrade', request.path]) }),
      open: (socket) => story.push(['open', socket.readyState, socket.url, socket.data.agent, socket.protocol, socket.request.params.b]),
      message: (socket, data) => story.push(['message', data]),
      close: (socket, code, reason) => story.push(['close', socket.readyState, code, reason, socket.send('x'), socket.bufferedAmount]),
    });
  }, async ({ base, port }) => {
    const client = await open(`${base}/a/c?d=1`, { headers: { 'x-agent': 'me' } });
    client.send('one');
    client.send(Buffer.from('two'));
    client.close(4000, 'gone é');
    await client.ended;
    assert.deepEqual(story, [
      ['upgrade', '/a/c'], ['open', 1, `ws://127.0.0.1:${port}/a/c?d=1`, 'me', '', 'c'], ['message', 'one'],
      ['message', Buffer.from('two')], ['close', 3, 4000, 'gone é', false, 0],
    ]);
  });
});

test('who may come in', () => {
  const errors = [];
  return sockets((app) => {
    app.on('error', (error) => errors.push(error.message));
    app.ws('/only', { origins: ['https://a.example'] }, echo);
    app.ws('/any', { origins: '*' }, echo);
    app.ws('/same', echo);
    app.ws('/reply', { upgrade: () => new Reply(401, 'who?', { 'www-authenticate': 'x' }) });
    app.ws('/error', { upgrade() { throw new HttpError(403, 'not you'); } });
    app.ws('/throws', { upgrade() { throw new Error('secret'); } });
    app.ws('/promise', { upgrade: async () => {} });
    app.ws('/stream', { upgrade: () => new Reply(200, (function* () {})()) });
    app.ws('/before', async (request, next) => (request.searchParams.has('key') ? next() : new Reply(402, 'pay')), echo);
    app.ws('/token', bearer('x', { secret: 'ann' }), { open: (socket) => { socket.send(socket.request.identity); } });
  }, async ({ base, port }) => {
    const from = (origin) => ({ origin });
    assert.deepEqual(await refused(`${base}/only`, from('https://b.example')), [403, 'Forbidden']);
    assert.deepEqual(await refused(`${base}/same`, from('https://a.example')), [403, 'Forbidden']);
    assert.deepEqual(await refused(`${base}/reply`), [401, 'who?']);
    assert.deepEqual(await refused(`${base}/error`), [403, 'not you\n']);
    for (const path of ['throws', 'promise', 'stream']) assert.deepEqual(await refused(`${base}/${path}`), [500, 'Internal Server Error'], path);
    assert.equal(errors.length, 3);
    assert.equal(errors[0], 'secret');
    assert.deepEqual(await refused(`${base}/before`), [402, 'pay']);
    assert.equal((await refused(`${base}/token`))[0], 401);
    for (const [path, options] of [
      ['only', from('https://A.example')], ['only', {}], ['any', from('https://b.example')], ['same', from(`http://127.0.0.1:${port}`)],
      ['before?key=1', {}],
    ]) {
      const client = await open(`${base}/${path}`, options);
      client.send('in');
      await once(client, 'message');
      client.close();
      await client.ended;
    }
    const client = await open(`${base}/token`, { headers: { authorization: 'Bearer secret' } });
    if (client.messages.length === 0) await once(client, 'message');
    assert.deepEqual(client.messages, ['ann']);
    client.terminate();
  });
});

test('who does not ask for a socket', () => serving((app) => {
  app.ws('/none', echo);
  app.ws('/page', { otherwise: (request) => ({ page: request.path }) }, echo);
  app.ws('/later', { otherwise: (request, response) => { setImmediate(() => response.status(201).send('l')); } }, async (request, next) => {
    const reply = await next();
    reply.headers.set('x-around', '1');
    return reply;
  }, echo);
  app.ws('/prepared', { otherwise: prepared('p') }, echo);
}, async ({ base }) => {
  const none = await fetch(`${base}/none`);
  assert.deepEqual([none.status, none.headers.get('upgrade')], [426, 'websocket']);
  assert.deepEqual(await (await fetch(`${base}/page`)).json(), { page: '/page' });
  const later = await fetch(`${base}/later`);
  assert.deepEqual([later.status, await later.text(), later.headers.get('x-around')], [201, 'l', '1']);
  assert.equal(await (await fetch(`${base}/prepared`)).text(), 'p');
}));

test('a function that loops: messages before it begins, order, and the end', () => {
  const begin = deferred();
  const ended = deferred();
  return sockets((app) => {
    app.ws('/', async (socket, request) => {
      await begin.promise;
      const all = [];
      for await (const message of socket) all.push(message);
      ended.resolve([request.path, all, await socket.closed, request.signal.aborted]);
    });
  }, async ({ base }) => {
    const client = await open(base);
    for (let i = 0; i < 100; i++) client.send(`${i}`);
    client.ping();
    await once(client, 'pong');
    begin.resolve();
    client.close(1000);
    const [path, all, end, aborted] = await ended.promise;
    assert.deepEqual([path, all, end, aborted], ['/', Array.from({ length: 100 }, (_, i) => `${i}`), { code: 1000, reason: '', wasClean: true }, true]);
  });
});

test('one loop at a time, and another after it', () => {
  const again = deferred();
  const done = deferred();
  return sockets((app) => {
    app.ws('/', async (socket) => {
      const seen = [];
      for await (const message of socket) {
        seen.push(message);
        assert.throws(() => socket[Symbol.asyncIterator](), /two would each see half/);
        break;
      }
      await again.promise;
      for await (const message of socket) seen.push(message);
      done.resolve(seen);
    });
  }, async ({ base }) => {
    const client = await open(base);
    for (const message of ['a', 'b', 'c']) client.send(message);
    client.ping();
    await once(client, 'pong');
    again.resolve();
    client.close();
    assert.deepEqual(await done.promise, ['a', 'b', 'c']);
  });
});

test('listeners of both styles', () => {
  const story = [];
  const over = deferred();
  return sockets((app) => {
    app.ws('/', (socket) => {
      const gone = () => story.push('removed');
      const controller = new AbortController();
      socket.binaryType = 'arraybuffer';
      socket.on('message', (data) => story.push(['on', data]));
      socket.once('message', () => story.push('once'));
      socket.addEventListener('message', gone);
      socket.addEventListener('message', gone);
      socket.removeEventListener('message', gone);
      socket.addEventListener('message', () => story.push('aborted'), { signal: controller.signal });
      controller.abort();
      socket.addEventListener('message', { handleEvent: ({ type, target, data }) => story.push([type, target === socket, data]) }, { once: true });
      socket.onmessage = () => story.push('replaced');
      socket.onmessage = (event) => story.push(['property', event instanceof Event, event.data]);
      const { onclose } = socket;
      socket.onopen = () => story.push(['open', typeof socket.onmessage, onclose]);
      socket.onclose = ({ code, reason, wasClean }) => {
        story.push(['close', code, reason, wasClean]);
        over.resolve();
      };
    });
  }, async ({ base }) => {
    const client = await open(base);
    client.send('a');
    client.send(Buffer.from([1]));
    client.close(1001, 'r');
    await over.promise;
    const bytes = new Uint8Array([1]).buffer;
    assert.deepEqual(story, [
      ['open', 'function', null],
      ['on', 'a'], 'once', ['message', true, 'a'], ['property', true, 'a'],
      ['on', bytes], ['property', true, bytes],
      ['close', 1001, 'r', true],
    ]);
  });
});

test('what handlers throw closes with 1011 and is reported', () => sockets((app) => {
  const late = async () => { await null; throw new Error('late'); };
  const now = () => { throw new Error('now'); };
  app.ws('/open', { open: now });
  app.ws('/open/late', { open: late });
  app.ws('/message', { message: now });
  app.ws('/message/late', { message: late });
  app.ws('/function', now);
  app.ws('/function/late', late);
  app.ws('/listener', (socket) => { socket.on('message', now); });
  app.ws('/listener/late', (socket) => { socket.on('message', late); });
  app.ws('/event', (socket) => { socket.onmessage = now; });
  app.ws('/event/late', (socket) => { socket.addEventListener('message', late); });
  app.ws('/loop', async (socket) => { for await (const message of socket) now(message); });
  app.ws('/close', { close: now });
}, async ({ app, base }) => {
  const errors = [];
  app.on('error', (error, request) => errors.push([request.path, error.message]));
  for (const path of ['open', 'message', 'function', 'listener', 'event']) {
    for (const [when, rest] of [['now', ''], ['late', '/late']]) {
      const client = await open(`${base}/${path}${rest}`);
      client.send('x');
      assert.deepEqual(await client.ended, { code: 1011, reason: '' }, path + rest);
      assert.deepEqual(errors.pop(), [`/${path}${rest}`, when]);
    }
  }
  const loop = await open(`${base}/loop`);
  loop.send('x');
  assert.equal((await loop.ended).code, 1011);
  const client = await open(`${base}/close`);
  client.close(1000);
  assert.equal((await client.ended).code, 1000);
  assert.deepEqual(errors, [['/loop', 'now'], ['/close', 'now']]);
}));

test('over HTTP/2, by extended CONNECT', () => serving((app) => {
  app.ws('/h2', { protocols: ['p'] }, { open: (socket) => { socket.send(`${socket.request.version} ${socket.protocol}`); }, ...echo });
}, async ({ base }) => {
  const session = connectHttp2(base);
  await once(session, 'remoteSettings');
  const stream = session.request({
    ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/h2', 'sec-websocket-version': '13', 'sec-websocket-protocol': 'p',
  }, { endStream: false });
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  const [head] = await once(stream, 'response');
  assert.deepEqual([head[':status'], head['sec-websocket-protocol']], [200, 'p']);
  const read = async (text) => { while (!Buffer.concat(parts).toString('latin1').includes(text)) await once(stream, 'data'); };
  await read('2.0 p');
  stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])); // "hi", masked with zeros
  await read('hi');
  stream.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
  await once(stream, 'close');
  session.close();
}));

test('mounted below a prefix, with the middleware of both', () => sockets((app) => {
  const inner = new App();
  inner.use(async (request, next) => { request.locals.inner = true; return next(); });
  inner.ws('/chat', echo);
  app.mount('/in', inner);
  app.use(async (request, next) => (request.headers['x-no'] ? new Reply(403) : next()));
}, async ({ base }) => {
  assert.equal((await refused(`${base}/in/chat`, { headers: { 'x-no': '1' } }))[0], 403);
  const client = await open(`${base}/in/chat`);
  client.send('m');
  await once(client, 'message');
  client.terminate();
}));

test('mistakes of the program', async () => {
  const app = new App();
  const wrong = [
    [() => app.ws('/a'), /handlers of \/a/], [() => app.ws('/a', 1), /handlers of \/a/], [() => app.ws('/a', { open: 1 }), /open of \/a/],
    [() => app.ws('/a', { onmessage() {} }), /no handler onmessage/], [() => app.ws('/a', { limit: 1 }, {}), /no option limit/],
    [() => app.ws('/a', { messageLimit: 0 }, {}), /message_limit/], [() => app.ws('/a', { messageLimit: 'x' }, {}), /messageLimit/],
    [() => app.ws('/a', { pingInterval: -1 }, {}), /ping_interval_ms/], [() => app.ws('/a', { protocols: ['a b'] }, {}), /subprotocol/],
    [() => app.ws('/a', { protocols: 'a' }, {}), /protocols is a list/], [() => app.ws('/a', { origins: 'https://a' }, {}), /origins/],
    [() => app.ws('/a', { deflate: 1 }, {}), /deflate/], [() => app.ws('/a', { otherwise: 1 }, {}), /otherwise/],
    [() => app.ws('/a', {}, 'x', {}), /middleware/], [() => app.ws('no slash', {}), { code: 'ERR_FLARE_ROUTE' }], [() => app.ws(1, {}), /pattern/],
  ];
  for (const [call, error] of wrong) assert.throws(call, error, String(call));
  app.get('/both', () => '');
  assert.throws(() => app.ws('/both', {}), { code: 'ERR_FLARE_ROUTE' });
  const told = deferred();
  app.ws('/', {
    open(socket) {
      for (const [call, error] of [
        [() => socket.send(), /a message is/], [() => socket.send({}), /a message is/], [() => socket.send(new Blob([])), /arrayBuffer\(\)/],
        [() => socket.close(999), TypeError], [() => socket.close(1005), TypeError], [() => socket.close('1000'), TypeError],
        [() => socket.close(1000, 'x'.repeat(124)), TypeError], [() => socket.close(1000, 1), TypeError], [() => socket.ping('x'.repeat(126)), TypeError],
        [() => { socket.binaryType = 'text'; }, TypeError], [() => socket.subscribe(1), TypeError], [() => socket.publish('a', 1), TypeError],
        [() => socket.addEventListener('message', 1), TypeError],
      ]) assert.throws(call, error, String(call));
      assert.equal(socket.readyState, 1);
      for (const data of [new DataView(new ArrayBuffer(2)), new ArrayBuffer(1), new Uint16Array(1), new SharedArrayBuffer(1)]) assert.ok(socket.send(data));
      assert.ok(socket.ping('p'));
      told.resolve();
    },
  });
  const errors = errorsOf(app);
  const { port } = await app.listen();
  const client = await open(`ws://127.0.0.1:${port}/`);
  if (errors.length > 0) throw errors[0];
  await told.promise;
  while (client.messages.length < 4) await once(client, 'message');
  assert.deepEqual(client.messages.map((data) => data.length), [2, 1, 2, 1]);
  client.terminate();
  // What is no handshake is refused, and nothing is left behind.
  assert.match(await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\nSec-WebSocket-Version: 13\r\n\r\n'), /^HTTP\/1.1 400 /);
  await app.close();
});

test('what middleware found out is there for the socket', () => {
  const aborted = deferred();
  return sockets((app) => {
    app.ws('/', async (request, next) => {
      await null;
      if (request.headers['x-user'] === undefined) return new Reply(401);
      request.locals.user = request.headers['x-user'];
      return next();
    }, {
      upgrade: (request) => request.locals.user.toUpperCase(),
      open(socket) {
        socket.request.signal.addEventListener('abort', () => aborted.resolve());
        socket.send(`${socket.data} ${socket.request.locals.user} ${socket.request.path}`);
      },
    });
  }, async ({ port, base }) => {
    assert.equal((await refused(base))[0], 401);
    // Neither of these comes as far as the handlers, and nothing of them is kept.
    assert.equal((await refused(base, { headers: { 'x-user': 'eve' }, origin: 'https://evil.example' }))[0], 403);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-user': 'ann' } })).status, 426);
    const client = await open(base, { headers: { 'x-user': 'ann' } });
    if (client.messages.length === 0) await once(client, 'message');
    assert.deepEqual(client.messages, ['ANN ann /']);
    client.close();
    await aborted.promise;
    assert.equal(native.held(), 0);
  });
});

test('a loop beside handlers, and the handlers behind it', () => sockets((app) => {
  app.ws('/', {
    async open(socket) {
      for await (const message of socket) if (message === 'last') break;
      socket.send('left');
    },
    message: (socket, data) => { socket.send(`handler: ${data}`); },
  });
}, async ({ base }) => {
  const client = await open(base);
  for (const message of ['first', 'last']) client.send(message);
  while (!client.messages.includes('left')) await once(client, 'message');
  client.send('behind');
  while (client.messages.length < 4) await once(client, 'message');
  assert.deepEqual(client.messages.filter((message) => message !== 'left'), ['handler: first', 'handler: last', 'handler: behind']);
  client.terminate();
}));
