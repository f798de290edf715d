// WebSockets in two processes on one port. What is published reaches the sockets of a process; the processes tell each other.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import WebSocket from 'ws';
import { App } from 'flare-node';

if (cluster.isPrimary) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const workers = [0, 1].map(() => cluster.fork({ PORT: port }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  for (const worker of workers) worker.on('message', (message) => { for (const one of workers) one.send(message); });
  const processes = new Set();
  const clients = [];
  // Until both have some: the system chooses.
  while (processes.size < 2 || clients.length < 10) {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    processes.add(String((await once(client, 'message'))[0]));
    clients.push(client);
  }
  const heard = Promise.all(clients.map((client) => once(client, 'message')));
  clients[0].send('to all');
  const said = new Set((await heard).map(([data]) => String(data)));
  const ends = Promise.all(clients.map((client) => once(client, 'close')));
  for (const worker of workers) worker.send({ close: true });
  const codes = new Set((await ends).map(([code]) => code));
  const exits = await Promise.all(workers.map(async (worker) => (worker.isDead() ? worker.process.exitCode : (await once(worker, 'exit'))[0])));
  console.log(JSON.stringify({ processes: processes.size, said: [...said], codes: [...codes], exits }));
} else {
  const app = new App({ reusePort: true });
  app.ws('/', {
    open: (socket) => { socket.subscribe('all').send(`${process.pid}`); },
    message: (socket, say) => { process.send({ say }); },
  });
  await app.listen(Number(process.env.PORT));
  process.on('message', async ({ say, close }) => {
    if (say !== undefined) app.publish('all', say);
    if (close) {
      await app.close();
      cluster.worker.disconnect();
    }
  });
  process.send('listening');
}
