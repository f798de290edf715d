// The client, against servers of flare and of Node.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer, createServer as createHttp2Server } from 'node:http2';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { App, Client, Reply } from 'flare-node';
import { deferred, serving } from './support.mjs';

const folder = mkdtempSync(join(tmpdir(), 'flare-client-'));
after(() => rmSync(folder, { recursive: true }));
const program = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A certificate that signed itself; that of an authority; or one that an authority signed. */
function certificate(name, { isAuthority = false, authority } = {}) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert,
    ...(isAuthority ? [] : ['-addext', 'basicConstraints=critical,CA:FALSE']),
    ...(authority ? ['-CA', authority.cert, '-CAkey', authority.key] : [])], { stdio: 'pipe' });
  return { cert, key };
}

const one = certificate('one');
const other = certificate('other', { isAuthority: true });
const person = certificate('person', { authority: other });

const WIRES = [
  { version: '1.1', isMultiplexed: false, options: { http2: false } },
  { version: '2.0', isMultiplexed: true, options: { http2: true } },
  { version: '3.0', isMultiplexed: true, options: { http3: true, tls: { roots: one.cert } } },
];

/** All wires, each to an app of its own. */
async function wires(define, ask, settings) {
  for (const { version, isMultiplexed, options } of WIRES) {
    const isSecure = options.tls !== undefined;
    await serving(define, async ({ app, port }) => {
      const base = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`;
      const client = new Client(base, { ...options, ...settings });
      await ask({ app, port, client, base, version, isMultiplexed, options });
      await client.close();
    }, { http3: isSecure }, isSecure ? { port: 0, tls: one } : undefined);
  }
}

/** A server of Node's, until the test is done. */
async function nodeServer(server, ask) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  try {
    await ask(port);
  } finally {
    server.closeAllConnections?.();
    server.close();
  }
}

const read = (stream) => new Response(stream).text();

test('what is asked, and what is answered', () => wires((app) => {
  app.any('/*path', async (req, res) => {
    res.append('set-cookie', 'a=1').append('set-cookie', 'b=2').header('x-version', req.version);
    return { method: req.method, url: req.url, host: req.host, a: req.headers['x-a'], type: req.headers['content-type'], length: req.headers['content-length'], body: req.text() };
  });
}, async ({ client, port, version }) => {
  const answer = await client.get('/a/b?c=d%20e', { headers: { 'X-A': ['1', '2'] } });
  assert.deepEqual([answer.status, answer.ok, answer.version, answer.header('X-Version')], [200, true, version, version]);
  assert.equal(answer.headers['set-cookie'], 'a=1, b=2');
  assert.deepEqual(answer.rawHeaders.filter((_, index) => answer.rawHeaders[index - 1] === 'set-cookie'), ['a=1', 'b=2']);
  const { body, ...rest } = await answer.json();
  assert.deepEqual([rest, body], [{ method: 'GET', url: '/a/b?c=d%20e', host: `127.0.0.1:${port}`, a: '1, 2' }, '']);
  const contents = [
    [{ body: 'text é' }, 'text é', undefined, '7'], [{ body: Buffer.from('bytes') }, 'bytes', undefined, '5'],
    [{ body: new Uint16Array([0x6161]) }, 'aa', undefined, '2'], [{ body: new TextEncoder().encode('x').buffer }, 'x', undefined, '1'],
    [{ json: { a: [1] } }, '{"a":[1]}', 'application/json', '9'], [{ json: 1, headers: { 'content-type': 'x/y' } }, '1', 'x/y', '1'],
    [{ body: new URLSearchParams({ a: 'b c' }) }, 'a=b+c', 'application/x-www-form-urlencoded', '5'],
    [{ body: new Blob(['blob'], { type: 'text/css' }) }, 'blob', 'text/css', '4'],
    [{ body: Readable.from(['a', Buffer.from('b')]) }, 'ab'], [{ body: (async function* () { yield 'c'; yield 'd'; })() }, 'cd'],
    [{ body: new Blob(['web']).stream() }, 'web'], [{ body: ['e', 'f'][Symbol.iterator]() }, 'ef'],
    [{ body: Readable.from(['known']), headers: { 'content-length': 5 } }, 'known', undefined, '5'], [{ body: '' }, '', undefined, '0'], [{}, ''],
  ];
  for (const [options, text, type, length] of contents) {
    const posted = await (await client.post('/up', options)).json();
    assert.deepEqual([posted.method, posted.body, posted.type], ['POST', text, type]);
    if (length !== undefined && length !== '0') assert.equal(posted.length, length, text);
  }
  for (const verb of ['put', 'patch', 'delete']) assert.equal((await (await client[verb]('/x')).json()).method, verb.toUpperCase());
  const head = await client.head('/x');
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.equal((await (await client.request('REPORT', '/x', { headers: { host: 'other.test' } })).json()).host, 'other.test');
  assert.match((await client.request('OPTIONS', '*')).headers.allow ?? '', /|GET/);
}));

test('requests side by side: HTTP/1.1 takes them in turn, others together', () => {
  let running = 0;
  let most = 0;
  return wires((app) => {
    app.get('/:n', async (req) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      return req.params.n;
    });
  }, async ({ app, client, isMultiplexed }) => {
    most = 0;
    const before = app.stats().accepted;
    const count = isMultiplexed ? 500 : 50;
    const answers = await Promise.all(Array.from({ length: count }, async (_, n) => (await client.get(`/${n}`)).text()));
    assert.deepEqual(answers, Array.from({ length: count }, (_, n) => `${n}`));
    assert.equal(app.stats().accepted - before, 1);
    if (isMultiplexed) assert.ok(most > 1, `${most} ran at a time`);
    else assert.equal(most, 1);
  });
});

test('streams: as they come, both ways at once, trailers, interim answers', () => wires((app) => {
  app.post('/echo', { streaming: true }, async (req, res) => {
    res.inform(103, { link: '</a>' });
    res.flushHead();
    for await (const part of req) if (!res.write(part)) await res.drained();
    res.trailer('x-sum', req.trailers['x-in'] ?? 'none').end();
  });
}, async ({ client }) => {
  const go = deferred();
  const interim = [];
  const answer = await client.post('/echo', {
    body: (async function* () { yield 'one'; await go.promise; yield 'two'; })(),
    headers: { te: 'trailers' }, trailers: { 'x-in': '7' }, onInterim: (status, headers) => interim.push([status, headers.link]),
  });
  const parts = [];
  for await (const part of answer) {
    parts.push(part.toString());
    go.resolve();
  }
  assert.equal(parts.join(''), 'onetwo');
  assert.equal(parts[0], 'one');
  assert.deepEqual([{ ...answer.trailers }, interim], [{ 'x-sum': '7' }, [[103, '</a>']]]);
  const large = Buffer.alloc(8 << 20, 'z');
  assert.ok(large.equals(await (await client.post('/echo', { body: large })).body()));
  assert.equal((await read(Readable.toWeb((await client.post('/echo', { body: 'node' })).stream()))), 'node');
  assert.equal(await read((await client.post('/echo', { body: 'web' })).webStream()), 'web');
}));

test('who does not read stops the server, and others go on', () => {
  let written = 0;
  return wires((app) => {
    app.get('/endless', (req, res) => {
      const part = Buffer.alloc(64 * 1024);
      const pump = async () => { while (!req.signal.aborted) { written += part.length; if (!res.write(part)) await res.drained(); } };
      pump().catch(() => {});
    });
    app.get('/', () => 'beside');
  }, async ({ client, isMultiplexed }) => {
    written = 0;
    const answer = await client.get('/endless');
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(written < 16 << 20, `the server wrote ${written} bytes though nobody reads`);
    if (isMultiplexed) assert.equal(await (await client.get('/')).text(), 'beside');
    let got = 0;
    for await (const part of answer) {
      got += part.length;
      if (got > 32 << 20) break;
    }
    // Leaving the loop gave it up: HTTP/1.1 makes a new connection.
    assert.equal(await (await client.get('/')).text(), 'beside');
  });
});

test('a server that answers before it has all', () => wires((app) => {
  app.post('/', { streaming: true }, () => new Reply(413, 'too much'));
  app.get('/', () => 'next');
}, async ({ client }) => {
  const source = Readable.from((function* () { for (;;) yield Buffer.alloc(64 * 1024); })());
  const answer = await client.post('/', { body: source });
  assert.deepEqual([answer.status, await answer.text()], [413, 'too much']);
  assert.equal(await (await client.get('/')).text(), 'next');
  if (!source.destroyed) await once(source, 'close');
}));

test('aborted: before, while it waits for its turn, for the head, for content', () => {
  const hung = [];
  const gone = [];
  return wires((app) => {
    app.get('/hang', (req, res) => {
      const over = deferred();
      gone.push(over.promise);
      req.signal.addEventListener('abort', () => over.resolve(req.signal.reason.code));
      hung.shift()?.();
      res.on('close', () => {});
    });
    app.get('/half', (req, res) => { res.write('half'); });
    app.get('/', () => 'next');
  }, async ({ client, isMultiplexed }) => {
    const reason = new Error('enough');
    await assert.rejects(client.get('/', { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const called = new Promise((resolve) => hung.push(resolve));
    const hanging = client.get('/hang', { signal: controller.signal });
    await called;
    if (!isMultiplexed) {
      const waiting = new AbortController();
      const second = client.get('/', { signal: waiting.signal });
      waiting.abort(reason);
      await assert.rejects(second, reason);
    }
    controller.abort(reason);
    await assert.rejects(hanging, reason);
    // On HTTP/1.1 the connection ends, which may be the client's direction alone: the server goes on.
    if (isMultiplexed) assert.equal(await gone.pop(), 'ERR_FLARE_PEER_GONE');
    const content = new AbortController();
    const half = await client.get('/half', { signal: content.signal });
    const text = half.text();
    content.abort(reason);
    await assert.rejects(text, reason);
    const cancelled = await client.get('/half');
    cancelled.cancel();
    await assert.rejects(cancelled.text(), { code: 'ERR_FLARE_CANCELLED' });
    await assert.rejects(client.get('/hang', { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
    assert.equal(await (await client.get('/')).text(), 'next');
  });
});

test('a server that does nothing', () => wires((app) => {
  app.get('/hang', (req, res) => { res.on('close', () => {}); });
  app.get('/half', (req, res) => { res.write('half'); });
  app.get('/slow', async function* () { for (let i = 0; i < 4; i++) { yield `${i}`; await new Promise((resolve) => setTimeout(resolve, 200)); } });
}, async ({ client }) => {
  await assert.rejects(client.get('/hang'), { code: 'ETIMEDOUT' });
  await assert.rejects((await client.get('/half')).text(), { code: 'ETIMEDOUT' });
  assert.equal(await (await client.get('/slow', { timeout: 600 })).text(), '0123', 'the time is for each part');
  await assert.rejects(client.get('/hang', { timeout: 10 }), /did nothing for 10 ms/);
}, { timeout: 150 }));

test('a loop that is busy does not take its server for a dead one', async () => {
  // How many answers the server has given to the system. The loop here stands still until then, and until the time limit is over.
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const server = new Worker(`
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:http').createServer((req, res) => res.end('there', () => {
      Atomics.add(workerData, 0, 1);
      Atomics.notify(workerData, 0);
    }));
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  `, { eval: true, workerData: answered });
  try {
    const [port] = await once(server, 'message');
    const client = new Client(`http://127.0.0.1:${port}`, { http2: false });
    assert.equal(await (await client.get('/')).text(), 'there');
    const answer = client.get('/', { timeout: 500 });
    await new Promise(setImmediate);
    const end = performance.now() + 600;
    for (let seen; (seen = Atomics.load(answered, 0)) < 2;) assert.notEqual(Atomics.wait(answered, 0, seen, 20_000), 'timed-out');
    Atomics.wait(answered, 0, 2, Math.max(0, end - performance.now()));
    assert.equal(await (await answer).text(), 'there');
    await client.close();
  } finally {
    await server.terminate();
  }
});

