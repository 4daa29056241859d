/** The sandbox's ZorgMail itself: what it would show if we did touch a mailbox, and that nothing of it stays behind. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MailboxAccount, openMailbox } from '../../src/mailbox/mailbox.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';

const MAIL = Buffer.from('Subject: uitslag\r\n\r\ntekst\r\n');

let directory: string;
let zorgmail: Zorgmail;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zorgmail-test-'));
  const accounts = ['500088001', '500088002', '500088003', '500088004'];
  zorgmail = await startZorgmail({ directory: join(directory, 'one'), accounts, isThrowaway: true });
});

afterAll(async () => {
  await zorgmail?.release();
  await rm(directory, { recursive: true, force: true });
});

it('shows a mailbox and its twin as equal whatever the HIS does to both', async () => {
  const his = zorgmail.hisOfBoth('500088001');
  for (let n = 0; n < 3; n += 1) await zorgmail.deliverToBoth('500088001', MAIL);
  expect(await his.collect()).toEqual([1, 2, 3]);
  await his.remove([2]);
  await zorgmail.deliverToBoth('500088001', MAIL);
  expect(await zorgmail.compareTwins('500088001')).toEqual({ isEqual: true, differences: [] });
  const { mails, messages, uidNext } = await zorgmail.snapshotMailbox('500088001');
  expect({ messages, uidNext, uids: mails.map(({ uid }) => uid) }).toEqual({
    messages: 3,
    uidNext: 5,
    uids: [1, 3, 4],
  });
});

it('shows every kind of touch as a difference', async () => {
  const his = zorgmail.his('500088002');
  for (let n = 0; n < 2; n += 1) await zorgmail.deliverToBoth('500088002', MAIL);
  await his.collect();
  const seen = (await zorgmail.compareTwins('500088002')).differences;
  expect(seen).toContainEqual(expect.stringMatching(/^uid 1: \d+ bytes \(\\Seen\) and \d+ bytes \(\\Recent\)$/));
  await his.remove([1]);
  const removed = (await zorgmail.compareTwins('500088002')).differences;
  expect(removed).toContain('messages: 1 and 2');
  expect(removed).toContainEqual(expect.stringMatching(/^uid 1: absent and/));
});

it('takes a snapshot without consuming \\Recent or raising the modseq', async () => {
  await zorgmail.deliver('500088003', MAIL);
  const first = await zorgmail.snapshotMailbox('500088003');
  expect(first).toMatchObject({ recent: 1, unseen: 1, mails: [{ uid: 1, flags: ['\\Recent'] }] });
  expect(await zorgmail.snapshotMailbox('500088003')).toEqual(first);
  await zorgmail.his('500088003').collect();
  expect((await zorgmail.snapshotMailbox('500088003')).highestModseq).toBeGreaterThan(first.highestModseq);
});

it('keeps the mail and the ports over a restart', async () => {
  await zorgmail.deliver('500088004', MAIL);
  const before = await zorgmail.snapshotMailbox('500088004');
  await zorgmail.restart();
  expect(await zorgmail.snapshotMailbox('500088004')).toEqual(before);
});

it('frees its ports and removes what it kept when released', async () => {
  const second = await startZorgmail({ directory: join(directory, 'two'), accounts: ['500088001'], isThrowaway: true });
  await second.deliver('500088001', MAIL);
  await second.release();
  expect(await Promise.all(Object.values(second.ports).map(answers))).toEqual([false, false, false]);
  await expect(stat(join(directory, 'two'))).rejects.toThrow('ENOENT');
});

it('does not outlive a parent that is killed', async () => {
  const options = { directory: join(directory, 'three'), accounts: ['500088001'] };
  const source = new URL('../../src/sandbox/zorgmail/zorgmail.ts', import.meta.url).href;
  const script = `
    const { startZorgmail } = await import(${JSON.stringify(source)});
    const zorgmail = await startZorgmail(${JSON.stringify(options)});
    const { logFile } = zorgmail;
    process.stdout.write(JSON.stringify({ logFile, account: zorgmail.mailboxAccount('500088001') }));
    process.stdin.resume();
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const { account, logFile } = JSON.parse(line.toString()) as { account: MailboxAccount; logFile: string };
  const connection = await openMailbox(account);
  const lost = connection.waitForHint(25_000, new AbortController().signal);
  parent.kill('SIGKILL');
  await expect(lost).rejects.toThrow('mailbox.disconnected');
  expect(await readFile(logFile, 'utf8')).toContain('Killed with signal 15');
  await rm(dirname(logFile), { recursive: true, force: true });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
