// TLS by Node's own clients: HTTP/1.1 and HTTP/2 by ALPN, client certificates, reload, and what is said of wrong files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { App, Identity, serve } from 'flare-node';

const folder = mkdtempSync(join(tmpdir(), 'flare-tls-'));
after(() => rmSync(folder, { recursive: true }));

/** A key and a certificate: that it signed itself, or that an authority signed. */
function make(name, authority) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert,
    ...(authority ? ['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', authority.cert, '-CAkey', authority.key] : [])], { stdio: 'pipe' });
  return { cert, key };
}

const one = make('one');
const two = make('two');
const client = make('client', two);
const ca = readFileSync(one.cert);

async function secure(tls, ask) {
  const app = new App();
  app.get('/', (req) => [req.version, req.scheme, req.tls.version, req.tls.alpn ?? null, req.tls.serverName ?? null]);
  app.get('/later/:name', async (req) => {
    await new Promise(setImmediate);
    return [req.params.name, req.tls.peerCertificate === undefined ? null : new X509Certificate(req.tls.peerCertificate).subject];
  });
  const { port } = await app.listen({ port: 0, tls });
  try {
    await ask({ app, port });
  } finally {
    await app.close(0).catch(() => {});
  }
}

async function get(port, path = '/', options = {}) {
  const sent = request({ port, host: '127.0.0.1', servername: 'localhost', path, ca, agent: false, ...options }).end();
  const [answer] = await once(sent, 'response');
  return JSON.parse(Buffer.concat(await answer.toArray()));
}

/** The subject of the certificate that new connections get, which ask for this name. */
async function subject(port, servername) {
  const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

test('the name that a client asks for chooses the certificate', async () => {
  await secure({ ...one, also: [{ cert: two.cert, key: readFileSync(two.key), names: 'two.test' }] }, async ({ port }) => {
    assert.deepEqual([await subject(port, 'two.test'), await subject(port, 'localhost'), await subject(port)], ['two', 'one', 'one']);
  });
  const app = new App();
  for (const also of [{ ...two }, [null], [{ cert: two.cert }]]) await assert.rejects(app.listen({ tls: { ...one, also } }), TypeError);
  await assert.rejects(app.listen({ tls: { ...one, also: [{ cert: two.cert, key: one.key }] } }), { code: 'ERR_FLARE_TLS' });
});

/** Whether a client that asks for this name is refused by an alert. */
async function isRefused(port, servername) {
  const [error] = await once(connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }), 'error');
  return /alert/.test(error.message);
}

test('a function chooses the certificate; what it throws refuses that client alone', async () => {
  const other = new Identity({ cert: two.cert, key: readFileSync(two.key) });
  const asked = [];
  const answers = { 'two.test': () => other, 'boom.test': () => { throw new Error('boom'); }, 'wrong.test': () => two, 'null.test': () => null,
    'later.test': async () => { throw new Error('too late'); } };
  const resolve = (name) => {
    asked.push(name);
    return answers[name]?.();
  };
  await secure({ ...one, resolve }, async ({ app, port }) => {
    const errors = [];
    app.on('error', (...given) => errors.push(given));
    const shown = await Promise.all(['two.test', 'localhost', 'TWO.test', undefined].map((name) => subject(port, name)));
    assert.deepEqual(shown, ['two', 'one', 'two', 'one']);
    assert.deepEqual(asked.splice(0).sort(), ['localhost', 'two.test', 'two.test', undefined]);
    const bad = ['boom.test', 'wrong.test', 'null.test', 'later.test'];
    for (const name of bad) assert.equal(await isRefused(port, name), true, name);
    assert.deepEqual(asked.splice(0), bad);
    assert.deepEqual(errors.map(([error, ...more]) => [error.name, ...more]), [['Error'], ['TypeError'], ['TypeError'], ['TypeError']]);
    assert.equal(await subject(port, 'two.test'), 'two');
    assert.equal(app.stats().panics, 0);
  });
});