test('nobody there', async () => {
  const free = createNetServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  await once(free, 'close');
  const silent = createNetServer(() => {});
  for (const [origin, code, options] of [
    [`http://127.0.0.1:${port}`, 'ECONNREFUSED'], ['http://nobody.invalid', 'ENOTFOUND'], ['unix:/no/such/socket', 'ENOENT'],
    ['http://0x7f.1', 'ECONNREFUSED', { connectTimeout: 2000 }],
  ]) {
    const client = new Client(origin, options);
    const error = await client.get('/').then(() => undefined, (failed) => failed);
    if (origin.includes('0x7f')) assert.ok(error === undefined || error instanceof Error);
    else assert.equal(error?.code, code, origin);
    await client.close();
  }
  await nodeServer(silent, async (at) => {
    const client = new Client(`https://127.0.0.1:${at}`, { connectTimeout: 50 });
    await assert.rejects(client.get('/'), { code: 'ETIMEDOUT' });
    await client.close();
  });
});

test('TLS: roots, names, certificates of clients, ALPN, sessions', async () => {
  const app = new App();
  app.get('/', (req) => [req.version, req.tls.serverName ?? null, req.tls.peerCertificate?.length > 100]);
  app.get('/hang', (req, res) => { res.on('close', () => {}); });
  const { port } = await app.listen({ tls: { ...one, client_roots: other.cert, client_auth: 1 } });
  const ask = async (settings, host = 'localhost') => {
    const client = new Client(`https://${host}:${port}`, settings);
    try {
      const answer = await client.get('/');
      return [await answer.json(), client.tls];
    } finally {
      await client.close();
    }
  };
  const [plain, agreed] = await ask({ tls: { roots: one.cert } });
  assert.deepEqual(plain, ['2.0', 'localhost', false]);
  assert.deepEqual([agreed.version, agreed.alpn, agreed.resumed, agreed.peerCertificate.length > 100], ['TLSv1.3', 'h2', false, true]);
  assert.deepEqual((await ask({ http2: false, tls: { roots: readFileSync(one.cert) } }))[0], ['1.1', 'localhost', false]);
  assert.deepEqual((await ask({ tls: { roots: [other.cert, one.cert], ...person } }))[0], ['2.0', 'localhost', true]);
  assert.deepEqual((await ask({ tls: { roots: one.cert, server_name: 'localhost' } }, '127.0.0.1'))[0], ['2.0', 'localhost', false]);
  await assert.rejects(ask({ tls: { roots: other.cert } }), (error) => error.code === 'ERR_FLARE_TLS' && /localhost/.test(error.message));
  await assert.rejects(ask({ tls: { roots: one.cert, server_name: 'other.test' } }), { code: 'ERR_FLARE_TLS' });
  await assert.rejects(ask({}), { code: 'ERR_FLARE_TLS' }, 'the system does not know it');
  assert.deepEqual((await ask({ tls: { insecure_any_certificate: true } }))[0], ['2.0', 'localhost', false]);
  assert.equal((await ask({ tls: { insecure_any_certificate: true, min_version: 13 } }))[1].version, 'TLSv1.3');
  const client = new Client(`https://localhost:${port}`, { http2: false, tls: { roots: one.cert } });
  await (await client.get('/')).text();
  assert.equal(client.tls.resumed, false);
  // On HTTP/1.1 this ends the connection; the next one goes on with its session.
  await assert.rejects(client.get('/hang', { timeout: 20 }), { code: 'ETIMEDOUT' });
  await (await client.get('/')).text();
  assert.equal(client.tls.resumed, true);
  await client.close();
  await app.close(0);
  for (const [settings, error] of [
    [{ tls: { roots: '/no/such/file' } }, /no\/such\/file/], [{ tls: { cert: one.cert } }, /belong together/], [{ tls: { roots: 1 } }, /tls.roots/],
    [{ tls: { min_version: 11 } }, /min_version/], [{ tls: { nothing: 1 } }, /nothing/], [{ tls: { alpn: 'h2' } }, /http2 says/],
  ]) assert.throws(() => new Client('https://localhost', settings), error);
  assert.throws(() => new Client('http://localhost', { tls: {} }), /not encrypted/);
});

