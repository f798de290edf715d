// Two processes on one port, each with a listener of its own.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { App } from 'flare-node';

if (cluster.isPrimary) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const workers = [0, 1].map(() => cluster.fork({ PORT: port }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const seen = new Set();
  let answers = 0;
  for (let i = 0; i < 100; i++) {
    seen.add(await (await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })).text());
    answers++;
  }
  const exits = await Promise.all(workers.map(async (worker) => {
    worker.send('close');
    return (await once(worker, 'exit'))[0];
  }));
  console.log(JSON.stringify({ answers, workers: seen.size, exits }));
} else {
  const app = new App({ reusePort: true });
  app.get('/', () => `${process.pid}`);
  await app.listen(Number(process.env.PORT));
  process.once('message', async () => {
    await app.close();
    cluster.worker.disconnect();
  });
  process.send('listening');
}
