// Asks by HTTP/3 and does nothing more: the process should end by itself. With `hang` it waits for an answer that never comes.
import { parentPort } from 'node:worker_threads';
import { Client } from 'flare-node';

const [port, roots, hang] = process.argv.slice(2);
const client = new Client(`https://localhost:${port}`, { http3: true, tls: { roots } });
if ((await (await client.get('/')).text()) !== 'text') throw new Error('another answer');
if (hang) {
  client.get('/hang').catch(() => {});
  parentPort.postMessage('waiting');
}
