// A handler ends the process.
import { App } from 'flare-node';
const app = new App();
app.get('/', () => {
  console.log('called');
  process.exit(7);
});
const { port } = await app.listen();
await fetch(`http://127.0.0.1:${port}`);
