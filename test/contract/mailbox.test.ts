/** The mailbox door against a real Dovecot: what we read is right, and that we were there does not show. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MailboxAccount, type MailboxConnection, openMailbox } from '../../src/mailbox/mailbox.ts';
import { makeCertificate } from '../../src/sandbox/zorgmail/certificate.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { startRecordingProxy } from '../../src/sandbox/zorgmail/recording-proxy.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { Failure } from '../../src/shared/failure.ts';

const MAX_BYTES = 1_000_000;
const LONG_MS = 20_000;
const never = new AbortController().signal;

let directory: string;
let zorgmail: Zorgmail;
let account: string;
let accounts = 0;
const open: MailboxConnection[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mailbox-contract-'));
  const names = Array.from({ length: 40 }, (_, i) => `5000880${String(i).padStart(2, '0')}`);
  zorgmail = await startZorgmail({ directory, accounts: names, isThrowaway: true });
});

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.release()));
  await zorgmail?.release();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  account = `5000880${String(accounts).padStart(2, '0')}`;
  accounts += 1;
});

async function connect(change: Partial<MailboxAccount> = {}): Promise<MailboxConnection> {
  const connection = await openMailbox({ ...zorgmail.mailboxAccount(account), ...change });
  open.push(connection);
  return connection;
}

function mail(n: number, bytes = 0): Buffer {
  return Buffer.from(`Subject: uitslag ${n}\r\n\r\n.stip en \xe9\r\n${'x'.repeat(bytes)}\r\n`, 'latin1');
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof Failure)) throw thrown;
  return thrown;
}

describe('reading', () => {
  it('copies exactly the bytes that the server holds, by uid', async () => {
    for (const n of [1, 2, 3]) await zorgmail.deliver(account, mail(n));
    const connection = await connect();
    const fetched = await connection.fetch([1, 3], MAX_BYTES);
    expect(fetched.mails.map(({ uid }) => uid)).toEqual([1, 3]);
    const stored = fetched.mails[1]?.raw.toString('latin1');
    expect(stored).toContain(`Delivered-To: ${account}@lms.lifeline.nl\r\n${mail(3).toString('latin1')}`);
    expect(fetched.mails[0]?.internalDate).toBeInstanceOf(Date);
    expect(fetched).toMatchObject({ oversized: [], vanished: [] });
  });

  it('copies mails to their last byte whatever their size, one by one and together', async () => {
    const sizes = [1, 32_000, 32_500, 32_768, 33_000, 100_000];
    for (const [n, bytes] of sizes.entries()) await zorgmail.deliver(account, mail(n, bytes));
    const connection = await connect();
    const uids = sizes.map((_, index) => index + 1);
    const together = (await connection.fetch(uids, MAX_BYTES)).mails;
    expect(together.map(({ uid }) => uid)).toEqual(uids);
    for (const { uid, raw } of together) {
      expect(raw.toString('latin1').endsWith(mail(uid - 1, sizes[uid - 1]).toString('latin1'))).toBe(true);
      expect((await connection.fetch([uid], MAX_BYTES)).mails[0]?.raw.equals(raw)).toBe(true);
    }
    const lengths = together.map(({ raw }) => raw.length);
    // One that is just shorter, and one that is just longer, than what is asked for of a single mail.
    expect(lengths.some((length) => length < 32_768 && length > 32_000)).toBe(true);
    expect(lengths.some((length) => length >= 32_768 && length < 33_500)).toBe(true);
  });

  it('tells the counters of the folder, also of mails that came after it was opened', async () => {
    const connection = await connect();
    expect(await connection.status()).toMatchObject({ uidNext: 1, messages: 0 });
    await zorgmail.deliver(account, mail(1));
    const status = await connection.status();
    expect(status).toMatchObject({ uidNext: 2, messages: 1 });
    expect(status.uidValidity).toBe((await zorgmail.snapshotMailbox(account)).uidValidity);
  });

  it('does not take the last mail for one that was asked for but is gone', async () => {
    for (const n of [1, 2, 3]) await zorgmail.deliver(account, mail(n));
    await zorgmail.his(account).remove([2, 3]);
    const fetched = await (await connect()).fetch([2, 3], MAX_BYTES);
    expect(fetched).toEqual({ mails: [], oversized: [], vanished: [2, 3] });
  });

  it('calls a mail vanished that the HIS expunged while we were connected', async () => {
    for (const n of [1, 2, 3]) await zorgmail.deliver(account, mail(n));
    const connection = await connect();
    expect((await connection.status()).messages).toBe(3);
    await zorgmail.his(account).collectAndRemove();
    await zorgmail.deliver(account, mail(4));
    const fetched = await connection.fetch([1, 2, 3, 4], MAX_BYTES);
    expect(fetched.vanished).toEqual([1, 2, 3]);
    expect(fetched.mails.map(({ uid }) => uid)).toEqual([4]);
  });

  it('settles every uid exactly once while the HIS deletes during the fetch', async () => {
    const uids = Array.from({ length: 60 }, (_, i) => i + 1);
    for (const n of uids) await zorgmail.deliver(account, mail(n, 20_000));
    const connection = await connect();
    const odd = uids.filter((uid) => uid % 2 === 1);
    const [fetched] = await Promise.all([connection.fetch(uids, MAX_BYTES), zorgmail.his(account).remove(odd)]);
    const settled = [...fetched.mails.map(({ uid }) => uid), ...fetched.vanished].sort((one, other) => one - other);
    expect(settled).toEqual(uids);
    expect(fetched.vanished.filter((uid) => uid % 2 === 0)).toEqual([]);
    expect((await connection.fetch(uids, MAX_BYTES)).vanished).toEqual(odd);
  });

  it('refuses to call a uid vanished that the server never assigned', async () => {
    await zorgmail.deliver(account, mail(1));
    const failure = await failureOf((await connect()).fetch([1, 2], MAX_BYTES));
    expect(failure).toMatchObject({ code: 'mailbox.uid-not-assigned', fields: { uid: 2 } });
  });

  it('leaves a mail that is too large where it is, and copies the others', async () => {
    await zorgmail.deliver(account, mail(1));
    await zorgmail.deliver(account, mail(2, 5_000));
    await zorgmail.deliver(account, mail(3));
    const fetched = await (await connect()).fetch([1, 2, 3], 4_000);
    expect(fetched.mails.map(({ uid }) => uid)).toEqual([1, 3]);
    expect(fetched.oversized.map(({ uid }) => uid)).toEqual([2]);
    expect(fetched.oversized[0]?.bytes).toBeGreaterThan(5_000);
  });

  it('takes as many as fit together, one at least, and says which are left', async () => {
    for (const n of [1, 2, 3]) await zorgmail.deliver(account, mail(n, 3_000));
    await zorgmail.his(account).remove([2]);
    const connection = await connect();
    const fetched = await connection.fetch([1, 2, 3], MAX_BYTES, 5_000);
    expect(fetched.mails.map(({ uid }) => uid)).toEqual([1]);
    expect(fetched).toMatchObject({ vanished: [2], rest: [3] });
    const tight = await connection.fetch([1, 3], MAX_BYTES, 10);
    expect(tight.mails.map(({ uid }) => uid)).toEqual([1]);
    expect(tight.rest).toEqual([3]);
    expect((await connection.fetch([1, 2, 3], MAX_BYTES, 50_000)).rest).toBeUndefined();
  });

  it('takes 200 mails in one go and no more', async () => {
    const uids = Array.from({ length: 200 }, (_, i) => i + 1);
    for (const n of uids) await zorgmail.deliver(account, mail(n));
    const connection = await connect();
    expect((await connection.fetch(uids, MAX_BYTES)).mails.map(({ uid }) => uid)).toEqual(uids);
    const failure = await failureOf(connection.fetch([...uids, 201], MAX_BYTES));
    expect(failure).toMatchObject({ code: 'mailbox.uids-not-a-range', kind: 'defect' });
  });

  it('lists what arrived since a moment, to the second and below a uid', async () => {
    const moments = ['2026-03-01T10:00:00Z', '2026-03-02T09:59:59Z', '2026-03-02T10:00:00Z', '2026-03-05T00:00:00Z'];
    for (const moment of [...moments, moments[3] ?? '']) await zorgmail.append(account, mail(1), new Date(moment));
    const listed = await (await connect()).listSince(new Date('2026-03-02T10:00:00Z'), 5);
    expect(listed).toEqual([
      { uid: 3, internalDate: new Date('2026-03-02T10:00:00Z') },
      { uid: 4, internalDate: new Date('2026-03-05T00:00:00Z') },
    ]);
  });

  it('lists nothing where nothing is older than we are', async () => {
    expect(await (await connect()).listSince(new Date('2020-01-01T00:00:00Z'), 1)).toEqual([]);
    expect(await (await connect()).listSince(new Date('2020-01-01T00:00:00Z'), 100)).toEqual([]);
  });

  it('names every uid that the server holds now, and none that it gave out and removed', async () => {
    expect(await (await connect()).listUids()).toEqual([]);
    for (const n of [1, 2, 3, 4]) await zorgmail.deliver(account, mail(n));
    await zorgmail.his(account).remove([2]);
    expect(await (await connect()).listUids()).toEqual([1, 3, 4]);
  });

  it('notices that the folder was made anew', async () => {
    await zorgmail.deliver(account, mail(1));
    const before = await (await connect()).status();
    await zorgmail.recreateMailbox(account);
    await zorgmail.deliver(account, mail(2));
    const after = await (await connect()).status();
    expect(after.uidValidity).not.toBe(before.uidValidity);
  });
});

describe('not touching', () => {
  it('leaves no trace in the mailbox, and the HIS still sees every mail as recent and unseen', async () => {
    for (const n of [1, 2, 3]) await zorgmail.deliverToBoth(account, mail(n));
    const before = await zorgmail.snapshotMailbox(account);
    expect(before.mails.map(({ flags }) => flags)).toEqual([['\\Recent'], ['\\Recent'], ['\\Recent']]);
    const connection = await connect();
    await connection.status();
    await connection.fetch([1, 2, 3], MAX_BYTES);
    await connection.listSince(new Date('2020-01-01T00:00:00Z'), 4);
    await connection.waitForHint(10, never);
    await connection.status();
    await connection.release();
    expect(await zorgmail.snapshotMailbox(account)).toEqual(before);
    expect(await zorgmail.compareTwins(account)).toEqual({ isEqual: true, differences: [] });
    expect(await zorgmail.hisOfBoth(account).collect()).toEqual([1, 2, 3]);
    expect(await zorgmail.compareTwins(account)).toEqual({ isEqual: true, differences: [] });
  });

  it('sends no command that could change a flag, a mail or \\Recent', async () => {
    const proxy = await startRecordingProxy({
      target: { port: zorgmail.ports.imaps },
      certificate: zorgmail.certificate,
    });
    for (const n of [1, 2, 3]) await zorgmail.deliver(account, mail(n));
    const connection = await connect({ port: proxy.port });
    await connection.status();
    await zorgmail.his(account).remove([2]);
    await connection.fetch([1, 2, 3], MAX_BYTES);
    await connection.listSince(new Date('2020-01-01T00:00:00Z'), 4);
    for (const n of [4, 5, 6]) await zorgmail.deliver(account, mail(n));
    await connection.status();
    await connection.fetch([1, 2, 3, 4, 5, 6], MAX_BYTES);
    const idle = proxy.untilCommand(/^IDLE$/);
    const hint = connection.waitForHint(LONG_MS, never);
    await idle;
    await zorgmail.deliver(account, mail(7));
    await hint;
    await connection.status();
    await connection.release();
    const commands = proxy.commands();
    await proxy.release();
    expect(forbiddenCommands(commands)).toEqual([]);
    expect(commands).toContain('EXAMINE INBOX');
    expect(commands).toContain('UID FETCH 1:3 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.32768>)');
    expect(commands).toContain('UID FETCH 1:6 (UID INTERNALDATE RFC822.SIZE)');
    expect(commands.join('\n')).toMatch(/^UID FETCH \S+ \(UID RFC822\.SIZE BODY\.PEEK\[\]\)$/m);
    expect(commands.join('\n')).not.toContain(zorgmail.mailboxAccount(account).password);
  });
});

describe('hints', () => {
  it('wakes when a mail is delivered', async () => {
    const connection = await connect();
    await connection.status();
    const hint = connection.waitForHint(LONG_MS, never);
    await zorgmail.deliver(account, mail(1));
    await hint;
    expect((await connection.status()).messages).toBe(1);
  });

  it('wakes when the HIS removes a mail', async () => {
    await zorgmail.deliver(account, mail(1));
    const connection = await connect();
    await connection.status();
    const hint = connection.waitForHint(LONG_MS, never);
    await zorgmail.his(account).remove([1]);
    await hint;
    expect((await connection.status()).messages).toBe(0);
  });

  it('goes on waiting with the same IDLE when nothing was asked in between', async () => {
    const connection = await connect();
    await connection.status();
    await connection.waitForHint(1, never);
    const hint = connection.waitForHint(LONG_MS, never);
    await zorgmail.deliver(account, mail(1));
    await hint;
    expect((await connection.status()).messages).toBe(1);
  });

  it('remembers a mail that came while we were fetching', async () => {
    await zorgmail.deliver(account, mail(1));
    const connection = await connect();
    await connection.status();
    await zorgmail.deliver(account, mail(2));
    await connection.fetch([1], MAX_BYTES);
    await connection.waitForHint(LONG_MS, never);
    expect((await connection.status()).messages).toBe(2);
  });

  it('stops waiting on abort and serves on', async () => {
    const connection = await connect();
    const waiting = new AbortController();
    const hint = connection.waitForHint(LONG_MS, waiting.signal);
    waiting.abort();
    await hint;
    expect((await connection.status()).messages).toBe(0);
  });
});

describe('opening', () => {
  it('upgrades with STARTTLS on the cleartext port', async () => {
    await zorgmail.deliver(account, mail(1));
    const connection = await connect(zorgmail.mailboxAccount(account, 'starttls'));
    expect((await connection.fetch([1], MAX_BYTES)).mails).toHaveLength(1);
  });

  it('tells a refused login from everything else, and asks once only', async () => {
    const proxy = await startRecordingProxy({
      target: { port: zorgmail.ports.imaps },
      certificate: zorgmail.certificate,
    });
    const failure = await failureOf(connect({ password: 'wrong', port: proxy.port }));
    expect(failure).toMatchObject({ code: 'mailbox.login-refused', kind: 'transient', scope: 'peer' });
    expect(failure.fields['answer']).toBe('AUTHENTICATIONFAILED');
    expect(failure.cause).toBeUndefined();
    expect(proxy.commands().filter((command) => /^(LOGIN|AUTHENTICATE)/.test(command))).toHaveLength(1);
    await proxy.release();
  });

  it('refuses a server whose certificate another authority signed', async () => {
    const { certificate } = await makeCertificate();
    expect(await failureOf(connect({ ca: certificate }))).toMatchObject({ code: 'mailbox.certificate' });
    const upgraded = { ...zorgmail.mailboxAccount(account, 'starttls'), ca: certificate };
    expect(await failureOf(connect(upgraded))).toMatchObject({ code: 'mailbox.certificate' });
  });

  it('refuses a private authority when none was configured', async () => {
    expect(await failureOf(connect({ ca: null }))).toMatchObject({ code: 'mailbox.certificate' });
  });

  it('refuses a folder that is not there', async () => {
    expect(await failureOf(connect({ path: 'Archief' }))).toMatchObject({ code: 'mailbox.folder-refused' });
  });

  it('reports a host that does not answer', async () => {
    const { port } = zorgmail.mailboxAccount(account);
    expect(await failureOf(connect({ host: '127.0.0.2', port }))).toMatchObject({ code: 'mailbox.unreachable' });
  });

  it('does not open for a caller who is no longer interested', async () => {
    const failure = await failureOf(openMailbox(zorgmail.mailboxAccount(account), AbortSignal.abort()));
    expect(failure).toMatchObject({ code: 'mailbox.aborted' });
  });
});
