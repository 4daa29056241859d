import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const LAUNCHER = fileURLToPath(new URL('../../bin/zorgkoerier', import.meta.url));
const cleanups: string[] = [];

afterEach(async () => {
  for (const path of cleanups.splice(0)) await rm(path, { recursive: true, force: true });
});

/** A checkout with the real launcher and a command line that says what it was given. */
async function checkout(nodes: { own?: string; machine?: string }): Promise<{ root: string; path: string }> {
  const root = await mkdtemp(join(tmpdir(), 'zk launcher '));
  cleanups.push(root);
  for (const folder of ['bin', 'src', 'node_modules/.bin', 'machine'])
    await mkdir(join(root, folder), { recursive: true });
  await copyFile(LAUNCHER, join(root, 'bin/zorgkoerier'));
  await writeFile(join(root, 'src/cli.ts'), 'console.log(JSON.stringify(process.argv.slice(2)));\n');
  if (nodes.own !== undefined) await symlink(nodes.own, join(root, 'node_modules/.bin/node'));
  if (nodes.machine !== undefined) await symlink(nodes.machine, join(root, 'machine/node'));
  return { root, path: `${join(root, 'machine')}:/bin` };
}

/** A Node.js that is too old: it fails the launcher's question, as Node.js 20 does. */
async function oldNode(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zk-old-node-'));
  cleanups.push(folder);
  await writeFile(join(folder, 'node'), '#!/bin/sh\nexit 1\n');
  await chmod(join(folder, 'node'), 0o755);
  return join(folder, 'node');
}

function run(
  file: string,
  path: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      [file, 'show', 'two words'],
      { env: { PATH: path, ...more }, cwd: '/' },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      },
    );
  });
}

describe('the launcher', () => {
  it('passes its arguments on, from any folder, with the Node.js of the checkout', async () => {
    const { root, path } = await checkout({ own: process.execPath, machine: await oldNode() });
    expect(await run(join(root, 'bin/zorgkoerier'), path)).toMatchObject({ code: 0, stdout: '["show","two words"]\n' });
  });

  it('works through a chain of links, relative and absolute', async () => {
    const { root, path } = await checkout({ own: process.execPath });
    await symlink('../bin/zorgkoerier', join(root, 'machine/first'));
    await symlink(join(root, 'machine/first'), join(root, 'second'));
    expect(await run(join(root, 'second'), `/usr/bin:${path}`)).toMatchObject({ stdout: '["show","two words"]\n' });
  });

  it('takes the machine’s Node.js when the checkout has none', async () => {
    const { root, path } = await checkout({ machine: process.execPath });
    expect(await run(join(root, 'bin/zorgkoerier'), path)).toMatchObject({ code: 0, stdout: '["show","two words"]\n' });
  });

  it('keeps what was compiled beside the packages, and elsewhere where it is told to', async () => {
    const { root, path } = await checkout({ own: process.execPath });
    const compiled = join(root, 'node_modules/.cache/compiled');
    expect(await run(join(root, 'bin/zorgkoerier'), path)).toMatchObject({ code: 0 });
    expect(await readdir(compiled)).toHaveLength(1);
    const elsewhere = join(root, 'elsewhere');
    await rm(compiled, { recursive: true });
    await run(join(root, 'bin/zorgkoerier'), path, { NODE_COMPILE_CACHE: elsewhere });
    expect(await readdir(elsewhere)).toHaveLength(1);
    await expect(readdir(compiled)).rejects.toThrow('ENOENT');
  });

  it('goes on without that where nothing can be kept there', async () => {
    const { root, path } = await checkout({ own: process.execPath });
    // A file in the way stops root too, whom no permission does.
    await writeFile(join(root, 'node_modules/.cache'), '');
    expect(await run(join(root, 'bin/zorgkoerier'), path)).toEqual({
      code: 0,
      stdout: '["show","two words"]\n',
      stderr: '',
    });
  });

  it('says what to type when no Node.js is new enough', async () => {
    const { root } = await checkout({ machine: await oldNode() });
    const { code, stderr } = await run(join(root, 'bin/zorgkoerier'), join(root, 'machine'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^zorgkoerier needs Node.js 24 or newer. Type: sh .*bin\/setup$/m);
  });
});
