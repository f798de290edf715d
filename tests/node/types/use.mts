// Compiled by types.test.mjs with `tsc --strict`, and never run: what programs write must have a type, and mistakes must not.
import { App, Client, HttpError, Identity, Queue, Reply, WebSocket, accessLog, bearer, files, forwarded, prepared, rateLimit, requestId, serve } from 'flare-node';
import type { CloseReport, Handler, ServerWebSocket, WebSocketHandlers, Middleware, TestResponse } from 'flare-node';

const app = new App({ bodyLimit: 1 << 20, idleTimeout: 5000, reusePort: true });
app.get('/', () => 'text');
app.get('/tls', (req) => `${req.scheme} ${req.tls?.version} ${req.tls?.peerCertificate?.length}`);
app.listen({ port: 443, host: '0.0.0.0', tls: { cert: 'chain.pem', key: Buffer.from(''), min_version: 13 } }).then(() => app.reloadTls());
// @ts-expect-error TLS needs a key
app.listen({ tls: { cert: 'chain.pem' } });
const identity: Identity = new Identity({ cert: 'chain.pem', key: Buffer.from('') });
app.listen({ tls: { cert: 'chain.pem', key: 'key.pem', resolve: (name) => (name === 'a.test' ? identity : undefined) } });
// @ts-expect-error an identity is made beforehand
app.listen({ tls: { cert: 'chain.pem', key: 'key.pem', resolve: () => ({ cert: 'chain.pem', key: 'key.pem' }) } });
serve({ tls: { cert: 'chain.pem', key: 'key.pem' }, fetch: () => new Response() });
app.get('/hi/:name/x/*rest', (req) => {
  const name: string = req.params.name;
  const rest: string = req.params.rest;
  // @ts-expect-error the pattern has no such parameter
  req.params.nobody;
  return { name, rest, id: req.requestId, agent: req.headers['user-agent'] };
});
app.post('/json', { bodyLimit: 100 }, async (req) => req.json<{ a: number }>().a + 1);
app.post('/up', { streaming: true }, async (req) => {
  // @ts-expect-error the content of a streaming request is not here yet
  const wrong: string = req.text();
  for await (const part of req) part.length;
  return (await req.body()).length;
});
app.get('/later', (req, res) => {
  req.signal.addEventListener('abort', () => res.destroy());
  setTimeout(() => res.status(201).header('x-a', ['1', '2']).send({ ok: true }), 1);
});
app.get('/stream', async function* () {
  yield 'a';
  yield new Uint8Array(1);
});
app.route(['GET', 'PUT'], '/two', (req) => Reply.text(req.method).trailer('x', 1));
app.get('/static/*path', { blocking: true }, files('public', { index: 'index.html' }));
app.get('/robots.txt', prepared('User-agent: *\n'));
const timing: Middleware = async (req, next) => {
  const reply = await next();
  reply.headers.set('x-time', req.path.length);
  return reply;
};
app.use(timing, requestId(), accessLog({ format: 'json' }), bearer('api', { token: 'ann' }), forwarded({ trusted: ['10.0.0.0/8'] }));
app.get('/limited', rateLimit({ capacity: 10, perSecond: 1 }), timing, () => new Response('web'));
app.mount('/sub', new App());
app.ws('/echo', { message: (socket, data) => { if (typeof data === 'string') socket.send(data); } });
app.ws('/chat/:room', { protocols: ['a'], origins: ['https://a.example'], messageLimit: 1 << 20, otherwise: () => 'page' }, timing, {
  upgrade: (request) => ({ name: request.params.room }),
  open(socket) {
    const room: string = socket.request.params.room;
    // @ts-expect-error the pattern has no such parameter
    socket.request.params.nobody;
    socket.subscribe(room).publish(room, new Uint8Array(1));
  },
  close: (socket, code, reason) => console.log(code + 1, reason.length, socket.readyState === socket.CLOSED),
});
class Guest implements WebSocketHandlers<{ name: string }> {
  upgrade() {
    return { name: 'x' };
  }

  message(socket: ServerWebSocket<{ name: string }>) {
    const name: string = socket.data.name;
    const taken: boolean = socket.send(name);
    return taken ? undefined : socket.drained();
  }
}
app.ws<{ name: string }>('/guest', new Guest());
app.ws('/loop', async (socket, request) => {
  socket.onclose = ({ code, wasClean, target }) => console.log(code, wasClean, target.protocol);
  socket.addEventListener('message', ({ data }) => console.log(data), { once: true });
  socket.on('message', (data) => console.log(data)).once('close', (code, reason) => console.log(code, reason.length));
  for await (const message of socket) if (socket.bufferedAmount < 1000) socket.send(message);
  const { wasClean } = await socket.closed;
  return [wasClean, request.path];
});
// @ts-expect-error there is no such option
app.ws('/wrong', { limit: 1 }, {});
const sent: boolean = app.publish('topic', 'text');
const client = new Client(new URL('https://example.org'), { timeout: 1000, tls: { roots: ['ca.pem', Buffer.from('')], min_version: 13 } });
const got = await client.post('/x', { body: (async function* () { yield 'a'; })(), headers: [['a', 1]], signal: AbortSignal.timeout(1), trailers: { b: '2' } });
const [status, field]: [number, string | undefined] = [got.status, got.headers['x-a']];
for await (const part of got) part.length + status + (field?.length ?? 0);
await client.get('/', { onInterim: (interim, headers) => console.log(interim + 1, headers.link) }).then((answer) => answer.json<{ a: number }>());
// @ts-expect-error there is no such option
client.get('/', { nothing: 1 });
await client.close();
const socket = new WebSocket('wss://example.org', ['a'], { headers: { origin: 'x' }, retry: { attempts: 3 }, tls: { roots: 'ca.pem' } });
socket.onmessage = ({ data, target }) => target.send(data);
socket.addEventListener('close', ({ code, wasClean }) => console.log(code + 1, wasClean));
socket.on('pong', (data) => data.length).once('error', (error) => console.log(error.message));
await socket.opened;
for await (const message of socket) if (!socket.send(message)) await socket.drained();
new WebSocket(new URL('ws://a'), { deflate: true, signal: AbortSignal.timeout(1) }).close(WebSocket.CLOSED + 3000, 'bye');
// @ts-expect-error there is no such option
new WebSocket('ws://a', { nothing: 1 });
app.on('error', (error, request) => console.error(error, request?.path));
app.on('end', ({ request, status, bytes }) => console.log(request.method, status + bytes));
const handler: Handler = () => { throw new HttpError(404, 'nothing here'); };
app.any('/any', handler);
const queue = new Queue<'a' | 'b'>();
app.post('/queue', queue.handler('a'));
const { port } = await app.listen(0, '::1');
const report: CloseReport = await app.close(1000);
const answer: TestResponse = await app.testClient().post('/json', { a: 1 }, { headers: { 'x-a': '1' } });
const server: App = await serve({ port: 0, fetch: (request) => new Response(request.url) });
export { port, report, answer, server, sent };

// @ts-expect-error there is no such setting
new App({ noSuch: 1 });
// @ts-expect-error a handler is a function
app.get('/', 'text');
// @ts-expect-error a realm has tokens
bearer('api');
