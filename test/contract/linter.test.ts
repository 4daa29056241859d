/** The house rules of biome.json, each broken once: a rule that stopped working (a new version, a glob) would be silent. */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where, what, and the rule that must object to it; null: fine there. */
const CASES: readonly (readonly [path: string, code: string, rule: string | null])[] = [
  ['src/mail/pg.ts', "export { Client } from 'pg';", 'lint/style/noRestrictedImports'],
  ['src/ledger/pg.ts', "export { Client } from 'pg';", null],
  ['src/queue/imap.ts', "export { ImapFlow } from 'imapflow';", 'lint/style/noRestrictedImports'],
  ['src/mailbox/imap.ts', "export { ImapFlow } from 'imapflow';", null],
  ['src/pipeline/redis.ts', "export { Redis } from 'ioredis';", 'lint/style/noRestrictedImports'],
  ['src/lab/http.ts', "export { fetch } from 'undici';", 'lint/style/noRestrictedImports'],
  ['src/hl7/judge.ts', "export * as judge from 'hl7-standard';", 'lint/style/noRestrictedImports'],
  ['src/pipeline/thread.ts', "export { Piscina } from 'piscina';", 'lint/style/noRestrictedImports'],
  ['src/reading/thread.ts', "export { Piscina } from 'piscina';", null],
  ['src/pipeline/meter.ts', "export { Counter } from 'prom-client';", 'lint/style/noRestrictedImports'],
  ['src/delivery/zorgmail/meter.ts', "export { Counter } from 'prom-client';", 'lint/style/noRestrictedImports'],
  ['src/health/meter.ts', "export { Counter } from 'prom-client';", null],
  ['src/health/thread.ts', "export { Piscina } from 'piscina';", 'lint/style/noRestrictedImports'],
  ['src/pipeline/smtp.ts', "export { createTransport } from 'nodemailer';", 'lint/style/noRestrictedImports'],
  [
    'src/delivery/board/smtp.ts',
    "export { default as smtp } from 'nodemailer/lib/smtp-connection';",
    'lint/style/noRestrictedImports',
  ],
  ['src/delivery/zorgmail/smtp.ts', "export { default as smtp } from 'nodemailer/lib/smtp-connection';", null],
  ['src/delivery/zorgmail/http.ts', "export { fetch } from 'undici';", 'lint/style/noRestrictedImports'],
  ['src/delivery/zorgmail/relay.ts', "export { SMTPServer } from 'smtp-server';", 'lint/style/noRestrictedImports'],
  ['src/sandbox/relay.ts', "export { SMTPServer } from 'smtp-server';", null],
  ['src/pipeline/fastify.ts', "export { fastify } from 'fastify';", 'lint/style/noRestrictedImports'],
  [
    'src/commands/limit.ts',
    "export { default as limit } from '@fastify/rate-limit';",
    'lint/style/noRestrictedImports',
  ],
  [
    'src/delivery/zorgmail/document.ts',
    "export { default as swagger } from '@fastify/swagger';",
    'lint/style/noRestrictedImports',
  ],
  ['src/source/jose.ts', "export { jwtVerify } from 'jose';", 'lint/style/noRestrictedImports'],
  ['src/api/fastify.ts', "export { fastify } from 'fastify';\nexport { jwtVerify } from 'jose';", null],
  ['src/api/pg.ts', "export { Client } from 'pg';", 'lint/style/noRestrictedImports'],
  ['src/lab/pino.ts', "export { pino } from 'pino';", 'lint/style/noRestrictedImports'],
  ['src/lab/env.ts', "export const home = process.env['HOME'];", 'lint/style/noProcessEnv'],
  ['src/config/env.ts', "export const home = process.env['HOME'];", null],
  [
    'src/lab/timer.ts',
    'export const later = (act: () => void) => setTimeout(act, 1);',
    'lint/style/noRestrictedGlobals',
  ],
  ['src/shared/clock.ts', 'export const later = (act: () => void) => [setTimeout(act, 1), new Date()];', null],
  ['src/lab/now.ts', 'export const now = () => Date.now();', 'plugin'],
  ['src/lab/today.ts', 'export const today = () => new Date();', 'plugin'],
  ['src/lab/moment.ts', 'export const moment = (text: string) => new Date(text);', null],
  [
    'src/mailbox/flag.ts',
    "export const f = (c: { messageFlagsAdd(u: string): void }) => c.messageFlagsAdd('1');",
    'plugin',
  ],
  ['src/lab/wide.ts', "export const wide = (bytes: Buffer) => bytes.toString('utf16le');", 'plugin'],
  ['src/lab/narrow.ts', "export const narrow = (bytes: Buffer) => bytes.toString('latin1');", null],
  ['src/mailbox/move.ts', "export const f = (c: { messageMove(u: string): void }) => c.messageMove('1');", 'plugin'],
  ['src/lab/say.ts', "console.log('x');", 'lint/suspicious/noConsole'],
  ['src/lab/float.ts', 'async function f(): Promise<void> {}\nf();', 'lint/nursery/noFloatingPromises'],
  [
    'src/lab/long.ts',
    `export function f(): void {\n${'  f();\n'.repeat(71)}}`,
    'lint/complexity/noExcessiveLinesPerFunction',
  ],
  ['test/lab/sleep.test.ts', "export { setTimeout } from 'node:timers/promises';", 'lint/style/noRestrictedImports'],
  ['test/lab/skip.test.ts', "import { it } from 'vitest';\nit.skip('x', () => {});", 'lint/suspicious/noSkippedTests'],
  ['src/lab/alone.ts', "export { nothing } from 'not-in-package-json';", 'lint/correctness/noUndeclaredDependencies'],
];

let directory: string;
let found: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-lint-'));
  for (const name of ['biome.json', 'lint', 'package.json', '.gitignore']) {
    await cp(join(ROOT, name), join(directory, name), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  for (const [path, code] of CASES) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), `${code}\n`);
  }
  found = await lint();
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function lint(): Promise<Map<string, string[]>> {
  const biome = join(ROOT, 'node_modules/.bin/biome');
  const args = ['lint', '--max-diagnostics=none', '--colors=off', 'src', 'test'];
  return new Promise((resolve) => {
    execFile(biome, args, { cwd: directory }, (_error, stdout, stderr) => {
      const rules = new Map<string, string[]>();
      for (const [, path = '', rule = ''] of `${stdout}${stderr}`.matchAll(/^(\S+\.ts):\d+:\d+ (\S+) /gm)) {
        rules.set(path, [...(rules.get(path) ?? []), rule]);
      }
      resolve(rules);
    });
  });
}

describe('the linter', () => {
  it.each(CASES.filter(([, , rule]) => rule !== null))('objects in %s to %s', (path, _code, rule) => {
    expect(found.get(path)).toContain(rule);
  });

  it.each(CASES.filter(([, , rule]) => rule === null))('allows in %s: %s', (path) => {
    expect(found.get(path) ?? []).toEqual([]);
  });
});
