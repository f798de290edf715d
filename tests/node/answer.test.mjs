// What a handler may give back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readable } from 'node:stream';
import { App, HttpError, Reply, prepared } from 'flare-node';
import { errorsOf } from './support.mjs';

async function answerOf(handler) {
  const app = new App();
  const errors = errorsOf(app);
  app.any('/', handler);
  const answer = await app.testClient().get('/');
  return { status: answer.status, type: answer.headers['content-type'], text: answer.text(), answer, errors };
}

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';

for (const [name, handler, status, type, text] of [
  ['text', () => 'é', 200, TEXT, 'é'],
  ['an empty text', () => '', 200, TEXT, ''],
  ['a long text', () => 'é'.repeat(70_000), 200, TEXT, 'é'.repeat(70_000)],
  ['a text as long as the first offer', () => 'x'.repeat(1023), 200, TEXT, 'x'.repeat(1023)],
  ['a Buffer', () => Buffer.from('b'), 200, BYTES, 'b'],
  ['a Uint8Array of a part', () => new Uint8Array(Buffer.from('abcd')).subarray(1, 3), 200, BYTES, 'bc'],
  ['an ArrayBuffer', () => new TextEncoder().encode('ab').buffer, 200, BYTES, 'ab'],
  ['an object', () => ({ a: 1 }), 200, 'application/json', '{"a":1}'],
  ['a list', () => [1, 'é'], 200, 'application/json', '[1,"é"]'],
  ['a number', () => 7, 200, 'application/json', '7'],
  ['false', () => false, 200, 'application/json', 'false'],
  ['an object with toJSON', () => new Date(0), 200, 'application/json', '"1970-01-01T00:00:00.000Z"'],
  ['null', () => null, 204, undefined, ''],
  ['nothing', () => {}, 204, undefined, ''],
  ['a promise of nothing', async () => {}, 204, undefined, ''],
  ['a promise', async () => 'late', 200, TEXT, 'late'],
  ['a thenable', () => ({ then: (done) => done('then') }), 200, TEXT, 'then'],
  ['a Reply', () => new Reply(201, 'x', { 'content-type': 'a/b' }), 201, 'a/b', 'x'],
  ['a Reply of HTML', () => Reply.html('<p>'), 200, 'text/html; charset=utf-8', '<p>'],
  ['a Response', () => new Response('web', { status: 202, headers: { 'x-a': '1' } }), 202, 'text/plain;charset=UTF-8', 'web'],
  ['a Response of JSON', () => Response.json({ a: 1 }), 200, 'application/json', '{"a":1}'],
  ['a Blob', () => new Blob(['bl', 'ob'], { type: 'a/c' }), 200, 'a/c', 'blob'],
  ['a Readable', () => Readable.from(['a', 'b']), 200, BYTES, 'ab'],
  ['a generator', function* () { yield 'a'; yield 'b'; }, 200, BYTES, 'ab'],
  ['an async generator', async function* () { yield 'a'; yield Buffer.from('b'); }, 200, BYTES, 'ab'],
  ['a ReadableStream', () => new Blob(['web']).stream(), 200, BYTES, 'web'],
  ['send', (req, res) => { res.status(203).header('x-a', 1).send('s'); }, 203, TEXT, 's'],
  ['send later', (req, res) => { setTimeout(() => res.send({ l: 1 }), 2); }, 200, 'application/json', '{"l":1}'],
  ['json', (req, res) => res.json([1]), 200, 'application/json', '[1]'],
  ['end', (req, res) => { res.type('a/d').end('e'); }, 200, 'a/d', 'e'],
  ['write and end', (req, res) => { res.write('w'); res.end('e'); }, 200, undefined, 'we'],
  ['fields of the response beside a value', (req, res) => { res.status(201).type('a/e'); return 'v'; }, 201, 'a/e', 'v'],
  ['a redirect', () => Reply.redirect('/there', 308), 308, undefined, ''],
  ['something prepared', prepared(Reply.text('once', { headers: { 'x-a': '1' } })), 200, TEXT, 'once'],
  ['an HttpError', () => { throw new HttpError(418, 'tea'); }, 418, TEXT, 'tea\n'],
]) {
  test(name, async () => {
    const found = await answerOf(handler);
    assert.deepEqual([found.status, found.type, found.text, found.errors], [status, type, text, []]);
  });
}

