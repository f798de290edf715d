// Answers that come from another server, by address and by name.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { App } from 'flare-node';

/** A server that says `here` to everybody, while `use` runs. */
async function upstream(use) {
  const server = createServer((socket) => socket.end('here'));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use(server.address().port);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

/** What a client gets whose answer is relayed from this address. */
async function relayed(address) {
  const app = new App();
  app.get('/', (req, res) => res.relay(address));
  const { port } = await app.listen();
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    return [answer.status, await answer.text()];
  } finally {
    await app.close();
  }
}

test('an address and a name lead to the same server', () => upstream(async (port) => {
  assert.deepEqual(await relayed(`127.0.0.1:${port}`), [200, 'here']);
  assert.deepEqual(await relayed(`localhost:${port}`), [200, 'here']);
}));

test('what is no address is refused at once', async () => {
  const app = new App();
  app.get('/', (req, res) => {
    for (const wrong of ['nonsense', 'a b:80', '127.1:80', '']) {
      assert.throws(() => res.relay(wrong), { code: 'ERR_FLARE_ADDRESS' });
    }
    assert.throws(() => res.relay(7), TypeError);
    return 'all refused';
  });
  assert.equal(await (await app.testClient().get('/')).text(), 'all refused');
});
