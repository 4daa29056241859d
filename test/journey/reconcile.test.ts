import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../src/commands/io.ts';
import { type ReconcileOptions, runReconcile } from '../../src/commands/reconcile.ts';
import { enableForwarding } from '../../src/pipeline/pipeline.ts';
import type { EnableRequest } from '../../src/practice/practice.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { medlab, practice } from '../support/medlab.ts';
import { letTimePass, outcomes, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney({ mode: 'shadow' });
});
afterAll(() => journey.release());

function message(value: string) {
  sent += 1;
  return medlab({
    bsn: '999990019',
    labNumber: `2613${String(sent).padStart(4, '0')}`,
    to: '500088001',
    results: [{ value }],
  });
}

const QUIET: ReconcileOptions = { settled: false, repair: false, days: '14', json: true, by: 'test' };

async function reconcile(options: Partial<ReconcileOptions> = {}) {
  const out: string[] = [];
  const io: Io = {
    env: { ...journey.settings, ZORGKOERIER_LOG_LEVEL: 'silent' },
    out: (line) => void out.push(line),
    progress: () => {},
    readStdin: async () => Buffer.alloc(0),
  };
  const code = await runReconcile(io, { ...QUIET, ...options });
  return { code, text: out.join('\n') };
}

async function books(options: Partial<ReconcileOptions> = {}) {
  const { code, text } = await reconcile(options);
  const document = JSON.parse(text);
  return { code, document, linde: document.mailboxes.find((mailbox: { name: string }) => mailbox.name === 'linde') };
}

