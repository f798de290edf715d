// What a request says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { App } from 'flare-node';
import { errorsOf, raw, serving } from './support.mjs';

test('the head', async () => {
  const app = new App();
  app.get('/a/:one/*rest', (req) => ({
    method: req.method, path: req.path, url: req.url, queryString: req.queryString, query: req.query, params: req.params,
    host: req.host, version: req.version, x: req.header('X-Test'), cookies: req.cookies, raw: req.rawHeaders,
    search: req.searchParams.getAll('b'), address: req.remoteAddress ?? null,
  }));
  const answer = await app.testClient().get('/a/%C3%A9/x/y?a=1&b=2&b=%20', {
    headers: [['X-Test', '1'], ['x-test', '2'], ['cookie', 'a=1; b="2"'], ['cookie', 'c=%41; a=9'], ['host', 'h:1']],
  });
  assert.deepEqual(answer.json(), {
    method: 'GET', path: '/a/%C3%A9/x/y', url: '/a/%C3%A9/x/y?a=1&b=2&b=%20', queryString: 'a=1&b=2&b=%20',
    query: { a: '1', b: ['2', ' '] }, params: { one: 'é', rest: 'x/y' }, host: 'h:1', version: '1.1', x: '1, 2',
    cookies: { a: '1', b: '2', c: 'A' },
    raw: ['x-test', '1', 'x-test', '2', 'cookie', 'a=1; b="2"', 'cookie', 'c=%41; a=9', 'host', 'h:1'],
    search: ['2', ' '], address: null,
  });
});

test('the address of the client', () => serving((app) => {
  app.get('/', (req) => [req.remoteAddress, typeof req.remotePort, req.clientAddress]);
}, async ({ base }) => {
  assert.deepEqual(await (await fetch(base)).json(), ['127.0.0.1', 'number', '127.0.0.1']);
}));

test('HTTP/1.0', () => serving((app) => app.get('/', (req) => req.version), async ({ port }) => {
  assert.match(await raw(port, 'GET / HTTP/1.0\r\n\r\n'), /\r\n\r\n1\.0$/);
}));

test('content: bytes, text, JSON, none', async () => {
  const app = new App();
  app.post('/bytes', (req) => req.body());
  app.post('/text', (req) => req.text());
  app.post('/both', (req) => [req.text(), req.body().toString('hex'), req.text()]);
  app.post('/json', (req) => req.json());
  const client = app.testClient();
  assert.deepEqual((await client.post('/bytes', Buffer.from([0, 255]))).body, Buffer.from([0, 255]));
  assert.equal((await client.post('/bytes')).body.length, 0);
  assert.equal((await client.post('/text', 'é')).text(), 'é');
  assert.deepEqual((await client.post('/both', Buffer.from([0x61, 0xff]))).json(), ['a\ufffd', '61ff', 'a\ufffd']);
  assert.deepEqual((await client.post('/json', { a: [1] })).json(), { a: [1] });
  for (const text of ['', '{', 'nul']) {
    const answer = await client.post('/json', text);
    assert.deepEqual([answer.status, answer.text()], [400, 'the content is not JSON\n']);
  }
});

test('a request stays valid after its answer', async () => {
  const kept = [];
  const app = new App();
  app.post('/keep/:name', (req) => {
    kept.push(req);
    return 'kept';
  });
  const client = app.testClient();
  for (let i = 0; i < 50; i++) await client.post(`/keep/${i}?q=${i}`, `content ${i}`, { headers: { 'x-i': i } });
  await sleep(1);
  kept.forEach((req, i) => {
    assert.deepEqual([req.params.name, req.query.q, req.headers['x-i'], req.text()], [`${i}`, `${i}`, `${i}`, `content ${i}`]);
  });
});

test('too much content is refused', async () => {
  const app = new App({ bodyLimit: 10 });
  app.post('/', (req) => req.text());
  app.post('/more', { bodyLimit: 20 }, (req) => req.text());
  const client = app.testClient();
  assert.equal((await client.post('/', 'x'.repeat(10))).status, 200);
  assert.equal((await client.post('/', 'x'.repeat(11))).status, 413);
  assert.equal((await client.post('/more', 'x'.repeat(20))).status, 200);
});

test('the content of a streaming request can be taken once', async () => {
  const app = new App();
  const errors = errorsOf(app);
  app.post('/', { streaming: true }, async (req) => {
    const text = await req.text();
    await req.text();
    return text;
  });
  assert.equal((await app.testClient().post('/', 'abc')).status, 500);
  assert.match(errors[0].message, /being read already/);
});
