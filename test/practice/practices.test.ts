import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  addMailbox,
  addPractice,
  findPractice,
  listPractices,
  mailboxAccount,
  mailboxesOf,
  type NewPractice,
  practicesOfMailbox,
  recordTrouble,
  setMailboxPassword,
} from '../../src/practice/practice.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { mailboxIn, newMailbox, newPractice, practiceIn, testKeys } from './places.ts';

const ledgers = useLedgers();
const add = (practice: NewPractice) => ledgers.worker.transaction((tx) => addPractice(tx, practice, 'a person'));

const auditOf = async (objectId: string) =>
  (
    await ledgers.owner.query<{ event: string; actor: string; practice_id: string | null }>(
      'select event, actor, practice_id from audit where object_id = $1 order by id',
      [objectId],
    )
  ).rows;

describe('adding a practice', () => {
  it('keeps all that was said, finds it by AGB and by id, and audits who added it', async () => {
    const practice = newPractice({ accounts: ['50999992', '50999991'] });
    const id = await add(practice);
    const found = { ...practice, id, accounts: ['50999991', '50999992'] };
    expect(await findPractice(ledgers.worker, practice.agb)).toEqual(found);
    expect(await findPractice(ledgers.worker, id)).toEqual(found);
    expect(await listPractices(ledgers.worker)).toContainEqual(found);
    expect(await auditOf(id)).toEqual([{ event: 'practice.added', actor: 'a person', practice_id: id }]);
  });

  it('answers null for one that is not there, whatever the text', async () => {
    for (const text of ['99999999', randomUUID(), '', "' or true --"])
      expect(await findPractice(ledgers.worker, text)).toBeNull();
  });

  it.each<{ field: string; wrong: Partial<NewPractice> }>([
    { field: 'agb', wrong: { agb: '1234567' } },
    { field: 'agb', wrong: { agb: '123456789' } },
    { field: 'agb', wrong: { agb: '0123456a' } },
    { field: 'agb', wrong: { agb: '01234567\n' } },
    { field: 'name', wrong: { name: '  ' } },
    { field: 'his', wrong: { his: '' } },
    { field: 'products', wrong: { products: [] } },
    { field: 'zorgmail', wrong: { accounts: ['5000111'] } },
    { field: 'zorgmail', wrong: { accounts: ['50001111', 'huisarts@zorgmail.nl'] } },
    { field: 'boards', wrong: { products: ['cKIS', 'cBoards'], boards: 'none' } },
    { field: 'boards', wrong: { products: ['cKIS'], boards: 'by-ckis' } },
    { field: 'boards', wrong: { products: ['cBoards'], boards: 'by-us' } },
  ])('refuses one whose $field is not valid ($wrong), and keeps nothing of it', async ({ field, wrong }) => {
    const practice = newPractice(wrong);
    await expect(add(practice)).rejects.toMatchObject({
      code: 'practice.invalid',
      kind: 'permanent',
      fields: { field },
    });
    expect(await findPractice(ledgers.worker, practice.agb)).toBeNull();
  });

  it('refuses an AGB that is there already, and leaves the first as it was', async () => {
    const first = newPractice();
    await add(first);
    const again = add(newPractice({ agb: first.agb, name: 'Another' }));
    await expect(again).rejects.toMatchObject({ code: 'practice.exists', fields: { agb: first.agb } });
    expect(await findPractice(ledgers.worker, first.agb)).toMatchObject({ name: first.name });
  });

  it('refuses a ZorgMail account of another practice, and then keeps nothing at all', async () => {
    const first = newPractice();
    await add(first);
    const [account = ''] = first.accounts;
    const second = newPractice({ accounts: ['50777777', account] });
    await expect(add(second)).rejects.toMatchObject({ code: 'practice.account-taken', fields: { account } });
    expect(await findPractice(ledgers.worker, second.agb)).toBeNull();
    expect((await ledgers.owner.query("select 1 from zorgmail_account where account = '50777777'")).count).toBe(0);
    expect((await ledgers.owner.query("select 1 from audit where event = 'practice.added'")).count).toBe(
      (await listPractices(ledgers.worker)).length,
    );
  });
});