describe('reconciling', () => {
  it('finds everything in order: per mailbox, per day and on the server', async () => {
    const worker = await journey.startWorker();
    await journey.send('linde', message('70'), message('71'), message('72'));
    await untilAtRest(journey, sent);
    await worker.release(5_000);
    const { code, document, linde } = await books({ settled: true });
    expect(code).toBe(0);
    expect(document).toMatchObject({ doesAddUp: true, waiting: 0, total: { assigned: 3, difference: 0 } });
    expect(linde).toMatchObject({
      shadowed: 3,
      uidsWithoutRow: 0,
      rowsWithoutUid: 0,
      days: [{ outcomes: { shadowed: 3 }, assigned: 3, difference: 0 }],
      server: { kind: 'compared', present: 3, unrecorded: 0, returned: 0 },
    });
    expect((await reconcile({ json: false })).text).toContain('De boekhouding klopt.');
  });

  it('with --settled exits with 3 while something waits, and without it with 0', async () => {
    await journey.sql(
      `update mail set state = 'copied', read_at = null where id = (select min(id::text)::uuid from mail)`,
    );
    await journey.sql(`delete from report where mail_id in (select id from mail where state = 'copied')`);
    expect(await books()).toMatchObject({ code: 0, document: { waiting: 1 } });
    expect(await books({ settled: true })).toMatchObject({ code: 3, document: { waiting: 1, doesAddUp: true } });
  });

  it('exits with 3 where a row is lost, and says where', async () => {
    await journey.sql(
      `delete from delivery where report_id in (select r.id from report r join mail m on m.id = r.mail_id where m.uid = 2)`,
    );
    const { code, linde } = await books();
    expect(code).toBe(3);
    expect(linde).toMatchObject({ difference: 1, uidsWithoutRow: 0 });
    expect(linde.days).toMatchObject([{ difference: 1 }]);
    await journey.sql(`delete from report where mail_id in (select id from mail where uid = 2)`);
    await journey.sql('delete from mail where uid = 2');
    const without = await books();
    expect(without.linde).toMatchObject({ uidsWithoutRow: 1, server: { unrecorded: 1, returned: 0 } });
    expect((await reconcile({ json: false })).text).toMatch(/linde: 1 uids zonder regel\.[\s\S]*reconcile --repair/);
  });

  it('copies after all what the server has and the ledger lost or took for vanished', async () => {
    await journey.sql(`update mail set state = 'read', verdict = 'vanished', content = null where uid = 3`);
    await journey.sql(`delete from report where mail_id in (select id from mail where uid = 3)`);
    const found = await books();
    expect(found).toMatchObject({ code: 3, linde: { server: { unrecorded: 1, returned: 1, assignedAgain: 0 } } });
    const repaired = await books({ repair: true });
    expect(repaired.linde.server).toMatchObject({ assignedAgain: 2 });
    await letTimePass(journey);
    const worker = await journey.startWorker();
    await untilAtRest(journey, sent);
    await worker.release(5_000);
    expect(await books({ settled: true })).toMatchObject({ code: 0, linde: { shadowed: 3, vanished: 0 } });
    const audited = await journey.sql<{ fields: object }>(`select fields from audit where event = 'mailbox.repaired'`);
    expect(audited.map(({ fields }) => fields)).toEqual([{ assigned: 2, unrecorded: 1, returned: 1 }]);
  });

  it('a worker does so by itself for a mailbox that nobody reconciled for a day', async () => {
    await journey.sql(`update mailbox set reconciled_at = now() - interval '25 hours'`);
    await journey.sql(`delete from report where mail_id in (select id from mail where uid = 1)`);
    await journey.sql(`update mail set state = 'read', verdict = 'vanished', content = null where uid = 1`);
    const worker = await journey.startWorker();
    await until(
      'copied again',
      () => outcomes(journey),
      (all) => all.length === sent && all.every((outcome) => outcome === 'shadowed'),
    );
    await until(
      'reconciled',
      () => journey.sql(`select 1 from mailbox where reconciled_at > now() - interval '1 hour'`),
      (rows) => rows.length === 3,
    );
    await worker.release(5_000);
    expect(journey.log()).toContain('accounting.assigned-again');
  });

  it('what a worker finds amiss is an alarm that opens once and closes when it is over', async () => {
    const alarms = () =>
      journey.sql<{ kind: string; closed: boolean }>(
        `select kind, closed_at is not null as closed from alarm where kind like 'mailbox.%' or kind like 'accounting.%' order by id`,
      );
    const reconciled = async () => {
      await journey.sql(`update mailbox set reconciled_at = now() - interval '25 hours'`);
      const worker = await journey.startWorker();
      await until(
        'reconciled',
        () => journey.sql(`select 1 from mailbox where reconciled_at > now() - interval '1 hour'`),
        (rows) => rows.length === 3,
      );
      await worker.release(5_000);
    };
    // A mail that was gone before we saw it, and a row that was lost.
    await journey.sql(
      `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state, verdict, read_at)
       select gen_random_uuid(), 'mailbox', mailbox_id, id, 4, now()::date, 'read', 'vanished', now() from epoch
       where mailbox_id = (select id from mailbox where name = 'linde')`,
    );
    await reconciled();
    await reconciled();
    expect(await alarms()).toEqual([
      { kind: 'accounting.difference', closed: false },
      { kind: 'mailbox.vanished-rate', closed: false },
    ]);
    await journey.sql('delete from mail where uid = 4');
    await reconciled();
    expect(await alarms()).toEqual([
      { kind: 'accounting.difference', closed: true },
      { kind: 'mailbox.vanished-rate', closed: true },
    ]);
    expect(journey.log().match(/more mail vanishes than may/g)).toHaveLength(1);
  });

  it('says of a mailbox that cannot be reached that it was not compared', async () => {
    await journey.sql(`update mailbox set port = 1 where name = 'linde'`);
    const { code, linde } = await books();
    expect(code).toBe(3);
    expect(linde.server).toMatchObject({ kind: 'not-compared', code: expect.stringMatching(/^mailbox\./) });
    const [row] = await journey.sql<{ port: number }>(`select port from mailbox where name = 'anker'`);
    await journey.sql('update mailbox set port = $1', [row?.port]);
  });

  it('never touched a mailbox', async () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
    expect(await journey.world.zorgmail.compareTwins(practice('linde').zorgmail)).toMatchObject({ differences: [] });
  });
});

describe('going live after the shadow run', () => {
  const live: EnableRequest = {
    name: 'forwarding',
    mode: 'live',
    authorisedBy: 'a',
    authorisedOn: '2026-11-01',
    determinations: 'all',
    since: null,
  };
  const goLive = async (accepted: string | null) =>
    enableForwarding(journey.courier, await journey.practice('linde'), live, false, 'test', accepted);

  it('is refused where more than one mail in a thousand vanished, unless a person says why', async () => {
    await journey.sql(`update mail set verdict = 'vanished' where uid = 1`);
    expect(await goLive(null)).toMatchObject({ refusal: 'vanished-rate' });
    expect(await goLive('het HIS haalt voorlopig elke minuut op')).toMatchObject({ refusal: null });
    const [row] = await journey.sql<{ reason: string; fields: object }>(
      `select reason, fields from audit where event = 'integration.vanished-accepted'`,
    );
    expect(row).toEqual({ reason: 'het HIS haalt voorlopig elke minuut op', fields: { assigned: 3, vanished: 1 } });
    await journey.sql(`update mail set verdict = null where uid = 1`);
  });

  it('then delivers', async () => {
    await journey.startWorker();
    await journey.send('linde', message('80'));
    await untilAtRest(journey, sent);
    expect(await resultsOf(journey.world.ckis, '999990019')).toEqual([expect.stringContaining('80')]);
  });
});
