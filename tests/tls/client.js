// Node's TLS client: two requests on one connection, then a second connection with the session of the first.
// node client.js PORT CA_FILE
const tls = require("node:tls");
const fs = require("node:fs");

const [port, ca] = process.argv.slice(2);
const options = { port, host: "127.0.0.1", servername: "localhost", ca: fs.readFileSync(ca), ALPNProtocols: ["http/1.1"] };

function ask(session) {
  return new Promise((resolve, reject) => {
    let last;
    let text = "";
    const socket = tls.connect({ ...options, session }, () => {
      socket.write("GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\nGET /tls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    socket.on("session", (given) => (last = given));
    socket.on("data", (data) => (text += data));
    socket.on("error", reject);
    socket.on("end", () => resolve({ text, last, reused: socket.isSessionReused(), alpn: socket.alpnProtocol }));
  });
}

(async () => {
  const first = await ask();
  const second = await ask(first.last);
  for (const answer of [first, second]) {
    if (!/Hello, World![^]*TLSv1\.3 TLS_\S+ name=localhost alpn=http\/1\.1/.test(answer.text)) throw new Error(answer.text);
    if (answer.alpn !== "http/1.1") throw new Error(`alpn ${answer.alpn}`);
  }
  if (first.reused || !second.reused) throw new Error(`reused: ${first.reused}, ${second.reused}`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
