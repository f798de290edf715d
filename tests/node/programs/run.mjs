import { App } from 'flare-node';
const app = new App();
app.once('listening', () => console.log('listening'));
console.log(JSON.stringify(await app.run()));