test('servers of Node: http, http2, https', async () => {
  const answer = (req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part)).on('end', () => res.end(`${req.httpVersion} ${req.method} ${req.url} ${Buffer.concat(parts).length}`));
  };
  await nodeServer(createServer(answer), async (port) => {
    const client = new Client(`http://127.0.0.1:${port}`);
    for (const size of [0, 1, 1 << 20]) assert.equal(await (await client.put('/x', { body: Buffer.alloc(size) })).text(), `1.1 PUT /x ${size}`);
    await client.close();
  });
  await nodeServer(createHttp2Server(answer), async (port) => {
    const client = new Client(`http://127.0.0.1:${port}`, { http2: true });
    const asked = Array.from({ length: 300 }, async (_, n) => (await client.post(`/${n}`, { body: Buffer.alloc(n * 100) })).text());
    assert.deepEqual(await Promise.all(asked), Array.from({ length: 300 }, (_, n) => `2.0 POST /${n} ${n * 100}`));
    await client.close();
  });
  await nodeServer(createSecureServer({ cert: readFileSync(one.cert), key: readFileSync(one.key), allowHTTP1: true }, answer), async (port) => {
    for (const [http2, version] of [[undefined, '2.0'], [true, '2.0'], [false, '1.1']]) {
      const client = new Client(`https://localhost:${port}`, { http2, tls: { roots: one.cert } });
      assert.equal(await (await client.get('/')).text(), `${version} GET / 0`);
      await client.close();
    }
  });
});

