// A client: fetches several things from one server, at the same time where the wire can, and writes their content to standard output in
// the order they were asked for.
//
//     fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...
//
// --http2: without TLS, by prior knowledge; with TLS the server chooses. --http3: by QUIC. --send: POST with the content of a file.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Client } from 'flare-node';

const USAGE = 'usage: fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...';

function options() {
  const { values, positionals: [origin, ...paths] } = parseArgs({
    options: {
      http2: { type: 'boolean' }, http3: { type: 'boolean' }, ca: { type: 'string' }, insecure: { type: 'boolean' }, send: { type: 'string' },
    },
    allowPositionals: true,
  });
  if (paths.length === 0) throw new Error(USAGE);
  return { ...values, origin, paths, content: values.send && readFileSync(values.send) };
}

function connect({ origin, http2, http3, ca, insecure }) {
  if (!origin.startsWith('https:')) return new Client(origin, { http2: http2 === true, http3 });
  return new Client(origin, { http3, tls: insecure ? { insecure_any_certificate: true } : { roots: ca } });
}

/** As many run at a time as the connection takes; the others wait for their turn. */
async function fetchAll(client, { paths, content }) {
  return Promise.all(paths.map(async (path) => {
    const answer = content ? await client.post(path, { body: content }) : await client.get(path);
    return { path, status: answer.status, content: await answer.body() };
  }));
}

try {
  const wanted = options();
  const client = connect(wanted);
  for (const { path, status, content } of await fetchAll(client, wanted)) {
    console.error(`${status} ${path}`);
    process.stdout.write(content);
  }
  await client.close();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
