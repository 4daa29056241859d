import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Organization, Patient, Resource } from '@medplum/fhirtypes';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardHold, releaseHold } from '../../src/pipeline/pipeline.ts';
import { heldItems } from '../../src/records/records.ts';
import { patientOf } from '../../src/sandbox/fhir/population.ts';
import { SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { type Services, startServices } from '../../src/sandbox/services/services.ts';
import { passwordOf } from '../../src/sandbox/zorgmail/mailboxes.ts';
import { type Child, freePort, runCommand, startCommand } from '../support/child.ts';
import { letTimePass, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';
import { markedLetter, markedMail, markedMedlab, markedOru } from './mails.ts';
import { newMarks } from './marks.ts';
import { type Place, placesOf, tables, titlesOf } from './places.ts';
import { registrationsHappen } from './registrations.ts';
import { type Searcher, searcherFor } from './search.ts';

/**
 * People, results and texts that nobody else has go through everything, with trouble at every corner. Afterwards all that
 * was written down anywhere is searched for them, in every spelling. Before that a mark of its own was planted in each
 * place, and must be found: a search that finds nothing anywhere proves nothing.
 */

let directory: string;
let cluster: Services;
let journey: Journey;
let worker: Child;
let places: readonly Place[];
let real: Searcher;
let planted: Searcher;

const practices = SANDBOX_PRACTICES.map(({ key }) => key);
const marks = newMarks(practices);
/** Another one, that went nowhere but where it was planted. */
const PLANTED = newMarks([]).remark;
const redisTraffic: string[] = [];
const commandOutput: string[] = [];
const titles: string[] = [];
const healthAnswers: string[] = [];
/** Where the worker serves its metrics: a port that was free a moment ago. */
let healthPort = 0;
let sent = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-canary-run-'));
  cluster = await startServices({ directory: join(directory, 'services'), isThrowaway: true });
  journey = await startJourney({
    cluster,
    redisArguments: ['--rdbcompression', 'no'],
    settings: { ZORGKOERIER_BOARD_WITHIN_MS: '1000', ZORGKOERIER_LOG_LEVEL: 'trace' },
  });
  await storeUncompressed();
  await followTheMarked();
  const listener = new Redis({ path: journey.redis.redisUrl.replace('unix://', '') });
  const monitor = await listener.monitor();
  monitor.on('monitor', (_time: string, args: readonly string[]) => redisTraffic.push(args.join(' ')));
  const [row] = await journey.sql<{ directory: string }>(`select current_setting('data_directory') as directory`);
  healthPort = await freePort();
  worker = startCommand(['start'], { ...journey.settings, ZORGKOERIER_HEALTH_LISTEN: String(healthPort) });
  const watched = {
    journey,
    dataDirectory: row?.directory ?? '',
    worker,
    redisTraffic,
    commandOutput,
    titles,
    healthAnswers,
  };
  places = placesOf(watched);
  for (const place of places) await place.plant(PLANTED);
  await journey.startWorker();
  await everythingHappens();
  await until(
    'Redis heard',
    async () => redisTraffic.length,
    (length) => length > 100,
  );
  monitor.disconnect();
  listener.disconnect();
  worker.process.kill('SIGTERM');
  await worker.ended;
  real = await searcherFor([...marks.all(), ...SANDBOX_PRACTICES.map(({ zorgmail }) => passwordOf(zorgmail))]);
  planted = await searcherFor([PLANTED]);
}, 180_000);
afterAll(async () => {
  await real?.release();
  await planted?.release();
  await journey?.release();
  await cluster?.release();
  await rm(directory, { recursive: true, force: true });
});

// Values over 2 kB would be compressed, and a mark in them hidden from a search of the files.
async function storeUncompressed(): Promise<void> {
  const columns = await journey.sql<{ statement: string }>(
    `select format('alter table %I alter column %I set storage external', c.relname, a.attname) as statement
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.atttypid in ('text'::regtype, 'bytea'::regtype, 'jsonb'::regtype)`,
  );
  expect(columns.length).toBeGreaterThan(40);
  for (const { statement } of columns) await journey.sql(statement);
}

async function followTheMarked(): Promise<void> {
  for (const { repository } of [journey.world.ckis, journey.world.cboards]) {
    const organizations = repository.all<Organization>('Organization');
    for (const { person } of marks.people) {
      const practice = SANDBOX_PRACTICES.find(({ key }) => key === person.followedBy);
      const organization = organizations.find(({ identifier }) => identifier?.[0]?.value === practice?.agb);
      if (practice === undefined || organization === undefined) continue;
      await repository.createResource<Patient>(patientOf(person, practice, organization.id ?? ''));
    }
    repository.takeCommitted();
  }
}

async function everythingHappens(): Promise<void> {
  const { ckis, cboards, proxy } = journey.world;
  for (const [index, { person }] of marks.people.entries()) {
    const marked = marks.people[index];
    const practice = SANDBOX_PRACTICES.find(({ key }) => key === person.followedBy);
    if (marked === undefined || practice === undefined) continue;
    const to = practice.zorgmail;
    const good = markedMedlab(marks, marked, to);
    await send(to, good);
    ckis.faults.next({ kind: 'fail-after-commit', status: 500 });
    await send(to, markedOru(marks, marked, to));
    ckis.faults.next({ kind: 'refuse', status: 422 });
    await send(to, markedMedlab(marks, marked, to));
    ckis.faults.next({ kind: 'reset-after-commit' });
    cboards.faults.next({ kind: 'refuse', status: 400 }, { scope: 'all' });
    await send(to, markedMedlab(marks, marked, to));
    // Another birth date; cut short; with a quote that ends a statement; a patient who is not followed; a letter.
    await send(to, markedMedlab(marks, marked, to, { birthDate: '1931-01-01' }));
    await send(to, good.subarray(0, good.length - 200));
    await send(to, Buffer.concat([Buffer.from('UNA:+.?'), good.subarray(0, 300)]));
    await send(to, markedMedlab(marks, marks.stranger, to));
    await send(to, markedLetter(marks, marked, to));
    await send(to, good);
    if (index === 1) proxy.cutNextLiteral();
    if (index === 0) sent += await registrationsHappen(journey, marks, marked, practice);
    await askHealth();
    titles.push(...(await titlesOf(worker.process.pid)));
  }
  await inTheEnd();
  await commands();
  await decideAll();
  await inTheEnd();
  await askHealth();
}

