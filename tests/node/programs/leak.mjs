// Asks itself 100,000 times, and tells what is left. The addon's own count is not a part of the package's interface.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Pool } from 'undici';
import { App } from 'flare-node';

const require = createRequire(import.meta.url);
const { native } = require(join(dirname(require.resolve('flare-node/package.json')), 'lib/native.cjs'));

let alive = 0;
const collected = new FinalizationRegistry(() => alive--);
const watch = (req) => {
  alive++;
  collected.register(req);
  return req;
};
const app = new App();
app.on('error', () => {});
app.get('/text', (req) => watch(req).path);
app.get('/later', async (req) => { watch(req); await null; return { headers: req.headers }; });
app.get('/stream', async function* (req) { yield watch(req).method; yield 'x'; });
app.get('/throw', (req) => { watch(req); throw new Error('x'); });
app.post('/unread', (req) => { watch(req); return 'unread'; });
app.post('/json', (req) => watch(req).json());
app.post('/up', { streaming: true }, async (req) => (await watch(req).body()).length);
app.get('/signal', (req) => { watch(req).signal.addEventListener('abort', () => {}); return 'x'; });
const inner = new App();
inner.use(async (req, next) => next());
inner.post('/', (req) => watch(req).text());
app.mount('/inner', inner);
const { port } = await app.listen();
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16 });
const PATHS = ['/text', '/later', '/stream', '/throw', '/unread', '/json', '/up', '/signal', '/inner', '/none'];

async function ask(count) {
  let left = count;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (left-- > 0) {
      const path = PATHS[left % PATHS.length];
      const body = ['/unread', '/json', '/up', '/inner'].includes(path) ? '{"some":"content"}' : undefined;
      const answer = await pool.request({ path, method: body === undefined ? 'GET' : 'POST', body });
      await answer.body.dump();
    }
  }));
}

async function settle() {
  for (let i = 0; i < 10; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await ask(50_000);
await settle();
const before = process.memoryUsage.rss();
await ask(50_000);
await settle();
const grown = process.memoryUsage.rss() - before;
const { requests } = app.stats();
await pool.close();
await app.close();
await settle();
console.log(JSON.stringify({ requests, grown, alive, held: native.held() }));
