import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlarmKind } from '../../src/alarms/alarms.ts';
import { type Composition, compose } from '../../src/compose.ts';
import { type RunningHealth, startHealth } from '../../src/health/health.ts';
import { pauseForwarding, type RunningWorker, startWorker } from '../../src/pipeline/pipeline.ts';
import { SANDBOX_LABORATORIES, SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { figureOf, samplesOf } from '../health/scraped.ts';
import { medlab, practice } from '../support/medlab.ts';
import { deliveries, letTimePass, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** Every metric moves when its event happens, and none of it says whose mail it was. Nothing but real code is driven. */

let journey: Journey;
let composition: Composition;
let worker: RunningWorker;
let health: RunningHealth;
let sent = 0;
let labNumber = 26_160_000;

const KAREL = '999911120';
const { zorgmail } = practice('linde');
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

function message(value = '78', changes: Partial<Parameters<typeof medlab>[0]> = {}) {
  labNumber += 1;
  return medlab({ bsn: KAREL, labNumber: String(labNumber), to: zorgmail, results: [{ value }], ...changes });
}

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_BOARD_WITHIN_MS: '1000' } });
  // Gone before anybody looked.
  await send(message(), message());
  await journey.world.zorgmail.hisOfBoth(zorgmail).collectAndRemove();
  composition = await compose(journey.config, { random: () => 0, targetTimeoutMs: 1_500 });
  worker = await startWorker(composition.courier);
  const { courier, metrics } = composition;
  const at = { host: '127.0.0.1', port: 0 };
  const limits = { ...journey.config, polledWithinMs: 60_000 };
  health = await startHealth({ courier, metrics, workerId: worker.workerId, listen: at, limits, certificates: [] });
});
afterAll(async () => {
  await health?.release();
  await worker?.release(5_000);
  await composition?.release();
  await journey?.release();
});

async function send(...payloads: Buffer[]): Promise<void> {
  sent += payloads.length;
  await journey.send('linde', ...payloads);
}

