// What is thrown in a callback, and not in a handler, ends the process as it does elsewhere.
import { App } from 'flare-node';
const app = new App();
app.get('/', () => {
  process.nextTick(() => { throw new Error('thrown outside of a handler'); });
  return 'x';
});
const { port } = await app.listen();
await fetch(`http://127.0.0.1:${port}`);
