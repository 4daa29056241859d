import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/config.ts';
import { registrationIn } from '../records/registration-rows.ts';
import { type Ran, runCommand } from '../support/child.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** What a person types at the practice commands, and what they are told when it is not right. */

let journey: Journey;
let directory: string;
const file = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-cli-practice-'));
  journey = await startJourney();
  const account = journey.world.zorgmail.mailboxAccount('500088001');
  await writeFile(file('password'), `${account.password}\n`);
  await writeFile(file('other'), 'other\n');
  await writeFile(file('empty'), '\n');
  await writeFile(file('ca.pem'), account.ca ?? '');
});
afterAll(async () => {
  await journey.release();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => runCommand(args, journey.settings);

function expectRefused(ran: Ran, code: number, says: RegExp): void {
  expect(ran).toMatchObject({ code, stdout: '' });
  expect(ran.stderr).toMatch(says);
}

const mailbox = (name: string, password: string, user = '500088001') => [
  ...['--mailbox-name', name, '--mailbox-host', '127.0.0.1', '--mailbox-port', String(journey.world.proxy.port)],
  ...['--mailbox-user', user, '--mailbox-password-file', file(password), '--mailbox-ca-file', file('ca.pem')],
];

describe('zorgkoerier practice add', () => {
  const add = (products: string) =>
    run(
      ...['practice', 'add', '--agb', '01099009', '--name', 'De Proef', '--his', 'Medicom'],
      ...['--products', products, '--zorgmail', '500088009'],
    );

  it('refuses a product that there is not, and says which there are', async () => {
    for (const products of ['ckis', 'cKIS,cBoard', 'cKIS,cKIS', ''])
      expectRefused(await add(products), 2, /--products.*allowed: cKIS, cBoards/);
    expectRefused(await run('practice', 'show', '01099009'), 2, /no practice/);
    expect(await add('cKIS')).toMatchObject({ code: 0 });
  });
});

describe('zorgkoerier practice enable', () => {
  const forwarding = async () =>
    JSON.parse((await run('practice', 'show', '01099001', '--json')).stdout).forwarding as Record<string, unknown>;

  it('of a live practice that was paused says that it is live', async () => {
    expect(await forwarding()).toMatchObject({ state: 'enabled', mode: 'live' });
    await run('practice', 'pause', '01099001', 'forwarding');
    const resumed = await run('practice', 'enable', '01099001', 'forwarding');
    expect(resumed).toMatchObject({ code: 0, stdout: '01099001: forwarding staat aan (live).\n' });
    expect(await forwarding()).toMatchObject({ state: 'enabled', mode: 'live', determinations: 'all' });
  });

  it('with --since says how many mails are copied too, and where the mailbox was being read, how to get the rest', async () => {
    const { stdout, code } = await run('practice', 'enable', '01099001', 'forwarding', '--since', '2026-11-01');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\(live\)\.\nlinde: 0 mails.*zorgkoerier replay --practice 01099001 --since 2026-11-01\n$/);
  });

  it('refuses a date that the calendar does not have', async () => {
    const enable = (...args: string[]) => run('practice', 'enable', '01099001', 'forwarding', ...args);
    const [since, on] = await Promise.all([
      enable('--since', '2026-02-31'),
      enable('--authorised-by', 'A', '--authorised-on', '2026-02-31'),
    ]);
    expectRefused(since, 2, /--since: a date is expected/);
    expectRefused(on, 2, /--authorised-on: a date is expected/);
  });
});

describe('zorgkoerier practice add-mailbox and set-password', () => {
  it('link a mailbox that is the same, and refuse one that only has the same name', async () => {
    const link = (...options: string[]) => run('practice', 'add-mailbox', '01099003', ...options);
    expectRefused(await link(...mailbox('linde', 'password', '500088003')), 2, /exists.*choose another --mailbox-name/);
    expectRefused(await link(...mailbox('linde', 'other')), 2, /set-password/);
    expectRefused(await link(...mailbox('linde', 'empty')), 2, /is empty/);
    const linked = await link(...mailbox('linde', 'password'));
    expect(linked).toMatchObject({ code: 0, stdout: expect.stringMatching(/linde.*01099003.*vanaf nu gekopieerd/) });
  });

  it('store a password that the server takes, and say what is missing', async () => {
    const set = (name: string, password: string) =>
      run('practice', 'set-password', '01099001', name, '--mailbox-password-file', file(password), '--by', 'sanne');
    expect(await set('linde', 'password')).toMatchObject({ code: 0, stdout: expect.stringContaining('bewaard') });
    expectRefused(await set('nergens', 'password'), 2, /no mailbox of this name/);
    expectRefused(await run('practice', 'set-password', '01099001', 'linde'), 2, /--mailbox-password-file/);
    expectRefused(await set('linde', 'other'), 12, /mailbox.login-refused/);
    expect(await journey.sql(`select actor from audit where event = 'mailbox.password-set'`)).toEqual([
      { actor: 'sanne' },
    ]);
  });
});

describe('zorgkoerier migrate', () => {
  it('needs the addresses of the ledger and nothing else', async () => {
    const { DATABASE_URL } = journey.settings;
    const bare: Environment = { DATABASE_URL, ZORGKOERIER_OWNER_DATABASE_URL: journey.ownerUrl };
    expect(await runCommand(['migrate'], bare)).toMatchObject({ code: 0, stdout: 'Het grootboek was al bij.\n' });
    const nothing = await runCommand(['migrate'], {});
    expectRefused(nothing, 10, /ZORGKOERIER_OWNER_DATABASE_URL: is missing\nDATABASE_URL: is missing/);
    expect(nothing.stderr).not.toMatch(/REDIS|MASTER_KEY/);
  });
});

describe('zorgkoerier practice enable registrations', () => {
  const enable = (...args: string[]) => run('practice', 'enable', '01099001', 'registrations', ...args);
  const shown = async () => JSON.parse((await run('practice', 'show', '01099001', '--json')).stdout);

  it('says where they go, and keeps what is not given', async () => {
    expect(await enable('--charset', 'latin1')).toMatchObject({
      code: 0,
      stdout:
        '01099001: registrations staat aan (shadow).\nRegistraties gaan naar ZorgMail-account 500088001 (tekens latin1, lege regel full-stop).\n',
    });
    expectRefused(await enable('--mode', 'live'), 2, /autorisatie van de praktijk/);
    const live = ['--mode', 'live', '--authorised-by', 'P. Praktijkhouder', '--authorised-on', '2026-11-20'];
    expect(await enable(...live)).toMatchObject({ code: 0, stdout: expect.stringContaining('(live)') });
    expect(await shown()).toMatchObject({
      registrations: { state: 'enabled', mode: 'live', authorisedBy: 'P. Praktijkhouder' },
      receiver: { account: '500088001', charset: 'latin1', blankLine: 'full-stop' },
    });
    expect((await run('practice', 'list')).stdout).toMatch(
      /registraties[\s\S]*01099001.*enabled \(live\) +enabled \(live\)/,
    );
  });

  it('refuses an account of another, and options that would do nothing', async () => {
    expectRefused(await enable('--account', '500088002'), 2, /niet van deze praktijk/);
    expectRefused(await enable('--determinations', 'all'), 2, /for forwarding/);
    expectRefused(await enable('--charset', 'utf8'), 2, /ascii, latin1/);
    const other = await run('practice', 'enable', '01099001', 'forwarding', '--charset', 'ascii');
    expectRefused(other, 2, /for registrations/);
  });

  it('pauses, disables and says what waits for a decision; status counts them', async () => {
    expect(await run('practice', 'pause', '01099001', 'registrations')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/wel aangenomen, niet verstuurd/),
    });
    const practice = await journey.practice('linde');
    await registrationIn(journey.courier.ledger, practice, 'queued', { mails: ['queued'] });
    await registrationIn(journey.courier.ledger, practice, 'delivered');
    const disabled = await run('practice', 'disable', '01099001', 'registrations');
    expect(disabled).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/1 registraties waren nog niet verstuurd/),
    });
    expectRefused(await run('practice', 'disable', '01099001', 'registrations'), 2, /staat niet aan/);
    const { stdout } = await run('status');
    expect(stdout).toMatch(/registraties +aangenomen.*\n.*\n?.*01099001/);
    expect(stdout).toContain('1 registraties wachten op een besluit: zorgkoerier registration list --attention');
    const { registrations } = JSON.parse((await run('status', '--json')).stdout);
    expect(registrations).toEqual([
      {
        ...{ practiceId: practice.id, practiceAgb: '01099001', total: 2, attention: 1 },
        states: { held: 1, delivered: 1 },
      },
    ]);
  });
});