test('connections that end: idle, cut, at once, against the rules', async () => {
  const bytes = { '/cut': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', '/none': '', '/wrong': 'HTTP/9 nonsense\r\n\r\n', '/until': 'HTTP/1.1 200 OK\r\n\r\nall of it' };
  let connections = 0;
  const server = createNetServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const path = String(data).split(' ')[1];
      if (path === '/keep') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept');
      else socket.end(bytes[path]);
    });
  });
  await nodeServer(server, async (port) => {
    const client = new Client(`http://127.0.0.1:${port}`);
    assert.equal(await (await client.get('/keep')).text(), 'kept');
    assert.equal(await (await client.get('/keep')).text(), 'kept');
    assert.equal(connections, 1);
    await assert.rejects(client.get('/none'), { code: 'ERR_FLARE_CUT' });
    await assert.rejects((await client.get('/cut')).text(), { code: 'ERR_FLARE_CUT' });
    await assert.rejects(client.get('/wrong'), { code: 'ERR_FLARE_PROTOCOL' });
    assert.equal(await (await client.get('/until')).text(), 'all of it');
    assert.equal(await (await client.get('/keep')).text(), 'kept');
    assert.equal(connections, 5);
    await client.close();
  });
  const rude = createNetServer((socket) => socket.destroy());
  await nodeServer(rude, async (port) => {
    const client = new Client(`http://127.0.0.1:${port}`);
    await assert.rejects(client.get('/'), { code: 'ERR_FLARE_CUT' });
    await client.close();
  });
});

