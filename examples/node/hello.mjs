// The smallest server: one route, until SIGTERM or Ctrl-C.
import { App } from 'flare-node';

const app = new App();
app.get('/', () => 'Hello, World!\n');
await app.run(8080);
