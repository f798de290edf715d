// Asks a number of times with the client of flare, in every way in which a request can end, and tells what is left: COUNT [CERTIFICATE KEY]. With
// a certificate it is HTTP/3.
import { App, Client } from 'flare-node';

let alive = 0;
const collected = new FinalizationRegistry(() => alive--);
const watch = (object) => {
  alive++;
  collected.register(object);
  return object;
};
const [count, cert, key] = process.argv.slice(2);
const app = new App({ http3: cert !== undefined });
app.on('error', () => {});
app.get('/text', () => 'text');
app.get('/large', async function* () { for (let i = 0; i < 10; i++) yield Buffer.alloc(100_000); });
app.post('/up', { streaming: true }, async (req) => `${(await req.body()).length}`);
app.post('/refuse', { streaming: true }, () => 'no');
app.get('/hang', (req, res) => { res.on('close', () => {}); });
const { port } = await app.listen(cert === undefined ? 0 : { port: 0, tls: { cert, key } });
const origin = `${cert === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
const options = (http2) => (cert === undefined ? { http2 } : { http3: true, tls: { roots: cert } });

async function* parts() {
  for (let i = 0; i < 10; i++) yield 'part';
}

async function one(client, number) {
  switch (number % 8) {
    case 0: return (await client.get('/large')).cancel();
    case 1: return (await client.post('/up', { body: parts() })).text();
    case 2: return (await client.post('/refuse', { body: parts() })).text();
    case 3: return client.get('/hang', { signal: AbortSignal.timeout(1) }).catch(() => {});
    case 4: for await (const part of await client.get('/large')) if (part) return undefined;
    case 5: {
      // An answer that is dropped unread, with its client.
      const dropped = watch(new Client(origin, options(number % 16 === 5)));
      if (number % 32 === 5) await dropped.get('/large');
      return undefined;
    }
    // Its content is never read: it is small, so it holds up nothing.
    default: return client.get('/text');
  }
}

async function ask(count) {
  let left = count;
  await Promise.all([true, false].flatMap((http2) => Array.from({ length: 4 }, async () => {
    let client = watch(new Client(origin, options(http2)));
    while (left-- > 0) {
      const found = await one(client, left);
      if (typeof found === 'object') watch(found);
      if (left % 100) continue;
      // Some are closed, some are left to the collector.
      if (left % 200) await client.close();
      client = watch(new Client(origin, options(http2)));
    }
    client.destroy();
  })));
}

async function settle() {
  for (let i = 0; i < 10; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How much the process grew. What is uncollected at a time depends on the machine, so a part may grow by chance; a leak grows in each. */
async function growth() {
  const before = process.memoryUsage.rss();
  await ask(count / 2);
  await settle();
  return process.memoryUsage.rss() - before;
}

await ask(count / 2);
await settle();
let grown = await growth();
for (let more = 0; more < 2 && grown > 4 << 20 && cert === undefined; more++) grown = Math.min(grown, await growth());
await app.close(100);
await settle();
const { readdirSync } = await import('node:fs');
console.log(JSON.stringify({ grown, alive, open: readdirSync('/proc/self/fd').length }));
