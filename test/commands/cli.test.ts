import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/config.ts';
import { LAUNCHER, type Ran, runCommand } from '../support/child.ts';
import { medlab } from '../support/medlab.ts';
import { deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** Every command as a person types it: the launcher in a process of its own, from another folder. */

let journey: Journey;
let directory: string;
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-cli-'));
  await symlink(LAUNCHER, join(directory, 'zorgkoerier'));
  journey = await startJourney({ isRegistered: false });
  const account = journey.world.zorgmail.mailboxAccount('500088001');
  await writeFile(join(directory, 'password'), `${account.password}\n`);
  await writeFile(join(directory, 'wrong'), 'wrong\n');
  await writeFile(join(directory, 'ca.pem'), account.ca ?? '');
  await writeFile(join(directory, 'codes'), '# de praktijk koos\nKREAB  # kreatinine\n\n');
});
afterAll(async () => {
  await journey.release();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => runCommand(args, journey.settings);
const runWith = (settings: Environment, ...args: string[]) => runCommand(args, { ...journey.settings, ...settings });

/** The one document on standard output. */
async function json<Document>(...args: string[]): Promise<Document> {
  const { stdout, stderr, code } = await run(...args, '--json');
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout) as Document;
}

const file = (name: string) => join(directory, name);
const mailbox = (name: string, password: string, user = '500088001') => [
  ...['--mailbox-name', name, '--mailbox-host', '127.0.0.1', '--mailbox-port', String(journey.world.proxy.port)],
  ...['--mailbox-user', user, '--mailbox-password-file', file(password), '--mailbox-ca-file', file('ca.pem')],
];
const LINDE = ['--agb', '01099001', '--name', 'De Linde', '--his', 'Medicom', '--products', 'cKIS,cBoards'];
const authorised = ['--authorised-by', 'A. Huisarts', '--authorised-on', '2026-11-01'];

function expectRefused(ran: Ran, code: number, says: RegExp): void {
  expect(ran).toMatchObject({ code, stdout: '' });
  expect(ran.stderr).toMatch(says);
  expect(ran.stderr).not.toMatch(/\n\s+at |Error:.*\n.*at /);
}

describe('zorgkoerier', () => {
  it('says its version and its commands, also through a link', async () => {
    const [version, help] = await Promise.all([
      runCommand(['--version'], {}, file('zorgkoerier')),
      runCommand(['--help'], {}, file('zorgkoerier')),
    ]);
    expect(version).toMatchObject({ code: 0, stdout: '0.1.0\n' });
    expect(help.stdout).toMatch(/practice[\s\S]*held[\s\S]*Exit codes/);
  });

  it('answers a command that does not exist with 2, and missing settings with 10, all at once and by name', async () => {
    expectRefused(await run('deliver'), 2, /unknown command/);
    const bare = await runCommand(['status'], {});
    expectRefused(bare, 10, /DATABASE_URL: is missing[\s\S]*REDIS_URL: is missing/);
    const typo = await runWith({ ZORGKOERIER_POL_INTERVAL_MS: '5' }, 'status');
    expectRefused(typo, 10, /ZORGKOERIER_POL_INTERVAL_MS: is not a setting/);
    expectRefused(await runWith({ ZORGKOERIER_CKIS_URL: '' }, 'start'), 10, /ZORGKOERIER_CKIS_URL: is missing/);
  });

  it('answers a ledger that cannot be reached with 11, one of another key with 10, a Redis that is away with 1', async () => {
    const url = new URL(journey.settings['DATABASE_URL'] ?? '');
    url.port = '1';
    expectRefused(await runWith({ DATABASE_URL: url.href }, 'status'), 11, /ledger.unreachable/);
    const key = Buffer.alloc(32, 9).toString('base64');
    expectRefused(await runWith({ ZORGKOERIER_MASTER_KEY: key }, 'start'), 10, /MASTER_KEY is not the one/);
    expectRefused(await runWith({ REDIS_URL: 'unix:///no/such.sock' }, 'start'), 1, /queue.unreachable/);
  });
});

describe('zorgkoerier migrate', () => {
  it('makes a schema only where it was told that this is the first time, and is done the second time', async () => {
    await journey.sql('create database cli_first_run');
    const [worker, owner] = [new URL(journey.settings['DATABASE_URL'] ?? ''), new URL(journey.ownerUrl)];
    for (const url of [worker, owner]) url.pathname = '/cli_first_run';
    const settings = { DATABASE_URL: worker.href, ZORGKOERIER_OWNER_DATABASE_URL: owner.href };
    expectRefused(await runWith(settings, 'status'), 11, /ledger.schema-missing/);
    expectRefused(await runWith(settings, 'migrate'), 11, /ledger.schema-missing/);
    expect(await runWith(settings, 'migrate', '--first-run')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0001'),
    });
    expect(await runWith(settings, 'migrate')).toMatchObject({ code: 0, stdout: 'Het grootboek was al bij.\n' });
    expect(await runWith(settings, 'status')).toMatchObject({ code: 0 });
    expectRefused(await run('migrate'), 10, /ZORGKOERIER_OWNER_DATABASE_URL: is missing/);
    await journey.sql('drop database cli_first_run with (force)');
  });
});