test('a function that chooses may use the app: reload it, and end it', async () => {
  const tls = { cert: join(folder, 'own.pem'), key: join(folder, 'own.key') };
  const put = (pair) => { copyFileSync(pair.cert, tls.cert); copyFileSync(pair.key, tls.key); };
  put(one);
  let chosen = new Identity(one);
  const does = { 'reload.test': (app) => { app.reloadTls(); }, 'chosen.test': () => chosen, 'end.test': (app) => { app.close(0).catch(() => {}); } };
  let app;
  await secure({ ...tls, resolve: (name) => does[name]?.(app) }, async (given) => {
    app = given.app;
    const { port } = given;
    const ended = once(app, 'close');
    put(two);
    assert.deepEqual([await subject(port), await subject(port, 'chosen.test')], ['one', 'one']);
    await subject(port, 'reload.test');
    // What the program made stays as it is until it makes another.
    assert.deepEqual([await subject(port), await subject(port, 'chosen.test')], ['two', 'one']);
    chosen = new Identity({ cert: readFileSync(two.cert), key: two.key });
    assert.equal(await subject(port, 'chosen.test'), 'two');
    connectTls({ port, host: '127.0.0.1', servername: 'end.test', rejectUnauthorized: false }).on('error', () => {});
    await ended;
  });
});

test('a function is let go when its app has ended', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const listened = async () => {
    const identity = new Identity(two);
    const resolve = () => identity;
    await secure({ ...one, resolve }, async ({ port }) => assert.equal(await subject(port), 'two'));
    await assert.rejects(secure({ ...one, nothing: 1, resolve }), { code: 'ERR_FLARE_TLS' });
    return [new WeakRef(resolve), new WeakRef(identity)];
  };
  const held = await listened();
  for (let turn = 0; turn < 100 && held.some((ref) => ref.deref() !== undefined); turn++) {
    await new Promise(setImmediate);
    gc();
  }
  assert.deepEqual(held.map((ref) => ref.deref()), [undefined, undefined]);
});

test('what a function threw goes to console.error when nobody listens', async (context) => {
  const told = [];
  context.mock.method(console, 'error', (...given) => told.push(given));
  await secure({ ...one, resolve: (name) => { throw new Error(`no ${name}`); } }, async ({ port }) => {
    assert.equal(await isRefused(port, 'x.test'), true);
    assert.equal(await isRefused(port), true);
  });
  assert.deepEqual(told.map(([words, error]) => [words, error.message]), [
    ['flare: choosing a certificate for x.test:', 'no x.test'],
    ['flare: choosing a certificate for a client that names nobody:', 'no undefined'],
  ]);
});

test('an identity is checked when it is made, and a function when the app listens', async () => {
  assert.throws(() => new Identity({ cert: one.cert, key: two.key }), { code: 'ERR_FLARE_TLS', message: /two\.key/ });
  assert.throws(() => new Identity({ cert: join(folder, 'none.pem'), key: two.key }), { code: 'ERR_FLARE_TLS', message: /none\.pem/ });
  for (const given of [undefined, null, {}, { cert: one.cert }, { ...one, names: 'a.test' }]) assert.throws(() => new Identity(given), TypeError);
  await assert.rejects(new App().listen({ tls: { ...one, resolve: 'one.test' } }), TypeError);
});

test('HTTP/1.1 over TLS, from paths and from bytes', async () => {
  for (const tls of [one, { cert: ca, key: readFileSync(one.key) }]) {
    await secure(tls, async ({ port }) => {
      assert.deepEqual(await get(port), ['1.1', 'https', 'TLSv1.3', null, 'localhost']);
      assert.equal((await get(port, '/', { maxVersion: 'TLSv1.2' }))[2], 'TLSv1.2');
      assert.deepEqual(await get(port, '/later/ann'), ['ann', null]);
    });
  }
});

