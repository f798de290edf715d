// The types: what programs write compiles, mistakes do not, and no name is forgotten.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import * as flare from 'flare-node';

const require = createRequire(import.meta.url);

test('tsc --strict', () => {
  const folder = fileURLToPath(new URL('types', import.meta.url));
  try {
    execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '--project', folder], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(error.stdout);
  }
});

test('every name has a type, and a comment', () => {
  const folder = join(dirname(require.resolve('flare-node/package.json')), 'types');
  const types = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  for (const name of Object.keys(flare)) {
    assert.match(types, new RegExp(`\\*/\\nexport (class|function) ${name}\\b`), name);
  }
});
