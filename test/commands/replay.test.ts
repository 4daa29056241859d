import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Organization, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Io, UsageError } from '../../src/commands/io.ts';
import { type ReplayOptions, runReplay } from '../../src/commands/replay.ts';
import type { Environment } from '../../src/config/config.ts';
import { disableForwarding, pauseForwarding } from '../../src/pipeline/pipeline.ts';
import { patientOf } from '../../src/sandbox/fhir/population.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { medlab, person, practice } from '../support/medlab.ts';
import { accounting, deliveries, outcomes, resultsOf, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let directory: string;
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-replay-'));
  journey = await startJourney({ settings: { ZORGKOERIER_LOG_LEVEL: 'silent' } });
});
afterAll(async () => {
  await journey.release();
  await rm(directory, { recursive: true, force: true });
});

interface Replayed {
  readonly code: number;
  readonly document: { readonly mails: readonly { readonly id: string; readonly outcome: string }[] };
  readonly said: string;
}

const NOTHING: ReplayOptions = {
  paths: [],
  mailIds: [],
  practice: null,
  since: null,
  dryRun: false,
  json: true,
  by: 'test',
};

async function replay(options: Partial<ReplayOptions>, env: Environment = journey.settings): Promise<Replayed> {
  const out: string[] = [];
  const progress: string[] = [];
  const io: Io = {
    env,
    out: (line) => void out.push(line),
    progress: (line) => void progress.push(line),
    readStdin: async () => Buffer.alloc(0),
  };
  const code = await runReplay(io, { ...NOTHING, ...options });
  expect(out).toHaveLength(1);
  return { code, document: JSON.parse(out[0] ?? ''), said: progress.join('\n') };
}

const transactions = () => journey.world.ckis.requests.filter(({ url }) => /^\/fhir\/?$/.test(url)).length;
const rows = async () => (await journey.sql('select 1 from mail')).length;