describe('zorgkoerier practice', () => {
  it('adds a practice with its mailbox, and refuses what cannot be', async () => {
    const added = await run('practice', 'add', ...LINDE, '--zorgmail', '500088001', ...mailbox('linde', 'password'));
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('01099001') });
    const [again, digits, half, missing] = await Promise.all([
      run('practice', 'add', ...LINDE, '--zorgmail', '500088009'),
      run('practice', 'add', ...LINDE.with(1, '123'), '--zorgmail', '500088009'),
      run('practice', 'add', ...LINDE.with(1, '01099005'), '--zorgmail', '500088009', '--mailbox-name', 'half'),
      run('practice', 'add-mailbox', '01099001'),
    ]);
    expectRefused(again, 2, /practice.exists/);
    expectRefused(digits, 2, /practice.invalid \(field=agb\)/);
    expectRefused(half, 2, /--mailbox-name needs/);
    expectRefused(missing, 2, /--mailbox-name is missing/);
  });

  it('lists, shows and tests, for people and as one document', async () => {
    const list = await json<{ agb: string; forwarding: unknown }[]>('practice', 'list');
    expect(list).toMatchObject([{ agb: '01099001', forwarding: null }]);
    const show = await json<{ mailboxes: { name: string }[] }>('practice', 'show', '01099001');
    expect(show.mailboxes).toMatchObject([{ name: 'linde' }]);
    expect(JSON.stringify(show)).not.toMatch(/password/);
    expect(await json('practice', 'test', '01099001')).toMatchObject([{ mailbox: 'linde', code: null, mails: 0 }]);
    expect(await run('practice', 'list')).toMatchObject({ code: 0, stdout: expect.stringContaining('De Linde') });
    expect(await run('practice', 'test', '01099001')).toMatchObject({
      stdout: 'linde: ingelogd (alleen lezen), 0 mails\n',
    });
    expectRefused(await run('practice', 'show', '99999999'), 2, /no practice 99999999/);
  });

  it('enables in shadow or live, pauses and disables, and refuses live without authorisation or choice', async () => {
    const enable = (...args: string[]) => run('practice', 'enable', '01099001', 'forwarding', ...args);
    const [live, unchosen, noDate, noFile, unknown] = await Promise.all([
      enable('--mode', 'live', '--determinations', 'all'),
      enable('--mode', 'live', ...authorised),
      enable('--mode', 'live', '--authorised-by', 'A', '--authorised-on', 'gisteren', '--determinations', 'all'),
      enable('--determinations', file('no-such-file')),
      run('practice', 'enable', '01099001', 'faxing'),
    ]);
    expectRefused(live, 2, /--authorised-by/);
    expectRefused(unchosen, 2, /--determinations/);
    expectRefused(noDate, 2, /--authorised-on: a date/);
    expectRefused(noFile, 2, /cannot be read/);
    expectRefused(unknown, 2, /forwarding or registrations/);

    expect(await enable()).toMatchObject({ code: 0, stdout: '01099001: forwarding staat aan (shadow).\n' });
    const state = () =>
      json<{ forwarding: { state: string; mode: string; determinations: unknown } }>('practice', 'show', '01099001');
    expect((await state()).forwarding).toMatchObject({ state: 'enabled', mode: 'shadow' });
    expect(await enable('--mode', 'live', ...authorised, '--determinations', file('codes'))).toMatchObject({ code: 0 });
    expect((await state()).forwarding).toMatchObject({ mode: 'live', determinations: ['KREAB'] });
    expect(await run('practice', 'pause', '01099001', 'forwarding')).toMatchObject({ code: 0 });
    expect((await state()).forwarding).toMatchObject({ state: 'paused' });
    expect(await run('practice', 'disable', '01099001', 'forwarding')).toMatchObject({ code: 0 });
    expect((await state()).forwarding).toMatchObject({ state: 'disabled' });
    expectRefused(await run('practice', 'disable', '01099001', 'forwarding'), 2, /staat niet aan/);
    expect(await enable('--mode', 'live', ...authorised, '--determinations', 'all')).toMatchObject({ code: 0 });
  });
});