test('close lets what runs end, destroy does not', () => {
  let go;
  let called;
  return wires((app) => {
    app.get('/', async () => { called.resolve(); await go.promise; return 'done'; });
  }, async ({ base, options }) => {
    [go, called] = [deferred(), deferred()];
    const client = new Client(base, options);
    const running = client.get('/');
    await called.promise;
    const closed = client.close();
    await assert.rejects(client.get('/'), { code: 'ERR_FLARE_CLOSED' });
    go.resolve();
    assert.equal(await (await running).text(), 'done');
    await closed;
    await client.close();
    [go, called] = [deferred(), deferred()];
    const second = new Client(base, options);
    const cut = second.get('/');
    await called.promise;
    second.destroy();
    await assert.rejects(cut, { code: 'ERR_FLARE_CLOSED' });
    await second.close();
    go.resolve();
    const early = new Client(base, options);
    const connecting = early.get('/');
    await assert.rejects(Promise.all([connecting, early.close()]), { code: 'ERR_FLARE_CLOSED' });
    await new Client(base).close();
  });
});

test('too much content', () => wires((app) => {
  app.get('/', () => Buffer.alloc(300_000));
}, async ({ client }) => {
  await assert.rejects((await client.get('/')).body(), { code: 'ERR_FLARE_TOO_LONG' });
  assert.equal((await (await client.get('/', { maxContent: 300_000 })).body()).length, 300_000);
}, { maxContent: 299_999 }));

