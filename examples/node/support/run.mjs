// What the examples do around their routes.

/** Serves an app on the address that is the first argument of the program, until SIGTERM or Ctrl-C. */
export async function run(app) {
  const [host, port] = (process.argv[2] ?? '127.0.0.1:8080').split(':');
  app.once('listening', ({ address }) => console.log(`listening on ${address}`));
  return await app.run(Number(port), host);
}
