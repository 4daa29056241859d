import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReturnMailboxAdd } from '../../src/commands/return-mailbox.ts';
import { SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import { passwordOf } from '../../src/sandbox/zorgmail/mailboxes.ts';
import { type Ran, runCommand } from '../support/child.ts';
import { practice } from '../support/medlab.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** `zorgkoerier return-mailbox …`, as Customer Care types it. */

let journey: Journey;
let file: (account: string) => Promise<string>;
beforeAll(async () => {
  journey = await startJourney();
  const directory = join(journey.logFile, '..');
  file = async (account) => {
    const path = join(directory, `password-${account}`);
    await writeFile(path, `${passwordOf(account)}\n`);
    return path;
  };
});
afterAll(() => journey.release());

const run = (...args: string[]): Promise<Ran> => runCommand(['return-mailbox', ...args], journey.settings);

async function add(account: string, name: string, password: string): Promise<Ran> {
  const { zorgmail } = journey.world;
  const where = ['--host', '127.0.0.1', '--port', String(zorgmail.ports.imaps), '--ca-file', zorgmail.certificateFile];
  return run('add', '--name', name, '--user', account, '--password-file', password, ...where, '--by', 'sanne');
}

const list = async () => JSON.parse((await run('list', '--json')).stdout) as unknown[];

describe('zorgkoerier return-mailbox', () => {
  it('adds it after trying it, lists it, takes a new password, and stops reading it', async () => {
    expect((await run('list')).stdout).toBe('Er is geen retourmailbox.\n');
    const password = await file(SANDBOX_RETURN_ACCOUNT);
    const added = await add(SANDBOX_RETURN_ACCOUNT, 'retour', password);
    expect(added).toMatchObject({
      code: 0,
      stdout: 'Retourmailbox retour: ingelogd (alleen lezen); wordt vanaf nu gelezen.\n',
    });
    expect(await list()).toEqual([
      { name: 'retour', host: '127.0.0.1', path: 'INBOX', isWatched: true, lastPolledAt: null, trouble: null },
    ]);
    expect(await run('set-password', 'retour', '--password-file', password)).toMatchObject({ code: 0 });
    expect(await run('remove', 'retour', '--by', 'sanne')).toMatchObject({ code: 0 });
    expect(await list()).toMatchObject([{ name: 'retour', isWatched: false }]);
    const audited = await journey.sql<{ event: string; fields: object }>(
      `select a.event, a.fields from audit a join mailbox m on m.id::text = a.object_id where m.purpose = 'return' order by a.id`,
    );
    expect(audited.map(({ event }) => event)).toEqual([
      'mailbox.added',
      'mailbox.epoch-opened',
      'mailbox.password-set',
      'mailbox.epoch-closed',
    ]);
    expect(audited[0]?.fields).toEqual({ kind: 'copy', purpose: 'return' });
  }, 60_000);

  it('refuses a wrong password with 12, a practice’s mailbox, and a password from nowhere, and changes nothing', async () => {
    const before = await list();
    const wrong = await file('somebody-else');
    expect(await add(SANDBOX_RETURN_ACCOUNT, 'retour', wrong)).toMatchObject({ code: 2, stdout: '' });
    expect(await run('set-password', 'retour', '--password-file', wrong)).toMatchObject({ code: 12, stdout: '' });
    const { zorgmail } = practice('linde');
    const theirs = await add(zorgmail, 'van linde', await file(zorgmail));
    expect(theirs).toMatchObject({ code: 2, stdout: '' });
    expect(theirs.stderr).toContain('practice.mailbox-other-purpose');
    expect(await run('set-password', 'retour')).toMatchObject({ code: 2 });
    expect(await run('remove', 'onbekend')).toMatchObject({ code: 2 });
    expect(await list()).toEqual(before);
  }, 60_000);

  it('takes the password from standard input too', async () => {
    const said: string[] = [];
    const io = {
      env: journey.settings,
      out: (text: string) => void said.push(text),
      progress: () => {},
      readStdin: async () => Buffer.from(`${passwordOf(SANDBOX_RETURN_ACCOUNT)}\n`),
    };
    const { host, port, security, path } = journey.world.zorgmail.mailboxAccount(SANDBOX_RETURN_ACCOUNT);
    const caFile = journey.world.zorgmail.certificateFile;
    const options = {
      name: 'retour',
      host,
      port,
      security,
      path,
      caFile,
      user: SANDBOX_RETURN_ACCOUNT,
      since: null,
      by: 'sanne',
    };
    expect(await runReturnMailboxAdd(io, { ...options, passwordFile: null, isFromStdin: true })).toBe(0);
    expect(said).toEqual(['Retourmailbox retour: ingelogd (alleen lezen); wordt vanaf nu gelezen.']);
    const both = runReturnMailboxAdd(io, { ...options, passwordFile: 'x', isFromStdin: true });
    await expect(both).rejects.toThrow('--password-file or --password-stdin');
  });
});
