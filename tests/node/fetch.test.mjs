// Programs that are a function from Request to Response: bare, and with Hono.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { serve } from 'flare-node';

async function serving(fetchOf, ask) {
  const errors = [];
  const app = await serve({ fetch: fetchOf, onError: (error) => errors.push(error) });
  try {
    await ask(`http://127.0.0.1:${app.address.port}`, errors);
  } finally {
    await app.close(0);
  }
}

test('method, url, fields, content', () => serving(async (request) => {
  assert.ok(request instanceof Request);
  return Response.json({
    method: request.method, url: request.url, a: request.headers.get('x-a'), text: await request.text(), used: request.bodyUsed,
  });
}, async (base) => {
  const answer = await fetch(`${base}/a%20b?c=d`, { method: 'PUT', body: 'é', headers: { 'x-a': '1' } });
  assert.deepEqual(await answer.json(), { method: 'PUT', url: `${base}/a%20b?c=d`, a: '1', text: 'é', used: true });
}));

test('content in all ways, and cookies', () => serving(async (request) => {
  const path = new URL(request.url).pathname;
  if (path === '/stream') return new Response(request.body, { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] });
  if (path === '/clone') return new Response(await request.clone().text() + await request.text());
  if (path === '/form') return new Response((await request.formData()).get('a'));
  if (path === '/buffer') return new Response(await request.arrayBuffer());
  if (path === '/wrap') return new Response(await new Request(request, { headers: { a: 'b' } }).text());
  if (path === '/twice') return new Response(await request.text() + await request.text().catch((error) => error.name));
  return new Response(JSON.stringify(await request.json()));
}, async (base) => {
  const post = async (path, body) => fetch(base + path, { method: 'POST', body });
  const stream = await post('/stream', 'abc');
  assert.deepEqual([await stream.text(), stream.headers.getSetCookie()], ['abc', ['a=1', 'b=2']]);
  const form = new FormData();
  form.set('a', 'form');
  for (const [path, body, text] of [['/clone', 'x', 'xx'], ['/form', form, 'form'], ['/buffer', 'b', 'b'], ['/wrap', 'w', 'w'],
    ['/twice', 't', 'tTypeError'], ['/json', '{"a":1}', '{"a":1}']]) {
    assert.equal(await (await post(path, body)).text(), text, path);
  }
}));

test('errors, wrong answers, a client that leaves', () => serving((request) => {
  if (request.url.endsWith('/throw')) throw new Error('secret');
  return 'text';
}, async (base, errors) => {
  assert.equal(await (await fetch(`${base}/throw`)).text(), 'Internal Server Error');
  assert.equal((await fetch(base)).status, 500);
  assert.deepEqual(errors.map((error) => error.message), ['secret', 'fetch() did not give back a Response']);
}));

test('Hono', () => {
  const hono = new Hono();
  hono.use(cors());
  hono.get('/hi/:name', (c) => c.text(`hi, ${c.req.param('name')}`));
  hono.post('/json', async (c) => c.json(await c.req.json(), 201));
  hono.get('/stream', (c) => c.body(new Blob(['streamed']).stream()));
  hono.get('/header', (c) => c.json({ ua: c.req.header('user-agent'), q: c.req.queries('q') }));
  hono.onError((error, c) => c.text(error.message, 500));
  hono.get('/throw', () => { throw new Error('told'); });
  return serving(hono.fetch, async (base) => {
    const hi = await fetch(`${base}/hi/ann`);
    assert.deepEqual([hi.status, await hi.text(), hi.headers.get('access-control-allow-origin')], [200, 'hi, ann', '*']);
    const json = await fetch(`${base}/json`, { method: 'POST', body: '{"a":[1]}' });
    assert.deepEqual([json.status, await json.json()], [201, { a: [1] }]);
    assert.equal(await (await fetch(`${base}/stream`)).text(), 'streamed');
    assert.deepEqual(await (await fetch(`${base}/header?q=1&q=2`, { headers: { 'user-agent': 'me' } })).json(), { ua: 'me', q: ['1', '2'] });
    assert.equal((await fetch(`${base}/none`)).status, 404);
    assert.equal(await (await fetch(`${base}/throw`)).text(), 'told');
  });
});
