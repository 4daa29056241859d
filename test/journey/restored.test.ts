import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../src/commands/io.ts';
import { type RecoverOptions, runRecover } from '../../src/commands/recover.ts';
import { pauseForwarding, type Recovered } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { medlab } from '../support/medlab.ts';
import { cardOf, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/**
 * The ledger goes back to an earlier state while mailboxes and cards stay as they are. The backup is a copy of every
 * table, put back in one transaction: what a restored PostgreSQL holds.
 */

let journey: Journey;
let restoredAt: Date;
const PETRA = '999990019';

beforeAll(async () => {
  journey = await startJourney();
});
afterAll(() => journey.release());

async function tables(): Promise<readonly string[]> {
  const rows = await journey.sql<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function backUp(): Promise<void> {
  const copies = (await tables()).map((name) => `create table backup.${name} as table public.${name};`);
  await journey.sql(`create schema backup; ${copies.join(' ')}`);
  restoredAt = systemClock.now();
}

async function restore(): Promise<void> {
  const names = await tables();
  const back = names.map((name) => `insert into ${name} overriding system value table backup.${name};`);
  // Replica: as a restore does, rows come back without their keys being checked one by one.
  await journey.sql(
    `begin; set local session_replication_role = replica; truncate ${names.join(', ')}; ${back.join(' ')} commit;`,
  );
}

async function recover(changes: Partial<RecoverOptions> = {}) {
  const out: string[] = [];
  const io: Io = {
    env: { ...journey.settings, ZORGKOERIER_LOG_LEVEL: 'silent' },
    out: (line) => void out.push(line),
    progress: () => {},
    readStdin: async () => Buffer.alloc(0),
  };
  const code = await runRecover(io, { restoredAt: restoredAt.toISOString(), json: true, by: 'test', ...changes });
  return { code, text: out.join('\n') };
}

const message = (labNumber: string, value: string, sentAt?: string) =>
  medlab({ bsn: PETRA, labNumber, to: '500088001', results: [{ value }], ...(sentAt === undefined ? {} : { sentAt }) });

describe('a ledger that was restored from a backup', () => {
  it('delivers what came since once, keeps the newest value, and the books close', async () => {
    const worker = await journey.startWorker();
    await journey.send('linde', message('26150001', '71'));
    await untilAtRest(journey, 1);

    // Copied and read, not yet delivered: cKIS is away when the backup is made.
    await worker.release(5_000);
    journey.world.ckis.faults.outage(true);
    const late = await journey.startWorker();
    await journey.send('linde', message('26150002', '72'));
    await until(
      'asked in vain',
      () => journey.sql(`select 1 from delivery where reason is not null and state = 'ready'`),
      (rows) => rows.length === 1,
    );
    await late.release(5_000);
    await backUp();

    // Since the backup: that one, its correction and a third.
    journey.world.ckis.faults.clear();
    await journey.sql('update delivery set next_check_at = now()');
    const after = await journey.startWorker();
    await journey.send('linde', message('26150002', '73', '261117:0915'), message('26150003', '74'));
    await untilAtRest(journey, 4);
    await after.release(5_000);
    const before = await resultsOf(journey.world.ckis, PETRA);
    expect(before).toHaveLength(3);

    await restore();
    const { code, text } = await recover();
    expect(code).toBe(0);
    const recovered: Recovered = JSON.parse(text);
    expect(recovered.deliveries).toBe(1);
    expect(recovered.mailboxes.find(({ mailbox }) => mailbox === 'linde')).toMatchObject({ listed: 4, code: null });

    const revived = await journey.startWorker();
    const sum = await untilAtRest(
      journey,
      recovered.mailboxes.reduce((all, each) => all + (each.listed ?? 0), 2),
    );
    expect(sum).toMatchObject({ difference: 0, waiting: 0, vanished: 0 });
    await revived.release(5_000);
    expect(await resultsOf(journey.world.ckis, PETRA)).toEqual(before);
    expect((await cardOf(journey.world.ckis, PETRA)).results.every(({ value }) => value !== '72')).toBe(true);
    expect((await journey.sql(`select 1 from audit where event = 'ledger.restored'`)).length).toBe(1);
  });

  it('asks the card first of a paused practice’s open report, and counts what stands there as forwarded', async () => {
    const [open] = await journey.sql<{ id: string }>(
      `update delivery set state = 'ready', settled_at = null where target = 'patient-card' and state = 'forwarded' and id = (
         select d.id from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id
         where d.target = 'patient-card' and m.uid = 1 and d.state = 'forwarded' limit 1) returning id`,
    );
    const linde = await journey.practice('linde');
    await pauseForwarding(journey.courier, linde, 'test');
    await recover();
    const worker = await journey.startWorker();
    const settled = () => journey.sql<{ state: string }>('select state from delivery where id = $1', [open?.id]);
    await until('forwarded', settled, ([row]) => row?.state === 'forwarded');
    await worker.release(5_000);
  });

  it('names a mailbox that cannot be opened, and does it when repeated', async () => {
    const [{ port } = { port: 0 }] = await journey.sql<{ port: number }>(`select port from mailbox limit 1`);
    await journey.sql(`update mailbox set port = 1 where name = 'linde'`);
    const first = await recover();
    expect(first.code).toBe(3);
    const linde = (JSON.parse(first.text) as Recovered).mailboxes.find(({ mailbox }) => mailbox === 'linde');
    expect(linde).toMatchObject({ listed: null, code: expect.stringMatching(/^mailbox\./) });
    await journey.sql('update mailbox set port = $1', [port]);
    expect((await recover({ json: false })).text).toContain('linde: 4 mails worden (opnieuw) gekopieerd.');
  });
});