describe('replaying files', () => {
  it('delivers them to the sandbox, outside the accounting; a second time all are duplicates', async () => {
    const paths = [fixture('edifact/plain.edi'), fixture('hl7/plain.hl7'), fixture('mail/plain.eml')];
    const first = await replay({ paths });
    expect(first.document.mails.map(({ outcome }) => outcome)).toEqual(['forwarded', 'forwarded', 'forwarded']);
    expect(first.code).toBe(0);
    const cards = await resultsOf(journey.world.ckis, '999990019');
    const written = transactions();

    const second = await replay({ paths });
    expect(second.document.mails.map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(second.code).toBe(0);
    expect(await resultsOf(journey.world.ckis, '999990019')).toEqual(cards);
    expect(transactions()).toBe(written);
    expect(await accounting(journey)).toMatchObject({ assigned: 0, forwarded: 0 });
  });

  it('takes a whole folder, and says with exit code 3 that something waits for a person', async () => {
    await mkdir(join(directory, 'folder', 'deeper'), { recursive: true });
    await copyFile(fixture('edifact/medvri-letter.edi'), join(directory, 'folder', 'letter.edi'));
    await copyFile(fixture('rejected/truncated.edi'), join(directory, 'folder', 'deeper', 'cut.edi'));
    await writeFile(join(directory, 'folder', 'notes.txt'), 'not ours');
    const { code, document } = await replay({ paths: [join(directory, 'folder')] });
    expect(code).toBe(3);
    expect(document.mails.map(({ outcome }) => outcome).sort()).toEqual(['not-lab', 'quarantined']);
  });

  it('only looks with --dry-run: no row and no write, and it says what would be', async () => {
    const [before, written] = [await rows(), transactions()];
    const paths = [
      fixture('edifact/two-messages.edi'),
      fixture('edifact/not-followed.edi'),
      fixture('edifact/medvri-letter.edi'),
      fixture('rejected/truncated.edi'),
    ];
    const { code, document } = await replay({ paths, dryRun: true });
    const { dryRun, reports } = document as unknown as { dryRun: boolean; reports: { would: string }[] };
    expect(dryRun).toBe(true);
    expect(reports.map(({ would }) => would)).toEqual(['forwarded', 'forwarded', 'no-card', 'not-lab', 'quarantined']);
    expect(code).toBe(3);
    expect(await rows()).toBe(before);
    expect(transactions()).toBe(written);
  });

  it('only looks where the target does not say that it is a sandbox', async () => {
    const [before, written] = [await rows(), transactions()];
    const other = await startOtherServer();
    const settings = { ...journey.settings, ZORGKOERIER_CKIS_URL: other.url };
    const { code, document, said } = await replay({ paths: [fixture('edifact/copy.edi')] }, settings);
    await other.release();
    expect(document).toMatchObject({ dryRun: true, reports: [{ would: 'held', reason: 'card.sandbox-person' }] });
    expect(code).toBe(3);
    expect(said).toContain('zandbak');
    expect(await rows()).toBe(before);
    expect(transactions()).toBe(written);
  });
});

describe('replaying what came through a mailbox', () => {
  it('of a practice since a date delivers for a patient who is followed from now on, and once only', async () => {
    const since = new Date(systemClock.now().getTime() - 60_000).toISOString();
    const bram = '999916257';
    const { zorgmail, agb } = practice('brug');
    await journey.startWorker();
    await journey.send('brug', medlab({ bsn: bram, labNumber: '26180001', to: zorgmail }));
    await journey.send('brug', medlab({ bsn: '999986296', labNumber: '26180002', to: zorgmail }));
    expect(await untilAtRest(journey, 2)).toMatchObject({ noCard: 1, forwarded: 1 });
    await journey.stopWorkers();

    await follow(bram);
    const first = await replay({ practice: agb, since });
    expect(first.document.mails.map(({ outcome }) => outcome).sort()).toEqual(['duplicate', 'forwarded']);
    expect(first.code).toBe(0);
    expect(await resultsOf(journey.world.ckis, bram)).toEqual(['Kreatinine 78 final']);
    const second = await replay({ practice: agb, since });
    expect(second.document.mails.map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate']);
    expect(await accounting(journey)).toMatchObject({ assigned: 2, noCard: 1, forwarded: 1, difference: 0 });
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
    expect((await journey.world.zorgmail.compareTwins(zorgmail)).differences).toEqual([]);
  });

  it('by the id of a mail that the ledger still holds says duplicate; one that is gone is a wrong question', async () => {
    const forwarded = (await deliveries(journey)).find(({ state, uid }) => state === 'forwarded' && uid !== null);
    const { document } = await replay({ mailIds: [forwarded?.mail_id ?? ''] });
    expect(document.mails.map(({ outcome }) => outcome)).toEqual(['duplicate']);
    await expect(replay({ mailIds: ['no-such-mail'] })).rejects.toThrow(UsageError);
    const total = (await outcomes(journey)).length;
    await expect(replay({ mailIds: ['00000000-0000-7000-8000-000000000000'] })).rejects.toThrow(UsageError);
    expect(await outcomes(journey)).toHaveLength(total);
  });

  it('with --dry-run says of each mail what would become of it, and leaves nothing but the audit of the look', async () => {
    const since = new Date(systemClock.now().getTime() - 60_000).toISOString();
    const { zorgmail, agb } = practice('brug');
    const fresh = [
      medlab({ bsn: '999986296', labNumber: '26180011', to: zorgmail }),
      medlab({ bsn: '999911995', labNumber: '26180012', to: zorgmail }),
      medlab({ bsn: '999986296', labNumber: '26180013', to: '500088001' }),
      Buffer.from('Beste collega, tot morgen.'),
    ];
    await journey.send('brug', ...fresh);
    const [before, written] = [await rows(), transactions()];
    const { code, document } = await replay({ practice: agb, since, dryRun: true, by: 'sanne' });
    const { reports } = document as unknown as { reports: { file: string; would: string; reason: string | null }[] };
    expect(reports.map(({ file, would, reason }) => [file, would, reason])).toEqual([
      ['brug uid 1', 'duplicate', null],
      ['brug uid 2', 'duplicate', null],
      ['brug uid 3', 'forwarded', null],
      ['brug uid 4', 'no-card', null],
      ['brug uid 5', 'held', 'practice.other-recipient'],
      ['brug uid 6', 'not-lab', null],
    ]);
    expect(code).toBe(3);
    expect(await rows()).toBe(before);
    expect(transactions()).toBe(written);
    expect(
      await journey.sql(
        `select actor, object_kind, fields from audit where event = 'mails.looked-at' and actor = 'sanne'`,
      ),
    ).toEqual([{ actor: 'sanne', object_kind: 'practice', fields: { since } }]);
    const where = await journey.practice('brug');
    await pauseForwarding(journey.courier, where, 'test');
    const paused = await replay({ practice: agb, since, dryRun: true });
    expect(JSON.stringify(paused.document)).toMatch(/"brug uid 3","source":"[^"]*","would":"waiting"/);
    await disableForwarding(journey.courier, where, 'test');
    const disabled = await replay({ practice: agb, since, dryRun: true });
    expect(JSON.stringify(disabled.document)).toMatch(/"would":"discarded","reason":"practice.disabled"/);
  });
});

describe('a question that is wrongly put', () => {
  it.each<[string, Partial<ReplayOptions>]>([
    ['no source', {}],
    ['two sources', { paths: ['a'], mailIds: ['b'] }],
    ['a practice without a date', { practice: '01099001' }],
    ['a date without a practice', { paths: ['a'], since: '2026-11-01' }],
    ['a file that is not there', { paths: ['/no/such/file.edi'] }],
    ['a practice that is not there', { practice: '99999999', since: '2026-11-01' }],
    ['a date that is none', { practice: '01099001', since: 'yesterday' }],
    ['a date that the calendar does not have', { practice: '01099001', since: '2026-02-31' }],
    ['a moment on such a date', { practice: '01099001', since: '2026-02-31T08:00:00Z' }],
    ['a moment without a zone', { practice: '01099001', since: '2026-11-01T08:00' }],
  ])('is refused: %s', async (_, options) => {
    await expect(replay(options)).rejects.toThrow(UsageError);
  });
});

async function follow(bsn: string): Promise<void> {
  const { repository } = journey.world.ckis;
  const brug = practice('brug');
  const organization = repository
    .all<Organization>('Organization')
    .find(({ identifier }) => identifier?.[0]?.value === brug.agb);
  await repository.createResource<Patient>(patientOf(person(bsn), brug, organization?.id ?? ''));
}

/** cKIS again, but its /metadata names no sandbox. */
async function startOtherServer(): Promise<{ url: string; release(): Promise<void> }> {
  const { url: ckis } = journey.world.ckis;
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = (request.url ?? '').replace(/^\/fhir/, '');
      const body = await text(request);
      const answer = await fetch(ckis + path, {
        method: request.method ?? 'GET',
        headers: request.headers as Record<string, string>,
        ...(body === '' ? {} : { body }),
      });
      const said = (await answer.text()).replace('sandbox-capability-statement', 'real-statement');
      response.writeHead(answer.status, { 'content-type': 'application/fhir+json' }).end(said);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`,
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