test('HTTP/2 is agreed by ALPN', () => secure(one, async ({ port }) => {
  const session = connectHttp2(`https://localhost:${port}`, { ca, host: '127.0.0.1', lookup: (_, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) });
  const stream = session.request({ ':path': '/' });
  const [[head], parts] = await Promise.all([once(stream, 'response'), stream.toArray()]);
  assert.equal(session.alpnProtocol, 'h2');
  assert.equal(head[':status'], 200);
  assert.deepEqual(JSON.parse(Buffer.concat(parts)), ['2.0', 'https', 'TLSv1.3', 'h2', 'localhost']);
  session.close();
  await once(session, 'close');
}));

test('handshakes are counted', () => secure(one, async ({ app, port }) => {
  await get(port);
  const first = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['http/1.1'] });
  const [session] = await once(first, 'session');
  first.destroy();
  await get(port, '/', { session });
  const distrusts = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: [] });
  await once(distrusts, 'error');
  await get(port); // what the last one said is read by now
  const { tlsHandshakes, tlsResumed, tlsFailed, panics } = app.stats();
  // A client that distrusts the certificate says so behind the handshake of the server in TLS 1.3, or in its middle.
  assert.deepEqual([tlsHandshakes + tlsFailed, tlsResumed, panics], [5, 1, 0]);
}));

test('settings by name: versions, and certificates of clients', () => secure(
  { ...one, client_roots: two.cert, client_auth: 1, min_version: 13, tickets: false, alpn: 'http/1.1' },
  async ({ port }) => {
    assert.equal((await get(port, '/', { ALPNProtocols: ['h2', 'http/1.1'] }))[3], 'http/1.1');
    assert.deepEqual(await get(port, '/later/a'), ['a', null]);
    const own = { cert: readFileSync(client.cert), key: readFileSync(client.key) };
    assert.deepEqual(await get(port, '/later/b', own), ['b', 'CN=client']);
    await assert.rejects(get(port, '/', { maxVersion: 'TLSv1.2' }), /alert protocol version/);
  },
));

test('new certificates without a restart; wrong ones change nothing', async () => {
  const tls = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
  const put = (pair) => { copyFileSync(pair.cert, tls.cert); copyFileSync(pair.key, tls.key); };
  put(one);
  await secure(tls, async ({ app, port }) => {
    assert.equal(await subject(port), 'one');
    put(two);
    assert.equal(await subject(port), 'one');
    app.reloadTls();
    assert.equal(await subject(port), 'two');
    writeFileSync(tls.cert, 'nothing');
    assert.throws(() => app.reloadTls(), { code: 'ERR_FLARE_TLS', message: /live\.pem/ });
    assert.equal(await subject(port), 'two');
  });
});

test('what is wrong is said with file and block', async () => {
  const app = new App();
  const refused = (tls, error) => assert.rejects(app.listen({ tls }), error);
  await refused({ cert: join(folder, 'none.pem'), key: one.key }, { code: 'ERR_FLARE_TLS', message: /identities\[0\]\.chain.*none\.pem.*can't be read/ });
  await refused({ cert: one.cert, key: one.cert }, { code: 'ERR_FLARE_TLS', message: /identities\[0\]\.key.*one\.pem.*CERTIFICATE/ });
  await refused({ cert: one.cert, key: two.key }, { code: 'ERR_FLARE_TLS', message: /two\.key/ });
  await refused({ ...one, nothing: 1 }, { code: 'ERR_FLARE_TLS', message: /nothing/ });
  await refused({ ...one, min_version: 11 }, { code: 'ERR_FLARE_TLS', message: /min_version/ });
  await refused({ ...one, tickets: 0.5 }, TypeError);
  await refused({ cert: one.cert }, TypeError);
  await refused(null, TypeError);
  await assert.rejects(app.listen({ prot: 1 }), TypeError);
  assert.throws(() => app.reloadTls(), { code: 'ERR_FLARE_NOT_LISTENING' });
  await app.listen();
  assert.throws(() => app.reloadTls(), { code: 'ERR_FLARE_TLS' });
  await app.close(0);
});

test('serve() over TLS', async () => {
  const app = await serve({ tls: one, fetch: (asked) => Response.json([new URL(asked.url).protocol]) });
  try {
    assert.deepEqual(await get(app.address.port), ['https:']);
  } finally {
    await app.close(0).catch(() => {});
  }
});
