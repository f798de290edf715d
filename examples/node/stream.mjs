// Content that is made while the client takes it, in two ways: a generator that is pulled, and writes that go on when there is room.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

// flare asks for more when the client has taken what came before.
function* countdown() {
  for (let n = 10; n > 0; n--) yield `${n}\n`;
}

const app = new App();
app.get('/countdown', () => Reply.text(countdown()));

// Writes: each is taken, and false says to wait until the client has taken some.
app.get('/letters', async (req, res) => {
  res.type('text/plain; charset=utf-8');
  for (let i = 0; i < 4000 && !res.ended; i++) {
    const letter = String.fromCharCode(97 + (i % 26));
    if (!res.write(letter.repeat(1000))) await res.drained();
  }
  res.end();
});
await run(app);
