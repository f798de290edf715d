// Ends when its server is closed.
import { App } from 'flare-node';
const app = new App();
app.get('/', () => 'x');
const { port } = await app.listen();
await (await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })).text();
console.log('closed', (await app.close()).requests);