test('mistakes of the program', () => wires((app) => {
  app.any('/', () => 'fine');
}, async ({ client }) => {
  for (const [call, error] of [
    [() => client.get('no-slash'), TypeError], [() => client.get(1), TypeError], [() => client.get('/a b'), TypeError], [() => client.get('/\r\n'), TypeError],
    [() => client.request('GE T', '/'), TypeError], [() => client.request(1, '/'), TypeError], [() => client.get('/', { nothing: 1 }), /no option nothing/],
    [() => client.get('/', { headers: { 'a b': '1' } }), TypeError], [() => client.get('/', { headers: { a: '1\n' } }), TypeError],
    [() => client.get('/', { headers: { 'transfer-encoding': 'chunked' } }), TypeError], [() => client.post('/', { body: 1 }), TypeError],
    [() => client.post('/', { body: 'a', json: 1 }), TypeError], [() => client.post('/', { json: () => {} }), TypeError], [() => client.get('/', { timeout: 0 }), RangeError],
    [() => client.get('/', { signal: {} }), TypeError], [() => client.post('/', { body: 'a', trailers: { a: 'b' } }), TypeError],
    [() => client.post('/', { body: Readable.from(['abc']), headers: { 'content-length': 2 } }), TypeError],
    [() => client.post('/', { body: Readable.from(['abc']), headers: { 'content-length': 4 } }), TypeError],
    [() => client.post('/', { body: Readable.from([{}]) }), TypeError],
    [() => client.post('/', { body: (async function* () { yield 'a'; throw new RangeError('source'); })() }), /source/],
    [() => client.get('/', { onInterim: 1 }), TypeError],
  ]) {
    await assert.rejects(call(), error, String(call));
    assert.equal(await (await client.get('/')).text(), 'fine', String(call));
  }
  const answer = await client.get('/');
  assert.equal(await answer.text(), 'fine');
  await assert.rejects(answer.text(), /being read already/);
  for (const [origin, settings] of [
    ['ftp://a'], ['http://a/path'], ['http://a?b'], ['http://u@a'], ['nothing'], ['http://a', { http2: 1 }], ['http://a', { timeout: -1 }], ['http://a', { nothing: 1 }],
    ['http://a', null], ['http://a', { attemptDelay: 0 }], ['http://a', { http3: true }], ['unix:/a', { http3: true }], ['https://a', { http3: 1 }],
    ['https://a', { http3: true, http2: true }], ['https://a', { http3: true, http2: false }],
  ]) assert.throws(() => new Client(origin, settings), Error, origin);
}));

test('a process ends when its client is idle, and a worker thread may be ended in the middle', () => serving((app) => {
  app.get('/', () => 'text');
  app.get('/hang', (req, res) => { res.on('close', () => {}); });
}, async ({ base }) => {
  const { stdout } = await promisify(execFile)(process.execPath, [program('programs/client_exit.mjs'), base], { timeout: 20_000 });
  assert.equal(stdout, 'text\nthread ended\n');
}));

test('the example fetch', async () => {
  writeFileSync(join(folder, 'sent'), Buffer.alloc(1_000_000, 'q'));
  const fetch = async (...words) => promisify(execFile)(process.execPath, [program('../examples/fetch.mjs'), ...words], { encoding: 'buffer', maxBuffer: 16 << 20 });
  const app = new App();
  app.get('/a', () => 'a\n');
  app.get('/b', () => Buffer.alloc(100_000, 'b'));
  app.post('/echo', (req) => req.body());
  for (const tls of [undefined, one]) {
    const { port } = await app.listen({ tls });
    const origin = `${tls ? 'https' : 'http'}://localhost:${port}`;
    for (const options of tls ? [['--ca', one.cert], ['--insecure']] : [[], ['--http2']]) {
      const { stdout, stderr } = await fetch(...options, origin, '/a', '/b', '/none', '/a');
      assert.equal(stdout.toString(), `a\n${'b'.repeat(100_000)}Not Founda\n`);
      assert.equal(stderr.toString(), '200 /a\n200 /b\n404 /none\n200 /a\n');
      const sent = await fetch(...options, '--send', join(folder, 'sent'), origin, '/echo', '/echo');
      assert.equal(sent.stdout.length, 2_000_000);
    }
    if (tls) await assert.rejects(fetch(origin, '/a'), { code: 1 });
    await app.close();
  }
  await assert.rejects(fetch('http://localhost'), { code: 1 });
});
