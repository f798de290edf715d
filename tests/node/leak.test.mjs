// 100,000 requests, 20,000 sockets, 21,000 requests and 15,000 sockets of the client: the memory of the process stays what it is, and what handlers hold is let go.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

test('100,000 requests of all kinds', () => {
  const program = fileURLToPath(new URL('programs/leak.mjs', import.meta.url));
  const report = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8', timeout: 120_000 }));
  assert.equal(report.requests, 100_000);
  assert.equal(report.held, 0, 'exchanges that the addon still holds');
  assert.equal(report.alive, 0, 'requests that were not collected');
  assert.ok(report.grown < 8 << 20, `the process grew by ${report.grown} bytes in the second part`);
});

test('20,000 WebSockets of all kinds', () => {
  const program = fileURLToPath(new URL('programs/websocket_leak.mjs', import.meta.url));
  const report = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8', timeout: 120_000 }));
  assert.equal(report.opened, 20_000);
  assert.equal(report.held, 0, 'sockets that the addon still holds');
  assert.equal(report.alive, 0, 'sockets that were not collected');
  assert.ok(report.grown < 8 << 20, `the process grew by ${report.grown} bytes in the second part`);
});

function asksAndLeavesNothing(...given) {
  const program = fileURLToPath(new URL('programs/client_leak.mjs', import.meta.url));
  const report = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program, ...given], { encoding: 'utf8', timeout: 120_000 }));
  assert.equal(report.alive, 0, 'clients and answers that were not collected');
  assert.ok(report.open < 40, `${report.open} descriptors are open`);
  return report;
}

test('20,000 requests of the client', () => {
  const { grown } = asksAndLeavesNothing('20000');
  assert.ok(grown < 8 << 20, `the process grew by ${grown} bytes in the second part`);
});

// Objects and descriptors alone: a process that is both ends of QUIC grows for longer than others before its memory stays. Either end by itself
// does not: 600 connections left 0.2 MB more in a server, 1,250 left 7 MB in a client, of which the last 250 half a megabyte.
test('1,000 requests of the client by HTTP/3', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flare-leak-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=leak',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', cert], { stdio: 'pipe' });
    asksAndLeavesNothing('1000', cert, key);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('15,000 WebSockets to servers', () => {
  const program = fileURLToPath(new URL('programs/websocket_client_leak.mjs', import.meta.url));
  const report = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8', timeout: 120_000 }));
  assert.equal(report.alive, 0, 'sockets that were not collected');
  assert.ok(report.open < 40, `${report.open} descriptors are open`);
  assert.ok(report.grown < 8 << 20, `the process grew by ${report.grown} bytes in the second part`);
});
