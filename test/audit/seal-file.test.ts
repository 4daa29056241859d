import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepSealFile } from '../../src/audit/audit.ts';
import { lineOf, sealsAfter } from '../../src/audit/seals.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { append, sealAll, sealerOf, verify } from './rows.ts';

const ledgers = useLedgers({ isAlone: true });
let directory: string;
let path: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-seals-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
beforeEach(async () => {
  await ledgers.owner.query('truncate audit, audit_seal');
  path = join(directory, `seals-${++files}.jsonl`);
  await sealMore(3);
});

async function sealMore(rows: number): Promise<void> {
  await append(ledgers.worker, rows);
  await sealAll(sealerOf(ledgers.worker, 1));
}

const keep = () => keepSealFile(ledgers.worker, path);
const text = () => readFile(path, 'utf8');
const expected = async () => (await sealsAfter(ledgers.owner, 0, 1_000)).map((seal) => `${lineOf(seal)}\n`).join('');

describe('the seal file', () => {
  it('gets every seal once, is nobody else’s to read, and is what verify compares with', async () => {
    expect(await keep()).toEqual({ kind: 'kept', written: 3 });
    expect(await keep()).toEqual({ kind: 'kept', written: 0 });
    await sealMore(2);
    expect(await keep()).toEqual({ kind: 'kept', written: 2 });
    expect(await text()).toBe(await expected());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = (await text()).trimEnd().split('\n');
    expect(await verify(ledgers, lines)).toMatchObject({ findingCount: 0, file: { lines: 5, behind: 0 } });
  });

  it('takes a long backlog in', async () => {
    await append(ledgers.worker, 230);
    const sealer = sealerOf(ledgers.worker, 1);
    while ((await sealer.tick()).seals > 0 || (await verify(ledgers)).unsealed.count > 0);
    expect(await keep()).toEqual({ kind: 'kept', written: 233 });
    expect(await text()).toBe(await expected());
  });

  it.each([1, 20, -1])('that was cut off in the middle of a line (at %i) is completed', async (place) => {
    await keep();
    const whole = await text();
    await sealMore(1);
    const [next] = await sealsAfter(ledgers.owner, 3, 1);
    const line = next === undefined ? '' : lineOf(next);
    await writeFile(path, `${whole}${line.slice(0, place === -1 ? line.length : place)}`);
    expect(await keep()).toEqual({ kind: 'kept', written: 1 });
    expect(await text()).toBe(await expected());
  });

  it('that is not the beginning of the ledger’s seals is left as it is', async () => {
    await keep();
    const whole = await text();
    const lines = whole.trimEnd().split('\n');
    const others = [
      whole.replace(/"sealedAt":"2/g, '"sealedAt":"1'),
      `${whole}something else\n`,
      `${whole}something else`,
      `${whole}${(lines[2] ?? '').replace('"sequence":3', '"sequence":4')}\n`,
      '\n',
    ];
    for (const other of others) {
      await writeFile(path, other);
      await sealMore(1);
      expect(await keep()).toMatchObject({ kind: 'differs' });
      expect(await text()).toBe(other);
    }
  });

  it('that has more than a ledger which was put back to an earlier day is left as it is', async () => {
    await keep();
    await ledgers.owner.query('delete from audit_seal where sequence = 3');
    const before = await text();
    expect(await keep()).toEqual({ kind: 'differs', sequence: 3 });
    // The row is sealed anew, at another moment: another seal than the file has.
    await sealAll(sealerOf(ledgers.worker));
    expect(await keep()).toEqual({ kind: 'differs', sequence: 3 });
    expect(await text()).toBe(before);
  });

  it('may be shared by workers: together they write each seal once', async () => {
    await sealMore(20);
    const answers = await Promise.all(Array.from({ length: 6 }, keep));
    for (let turn = 0; turn < 3; turn += 1) answers.push(await keep());
    const written = answers.map((answer) => (answer.kind === 'kept' ? answer.written : 0));
    expect(written.reduce((sum, each) => sum + each, 0)).toBe(23);
    expect(await text()).toBe(await expected());
  });

  it('that cannot be written is a failure, and nothing is lost by it', async () => {
    await expect(keepSealFile(ledgers.worker, join(directory, 'nowhere', 'seals'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(await keep()).toEqual({ kind: 'kept', written: 3 });
    await appendFile(path, '');
  });
});
