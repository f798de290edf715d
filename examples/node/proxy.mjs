// A proxy: the content of an answer comes from another server, here one in this program. The bytes go through flare alone: when the
// client stops reading the other server is not read either, and when the client leaves it is hung up on.
import { createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { App, HttpError } from 'flare-node';
import { run } from './support/run.mjs';

// The other server: "count N" is answered with N lines, "shout" and text up to its end with that text in upper case.
async function* reply(input) {
  let command;
  for await (const part of input.setEncoding('latin1')) {
    let text = part;
    if (command === undefined) {
      [command, text] = [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)];
      const [word, count] = command.split(' ');
      if (word === 'count') {
        for (let n = 1; n <= count; n++) yield `${n}\n`;
        return;
      }
    }
    yield text.toUpperCase();
  }
}

const upstream = createServer({ allowHalfOpen: true }, (socket) => {
  pipeline(socket, reply, socket).catch(() => {}); // the client has left, or the proxy
});
await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const address = `127.0.0.1:${upstream.address().port}`;

const app = new App();
const relay = (res, to, options) => res.type('text/plain; charset=utf-8').relay(to, { connectTimeout: 1000, ...options });
app.get('/count/:n', (req, res) => {
  const { n } = req.params;
  if (!/^\d{1,7}$/.test(n) || n > 1_000_000) throw new HttpError(400, 'not a number from 0 to 1000000');
  relay(res, address, { prologue: `count ${n}\n` });
});
// The content of a request goes on while it comes.
app.post('/shout', { streaming: true }, (req, res) => {
  relay(res, address, { prologue: 'shout\n', forwardContent: true });
});
app.get('/nobody', (req, res) => {
  relay(res, 'unix:/nonexistent/upstream.sock');
});
await run(app);
upstream.close();
