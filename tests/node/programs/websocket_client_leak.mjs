// Opens and closes 15,000 sockets with the client of flare, in every way in which one can end, and tells what is left.
import { readdirSync } from 'node:fs';
import { App, WebSocket } from 'flare-node';

let alive = 0;
const collected = new FinalizationRegistry(() => alive--);
const watch = (object) => {
  alive++;
  collected.register(object);
  return object;
};
const app = new App();
app.on('error', () => {});
app.ws('/', { deflate: true }, { message(socket, data) { if (data === 'close') socket.close(); else socket.send(data); } });
const { port } = await app.listen();

async function use(number) {
  const path = number % 7 === 0 ? 'none' : '';
  const options = [{}, { http2: true }, { deflate: true, deflateTakeover: number % 20 === 0 }, { pingInterval: 1000 }][number % 4];
  const socket = watch(new WebSocket(`ws://127.0.0.1:${port}/${path}`, options));
  if (number % 5 === 0) {
    // Given up while it is opened.
    setImmediate(() => socket.terminate());
    return socket.closed;
  }
  socket.onerror = () => {};
  socket.onopen = () => socket.send(number % 3 ? 'x'.repeat(1000) : 'close');
  for await (const message of socket) if (message) break;
  if (number % 2) socket.terminate();
  else socket.close();
  return socket.closed;
}

async function ask(count) {
  let left = count;
  await Promise.all(Array.from({ length: 20 }, async () => {
    while (left-- > 0) await use(left);
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
await ask(5000);
await settle();
const grown = process.memoryUsage.rss() - before;
await app.close(1000);
await settle();
console.log(JSON.stringify({ grown, alive, open: readdirSync('/proc/self/fd').length }));