describe('zorgkoerier start, status and held', () => {
  it('carries a mail to its card, and shows in status that the books close', async () => {
    await journey.startWorker();
    await journey.send('linde', medlab({ bsn: '999990019', labNumber: '26190001', to: '500088001' }));
    await journey.send(
      'linde',
      medlab({ bsn: '999990019', labNumber: '26190002', to: '500088001', birthDate: '1980:10:26' }),
    );
    await journey.send(
      'linde',
      medlab({ bsn: '999911120', labNumber: '26190003', to: '500088001', from: '500099777' }),
    );
    await untilAtRest(journey, 3);
    await journey.stopWorkers();
    expect(await json('status')).toMatchObject({
      accounting: { assigned: 3, forwarded: 1, held: 2, difference: 0 },
      mailboxes: [{ name: 'linde', assigned: 3 }],
      heldCount: 2,
    });
    const shown = await run('status');
    expect(shown.stdout).toMatch(/De boekhouding klopt\.\n2 wacht op een besluit/);
    expect((await runWith({ ZORGKOERIER_LANGUAGE: 'en' }, 'status')).stdout).toMatch(/The accounting adds up/);
  });

  it('lists and shows what is held, with content only where it is asked for, and then audited', async () => {
    const list = await json<{ id: string; reason: string; actions: string[] }[]>('held', 'list');
    expect(list.map(({ reason }) => reason).sort()).toEqual(['card.birth-date-differs', 'lab.unknown-sender']);
    const id = list.find(({ reason }) => reason === 'card.birth-date-differs')?.id ?? '';
    expect(await json('held', 'show', id)).toMatchObject({ id, owner: 'practice', practiceAgb: '01099001' });
    expect((await run('held', 'list', '--practice', '01099001')).stdout).toContain(id);
    const [bare, content] = await Promise.all([
      run('held', 'show', id),
      run('held', 'show', id, '--content', '--by', 'sanne'),
    ]);
    expect(bare.stdout).not.toContain('999990019');
    expect(content.stdout).toMatch(/BSN 999990019[\s\S]*Kreatinine/);
    expect(await journey.sql(`select actor, event from audit where event = 'report.shown'`)).toEqual([
      { actor: 'sanne', event: 'report.shown' },
    ]);
    const [unknown, practice] = await Promise.all([
      run('held', 'show', 'no-id'),
      run('held', 'list', '--practice', '1'),
    ]);
    expectRefused(unknown, 2, /Er wacht niets onder no-id/);
    expectRefused(practice, 2, /no practice 1/);
  });

  it('releases and discards with a reason, and not without', async () => {
    const held = async () => (await deliveries(journey)).filter(({ state }) => state === 'held');
    const before = await held();
    const [differs, unknown] = ['card.birth-date-differs', 'lab.unknown-sender'].map((reason) =>
      before.find((one) => one.reason === reason),
    );
    expectRefused(await run('held', 'release', unknown?.id ?? ''), 2, /--reason/);
    expect(await run('held', 'release', unknown?.id ?? '', '--reason', 'bekend')).toMatchObject({ code: 0 });
    await journey.startWorker();
    await until(
      'delivered',
      () => deliveries(journey),
      (all) => all.some(({ id, state }) => id === unknown?.id && state === 'forwarded'),
    );
    await journey.stopWorkers();
    expect(await run('held', 'discard', differs?.id ?? '', '--reason', 'dubbel')).toMatchObject({ code: 0 });
    expect(await held()).toEqual([]);
    expectRefused(await run('held', 'discard', differs?.id ?? '', '--reason', 'dubbel'), 2, /decision.not-found/);
    expect((await run('held', 'list')).stdout).toBe('Niets wacht op een besluit.\n');
    expect(await json('held', 'list')).toEqual([]);
  });

  it('says with exit code 3 that a mail is missing from the books', async () => {
    await journey.sql(`delete from delivery where report_id in (select id from report where laboratory is null)`);
    await journey.sql(`delete from report where laboratory is null`);
    const status = await run('status', '--json');
    expect(status.code).toBe(3);
    expect(JSON.parse(status.stdout)).toMatchObject({ accounting: { difference: 1 } });
  });
});

