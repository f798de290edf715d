'use strict';
// The addon: the package of this platform, or an error that says what to do.

const PLATFORMS = { 'linux-x64': 'flare-node-linux-x64-gnu', 'linux-arm64': 'flare-node-linux-arm64-gnu' };

function load() {
  const platform = `${process.platform}-${process.arch}`;
  const name = PLATFORMS[platform];
  if (name === undefined) {
    throw new Error(`flare-node has no build for ${platform}; there are builds for ${Object.keys(PLATFORMS).join(', ')}`);
  }
  try {
    return require(name);
  } catch (error) {
    const missing = error.code === 'MODULE_NOT_FOUND' && error.message.includes(name);
    const advice = missing
      ? `the package ${name} is not installed. It is an optional dependency of flare-node: install again without ` +
        `--omit=optional (npm) or --no-optional, on the platform that will run it (${platform})`
      : `${name} can't be loaded. It needs glibc 2.28 or later and Node 20 or later`;
    throw new Error(`flare-node: ${advice}: ${error.message}`, { cause: error });
  }
}

const native = load();

/** Places in the memory that both sides read and write without a call: `Register` in src/environment.rs. */
const EXCHANGE = 0;
const HANDLER = 1;
const FLAGS = 2;
const KIND = 3;
const STATUS = 4;

/** What a request has: `flag` in src/handler.rs. */
const HAS_CONTENT = 1;
const HAS_TRAILERS = 2;
const STREAMING = 4;
const GATE = 8;
const COMING = 16;

/** What the answer of a handler is: `kind` in src/answer.rs. */
const DONE = 0;
const KEPT = 1;
const TEXT = 2;
const JSON_TEXT = 3;
const BYTES = 4;

/** What happens to an exchange: `Notice` in src/handler.rs. */
const READABLE = 0;
const END = 1;
const WRITABLE = 2;
const CANCELLED = 3;
const PASSED = 4;

/** Why something was refused: `refusal` in src/answer.rs. */
const ANSWERED = -1;
const WOULD_BLOCK = -2;
const MISUSE = -3;
/** In src/datagrams.rs. */
const TOO_LARGE = -4;

/** What happens to a socket: `Happening` in src/websocket.rs. */
const ASKED = 0;
const OPEN = 1;
const TEXT_MESSAGE = 2;
const BINARY_MESSAGE = 3;
const SENDABLE = 4;

/** What happens on a connection to a server: `Happening` in src/client.rs. */
const CONNECTED = 0;
const UNCONNECTED = 1;
const INFORMATIONAL = 2;
const HEAD = 3;
const DATA = 4;
const ANSWER_END = 5;
const ROOM = 6;
const FAILED = 7;

/** What happens to a socket to a server: `Happening` in src/websocket_client.rs. */
const OPENED = 0;
const UNOPENED = 1;
const TEXT_CAME = 2;
const BINARY_CAME = 3;
const PONG = 4;
const SENDABLE_AGAIN = 5;
const CLOSED_BY_BOTH = 6;
const CUT = 7;

let dispatch;
let notify;
let ended;
let socketed;
let onClient;
let onResolve;
const registers = new Int32Array(native.initialize(
  (packed) => dispatch(packed),
  (id, notice) => notify(id, notice),
  (server, packed, status, bytes, duration, whole) => ended(server, packed, status, bytes, duration, whole),
  (id, what, value, code) => socketed(id, what, value, code),
  (number, id, what, first, second) => onClient(number, id, what, first, second),
  (number, name) => onResolve(number, name),
));

/** Sets the functions that are called for a request, for what happens to it later, for its end, and for sockets. */
function connect(onRequest, onNotice, onEnd, onSocket) {
  dispatch = onRequest;
  notify = onNotice;
  ended = onEnd;
  socketed = onSocket;
}

/** Sets the function that is called for what happens on connections to servers. */
function connectClients(onHappening) {
  onClient = onHappening;
}

/** Sets the function that is called for the certificate of each handshake. */
function connectResolvers(onHello) {
  onResolve = onHello;
}

module.exports = {
  native, registers, connect, connectClients, connectResolvers,
  EXCHANGE, HANDLER, FLAGS, KIND, STATUS,
  HAS_CONTENT, HAS_TRAILERS, STREAMING, GATE, COMING,
  DONE, KEPT, TEXT, JSON_TEXT, BYTES,
  READABLE, END, WRITABLE, CANCELLED, PASSED,
  ANSWERED, WOULD_BLOCK, MISUSE, TOO_LARGE,
  CONNECTED, UNCONNECTED, INFORMATIONAL, HEAD, DATA, ANSWER_END, ROOM, FAILED,
  OPENED, UNOPENED, TEXT_CAME, BINARY_CAME, PONG, SENDABLE_AGAIN, CLOSED_BY_BOTH, CUT,
  ASKED, OPEN, TEXT_MESSAGE, BINARY_MESSAGE, SENDABLE,
};
