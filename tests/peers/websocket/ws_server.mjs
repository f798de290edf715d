// A server of the package ws, on a free port that it prints: ws_server.mjs [CERTIFICATE KEY]. What it does for each path is in ../websocket_servers.py.
import { createServer as http } from 'node:http';
import { createServer as https } from 'node:https';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(`${process.env.PEERS}/`)('ws');
const [certificate, key] = process.argv.slice(2);
const server = certificate ? https({ cert: readFileSync(certificate), key: readFileSync(key) }) : http();
const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: 16 << 20,
  perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => (offered.has('v1') ? 'v1' : false),
});

const answers = {
  '/close': (socket) => socket.close(4001, 'enough'),
  '/vanish': (socket) => socket.terminate(),
  '/fragments': (socket, data, binary) => {
    for (let at = 0; at < data.length; at += 7) socket.send(data.subarray(at, at + 7), { binary, fin: at + 7 >= data.length });
    if (data.length === 0) socket.send(data, { binary });
  },
  '/ping': (socket, data, binary) => {
    socket.once('pong', () => socket.send(data, { binary }));
    socket.ping('here?');
  },
};
server.on('upgrade', (request, stream, head) => {
  if (request.url === '/refuse') {
    stream.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwho?\n');
    return;
  }
  sockets.handleUpgrade(request, stream, head, (socket) => {
    const answer = answers[request.url] ?? ((to, data, binary) => to.send(data, { binary }));
    socket.on('message', (data, binary) => answer(socket, data, binary));
    socket.on('error', () => {});
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
