// The WebSocket of undici, which is that of Node and as in browsers: undici_client.mjs ADDRESS CASES
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Agent, WebSocket } = createRequire(`${process.env.PEERS}/`)('undici');

// The server's certificate is made at its start.
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });

function connect({ path }) {
  const socket = new WebSocket(address + path, { dispatcher });
  socket.binaryType = 'arraybuffer';
  return socket;
}

const once = (socket, event) => new Promise((resolve, reject) => {
  socket.addEventListener(event, resolve, { once: true });
  if (event !== 'close') socket.addEventListener('error', ({ error }) => reject(error), { once: true });
});

function message(kind, length, number) {
  const text = Array.from({ length: Math.min(length, 1000) }, (_, at) => String.fromCharCode(97 + (number + at) % 26)).join('');
  const all = text.repeat(Math.floor(length / 1000) + 1).slice(0, length);
  return kind === 'text' ? all : Buffer.from(all);
}

const DO = {
  async echo(one) {
    if (one.fragments > 1) return "can't";
    const socket = connect(one);
    const sent = Array.from({ length: one.count }, (_, number) => message(one.kind, one.length, number));
    const received = new Promise((resolve, reject) => {
      let number = 0;
      socket.addEventListener('message', ({ data }) => {
        const expected = sent[number++];
        const same = typeof data === 'string' ? data === expected : Buffer.from(data).equals(expected);
        if (!same) resolve(`message ${number - 1} is another`);
        if (number === sent.length) resolve('same');
      });
      socket.addEventListener('error', ({ error }) => reject(error));
    });
    await once(socket, 'open');
    for (const data of sent) socket.send(data);
    const result = await received;
    socket.close();
    return result;
  },
  async extensions(one) {
    const socket = connect(one);
    await once(socket, 'open');
    const has = socket.extensions.includes('permessage-deflate');
    socket.close();
    return has;
  },
  ping: () => "can't",
  async close(one) {
    const socket = connect(one);
    await once(socket, 'open');
    socket.close(one.code, one.reason);
    const { code, reason } = await once(socket, 'close');
    return [code, reason];
  },
  async 'too big'(one) {
    const socket = connect(one);
    await once(socket, 'open');
    socket.send(Buffer.alloc(one.length));
    return (await once(socket, 'close')).code;
  },
  async refused(one) {
    const socket = connect(one);
    return once(socket, 'open').then(() => 'accepted', () => 'error');
  },
  origin: () => "can't",
  async chat(one) {
    const sockets = [connect(one), connect(one)];
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const heard = sockets.map((socket) => once(socket, 'message'));
    sockets[0].send(one.text);
    const texts = (await Promise.all(heard)).map(({ data }) => data);
    sockets.forEach((socket) => socket.close());
    return texts;
  },
};

const [address, cases] = process.argv.slice(2);
const results = [];
for (const one of JSON.parse(readFileSync(cases))) results.push(await DO[one.do](one));
process.stdout.write(JSON.stringify(results));
await dispatcher.destroy();