describe('zorgkoerier inspect and replay', () => {
  it('read files, print one document for each, and end with 0, 2 or 3', async () => {
    const { stdout, code } = await runCommand(
      ['inspect', '--json', fixture('edifact/plain.edi'), fixture('hl7/plain.hl7')],
      {},
    );
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).file),
    ).toEqual(['plain.edi', 'plain.hl7']);
    const [quarantined, missing] = await Promise.all([
      runCommand(['inspect', fixture('rejected/truncated.edi')], {}),
      runCommand(['inspect', '/no/such/file'], {}),
    ]);
    expect(quarantined.code).toBe(3);
    expect(missing.code).toBe(2);
  });

  it('replay through the real pipeline, without a worker', async () => {
    const document = await json<{ mails: { outcome: string }[] }>('replay', fixture('edifact/copy.edi'));
    expect(document.mails).toMatchObject([{ outcome: 'forwarded' }]);
    expect((await run('replay', fixture('rejected/truncated.edi'))).code).toBe(3);
    expectRefused(await run('replay'), 2, /name files/);
    expectRefused(await run('replay', '/no/such/file.edi'), 2, /no such file/);
  });
});

describe('zorgkoerier services', () => {
  it('start once, are used without any address, and stop when told so', async () => {
    const settings = { ZORGKOERIER_EMBEDDED: '1', ZORGKOERIER_DATA_DIR: file('data') };
    const bare = (...args: string[]) => runCommand(args, settings);
    expectRefused(await bare('status'), 10, /services up/);
    expect(await bare('services', 'status', '--json')).toMatchObject({ code: 3 });
    expect(await bare('services', 'up')).toMatchObject({ code: 0, stdout: 'De ingebouwde diensten draaien.\n' });
    expect(await bare('services', 'up')).toMatchObject({ code: 0 });
    const status = await bare('services', 'status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ postgres: { isUp: true }, redis: { isUp: true } });
    expect(await bare('status', '--json')).toMatchObject({ code: 0 });
    expect(await bare('migrate')).toMatchObject({ code: 0, stdout: 'Het grootboek was al bij.\n' });
    expect((await bare('services', 'down')).stdout).toBe('Gestopt: PostgreSQL, Redis\n');
    expect((await bare('services', 'down')).stdout).toMatch(/niets/);
  });
});

// Last: a server that was given a wrong password lets everybody wait for a while.
describe('zorgkoerier practice with a wrong password', () => {
  it('answers a refused login with 12, and switches nothing on', async () => {
    const brug = [
      '--agb',
      '01099003',
      '--name',
      'De Brug',
      '--his',
      'Bricks',
      '--products',
      'cKIS',
      '--zorgmail',
      '500088003',
    ];
    await run('practice', 'add', ...brug);
    await run('practice', 'add-mailbox', '01099003', ...mailbox('brug', 'wrong', '500088003'));
    expectRefused(await run('practice', 'enable', '01099003', 'forwarding'), 12, /mailbox.login-refused/);
    expect(await json('practice', 'show', '01099003')).toMatchObject({ forwarding: null });
  });
});
