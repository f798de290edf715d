// A client of WebSockets: sends each line of standard input as a message, and writes each message that comes to standard output, on a line of its
// own. When the input ends it closes, and ends with the socket.
//
//     talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]
//
// --http2: without TLS, by prior knowledge; with TLS the server chooses.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { WebSocket } from 'flare-node';

const USAGE = 'usage: talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]';

function open() {
  const { values: { http2, ca, insecure, deflate, protocol }, positionals: [url, ...rest] } = parseArgs({
    options: {
      http2: { type: 'boolean' }, ca: { type: 'string' }, insecure: { type: 'boolean' }, deflate: { type: 'boolean' }, protocol: { type: 'string' },
    },
    allowPositionals: true,
  });
  if (url === undefined || rest.length > 0) throw new Error(USAGE);
  return new WebSocket(url, {
    http2, deflate, messageLimit: 16 << 20, protocols: protocol === undefined ? [] : [protocol],
    tls: insecure ? { insecure_any_certificate: true } : { roots: ca },
    // A server that is not there yet, or has too much to do, is asked again.
    retry: { attempts: 3 },
  });
}

/** Sends lines until there are no more, as the server takes them. */
async function sendLines(socket) {
  for await (const line of createInterface({ input: process.stdin })) {
    while (!socket.send(line)) await socket.drained();
  }
  socket.close();
}

async function talk(socket) {
  for await (const message of socket) {
    const line = typeof message === 'string' ? message : `${message.length} bytes`;
    if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  return socket.closed;
}

try {
  const socket = open();
  await socket.opened;
  console.error(`open: ${socket.protocol || '-'}`);
  // It may wait for a line when the socket ends; then it ends with the program.
  sendLines(socket).catch(() => {});
  const { code, reason, wasClean } = await talk(socket);
  console.error(`closed: ${code}${reason && `: ${reason}`}`);
  process.exitCode = wasClean ? 0 : 1;
  process.stdin.destroy();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