describe('a mailbox', () => {
  it('is opened again with everything that was said of it, and its password is nowhere in the ledger', async () => {
    const practice = await practiceIn(ledgers.worker);
    const keys = testKeys(ledgers.worker);
    const { name, kind, ...account } = newMailbox({ password: 'zeer-geheim-123', ca: '-----BEGIN CERTIFICATE-----' });
    const id = await ledgers.worker.transaction((tx) =>
      addMailbox(tx, keys, { name, kind, ...account }, [practice.id], 'a person'),
    );
    expect(await mailboxAccount(ledgers.worker, keys, id)).toEqual(account);
    const { rows } = await ledgers.owner.query<{ row: string }>(
      'select mailbox::text as row from mailbox where id = $1',
      [id],
    );
    expect(rows[0]?.row).not.toContain(Buffer.from('zeer-geheim').toString('hex'));
    expect(rows[0]?.row).not.toContain('zeer-geheim');
    expect(await mailboxesOf(ledgers.worker, practice.id)).toMatchObject([
      {
        id,
        name,
        kind,
        host: account.host,
        port: 993,
        security: 'tls',
        path: 'INBOX',
        lastPolledAt: null,
        trouble: null,
      },
    ]);
  });

  it('does not open with the password of another', async () => {
    const practice = await practiceIn(ledgers.worker);
    const [one, other] = [await mailboxIn(ledgers.worker, [practice]), await mailboxIn(ledgers.worker, [practice])];
    await ledgers.owner.query(
      'update mailbox set password = (select password from mailbox where id = $2) where id = $1',
      [one, other],
    );
    await expect(mailboxAccount(ledgers.worker, testKeys(ledgers.worker), one)).rejects.toMatchObject({
      code: 'keys.cannot-open',
    });
  });

  it('that does not exist is said to be unknown', async () => {
    await expect(mailboxAccount(ledgers.worker, testKeys(ledgers.worker), randomUUID())).rejects.toMatchObject({
      code: 'practice.unknown-mailbox',
      kind: 'permanent',
    });
  });

  it('that two practices share is one row, serves both, and each link is audited for its practice', async () => {
    const [one, other] = [await practiceIn(ledgers.worker), await practiceIn(ledgers.worker)];
    const keys = testKeys(ledgers.worker);
    const mailbox = newMailbox();
    const link = (practiceId: typeof one.id) =>
      ledgers.worker.transaction((tx) => addMailbox(tx, keys, mailbox, [practiceId], 'a person'));
    const id = await link(one.id);
    expect(await link(other.id)).toBe(id);
    expect(await link(other.id)).toBe(id);
    const served = await practicesOfMailbox(ledgers.worker, id);
    expect(served.map((practice) => practice.agb)).toEqual([one.agb, other.agb]);
    expect(await mailboxesOf(ledgers.worker, other.id)).toMatchObject([{ id, name: mailbox.name }]);
    expect(await auditOf(id)).toEqual([
      { event: 'mailbox.added', actor: 'a person', practice_id: null },
      { event: 'mailbox.linked', actor: 'a person', practice_id: one.id },
      { event: 'mailbox.linked', actor: 'a person', practice_id: other.id },
    ]);
  });

  it.each<{ field: string; change: Partial<ReturnType<typeof newMailbox>> }>([
    { field: 'host', change: { host: 'elsewhere.example' } },
    { field: 'port', change: { port: 143 } },
    { field: 'username', change: { username: 'another' } },
    { field: 'path', change: { path: 'Lab' } },
    { field: 'port security', change: { port: 143, security: 'starttls' } },
  ])('of the same name with another $field is not linked, and says what differs but not how', async ({
    field,
    change,
  }) => {
    const [one, other] = [await practiceIn(ledgers.worker), await practiceIn(ledgers.worker)];
    const keys = testKeys(ledgers.worker);
    const mailbox = newMailbox();
    await ledgers.worker.transaction((tx) => addMailbox(tx, keys, mailbox, [one.id], 'a person'));
    const linking = ledgers.worker.transaction((tx) =>
      addMailbox(tx, keys, { ...mailbox, ...change }, [other.id], 'a person'),
    );
    await expect(linking).rejects.toMatchObject({
      code: 'practice.mailbox-differs',
      message: `practice.mailbox-differs (differs=${field})`,
    });
    expect(await mailboxesOf(ledgers.worker, other.id)).toEqual([]);
  });

  it('of the same name with another password is not linked: which of the two is right is for a person', async () => {
    const [one, other] = [await practiceIn(ledgers.worker), await practiceIn(ledgers.worker)];
    const keys = testKeys(ledgers.worker);
    const mailbox = newMailbox();
    await ledgers.worker.transaction((tx) => addMailbox(tx, keys, mailbox, [one.id], 'a person'));
    const linking = ledgers.worker.transaction((tx) =>
      addMailbox(tx, keys, { ...mailbox, password: 'geheim-2' }, [other.id], 'a person'),
    );
    await expect(linking).rejects.toMatchObject({ code: 'practice.mailbox-password-differs', fields: {} });
  });

  it('gets another password, audited, and its owner loses it', async () => {
    const practice = await practiceIn(ledgers.worker);
    const keys = testKeys(ledgers.worker);
    const mailboxId = await mailboxIn(ledgers.worker, [practice]);
    await ledgers.owner.query('update mailbox set owner_id = $2, owner_epoch = 7 where id = $1', [
      mailboxId,
      randomUUID(),
    ]);
    const where = { mailboxId, practiceId: practice.id };
    await ledgers.worker.transaction((tx) => setMailboxPassword(tx, keys, where, 'nieuw', 'sanne'));
    expect(await mailboxAccount(ledgers.worker, keys, mailboxId)).toMatchObject({ password: 'nieuw' });
    const { rows } = await ledgers.owner.query('select owner_id, owner_epoch from mailbox where id = $1', [mailboxId]);
    expect(rows).toEqual([{ owner_id: null, owner_epoch: 8 }]);
    expect((await auditOf(mailboxId)).at(-1)).toEqual({
      event: 'mailbox.password-set',
      actor: 'sanne',
      practice_id: practice.id,
    });
  });

  it('remembers the code of a failed visit until a good one', async () => {
    const practice = await practiceIn(ledgers.worker);
    const id = await mailboxIn(ledgers.worker, [practice]);
    await recordTrouble(ledgers.worker, id, 'mailbox.login-refused');
    expect(await mailboxesOf(ledgers.worker, practice.id)).toMatchObject([{ trouble: 'mailbox.login-refused' }]);
    await recordTrouble(ledgers.worker, id, null);
    expect(await mailboxesOf(ledgers.worker, practice.id)).toMatchObject([{ trouble: null }]);
  });
});
