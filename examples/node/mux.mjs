// A sidecar on one connection: many streams at once, each with its own answer. Here the sidecar is in the same program; it upper-cases.
import { Mux, MuxListener } from 'flare-node';

const STREAMS = 100;

/** Answers one stream as its bytes come. */
async function answer(stream) {
  for await (const data of stream) await stream.send(data.toString().toUpperCase());
  stream.finish();
}

/** Serves one connection until the other end is gone. */
async function sidecar(listener) {
  const mux = await listener.accept({ signal: AbortSignal.timeout(10_000) });
  const answers = [];
  for await (const stream of mux) answers.push(answer(stream));
  await Promise.all(answers);
}

async function ask(mux, number) {
  const stream = mux.open();
  await stream.send(`stream ${number}`);
  stream.finish();
  let text = '';
  for await (const data of stream) text += data;
  return text === `STREAM ${number}`;
}

// Programs on one machine use "unix:/run/sidecar.sock" or the like.
const listener = new MuxListener('127.0.0.1:0');
const serving = sidecar(listener);
const mux = await Mux.connect(listener.address);
const right = await Promise.all(Array.from({ length: STREAMS }, (_, number) => ask(mux, number)));
mux.close();
await serving;
listener.close();
console.log(`${right.filter(Boolean).length} of ${STREAMS} streams were answered`);
