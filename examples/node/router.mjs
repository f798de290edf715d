// Routes: parameters, an app mounted below another, JSON given back. What has no route is 404, or 405 for another method.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const api = new App();
api.get('/users/:id', ({ params: { id } }) =>
  /^(0|[1-9]\d{0,8})$/.test(id) ? { id: Number(id) } : Reply.json({ error: 'no such user' }, { status: 404 }));
api.post('/echo', (req) =>
  req.headers['content-type'] === 'application/json'
    ? new Reply(200, req.body(), { 'content-type': 'application/json' })
    : Reply.json({ error: 'send application/json' }, { status: 415 }));

const app = new App();
app.get('/hi/:name', ({ params: { name } }) =>
  Buffer.byteLength(name) <= 200 ? `hi, ${name}\n` : Reply.text('the name is too long\n', { status: 400 }));
// `*path` takes the rest of the path, slashes included, and is decoded.
app.get('/files/*path', (req) => req.params.path);
app.mount('/api', api);
await run(app);
