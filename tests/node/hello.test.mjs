// The first minute: install, import, serve, ask.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { App } from 'flare-node';

test('a handler gives back text', async () => {
  const app = new App();
  app.get('/hi/:name', (req) => `hi, ${req.params.name}\n`);
  const { port } = await app.listen();
  const answer = await fetch(`http://127.0.0.1:${port}/hi/ada%20b`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(await answer.text(), 'hi, ada b\n');
  const report = await app.close();
  assert.deepEqual(report, { finished: 1, aborted: 0, requests: 1 });
});

test('import and require give the same', () => {
  const required = createRequire(import.meta.url)('flare-node');
  assert.equal(required.App, App);
});

test('without the package of the platform, the error says what to do', () => {
  const require = createRequire(import.meta.url);
  const alone = mkdtempSync(join(tmpdir(), 'flare-'));
  try {
    cpSync(dirname(require.resolve('flare-node/package.json')), join(alone, 'flare-node'), { recursive: true });
    assert.throws(() => require(join(alone, 'flare-node')), /flare-node-linux-\w+-gnu is not installed.*--omit=optional/);
  } finally {
    rmSync(alone, { recursive: true });
  }
});
