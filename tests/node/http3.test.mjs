// HTTP/3: one address serves all three, and QUIC's BoringSSL lives beside Node's OpenSSL, on both sides of the wire.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { App, Client, Identity, serve } from 'flare-node';
import { serving } from './support.mjs';

const folder = mkdtempSync(join(tmpdir(), 'flare-http3-'));
after(() => rmSync(folder, { recursive: true }));

/** A certificate that signed itself. */
function certificate(name) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert, key };
}

const one = certificate('one');
const other = certificate('other');
const ca = readFileSync(one.cert);
const program = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const asker = (port, more) => new Client(`https://localhost:${port}`, { http3: true, tls: { roots: one.cert }, ...more });
const secure = (define, ask, settings) => serving(define, ask, { http3: true, ...settings }, { port: 0, tls: one });

/** By Node's own client of HTTP/1.1 and OpenSSL. */
async function byHttps(port, path) {
  const asked = request({ port, path, host: '127.0.0.1', servername: 'localhost', ca, agent: false }).end();
  const [answer] = await once(asked, 'response');
  return { headers: answer.headers, text: (await answer.toArray()).join('') };
}

/** And of HTTP/2. */
async function byHttp2(port, path) {
  const session = connectHttp2(`https://localhost:${port}`, { ca });
  const stream = session.request({ ':path': path });
  const [headers] = await once(stream, 'response');
  const text = (await stream.toArray()).join('');
  session.close();
  return { headers, text };
}

test('one address serves all three, beside OpenSSL in the same process', () => secure((app) => {
  app.get('/version', (req) => req.version);
  app.get('/later', async (req) => {
    await new Promise(setImmediate);
    return `${req.version} ${req.tls.alpn} ${req.tls.version}`;
  });
  app.get('/stream', async function* () { for (let n = 0; n < 3; n++) { await new Promise(setImmediate); yield `${n}`; } });
  app.post('/hash', (req) => createHash('sha256').update(req.body()).digest('hex'));
}, async ({ port }) => {
  // A server of OpenSSL too.
  const theirs = createServer({ cert: ca, key: readFileSync(one.key) }, (req, res) => res.end('theirs'));
  theirs.listen(0, '127.0.0.1');
  await once(theirs, 'listening');
  const content = randomBytes(300_000);
  for (let round = 0; round < 2; round++) {
    const client = asker(port);
    const answers = await Promise.all([
      byHttps(port, '/version'), client.get('/version').then((answer) => answer.text()), byHttp2(port, '/version'),
      byHttps(theirs.address().port, '/'), client.post('/hash', { body: content }).then((answer) => answer.text()),
      ...Array.from({ length: 20 }, () => client.get('/later').then((answer) => answer.text())),
    ]);
    const [http1, http3, http2, openssl, hash, ...later] = answers;
    assert.deepEqual([http1.text, http2.text, http3, openssl.text], ['1.1', '2.0', '3.0', 'theirs']);
    for (const { headers } of [http1, http2]) assert.equal(headers['alt-svc'], `h3=":${port}"; ma=86400`);
    assert.equal(hash, createHash('sha256').update(content).digest('hex'));
    assert.deepEqual(later, Array(20).fill('3.0 h3 TLSv1.3'));
    const streamed = await client.get('/stream');
    assert.deepEqual([streamed.version, streamed.headers['alt-svc'], await streamed.text()], ['3.0', undefined, '012']);
    const { alpn, version, peerCertificate } = client.tls;
    assert.deepEqual([alpn, version, peerCertificate.length > 100], ['h3', 'TLSv1.3', true]);
    await client.close();
  }
  theirs.closeAllConnections();
  theirs.close();
}, { more: { quic_retry: 'always' } }));

test('serve() with fetch, by HTTP/3', async () => {
  const served = await serve({ port: 0, http3: true, tls: one, fetch: async (asked) => new Response(`${asked.method} ${new URL(asked.url).protocol} ${await asked.text()}`) });
  const client = asker(served.address.port);
  assert.equal(await (await client.post('/', { body: 'text' })).text(), 'POST https: text');
  await client.close();
  await served.close();
});

