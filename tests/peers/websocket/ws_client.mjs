// The package ws: ws_client.mjs ADDRESS CASES
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const WebSocket = createRequire(`${process.env.PEERS}/`)('ws');

// The server's certificate is made at its start.
const connect = ({ path }, options = {}) => new WebSocket(address + path, { rejectUnauthorized: false, maxPayload: 0, ...options });

const once = (socket, event) => new Promise((resolve, reject) => {
  socket.once(event, (...values) => resolve(values));
  if (event !== 'error') socket.once('error', reject);
});

function message(kind, length, number) {
  const text = Array.from({ length: Math.min(length, 1000) }, (_, at) => String.fromCharCode(97 + (number + at) % 26)).join('');
  const all = text.repeat(Math.floor(length / 1000) + 1).slice(0, length);
  return kind === 'text' ? all : Buffer.from(all);
}

function sendInFragments(socket, data, count) {
  const step = Math.floor(data.length / count) + 1;
  for (let at = 0; at < data.length || at === 0; at += step) {
    socket.send(data.slice(at, at + step), { binary: typeof data !== 'string', fin: at + step >= data.length });
  }
}

const DO = {
  async echo(one) {
    const socket = connect(one);
    const sent = Array.from({ length: one.count }, (_, number) => message(one.kind, one.length, number));
    const received = new Promise((resolve, reject) => {
      let number = 0;
      socket.on('message', (data, binary) => {
        const expected = sent[number++];
        const same = binary ? data.equals(expected) : data.toString() === expected;
        if (!same || binary !== (one.kind === 'binary')) resolve(`message ${number - 1} is another`);
        if (number === sent.length) resolve('same');
      });
      socket.on('error', reject);
    });
    await once(socket, 'open');
    for (const data of sent) sendInFragments(socket, data, one.fragments);
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
  async ping(one) {
    const socket = connect(one);
    await once(socket, 'open');
    socket.ping('flare');
    const [data] = await once(socket, 'pong');
    socket.close();
    return data.toString() === 'flare' ? 'pong' : data.toString();
  },
  async close(one) {
    const socket = connect(one);
    await once(socket, 'open');
    socket.close(one.code, one.reason);
    const [code, reason] = await once(socket, 'close');
    return [code, reason.toString()];
  },
  async 'too big'(one) {
    const socket = connect(one, { perMessageDeflate: false });
    await once(socket, 'open');
    // What it can't send any more is an error of the socket, behind which the Close is told.
    socket.on('error', () => {});
    const closed = new Promise((resolve) => { socket.once('close', resolve); });
    socket.send(Buffer.alloc(one.length));
    return closed;
  },
  async refused(one) {
    const socket = connect(one, { origin: one.origin });
    socket.on('error', () => {});
    const [, response] = await new Promise((resolve) => {
      socket.once('unexpected-response', (...values) => resolve(values));
      socket.once('open', () => resolve([null, { statusCode: 'accepted' }]));
    });
    socket.terminate();
    return response.statusCode;
  },
  async chat(one) {
    const sockets = [connect(one), connect(one)];
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const heard = sockets.map((socket) => once(socket, 'message'));
    sockets[0].send(one.text);
    const texts = (await Promise.all(heard)).map(([data]) => data.toString());
    sockets.forEach((socket) => socket.close());
    return texts;
  },
};
DO.origin = DO.refused;

const [address, cases] = process.argv.slice(2);
const results = [];
for (const one of JSON.parse(readFileSync(cases))) results.push(await DO[one.do](one));
process.stdout.write(JSON.stringify(results));
