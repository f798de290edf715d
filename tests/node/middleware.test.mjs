// Middleware, in JavaScript and in Rust.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { App, HttpError, Reply, accessLog, bearer, files, forwarded, prepared, rateLimit, requestId } from 'flare-node';
import { errorsOf, raw, serving } from './support.mjs';

const tell = (story, name) => async (req, next) => {
  story.push(`${name} in`);
  const reply = await next();
  story.push(`${name} out`);
  reply.headers.set(`x-${name}`, '1');
  return reply;
};

test('the order: app, mount, route', async () => {
  const story = [];
  const inner = new App();
  inner.get('/a', tell(story, 'route'), () => { story.push('handler'); return 'a'; });
  inner.use(tell(story, 'mount'));
  const app = new App();
  app.mount('/m', inner);
  app.use(tell(story, 'app'));
  const answer = await app.testClient().get('/m/a');
  assert.deepEqual(story, ['app in', 'mount in', 'route in', 'handler', 'route out', 'mount out', 'app out']);
  assert.deepEqual([answer.status, answer.text(), answer.headers['x-app'], answer.headers['x-mount'], answer.headers['x-route']],
    [200, 'a', '1', '1', '1']);
});

test('answers of all kinds pass through', async () => {
  const app = new App();
  app.use(tell([], 'app'));
  app.get('/send', (req, res) => { res.status(201).send('s'); });
  app.get('/later', (req, res) => { setTimeout(() => res.send('l'), 1); });
  app.get('/write', async (req, res) => { res.type('a/b').write('w'); res.trailer('x-t', 't'); res.end('e'); });
  app.get('/stream', async function* () { yield 'y'; });
  app.get('/nothing', () => {});
  app.get('/prepared', prepared('p'));
  app.post('/echo', (req) => req.text());
  app.post('/stream', { streaming: true }, (req) => Reply.text(req));
  const client = app.testClient();
  for (const [method, path, status, text, body] of [
    ['GET', '/send', 201, 's'], ['GET', '/later', 200, 'l'], ['GET', '/write', 200, 'we'], ['GET', '/stream', 200, 'y'],
    ['GET', '/nothing', 204, ''], ['GET', '/prepared', 200, 'p'], ['POST', '/echo', 200, 'body', 'body'], ['POST', '/echo', 200, ''],
    ['POST', '/stream', 200, 'body', 'body'], ['GET', '/none', 404, 'Not Found'], ['DELETE', '/send', 405, 'Method Not Allowed'],
    ['OPTIONS', '/send', 204, ''],
  ]) {
    const answer = await client.request(method, path, { body });
    assert.deepEqual([answer.status, answer.text(), answer.headers['x-app']], [status, text, '1'], `${method} ${path}`);
  }
  assert.deepEqual((await client.get('/write')).trailers, { 'x-t': 't' });
});

test('what is refused is not read, and what no route takes can be answered', () => serving((app) => {
  app.use((req, next) => (req.headers.authorization === 'yes' ? next() : new Reply(401, 'no')));
  app.use(async (req, next) => {
    const reply = await next();
    return reply.status === 404 ? Reply.text('nothing here', { status: 404 }) : reply;
  });
  app.post('/', (req) => `${req.body().length}`);
}, async ({ port, base }) => {
  const refused = await raw(port, 'POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n');
  assert.match(refused, /^HTTP\/1\.1 401 /);
  const headers = { authorization: 'yes' };
  assert.equal(await (await fetch(base, { method: 'POST', body: 'abc', headers })).text(), '3');
  assert.equal(await (await fetch(`${base}/none`, { headers })).text(), 'nothing here');
}));

test('mistakes of middleware are 500, errors of handlers pass as replies', async () => {
  const app = new App();
  const errors = errorsOf(app);
  const seen = [];
  app.use(async (req, next) => { const reply = await next(); seen.push([reply.status, reply.error?.message]); return reply; });
  app.get('/throws', () => { throw new Error('t'); });
  app.get('/http', () => { throw new HttpError(409, 'c'); });
  app.get('/twice', async (req, next) => { await next(); return next(); }, () => 'x');
  app.get('/neither', () => {}, () => 'x');
  const client = app.testClient();
  const statuses = [];
  for (const path of ['/throws', '/http', '/twice', '/neither']) statuses.push((await client.get(path)).status);
  assert.deepEqual(statuses, [500, 409, 500, 500]);
  assert.deepEqual(seen.slice(0, 2), [[500, 't'], [409, 'c']]);
  assert.deepEqual(errors.map((error) => error.message),
    ['t', 'next() was called twice', 'a middleware neither called next() nor gave back an answer']);
});

test('content that is too large behind middleware is refused, and the middleware ends', async () => {
  const app = new App({ bodyLimit: 5 });
  let ended = 0;
  app.use(async (req, next) => { try { return await next(); } finally { ended++; } });
  app.post('/', (req) => req.text());
  const client = app.testClient();
  const chunked = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n';
  assert.equal((await client.post('/', '123456789')).status, 413);
  await serving((own) => own.mount('/', app), async ({ port }) => {
    assert.match(await raw(port, chunked), /^HTTP\/1\.1 413 /);
  }, { bodyLimit: 5 });
  await new Promise(setImmediate);
  assert.equal(ended, 2);
});

test('stock middleware', async () => {
  const log = `access-${process.pid}.log`;
  const app = new App();
  app.use(accessLog({ format: 'json', to: log }), requestId(), forwarded({ trusted: ['127.0.0.0/8'], field: 'x-forwarded-for' }));
  app.get('/', (req) => [req.requestId, req.clientAddress]);
  const api = new App();
  api.use(bearer('api', { secret: 'ann' }));
  api.get('/me', rateLimit({ capacity: 1, perSecond: 0.001, fields: true }), (req) => req.identity);
  app.mount('/api', api);
  const { port } = await app.listen();
  const base = `http://127.0.0.1:${port}`;
  const answer = await fetch(base, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  assert.deepEqual(await answer.json(), [answer.headers.get('x-request-id'), '192.0.2.1']);
  assert.equal((await fetch(`${base}/api/me`)).status, 401);
  const headers = { authorization: 'Bearer secret' };
  assert.equal(await (await fetch(`${base}/api/me`, { headers })).text(), 'ann');
  assert.equal((await fetch(`${base}/api/me`, { headers })).status, 429);
  await app.close();
  const lines = readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((line) => line.status), [200, 401, 200, 429]);
  for (const [make, message] of [
    [() => bearer('api', { 'no token': 'x' }), /tokens/], [() => rateLimit({ capacity: 0, perSecond: 1 }), /capacity/],
    [() => forwarded({ trusted: ['x'] }), /no network/], [() => accessLog({ format: 'x' }), /format/], [() => requestId({ a: 1 }), /no option a/],
    [() => files('/no/such/directory'), /no\/such/], [() => files('.', { index: 'a/b' }), /index/],
  ]) assert.throws(make, message);
});

test('the end of exchanges is told', async () => {
  const app = new App();
  const records = [];
  app.on('end', ({ request, status, bytes, whole }) => records.push([request.method, request.url, status, bytes, whole]));
  app.get('/', () => 'abc');
  const { port } = await app.listen();
  await fetch(`http://127.0.0.1:${port}/?x`);
  await fetch(`http://127.0.0.1:${port}/none`);
  await app.close();
  assert.deepEqual(records, [['GET', '/?x', 200, 3, true], ['GET', '/none', 404, 9, true]]);
});
