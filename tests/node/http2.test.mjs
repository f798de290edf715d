// HTTP/2 with prior knowledge, by Node's own client: the same handlers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { serving } from './support.mjs';

test('requests and answers over HTTP/2', () => serving((app) => {
  app.get('/hi/:name', (req) => [req.version, req.params.name, req.host, req.header('x-a')]);
  app.post('/up', { streaming: true }, async (req) => `${(await req.body()).length}`);
  app.get('/stream', async function* () { for (let i = 0; i < 100; i++) yield Buffer.alloc(10_000, 'x'); });
}, async ({ base, port }) => {
  const session = connect(base);
  const ask = async (fields, content) => {
    const stream = session.request(fields);
    stream.end(content);
    const [[head], parts] = await Promise.all([once(stream, 'response'), stream.toArray()]);
    return [head[':status'], Buffer.concat(parts)];
  };
  const [[status, hi], [, up], [, streamed]] = await Promise.all([
    ask({ ':path': '/hi/ann', 'x-a': '1' }),
    ask({ ':path': '/up', ':method': 'POST' }, Buffer.alloc(1 << 20)),
    ask({ ':path': '/stream' }),
  ]);
  assert.deepEqual([status, JSON.parse(hi)], [200, ['2.0', 'ann', `127.0.0.1:${port}`, '1']]);
  assert.equal(String(up), String(1 << 20));
  assert.equal(streamed.length, 1_000_000);
  session.close();
  await once(session, 'close');
}));
