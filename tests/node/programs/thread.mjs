// A server in a worker thread.
import { parentPort, workerData } from 'node:worker_threads';
import { App } from 'flare-node';
const app = new App();
app.get('/', () => `thread ${workerData}`);
app.get('/hang', (req, res) => { parentPort.postMessage('hangs'); req.signal.addEventListener('abort', () => res.ended); });
parentPort.postMessage((await app.listen()).port);
parentPort.once('message', async () => {
  await app.close(0);
});