async function askHealth(): Promise<void> {
  for (const path of ['/metrics', '/healthz', '/livez', `/${PLANTED}`]) {
    const ask = () => fetch(`http://127.0.0.1:${healthPort}${path.replaceAll(' ', '%20')}`).catch(() => null);
    const answer = await until('an answer', ask, (answered) => answered !== null);
    if (answer === null) continue;
    healthAnswers.push(JSON.stringify([...answer.headers]), await answer.text());
  }
}

async function send(to: string, payload: Buffer): Promise<void> {
  sent += 1;
  await journey.world.zorgmail.deliverToBoth(to, markedMail(marks, payload, to, sent));
}

async function inTheEnd(): Promise<void> {
  for (let round = 0; ; round += 1) {
    await letTimePass(journey);
    const isDone = await untilAtRest(journey, sent, 3_000).catch((thrown) => {
      if (round === 20) throw thrown;
      return null;
    });
    if (isDone !== null) return;
  }
}

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['alarm', 'list'],
  ['alarm', 'list', '--json'],
  ['held', 'list'],
  ['held', 'list', '--json'],
  ['reconcile', '--json'],
  ['keys', 'status'],
  ['audit', 'verify'],
  ['audit', 'export', '--practice', '01099001', '--reason', 'nagekeken'],
  ['prune', '--dry-run'],
  ['codes', 'unmapped'],
  ['practice', 'list'],
  ['practice', 'show', '01099001'],
  ['practice', 'test', '01099001'],
  ['replay', '--practice', '01099001', '--since', '2026-01-01', '--dry-run', '--json'],
];

async function commands(): Promise<void> {
  const settings = { ...journey.settings, ZORGKOERIER_LOG_LEVEL: 'trace' };
  const [first] = await heldItems(journey.courier.ledger, null);
  const all = [...COMMANDS, ['held', 'show', first?.deliveryId ?? ''], ['held', 'show', 'no-such-thing']];
  for (const words of all) {
    const { stdout, stderr } = await runCommand(words, settings);
    commandOutput.push(stdout, stderr);
  }
}

async function decideAll(): Promise<void> {
  const decision = { by: 'sanne', reason: 'besloten', overrideCard: null };
  for (const [index, item] of (await heldItems(journey.courier.ledger, null)).entries()) {
    const act =
      index % 2 === 0
        ? discardHold(journey.courier, item.deliveryId, decision)
        : releaseHold(journey.courier, item.deliveryId, decision);
    // A reason may allow one of the two only.
    await act.catch(() => {});
  }
}

describe('the canary', () => {
  it('sang: the marks stand on cards and in mailboxes, and everything that can become of a mail became of one', async () => {
    const types = ['Patient', 'Observation', 'DiagnosticReport', 'Specimen'] as const;
    const cards = types.flatMap((type) => journey.world.ckis.repository.all<Resource>(type));
    const found = await real.inBytes('cards', Buffer.from(JSON.stringify(cards)));
    const onCards = new Set(found.map(({ mark }) => mark));
    for (const { person } of marks.people)
      expect([...onCards]).toEqual(expect.arrayContaining([person.bsn, person.family, person.given]));
    expect([...onCards]).toEqual(expect.arrayContaining([marks.remark, marks.determination]));
    const states = await journey.sql<{ state: string }>(
      `select distinct state from delivery where target = 'patient-card'`,
    );
    expect(states.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['forwarded', 'no-card', 'duplicate', 'held', 'quarantined', 'discarded']),
    );
    const registrations = await journey.sql<{ state: string }>('select distinct state from registration');
    expect(registrations.map(({ state }) => state)).toEqual(expect.arrayContaining(['delivered', 'discarded']));
    const sentMails = Buffer.concat(journey.world.relay.mails().map(({ raw }) => raw));
    const inMails = new Set((await real.inBytes('relay', sentMails)).map(({ mark }) => mark));
    const [first] = marks.people;
    expect([...inMails]).toEqual(expect.arrayContaining([first?.person.bsn, first?.person.family, first?.street]));
    expect((await tables(journey)).length).toBeGreaterThan(10);
    expect(journey.log()).toContain('card.failing');
    expect(titles.join()).toContain('cli.ts');
    expect(healthAnswers.join('\n')).toMatch(/zorgkoerier_deliveries_total\{[^}]*outcome="forwarded"[^}]*\} [1-9]/);
  });

  it('is heard wherever a mark was planted', async () => {
    for (const place of places) {
      const hits = await place.search(planted);
      expect([place.name, hits.length > 0]).toEqual([place.name, true]);
    }
    const tablesPlace = places.find(({ name }) => name === 'tables');
    expect(await tablesPlace?.search(planted)).toMatchObject([{ where: 'table audit', mark: PLANTED }]);
  });

  it('is heard nowhere else', async () => {
    for (const place of places) expect([place.name, await place.search(real)]).toEqual([place.name, []]);
  });
});
