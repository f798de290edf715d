// Middleware: what happens around handlers. A number for each request and a line of log around everything, a key and a limit around
// what is mounted below /api. `protect.mjs` uses those that come with flare.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

// Each request gets a number, which handlers see as a local and clients as a field.
let count = 0;
async function number(req, next) {
  req.locals.id = ++count;
  const reply = await next();
  reply.headers.set('x-request-id', req.locals.id);
  return reply;
}

// The time from here to the head of the answer.
async function timing(req, next) {
  const began = performance.now();
  const reply = await next();
  reply.headers.set('server-timing', `app;dur=${(performance.now() - began).toFixed(3)}`);
  return reply;
}

// Only those who know the key.
const key = (secret) => (req, next) =>
  req.headers.authorization === `Bearer ${secret}`
    ? next()
    : Reply.text('who are you?\n', { status: 401, headers: { 'www-authenticate': 'Bearer realm="api"' } });

// At most so many requests; a real limit counts for each client, and in time.
const limit = (left) => (req, next) =>
  left-- > 0 ? next() : Reply.text('enough for now\n', { status: 429, headers: { 'retry-after': '60' } });

const hello = (req) => `hello, request ${req.locals.id}\n`;

const api = new App();
api.use(key('open-sesame'), limit(3));
api.get('/hello', hello);

const app = new App();
// One line for each exchange, when it has ended.
app.on('end', ({ request, status, bytes }) => console.log(`${request.method} ${request.path} ${status} ${bytes}`));
// The first is outermost: it sees the request first and the answer last.
app.use(number, timing);
app.get('/hello', hello);
app.mount('/api', api);
await run(app);