test('several fields of a name, trailers, interim answers', async () => {
  const { answer } = await answerOf((req, res) => {
    assert.equal(res.inform(103, { link: '</a>' }), true);
    res.header('set-cookie', ['a=1', 'b=2']).append('x', 1).append('x', 2).trailer('x-end', 'e').write('w');
    res.end();
  });
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal(answer.headers.x, '1, 2');
  assert.deepEqual(answer.trailers, { 'x-end': 'e' });
  assert.deepEqual(answer.interim, [{ status: 103, headers: { link: '</a>' } }]);
});

for (const [name, handler, message] of [
  ['an exception', () => { throw new Error('secret'); }, /secret/],
  ['a rejection', async () => { throw new Error('secret'); }, /secret/],
  ['a rejection with nothing', () => Promise.reject(), /^undefined$/],
  ['a symbol', () => Symbol('s'), /a symbol/],
  ['a function', () => () => {}, /a function/],
  ['JSON that has no text', () => { const a = {}; a.a = a; return a; }, /circular/],
  ['a field name that is none', (req, res) => res.header('a b', '1'), /not a field name/],
  ['a field value with a line end', (req, res) => res.header('a', '1\r\nb: 2'), /not a value/],
  ['a status that is none', (req, res) => res.status(99), /99 is no status/],
  ['an error that is not thrown', () => new Error('x'), /throw it/],
  ['a field value beyond a byte', () => new Reply(200, 'x', { a: '\u0100' }), /not a value/],
]) {
  test(`${name} is 500, and the client hears nothing of it`, async () => {
    const { status, text, errors } = await answerOf(handler);
    assert.deepEqual([status, text], [500, 'Internal Server Error']);
    assert.match(String(errors[0]?.message), message);
    assert.equal(errors.length, 1);
  });
}

test('two answers are the mistake of the program', async () => {
  const { status, text, errors } = await answerOf((req, res) => {
    res.send('first');
    assert.throws(() => res.send('second'), { code: 'ERR_FLARE_ANSWERED' });
    assert.throws(() => res.header('a', '1'), { code: 'ERR_FLARE_ANSWERED' });
    return 'third';
  });
  assert.deepEqual([status, text], [200, 'first']);
  assert.match(errors[0].message, /after it had begun to answer/);
});

test('routes that go wrong are refused when they are added', () => {
  const app = new App();
  app.get('/a/:b', () => '');
  for (const [add, message] of [
    [() => app.get('/a/:c', () => ''), /:c|conflict|:b/],
    [() => app.get('a', () => ''), /'?\/|start/],
    [() => app.get('/:a/:a', () => ''), /a/],
    [() => app.get('/x'), /not a function/],
    [() => app.get('/x', 'text'), /not a function/],
    [() => app.get(7, () => ''), /a pattern is a string/],
    [() => app.get('/x', { limit: 1 }, () => ''), /no option limit/],
    [() => app.get('/x', { bodyLimit: -1 }, () => ''), /bodyLimit/],
    [() => app.get('/x', { blocking: true }, () => ''), /blocking/],
    [() => app.get('/x', 7, () => ''), /middleware/],
    [() => app.use('x'), /middleware/],
    [() => app.mount('/p', {}), /only an App/],
    [() => app.mount('/p', app), /into itself/],
    [() => new App({ bodyLimits: 1 }), /no setting bodyLimits/],
    [() => new App({ bodyLimit: 'x' }), /bodyLimit/],
    [() => new Reply(100), /100 is no status/],
    [() => new HttpError(200), /200 is no status/],
  ]) assert.throws(add, message);
});
