// WebSockets: an echo at /, and a chat at /chat, with a page for browsers at the same place.
import { readFileSync } from 'node:fs';
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const ROOM = 'chat';
const PAGE = readFileSync(new URL('support/chat.html', import.meta.url));

/** It reaches all sockets in the room, this one too. False: too much waits already, so it is not said. */
const say = (socket, words) => socket.publish(ROOM, `${socket.data.name}: ${words}`);

const app = new App();

app.ws('/', { messageLimit: 16 << 20, deflate: true }, {
  // Each message goes back. One reply for each is never refused: while the client does not read, no more messages come.
  message: (socket, message) => { socket.send(message); },
});

app.ws('/chat', { otherwise: () => Reply.html(PAGE) }, {
  // What it gives back is the state of the socket, which lives as long as that.
  upgrade: (request) => ({ name: request.searchParams.get('name') ?? 'somebody' }),
  open(socket) {
    socket.subscribe(ROOM);
    say(socket, 'hello');
  },
  message(socket, message) {
    if (typeof message === 'string') say(socket, message);
    else socket.close(1003, 'text only');
  },
  close: (socket) => { say(socket, 'bye'); },
});

await run(app);