const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${health.port}${path}`, { method });
const scrape = async () => (await ask('/metrics')).text();
/** Until a metric has this value: figures of the ledger are some seconds old. */
const untilValue = (name: string, labels: Record<string, string>, fits: (value: number | null) => boolean) =>
  until(`${name} ${JSON.stringify(labels)}`, async () => figureOf(await scrape(), name, labels), fits);
const moved = async (name: string, labels: Record<string, string>, act: () => Promise<unknown>) => {
  const before = figureOf(await scrape(), name, labels) ?? 0;
  await act();
  return (figureOf(await scrape(), name, labels) ?? 0) - before;
};

describe('what the steps count', () => {
  it('has the mails that were gone before we saw them', async () => {
    await untilValue('zorgkoerier_mails_vanished_total', {}, (value) => value === 2);
  });

  it('has every mail that was copied and read, and every report and delivery by what became of it', async () => {
    const plain = fixture('edifact/plain.edi');
    await send(
      plain,
      fixture('edifact/not-followed.edi'),
      fixture('edifact/medvri-letter.edi'),
      fixture('edifact/bare-message.edi'),
    );
    await send(fixture('rejected/truncated.edi'));
    await untilAtRest(journey, sent);
    await send(plain);
    await untilAtRest(journey, sent);
    const text = await scrape();
    expect(figureOf(text, 'zorgkoerier_mails_copied_total')).toBe(6);
    expect(figureOf(text, 'zorgkoerier_mails_read_total', { outcome: 'reports' })).toBe(5);
    expect(figureOf(text, 'zorgkoerier_mails_read_total', { outcome: 'not-lab' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_reports_total', { kind: 'report', outcome: 'duplicate' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_reports_total', { outcome: 'quarantined', reason: 'edifact.truncated' })).toBe(
      1,
    );
    expect(figureOf(text, 'zorgkoerier_deliveries_total', { target: 'patient-card', outcome: 'forwarded' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_deliveries_total', { target: 'board', outcome: 'forwarded' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_deliveries_total', { outcome: 'no-card' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_deliveries_total', { outcome: 'held', reason: 'lab.unknown-sender' })).toBe(1);
  });

  it('has how long after their arrival mails were copied and results delivered', async () => {
    const text = await scrape();
    expect(figureOf(text, 'zorgkoerier_arrival_to_copied_seconds_count')).toBe(6);
    expect(figureOf(text, 'zorgkoerier_arrival_to_delivered_seconds_count', { target: 'patient-card' })).toBe(1);
    expect(figureOf(text, 'zorgkoerier_arrival_to_delivered_seconds_count', { target: 'board' })).toBe(1);
    const sum = figureOf(text, 'zorgkoerier_arrival_to_delivered_seconds_sum', { target: 'patient-card' });
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(60);
  });

  it('has what waited for a person in no latency', async () => {
    const count = { target: 'patient-card' };
    expect(
      await moved('zorgkoerier_arrival_to_delivered_seconds_count', count, async () => {
        const held = (await deliveries(journey)).find(({ reason }) => reason === 'lab.unknown-sender');
        const { releaseHold } = await import('../../src/pipeline/pipeline.ts');
        await releaseHold(journey.courier, held?.id ?? '', { by: 'sanne', reason: 'gebeld', overrideCard: null });
        await until(
          'released',
          () => deliveries(journey),
          (all) => all.find(({ id }) => id === held?.id)?.state !== 'held',
        );
        await untilAtRest(journey, sent);
      }),
    ).toBe(0);
  });

  it('has every attempt that failed, with its code and what became of it', async () => {
    journey.world.ckis.faults.next({ kind: 'refuse', status: 422 });
    expect(
      await moved('zorgkoerier_deliveries_total', { outcome: 'held', reason: 'card.refused' }, async () => {
        await send(message());
        await untilAtRest(journey, sent);
      }),
    ).toBe(1);
    journey.world.ckis.faults.next({ kind: 'fail-after-commit', status: 500 });
    await send(message());
    await untilValue(
      'zorgkoerier_delivery_failures_total',
      { outcome: 'retry', reason: 'card.failing' },
      (value) => value === 1,
    );
    await letTimePass(journey);
    await untilAtRest(journey, sent);
  });

  it('has logins, and those that were refused', async () => {
    expect(figureOf(await scrape(), 'zorgkoerier_mailbox_logins_total', { outcome: 'success' })).toBeGreaterThanOrEqual(
      3,
    );
    const wrong = { ...journey.world.zorgmail.mailboxAccount(zorgmail), password: 'wrong' };
    await expect(composition.courier.openMailbox(wrong)).rejects.toMatchObject({ code: 'mailbox.login-refused' });
    const refused = { outcome: 'failed', reason: 'mailbox.login-refused' };
    expect(figureOf(await scrape(), 'zorgkoerier_mailbox_logins_total', refused)).toBe(1);
  });
});

describe('what holds of the whole system', () => {
  it('has what waits while a target is away, the breaker, and what is in the queue', async () => {
    journey.world.ckis.faults.outage(true);
    await send(message(), message());
    await untilValue('zorgkoerier_breaker_open', { target: 'patient-card', kind: 'read' }, (value) => value === 1);
    await untilValue('zorgkoerier_deliveries_open', { target: 'patient-card' }, (value) => value === 2);
    const text = await scrape();
    expect(figureOf(text, 'zorgkoerier_target_requests_limit', { target: 'patient-card' })).toBeLessThan(32);
    expect(figureOf(text, 'zorgkoerier_target_requests_limit', { target: 'board' })).toBe(32);
    await untilValue('zorgkoerier_backlog', { stage: 'deliver', target: 'patient-card' }, (value) => value === 2);
    await untilValue('zorgkoerier_queue_jobs', { kind: 'deliver', outcome: 'delayed' }, (value) => (value ?? 0) > 0);
    await untilValue('zorgkoerier_backlog_oldest_seconds', { stage: 'deliver' }, (value) => (value ?? 0) > 1);
    journey.world.ckis.faults.outage(false);
    await until(
      'at rest',
      async () => {
        await letTimePass(journey);
        return untilAtRest(journey, sent, 1_000).catch(() => null);
      },
      (sum) => sum !== null,
      60_000,
    );
    await untilValue('zorgkoerier_breaker_open', {}, (value) => value === 0);
    await untilValue('zorgkoerier_target_requests', {}, (value) => value === 0);
    await untilValue('zorgkoerier_deliveries_open', {}, (value) => value === null);
  });

  it('has what waits for a person, by reason and age', async () => {
    await untilValue(
      'zorgkoerier_holds',
      { reason: 'edifact.truncated', outcome: 'quarantined', kind: 'day' },
      (value) => value === 1,
    );
    await journey.sql(`update delivery set settled_at = now() - interval '2 days' where reason = 'edifact.truncated'`);
    await untilValue('zorgkoerier_holds', { reason: 'edifact.truncated', kind: 'week' }, (value) => value === 1);
    await journey.sql(`update delivery set settled_at = now() - interval '8 days' where reason = 'edifact.truncated'`);
    await untilValue('zorgkoerier_holds', { reason: 'edifact.truncated', kind: 'older' }, (value) => value === 1);
  });

  it('has mailboxes watched, in trouble and not looked at, and workers', async () => {
    await untilValue('zorgkoerier_mailboxes', { kind: 'watched' }, (value) => value === 3);
    await untilValue('zorgkoerier_mailboxes', { kind: 'unowned' }, (value) => value === 0);
    await untilValue('zorgkoerier_workers_alive', {}, (value) => value === 1);
    await untilValue('zorgkoerier_backlog_oldest_seconds', { stage: 'copy' }, (value) => (value ?? 99) < 30);
    // To nowhere: its next connection is refused, and what it polled lies in the past.
    await journey.sql(
      `update mailbox set port = 1, owner_epoch = owner_epoch + 1, owner_id = null where name = 'brug'`,
    );
    await untilValue('zorgkoerier_mailboxes', { kind: 'trouble' }, (value) => value === 1);
    // Until it holds: the last good looks before that are written together, some seconds later.
    const longAgo = `update mailbox set last_polled_at = now() - interval '10 minutes' where name = 'brug'`;
    await until(
      'a mailbox not looked at',
      async () => {
        await journey.sql(longAgo);
        return figureOf(await scrape(), 'zorgkoerier_mailboxes', { kind: 'unpolled' });
      },
      (value) => value === 1,
    );
    await untilValue('zorgkoerier_mailboxes_in_trouble', { reason: 'mailbox.unreachable' }, (value) => value === 1);
    // One of three, and its server's trouble: the worker does its work.
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('has the alarms that are open', async () => {
    await journey.sql(
      `insert into alarm (kind, level, object_id, said_at) values ('accounting.difference', 'error', 'x', now())`,
    );
    await untilValue(
      'zorgkoerier_alarms_open',
      { kind: 'accounting.difference', outcome: 'said' },
      (value) => value === 1,
    );
    await journey.sql(
      `insert into alarm_mute (kind, until, reason, muted_by) values ('accounting.difference', now() + interval '1 hour', 'x', 'sanne')`,
    );
    await untilValue(
      'zorgkoerier_alarms_open',
      { kind: 'accounting.difference', outcome: 'muted' },
      (value) => value === 1,
    );
    await journey.sql(`update alarm set closed_at = now() where object_id = 'x'`);
    await untilValue('zorgkoerier_alarms_open', { kind: 'accounting.difference' }, (value) => value === null);
  });

  it('has registrations by state, and those that nothing answered', async () => {
    await journey.sql(
      `insert into source (id, name, added_by) values ('00000000-0000-7000-8000-00000000aaaa', 'ckis', 'test')`,
    );
    await journey.sql(
      `insert into registration (id, source_id, idempotency_key, body_digest, practice_id, patient_key, origin, state, sent_at, lease_until)
       select gen_random_uuid(), s.id, gen_random_uuid(), 'x', (select id from practice limit 1), convert_to(state, 'UTF8'), 'card', state, sent_at, now() + interval '1 hour'
       from source s, (values ('sent', now() - interval '25 hours'), ('sent', now()), ('held', null), ('accepted', null)) as r (state, sent_at)`,
    );
    await untilValue('zorgkoerier_registrations', { outcome: 'sent' }, (value) => value === 2);
    await untilValue('zorgkoerier_registrations', { outcome: 'held' }, (value) => value === 1);
    await untilValue('zorgkoerier_registrations_unanswered', {}, (value) => value === 1);
    await untilValue('zorgkoerier_backlog', { stage: 'send' }, (value) => value === 1);
    await journey.sql('delete from registration');
  });

  it('has how far the seals of the audit are behind', async () => {
    await untilValue('zorgkoerier_audit_unsealed_seconds', {}, (value) => (value ?? 99) < 10);
  });

  it('has what this process is made of', async () => {
    const text = await scrape();
    expect(figureOf(text, 'zorgkoerier_ledger_up')).toBe(1);
    expect(figureOf(text, 'zorgkoerier_resident_memory_bytes')).toBeGreaterThan(50_000_000);
    expect(figureOf(text, 'zorgkoerier_ledger_connections', { kind: 'idle' })).toBeGreaterThan(0);
    expect(figureOf(text, 'zorgkoerier_event_loop_delay_seconds', { kind: 'worst' })).toBeGreaterThan(0);
  });
});

/** Every label value of a journey in which everything happened must be one of these, or the code of a failure or reason. */
const VALUES: Readonly<Record<string, RegExp>> = {
  target: /^(patient-card|board|zorgmail|none)$/,
  stage: /^(copy|read|deliver|send)$/,
  outcome: /^(reports|success|failed|said|muted|waiting|delayed|active|retry|pause|hold|[a-z]+(-[a-z]+)?)$/,
  reason: /^(none|[a-z0-9]+\.[a-z-]+)$/,
  kind: /^(read|write|deliver|send|report|payload|day|week|older|watched|trouble|unpolled|unowned|busy|idle|waiting|median|worst)$/,
  le: /^([0-9.]+|\+Inf)$/,
};

describe('nobody reads along in the metrics', () => {
  it('every label has a name and a value of the list, and there are few series', async () => {
    const samples = samplesOf(await scrape());
    expect(samples.length).toBeGreaterThan(60);
    expect(samples.length).toBeLessThan(300);
    const wrong = samples.flatMap(({ name, labels }) =>
      Object.entries(labels)
        .filter(([label, value]) => !(VALUES[label]?.test(value) ?? false) && !isAlarmKind(value))
        .map(([label, value]) => `${name} ${label}=${value}`),
    );
    expect(wrong).toEqual([]);
  });

  it('no person, practice, laboratory, mailbox or id of a row stands in what is answered', async () => {
    const texts = await Promise.all(
      ['/metrics', '/healthz', '/livez', '/nothing'].map(async (path) => (await ask(path)).text()),
    );
    const words = [
      ...SANDBOX_PATIENTS.flatMap(({ bsn, family, given }) => [bsn, family, given]),
      ...SANDBOX_PRACTICES.flatMap(({ key, name, agb, zorgmail: account }) => [key, name, agb, account]),
      ...SANDBOX_LABORATORIES.flatMap(({ id, name, zorgmail: account }) => [id, name, account]),
      '127.0.0.1',
      '@',
    ];
    for (const text of texts) {
      expect(words.filter((word) => word.length > 3 && text.includes(word))).toEqual([]);
      expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
      // But for the values: bytes and seconds have as many digits as they need.
      expect(text.replace(/ \S+$/gm, '')).not.toMatch(/\d{6}/);
    }
  });
});

describe('the addresses', () => {
  it('answer GET and nothing else', async () => {
    expect((await ask('/metrics')).headers.get('content-type')).toContain('text/plain');
    expect((await ask('/livez')).status).toBe(200);
    expect((await ask('/healthz', 'POST')).status).toBe(405);
    expect((await ask('/')).status).toBe(404);
  });

  it('say so when the ledger is away: /healthz fails, /livez does not, and /metrics has no old figures', async () => {
    await pauseForwarding(journey.courier, await journey.practice('brug'), 'test');
    const [row] = await journey.sql<{ name: string }>('select current_database() as name');
    await journey.sql(`revoke connect on database ${row?.name} from public`);
    try {
      const cut = () =>
        journey.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'zorgkoerier_worker'`,
        );
      await until(
        'no figures',
        async () => {
          await cut();
          return figureOf(await scrape(), 'zorgkoerier_ledger_up');
        },
        (value) => value === 0,
      );
      const text = await scrape();
      expect(figureOf(text, 'zorgkoerier_mailboxes')).toBeNull();
      expect(figureOf(text, 'zorgkoerier_workers_alive')).toBeNull();
      expect(figureOf(text, 'zorgkoerier_mails_copied_total')).toBeGreaterThan(0);
      const failing = await ask('/healthz');
      expect([failing.status, await failing.json()]).toEqual([
        503,
        { status: 'failing', findings: [{ code: 'ledger.unreachable', count: 1 }] },
      ]);
      expect((await ask('/livez')).status).toBe(200);
    } finally {
      await journey.sql(`grant connect on database ${row?.name} to public`);
    }
    await untilValue('zorgkoerier_ledger_up', {}, (value) => value === 1);
    await until(
      'well again',
      async () => (await ask('/healthz')).status,
      (status) => status === 200,
    );
  });
});
