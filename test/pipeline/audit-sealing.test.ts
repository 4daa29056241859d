import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/audit/audit.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { auditSealing, type Moment, sealKey } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { Failure } from '../../src/shared/failure.ts';
import type { LogFields, Logger } from '../../src/shared/logger.ts';
import { append } from '../audit/rows.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { testKeys } from '../practice/places.ts';

const ledgers = useLedgers({ isAlone: true });
let directory: string;
let files = 0;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-sealing-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
beforeEach(async () => {
  await ledgers.owner.query('truncate audit, audit_seal');
  file = join(directory, `seals-${++files}.jsonl`);
});

function sealing(changes: { readonly ledger?: Ledger; readonly mark?: (moment: Moment) => void } = {}) {
  const said: string[] = [];
  const say = (level: string) => (event: string, fields?: LogFields) =>
    void said.push(`${level} ${event} ${fields?.code ?? ''}`.trim());
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const limits = { auditSealFile: file } as Parameters<typeof auditSealing>[0]['limits'];
  const { ledger = ledgers.worker, mark = () => {} } = changes;
  const made = auditSealing({ ledger, keys: testKeys(ledgers.worker), logger, clock: systemClock, limits, mark });
  return { ...made, said };
}

const verified = async () =>
  verifyAudit(ledgers.worker, {
    key: await sealKey(testKeys(ledgers.worker)),
    lines: null,
    progress: () => {},
  });
const lineCount = async () => (await readFile(file, 'utf8')).split('\n').length - 1;

describe('a worker that seals', () => {
  it('seals and writes the file, and says nothing of it', async () => {
    const { round, said } = sealing();
    await append(ledgers.worker, 4);
    for (let turn = 0; turn < 3; turn += 1) await round();
    expect(await verified()).toMatchObject({ seals: 1, rows: 4, findingCount: 0, unsealed: { count: 0 } });
    expect(await lineCount()).toBe(1);
    expect(said).toEqual([]);
  });

  it('warns once while the ledger is away, goes on when it is back, and no act waited for it', async () => {
    let isAway = true;
    const away = () => Promise.reject(new Failure('ledger.unreachable', { kind: 'transient', scope: 'peer' }));
    const ledger: Ledger = {
      ...ledgers.worker,
      query: (text, values) => (isAway ? away() : ledgers.worker.query(text, values)),
      transaction: (work) => (isAway ? away() : ledgers.worker.transaction(work)),
    };
    const { round, said } = sealing({ ledger });
    for (let turn = 0; turn < 3; turn += 1) await round();
    expect(said).toEqual(['warn audit could not be sealed ledger.unreachable']);
    await append(ledgers.worker, 2);
    isAway = false;
    for (let turn = 0; turn < 2; turn += 1) await round();
    expect(said.slice(1)).toEqual(['info audit is sealed again']);
    expect(await verified()).toMatchObject({ rows: 2, unsealed: { count: 0 } });
  });

  it('that dies between ledger and file leaves a file that the next one completes', async () => {
    const died = sealing({
      mark: (moment) => {
        if (moment === 'audit-sealed') throw new Error('killed');
      },
    });
    await append(ledgers.worker, 2);
    for (let turn = 0; turn < 2; turn += 1) await died.round();
    expect(await verified()).toMatchObject({ seals: 1 });
    expect(await lineCount()).toBe(0);
    const { round } = sealing();
    await round();
    expect(await lineCount()).toBe(1);
  });

  it('raises one error for a file that is another’s, leaves it alone, and goes on sealing', async () => {
    await writeFile(file, 'somebody else’s file\n');
    const { round, said } = sealing();
    await append(ledgers.worker, 1);
    for (let turn = 0; turn < 4; turn += 1) await round();
    expect(said).toEqual([
      'error the seal file is not the beginning of the ledger’s seals: it is left as it is audit.seal-file-differs',
    ]);
    expect(await readFile(file, 'utf8')).toBe('somebody else’s file\n');
    expect(await verified()).toMatchObject({ seals: 1 });
  });

  it('warns after a minute of rounds that a transaction does not end, once', async () => {
    const { round, said } = sealing();
    await ledgers.worker.transaction(async (tx) => {
      await append(tx);
      await append(ledgers.worker);
      for (let turn = 0; turn < 70; turn += 1) await round();
    });
    expect(said).toEqual(['warn audit rows wait for a transaction that does not end audit.waiting']);
  });

  it('has one round at a time, and waits for it when it stops', async () => {
    const { round, release } = sealing();
    await append(ledgers.worker);
    const [first, second] = [round(), round()];
    expect(second).toBe(first);
    await release(5_000);
    await first;
  });
});
