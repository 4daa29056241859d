import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SETUP = fileURLToPath(new URL('../../bin/setup', import.meta.url));

function run(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile('/bin/sh', [SETUP, ...args], { cwd: '/' }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

describe('the set-up', () => {
  it('refuses what it does not know, before it changes anything, and says what it knows', async () => {
    const usage = 'usage: sh bin/setup [--quiet] [--tests] [--bench]\n';
    expect(await run('--bench', '--everything')).toEqual({ code: 2, stderr: usage });
  });
});
