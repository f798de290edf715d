// Drives Chromium over its debugging pipe: drive.mjs CHROMIUM PAGE PROTOCOL ACCEPTED [FLAG...]
//   PAGE: the address of /chat   PROTOCOL: what it has to come over, as the browser names it: http/1.1, h2 or h3
//   ACCEPTED: the status that a socket is accepted with, which says what it came over   FLAG: of Chromium
// Prints a line for each check: its name, a tab, and what is wrong or nothing. The line "end" asks whoever called for the end of the server.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIMIT = 30_000;
const [chromium, page, protocol, accepted, ...more] = process.argv.slice(2);

class Browser {
  #folder = mkdtempSync(join(tmpdir(), 'flare-browser-'));
  #waiting = new Map();
  #heard = [];
  #last = 0;
  #rest = '';

  constructor() {
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-extensions', '--ignore-certificate-errors', '--no-proxy-server', '--remote-debugging-pipe',
      `--user-data-dir=${this.#folder}`, ...more, 'about:blank'];
    this.process = spawn(chromium, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.process.stdio[4].setEncoding('utf8').on('data', (data) => this.#receive(data));
  }

  #receive(data) {
    const messages = (this.#rest + data).split('\0');
    this.#rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      if (message.id) {
        const { resolve, reject } = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.error) reject(new Error(message.error.message)); else resolve(message.result);
      } else {
        this.#heard.push(message);
      }
    }
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => { this.#waiting.set(id, { resolve, reject }); });
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  heard(method) {
    return this.#heard.filter((message) => message.method === method).map((message) => message.params);
  }

  async open(url) {
    const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
    await this.ask('Network.enable', {}, sessionId);
    await this.ask('Page.enable', {}, sessionId);
    await this.ask('Page.navigate', { url }, sessionId);
    const tab = (code) => this.run(code, sessionId);
    await tab(`new Promise((done) => { const look = () => document.readyState === 'complete' && location.href === ${JSON.stringify(url)} ? done() : setTimeout(look, 20); look(); })`);
    return tab;
  }

  /** What an expression in the page comes to. */
  async run(code, sessionId) {
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', { expression: code, awaitPromise: true, returnByValue: true }, sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async close() {
    const ended = new Promise((resolve) => { this.process.once('close', resolve); });
    // It ends its children first. One that is killed leaves them, and they write into its folder for a while.
    const late = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    this.ask('Browser.close').catch(() => {});
    await ended;
    clearTimeout(late);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

// Resolves when the list of the page has a line with this text.
const shows = (text) => `new Promise((done) => {
  const list = document.querySelector('ul');
  const look = () => [...list.children].some((line) => line.textContent === ${JSON.stringify(text)}) && (watch.disconnect(), done('shown'));
  const watch = new MutationObserver(look);
  watch.observe(list, { childList: true });
  look();
})`;

const say = (text) => `document.forms[0].elements.text.value = ${JSON.stringify(text)}; document.forms[0].requestSubmit(); 'said'`;

const ECHO = `(async () => {
  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/chat$/, 'ws'));
  socket.binaryType = 'arraybuffer';
  const next = (event) => new Promise((done, failed) => { socket.addEventListener(event, done, { once: true }); socket.onerror = () => failed(new Error('error')); });
  await next('open');
  const text = 'äöü€😀'.repeat(20000);
  const bytes = Uint8Array.from({ length: 3 << 20 }, (_, at) => at * at % 251);
  socket.send(text);
  const textBack = (await next('message')).data;
  socket.send(bytes);
  const bytesBack = new Uint8Array((await next('message')).data);
  for (let number = 0; number < 500; number++) socket.send('message ' + number);
  let inOrder = 0;
  await new Promise((done) => { socket.onmessage = ({ data }) => { if (data === 'message ' + inOrder) inOrder++; if (inOrder === 500) done(); }; });
  socket.close(4001, 'bye');
  const { code, wasClean } = await next('close');
  return { text: textBack === text, bytes: bytesBack.length === bytes.length && bytesBack.every((byte, at) => byte === bytes[at]), inOrder,
    extensions: socket.extensions, code, wasClean };
})()`;

const within = (promise) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`nothing within ${LIMIT} ms`)), LIMIT); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

async function check(name, found, expected) {
  let wrong = '';
  try {
    const value = JSON.stringify(await within(Promise.resolve().then(found)));
    if (value !== JSON.stringify(expected)) wrong = `it came to ${value}`;
  } catch (error) {
    wrong = error.message;
  }
  console.log(`${name}\t${wrong.replace(/\s+/g, ' ')}`);
}

const browser = new Browser();
try {
  let one;
  let other;
  await check('the page comes', async () => { [one, other] = [await browser.open(page), await browser.open(page)]; return one('document.title'); }, 'flare chat');
  await check('over the protocol', () => one("performance.getEntriesByType('navigation')[0].nextHopProtocol"), protocol);
  await check('the socket opens', () => Promise.all([one(shows('connected')), other(shows('connected'))]), ['shown', 'shown']);
  await one(say('hello from one'));
  await check('what one says both hear', () => Promise.all([one(shows('hello from one')), other(shows('hello from one'))]), ['shown', 'shown']);
  await other(say('<b>äöü</b>'));
  await check('and the other way round', () => Promise.all([one(shows('<b>äöü</b>')), other(shows('<b>äöü</b>'))]), ['shown', 'shown']);
  await check('an echo of all kinds', async () => {
    const { extensions, ...rest } = await one(ECHO);
    return { ...rest, compressed: extensions.startsWith('permessage-deflate') };
  }, { text: true, bytes: true, inOrder: 500, code: 4001, wasClean: true, compressed: true });
  // What accepts a socket is 101 to an Upgrade, and 200 to an extended CONNECT (RFC 8441, RFC 9220).
  await check('each socket is on its wire', () => browser.heard('Network.webSocketHandshakeResponseReceived').map(({ response }) => response.status),
    Array(3).fill(Number(accepted)));
  console.log('end');
  await check('a server that ends says goodbye', () => Promise.all([one(shows('closed: 1001')), other(shows('closed: 1001'))]), ['shown', 'shown']);
} finally {
  await browser.close();
}
