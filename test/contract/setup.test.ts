import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { processEnvironment } from '../../src/config/config.ts';

const SETUP = fileURLToPath(new URL('../../bin/setup', import.meta.url));

function run(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile('/bin/sh', [SETUP, ...args], { cwd: '/' }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

/** A checkout whose packages are missing, with an npm that leaves a mark; `modules` says what node_modules is. */
function checkout(modules: 'link' | 'nothing'): { root: string; shared: string; npmRan: () => boolean } {
  const root = mkdtempSync(join(tmpdir(), 'zk-setup-'));
  roots.push(root);
  const shared = join(root, 'shared');
  for (const name of ['bin', 'shared', 'machine']) mkdirSync(join(root, name));
  copyFileSync(SETUP, join(root, 'bin/setup'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(shared, 'package-of-others'), '');
  writeFileSync(join(root, 'machine/npm'), `#!/bin/sh\ntouch "${root}/npm-ran"\nexit 1\n`, { mode: 0o755 });
  if (modules === 'link') symlinkSync(shared, join(root, 'node_modules'));
  return { root, shared, npmRan: () => existsSync(join(root, 'npm-ran')) };
}

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function runIn(root: string): Promise<{ code: number; stderr: string }> {
  const env = { ...processEnvironment(), PATH: `${join(root, 'machine')}:${processEnvironment()['PATH']}` };
  return new Promise((resolve) => {
    execFile('/bin/sh', [join(root, 'bin/setup'), '--quiet'], { cwd: '/', env }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

describe('the set-up', () => {
  it('refuses what it does not know, before it changes anything, and says what it knows', async () => {
    const usage = 'usage: sh bin/setup [--quiet] [--tests] [--bench]\n';
    expect(await run('--bench', '--everything')).toEqual({ code: 2, stderr: usage });
  });

  it('refuses to install through a node_modules that is a link, and leaves the folder that it names as it is', async () => {
    const { root, shared, npmRan } = checkout('link');
    const { code, stderr } = await runIn(root);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `setup: node_modules is a symbolic link, and npm ci would empty the folder that it names: ${shared}. Type: rm ${root}/node_modules, then run this again\n`,
    );
    expect(npmRan()).toBe(false);
    expect(readdirSync(shared)).toEqual(['package-of-others']);
  });

  it('has npm install where there is no such link', async () => {
    const { root, npmRan } = checkout('nothing');
    expect(await runIn(root)).toMatchObject({ code: 1, stderr: expect.stringContaining('npm ci failed') });
    expect(npmRan()).toBe(true);
  });
});
