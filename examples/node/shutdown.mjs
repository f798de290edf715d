// The end of a server: SIGTERM or Ctrl-C stops it taking connections, running exchanges get ten seconds, then it reports.
import { App } from 'flare-node';

const app = new App();
app.get('/', () => 'still here\n');
app.post('/', (req) => `${req.body().length} bytes\n`);

const [host, port] = (process.argv[2] ?? '127.0.0.1:8080').split(':');
const { address } = await app.listen(Number(port), host);
console.log(`listening on ${address}`);

async function end() {
  process.off('SIGTERM', end).off('SIGINT', end); // a second signal ends the process at once
  const { finished, aborted, requests } = await app.close(10_000);
  console.log(`${requests} requests, ${finished} connections finished, ${aborted} aborted`);
}
process.on('SIGTERM', end).on('SIGINT', end);
