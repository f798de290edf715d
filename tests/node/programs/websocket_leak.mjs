// Opens and closes 20,000 sockets, and tells what is left. The addon's own count is not a part of the package's interface.
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import WebSocket from 'ws';
import { App } from 'flare-node';

const require = createRequire(import.meta.url);
const { native } = require(join(dirname(require.resolve('flare-node/package.json')), 'lib/native.cjs'));

let alive = 0;
let opened = 0;
const collected = new FinalizationRegistry(() => alive--);
const watch = (socket) => {
  alive++;
  opened++;
  collected.register(socket);
};
const app = new App();
app.on('error', () => {});
app.ws('/handlers', { deflate: true }, {
  open(socket) { watch(socket); socket.subscribe('all').subscribe(`own ${opened % 100}`); },
  message(socket, data) { socket.send(data); },
});
app.ws('/loop', async (socket) => { watch(socket); for await (const message of socket) socket.send(message); });
app.ws('/events', (socket) => { watch(socket); socket.onmessage = ({ data }) => socket.send(data); });
app.ws('/throws', { open: watch, message() { throw new Error('x'); } });
app.ws('/kept', (socket) => { watch(socket); });
const { port } = await app.listen();
const PATHS = ['/handlers', '/loop', '/events', '/throws', '/kept'];

async function use(path, number) {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: path === '/handlers' && number % 50 === 0 });
  await once(client, 'open');
  client.send('x'.repeat(1000));
  if (path === '/throws') return once(client, 'close');
  if (path !== '/kept') await once(client, 'message');
  if (number % 2) client.terminate();
  else client.close();
  return once(client, 'close');
}

async function ask(count) {
  let left = count;
  await Promise.all(Array.from({ length: 50 }, async () => {
    while (left-- > 0) await use(PATHS[left % PATHS.length], left);
  }));
}

async function settle() {
  for (let i = 0; i < 10; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await ask(10_000);
await settle();
const before = process.memoryUsage.rss();
await ask(10_000);
await settle();
const grown = process.memoryUsage.rss() - before;
await app.close();
await settle();
console.log(JSON.stringify({ opened, grown, alive, held: native.held() }));