test('a client that leaves aborts the signal, and the connection goes on', () => {
  const reasons = [];
  return secure((app) => {
    app.get('/hang', (req, res) => {
      req.signal.addEventListener('abort', () => reasons.push(req.signal.reason.code));
      res.flushHead();
    });
    app.get('/', () => 'next');
  }, async ({ app, port }) => {
    const client = asker(port);
    const answer = await client.get('/hang');
    answer.cancel();
    while (reasons.length === 0) assert.equal(await (await client.get('/')).text(), 'next');
    assert.deepEqual(reasons, ['ERR_FLARE_PEER_GONE']);
    assert.equal(app.stats().accepted, 1);
    await client.close();
  });
});

test('who is not there, and who is not believed', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  for (const [origin, options, code] of [
    [`https://127.0.0.1:${silent.address().port}`, { connectTimeout: 50 }, 'ETIMEDOUT'], ['https://nobody.invalid', {}, 'ENOTFOUND'],
  ]) {
    const client = new Client(origin, { http3: true, ...options });
    await assert.rejects(client.get('/'), { code }, origin);
    await client.close();
  }
  // Closed in the middle of the handshake, and while it is looked for.
  const given = new Client(`https://127.0.0.1:${silent.address().port}`, { http3: true });
  const waiting = given.get('/');
  await once(silent, 'message');
  given.destroy();
  await assert.rejects(waiting, { code: 'ERR_FLARE_CLOSED' });
  silent.close();
  await secure((app) => app.get('/', () => 'text'), async ({ port }) => {
    const client = asker(port, { tls: { roots: other.cert } });
    await assert.rejects(client.get('/'), { code: 'ERR_FLARE_TLS', message: /certificate/ });
    await client.close();
  });
});

test('a process ends when its client is idle, and a thread may be ended in the middle', () => secure((app) => {
  app.get('/', () => 'text');
  app.get('/hang', (req, res) => { res.on('close', () => {}); });
}, async ({ port }) => {
  const [code] = await once(spawn(process.execPath, [program('http3_exit.mjs'), `${port}`, one.cert], { stdio: 'inherit' }), 'exit');
  assert.equal(code, 0);
  const thread = new Worker(new URL('programs/http3_exit.mjs', import.meta.url), { argv: [`${port}`, one.cert, 'hang'] });
  await once(thread, 'message');
  assert.equal(await thread.terminate(), 1);
}));

test('it is off until it is asked for', () => serving((app) => app.get('/', () => 'text'), async ({ port }) => {
  assert.equal((await byHttps(port, '/')).headers['alt-svc'], undefined);
  const client = asker(port, { connectTimeout: 50 });
  await assert.rejects(client.get('/'), { code: 'ETIMEDOUT' });
  await client.close();
}, {}, { port: 0, tls: one }));

test('a setting that is none is named', async () => {
  const app = new App({ http3: true, more: { quic_colour: 1 } });
  await assert.rejects(app.listen({ port: 0, tls: one }), { code: 'ERR_FLARE_CONFIG', message: /quic_colour/ });
});

test('a function chooses the certificate, and refuses by throwing', async () => {
  const heard = [];
  const identity = new Identity(other);
  const resolve = (name) => {
    heard.push(name);
    if (name === 'boom.test') throw new Error('boom');
    return name === 'other.test' ? identity : undefined;
  };
  const app = new App({ http3: true });
  app.get('/', (req) => req.version);
  app.on('error', (error) => heard.push(error.message));
  const { port } = await app.listen({ port: 0, tls: { ...one, resolve } });
  const ask = async (name, { cert }, more) => {
    const client = asker(port, { tls: { roots: cert, server_name: name, ...more } });
    try {
      return await (await client.get('/')).text();
    } finally {
      await client.close();
    }
  };
  try {
    assert.equal(await ask('localhost', one), '3.0');
    await assert.rejects(ask('boom.test', one), { code: 'ERR_FLARE_TLS', message: /0x128/ });
    // Another certificate is shown than the one that is believed.
    await assert.rejects(ask('other.test', one), { code: 'ERR_FLARE_TLS' });
    assert.deepEqual(heard, ['localhost', 'boom.test', 'boom', 'other.test']);
  } finally {
    await app.close(0).catch(() => {});
  }
});
