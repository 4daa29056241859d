import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/api/problems.ts';
import { AUDIENCE, type Intake, startIntake } from '../api/intake.ts';

/** docs/api.md is what other teams build on: its example is run, and its tables are held against the document. */

let intake: Intake;
let directory: string;
let page: string;
beforeAll(async () => {
  [intake, directory, page] = await Promise.all([
    startIntake(),
    mkdtemp(join(tmpdir(), 'zk-example-')),
    readFile('docs/api.md', 'utf8'),
  ]);
});
afterAll(async () => {
  await intake.release();
  await rm(directory, { recursive: true, force: true });
});

describe('docs/api.md', () => {
  it('has an example that works as it stands', async () => {
    const code = /```ts\n([\s\S]+?)```/.exec(page)?.[1] ?? '';
    const [file, keyFile] = [join(directory, 'example.ts'), join(directory, 'private.pem')];
    await writeFile(file, code);
    await writeFile(keyFile, intake.ckis.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const env = {
      INTAKE: intake.usual.url,
      AUDIENCE,
      SOURCE: intake.ckis.name,
      KID: intake.ckis.kid,
      PRIVATE_KEY_FILE: keyFile,
    };
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
    const [id = '', state] = stdout.trim().split(' ');
    expect(state).toBe('accepted');
    expect(await intake.sql('select state from registration where id = $1', [id])).toEqual([{ state: 'accepted' }]);
  });

  it('says of every state what it promises, and of every status what to do', () => {
    const { schemas } = intake.document['components'] as {
      schemas: Record<'Registration', { properties: { state: { enum: string[] } } }>;
    };
    const promises = page.split('\n## ').find((part) => part.startsWith('What the states promise')) ?? '';
    const rows = [...promises.matchAll(/^\| `([a-z]+)` \| /gm)].map(([, name]) => name);
    expect(rows).toEqual(schemas.Registration.properties.state.enum);
    const statuses = new Set(Object.values(PROBLEMS).map(([status]) => String(status)));
    expect([...statuses].filter((status) => !new RegExp(`^\\| [^|]*\\b${status}\\b[^|]* \\|`, 'm').test(page))).toEqual(
      [],
    );
  });

  it('names every algorithm that a key may sign with', async () => {
    const source = await readFile('src/api/authenticate.ts', 'utf8');
    const algorithms = new Set(source.match(/\b(?:[EPR]S\d{3}|EdDSA)\b/g));
    expect(algorithms.size).toBe(7);
    expect([...algorithms].filter((name) => !page.includes(name))).toEqual([]);
  });
});
