// Ends although it listens.
import { App } from 'flare-node';
const app = new App();
await app.listen();
app.ref().unref();
console.log('listening');
