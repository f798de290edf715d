// node:http2, all cases at once on one connection: node_client.mjs ADDRESS CASES
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

function content(length) {
  const parts = [];
  for (let at = 0; at * 32 < length; at++) {
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(BigInt(at));
    parts.push(createHash('sha256').update(number).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

function ask(session, { method, path, send }) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path }, { endStream: send === null });
    const hash = createHash('sha256');
    let status;
    stream.on('response', (headers) => { status = headers[':status']; });
    stream.on('data', (chunk) => hash.update(chunk));
    stream.on('end', () => resolve([status, hash.digest('hex'), 'HTTP/2']));
    stream.on('error', reject);
    if (send !== null) stream.end(content(send));
  });
}

const [address, cases] = process.argv.slice(2);
const session = http2.connect(address);
const results = await Promise.all(JSON.parse(readFileSync(cases)).map((one) => ask(session, one)));
session.close();
process.stdout.write(JSON.stringify(results));
