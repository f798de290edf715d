// What is measured: server.mjs flare|http|fastify plain|async|read PORT. Each is written as its own people would.
import { createRequire } from 'node:module';

const [kind, variant, port] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const require = createRequire(`${process.cwd()}/package.json`);
const text = 'Hello, World!';

/** Every field and the query are read. */
const read = (headers, query) => (Object.values(headers).join('').length + Object.values(query).length > 0 ? text : '');

if (kind === 'flare') {
  const { App } = require('flare-node');
  const app = new App({ backlog: 4096, idleTimeout: 3_600_000 });
  app.get('/plaintext', { plain: () => text, async: async () => text, read: (req) => read(req.headers, req.query) }[variant]);
  app.post('/json', (req) => req.json());
  await app.listen(port);
} else if (kind === 'http') {
  const { createServer } = await import('node:http');
  const { parse } = await import('node:querystring');
  const send = (res, type, content) => {
    res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(content) });
    res.end(content);
  };
  const handlers = {
    plain: () => text,
    async: async () => text,
    read: (req) => read(req.headers, req.url.includes('?') ? parse(req.url.slice(req.url.indexOf('?') + 1)) : {}),
  };
  const server = createServer((req, res) => {
    if (req.method === 'POST') {
      const parts = [];
      req.on('data', (part) => parts.push(part));
      req.on('end', () => send(res, 'application/json', JSON.stringify(JSON.parse(Buffer.concat(parts)))));
    } else if (variant === 'async') {
      handlers.async().then((content) => send(res, 'text/plain; charset=utf-8', content));
    } else {
      send(res, 'text/plain; charset=utf-8', handlers[variant](req));
    }
  });
  Object.assign(server, { keepAliveTimeout: 3_600_000, headersTimeout: 0, requestTimeout: 0 });
  server.listen(port, '127.0.0.1', 4096);
} else if (kind === 'fastify') {
  const app = require('fastify')({ keepAliveTimeout: 3_600_000 });
  const send = (reply, content) => reply.type('text/plain; charset=utf-8').send(content);
  app.get('/plaintext', {
    plain: (req, reply) => { send(reply, text); },
    async: async () => text,
    read: (req, reply) => { send(reply, read(req.headers, req.query)); },
  }[variant]);
  app.post('/json', (req, reply) => { reply.send(req.body); });
  await app.listen({ port, host: '127.0.0.1', backlog: 4096 });
} else {
  throw new Error(`unknown kind ${kind}`);
}
