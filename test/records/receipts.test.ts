import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  insertReceipts,
  isOursFor,
  type MatchedReceipt,
  matchReceipts,
  registrationNamed,
  settleByReceipts,
  unansweredSince,
  unsettledByReceipts,
} from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { registrationIn, type SentOptions, type SentRegistration } from '../support/outward.ts';
import { copiedMails } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const registration = (options: SentOptions = {}) =>
  registrationIn((text, values) => ledgers.owner.query(text, values), place.practice.id, options);

type Kind = MatchedReceipt['kind'];
interface Says {
  readonly kind: Kind;
  readonly part?: number;
  readonly status?: string;
}

/** One mail of the return mailbox that says this; answers its id and what it did. */
async function mailSays(about: SentRegistration, ...says: readonly Says[]) {
  const [mailId = ''] = (await copiedMails(ledgers.worker, place)).mailIds;
  const receipts = says.map(({ kind, part = 1, status = null }): MatchedReceipt => {
    const outwardMailId = about.parts[part - 1]?.id ?? '';
    return { outwardMailId, registrationId: about.id, kind, by: 'message-id', status };
  });
  return ledgers.worker.transaction(async (tx) => {
    await insertReceipts(tx, mailId, receipts);
    return { mailId, changed: await settleByReceipts(tx, [about.id]) };
  });
}

async function rowOf({ id }: SentRegistration) {
  const { rows } = await ledgers.owner.query<{
    state: string;
    reason: string | null;
    detail: string | null;
    settled: boolean;
  }>('select state, reason, detail, settled_at is not null as settled from registration where id = $1', [id]);
  const mails = await ledgers.owner.query<{ state: string }>(
    'select state from outward_mail where registration_id = $1 order by part',
    [id],
  );
  return { ...rows[0], mails: mails.rows.map(({ state }) => state) };
}

describe('a CONTRL', () => {
  it('is about a mail of ours where the accounts that it names are those that the mail went between', async () => {
    const sent = await registration();
    const [{ controlReference: reference, id }] = sent.parts;
    const named = async (...accounts: readonly string[]) => {
      const said = { kind: 'rejected', by: 'control-reference', reference, status: '4/13' } as const;
      const matched = await matchReceipts(ledgers.worker, [accounts.length === 0 ? said : { ...said, accounts }], null);
      return matched.map(({ outwardMailId }) => outwardMailId);
    };
    expect(await named('500077001', '500088001')).toEqual([id]);
    // There are systems that write them the other way round.
    expect(await named('500088001', '500077001')).toEqual([id]);
    expect(await named('500088001')).toEqual([id]);
    expect(await named()).toEqual([id]);
    expect(await named('500077001', '500088002')).toEqual([]);
    expect(await named('500077009', '500088001')).toEqual([]);
  });
});

describe('a receipt', () => {
  it.each([
    'delivered',
    'displayed',
    'acknowledged',
    'seen',
  ] as const)('that says "%s" makes it delivered', async (kind) => {
    const sent = await registration();
    const { changed } = await mailSays(sent, { kind });
    expect(changed).toMatchObject([{ id: sent.id, was: 'sent', state: 'delivered', reason: null }]);
    expect(await rowOf(sent)).toEqual({
      state: 'delivered',
      reason: null,
      detail: null,
      settled: true,
      mails: ['delivered'],
    });
  });

  it.each([
    ['failed', '5.1.1', 'registration.bounced'],
    ['rejected', '4/13', 'registration.rejected-by-his'],
  ] as const)('that says "%s" is for a person, with its code, also after it was delivered', async (kind, status, reason) => {
    for (const first of [null, 'delivered'] as const) {
      const sent = await registration();
      if (first !== null) await mailSays(sent, { kind: first });
      const { changed } = await mailSays(sent, { kind, status });
      expect(changed).toMatchObject([{ was: first ?? 'sent', state: 'bounced', reason, detail: status }]);
      expect(await rowOf(sent)).toMatchObject({
        state: 'bounced',
        reason,
        detail: status,
        settled: true,
        mails: ['bounced'],
      });
    }
  });

  it.each(['delayed', 'relayed'] as const)('that says "%s" is kept and changes no state', async (kind) => {
    const sent = await registration();
    expect((await mailSays(sent, { kind })).changed).toEqual([]);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent', settled: false, mails: ['sent'] });
    const kept = await ledgers.owner.query('select 1 from outward_receipt where outward_mail_id = $1', [
      sent.parts[0].id,
    ]);
    expect(kept.count).toBe(1);
  });

  it('that says delivered does not make good what bounced: a person decides that', async () => {
    const sent = await registration();
    await mailSays(sent, { kind: 'failed' });
    expect((await mailSays(sent, { kind: 'delivered' })).changed).toEqual([]);
    expect(await rowOf(sent)).toMatchObject({ state: 'bounced', mails: ['bounced'] });
  });

  it('that says both, of two recipients, is a bounce', async () => {
    const sent = await registration();
    await mailSays(sent, { kind: 'delivered' }, { kind: 'failed', status: '5.2.2' });
    expect(await rowOf(sent)).toMatchObject({ state: 'bounced', detail: '5.2.2' });
  });

  it('that is read again, or comes twice, changes nothing more', async () => {
    const sent = await registration();
    const { mailId } = await mailSays(sent, { kind: 'delivered' });
    expect((await mailSays(sent, { kind: 'delivered' })).changed).toEqual([]);
    const again = {
      outwardMailId: sent.parts[0].id,
      registrationId: sent.id,
      kind: 'delivered',
      by: 'envelope-id',
      status: null,
    } as const;
    await insertReceipts(ledgers.worker, mailId, [again, again]);
    const kept = await ledgers.owner.query('select 1 from outward_receipt where outward_mail_id = $1', [
      sent.parts[0].id,
    ]);
    expect(kept.count).toBe(2);
  });
});

describe('a registration in parts', () => {
  it('is delivered when the last of its mails is', async () => {
    const sent = await registration({ mails: ['sent', 'sent', 'sent'] });
    expect((await mailSays(sent, { kind: 'delivered', part: 3 })).changed).toEqual([]);
    expect((await mailSays(sent, { kind: 'displayed', part: 1 })).changed).toEqual([]);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent', mails: ['delivered', 'sent', 'delivered'] });
    await mailSays(sent, { kind: 'acknowledged', part: 2 });
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered' });
  });

  it('bounces with any of them, and stays so whatever the others do', async () => {
    const sent = await registration({ mails: ['sent', 'sent'] });
    await mailSays(sent, { kind: 'failed', part: 2 });
    await mailSays(sent, { kind: 'delivered', part: 1 });
    expect(await rowOf(sent)).toMatchObject({ state: 'bounced', mails: ['delivered', 'bounced'] });
  });

  it('does not ask after mails that were rendered anew', async () => {
    const sent = await registration({ mails: ['superseded', 'sent'] });
    await ledgers.owner.query('update outward_mail set rendering = part where registration_id = $1', [sent.id]);
    await mailSays(sent, { kind: 'failed', part: 1 });
    expect(await rowOf(sent)).toMatchObject({ state: 'sent', mails: ['superseded', 'sent'] });
    await mailSays(sent, { kind: 'delivered', part: 2 });
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered', mails: ['superseded', 'delivered'] });
  });
});

describe('a receipt that comes before our own record of the reply', () => {
  it('proves that a mail in doubt was taken, and what waits behind it may go on', async () => {
    const sent = await registration({ state: 'uncertain', mails: ['uncertain', 'queued'] });
    const { changed } = await mailSays(sent, { kind: 'delivered', part: 1 });
    expect(changed).toMatchObject([{ was: 'uncertain', state: 'queued' }]);
    expect(await rowOf(sent)).toMatchObject({ state: 'queued', settled: false, mails: ['delivered', 'queued'] });
  });

  it('ends the doubt about the only mail there is', async () => {
    const sent = await registration({ state: 'uncertain', mails: ['uncertain'] });
    await mailSays(sent, { kind: 'delivered' });
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered' });
  });

  it('waits while a worker has the registration in hand, and is found by the sweeper afterwards', async () => {
    const sent = await registration({ state: 'sending', mails: ['uncertain'], isInHand: true });
    expect((await mailSays(sent, { kind: 'delivered' })).changed).toEqual([]);
    expect(await rowOf(sent)).toMatchObject({ state: 'sending', mails: ['uncertain'] });
    expect(await unsettledByReceipts(ledgers.worker, 100)).not.toContain(sent.id);
    // The worker records the 250.
    await ledgers.owner.query(`update outward_mail set state = 'sent', sent_at = now() where registration_id = $1`, [
      sent.id,
    ]);
    await ledgers.owner.query(
      `update registration set state = 'sent', sent_at = now(), lease_until = null where id = $1`,
      [sent.id],
    );
    expect(await unsettledByReceipts(ledgers.worker, 100)).toContain(sent.id);
    await ledgers.worker.transaction((tx) => settleByReceipts(tx, [sent.id]));
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered' });
    expect(await unsettledByReceipts(ledgers.worker, 100)).not.toContain(sent.id);
  });

  it('counts where the worker died before it could record anything', async () => {
    const sent = await registration({ state: 'sending', mails: ['uncertain'] });
    expect((await mailSays(sent, { kind: 'delivered' })).changed).toMatchObject([
      { was: 'sending', state: 'delivered' },
    ]);
  });

  it('ends a hold over a mail in doubt, where all of it has arrived', async () => {
    const held = await registration({ state: 'held', reason: 'registration.uncertain', mails: ['uncertain', 'sent'] });
    await mailSays(held, { kind: 'delivered', part: 1 });
    expect(await rowOf(held)).toMatchObject({
      state: 'held',
      reason: 'registration.uncertain',
      mails: ['delivered', 'sent'],
    });
    await mailSays(held, { kind: 'delivered', part: 2 });
    expect(await rowOf(held)).toMatchObject({ state: 'delivered', reason: null });
  });
});

describe('a receipt for what waits for none', () => {
  it.each([
    ['accepted', 'queued'],
    ['queued', 'queued'],
    ['held', 'queued'],
    ['shadowed', 'queued'],
    ['discarded', 'sent'],
  ])('moves nothing: %s', async (state, mail) => {
    const other = await registration({ state, mails: [mail] });
    for (const kind of ['delivered', 'failed'] as const) expect((await mailSays(other, { kind })).changed).toEqual([]);
    expect(await rowOf(other)).toMatchObject({ state, mails: [mail] });
  });
});

describe('matching', () => {
  it('knows a mail by each of its names, and the control reference beside our own account only', async () => {
    const sent = await registration();
    const [part] = sent.parts;
    const says = { kind: 'delivered', status: null } as const;
    const named = [
      { ...says, by: 'envelope-id', reference: part.envelopeId },
      { ...says, by: 'message-id', reference: part.messageId },
      { ...says, by: 'control-reference', reference: part.controlReference },
    ] as const;
    const by = async (own: string | null) => (await matchReceipts(ledgers.worker, named, own)).map((one) => one.by);
    expect(await by('500077001')).toEqual(['envelope-id', 'message-id', 'control-reference']);
    expect(await by(null)).toEqual(['envelope-id', 'message-id', 'control-reference']);
    expect(await by('500077009')).toEqual(['envelope-id', 'message-id']);
    // A name of one kind is none of another.
    const swapped = [{ ...says, by: 'envelope-id', reference: part.messageId }] as const;
    expect(await matchReceipts(ledgers.worker, swapped, null)).toEqual([]);
  });

  it('does not know a mail whose bytes never left: nothing can have come back about it, and it must still be sent', async () => {
    const waiting = await registration({ state: 'queued', mails: ['queued'] });
    const [{ messageId, controlReference }] = waiting.parts;
    const says = [
      { kind: 'acknowledged', status: '7', by: 'control-reference', reference: controlReference },
      { kind: 'delivered', status: null, by: 'message-id', reference: messageId },
    ] as const;
    expect(await matchReceipts(ledgers.worker, says, null)).toEqual([]);
    expect(await isOursFor(ledgers.worker, place.mailboxId, messageId)).toBe(false);
    await ledgers.owner.query('update outward_mail set tried_at = now() where registration_id = $1', [waiting.id]);
    expect(await matchReceipts(ledgers.worker, says, null)).toHaveLength(2);
  });

  it('names the registration that a mail is about, where that is one', async () => {
    const [one, other] = [await registration(), await registration()];
    const reference = ({ parts }: SentRegistration) => ({ by: 'message-id', reference: parts[0].messageId }) as const;
    expect(await registrationNamed(ledgers.worker, [reference(one)], null)).toBe(one.id);
    expect(await registrationNamed(ledgers.worker, [reference(one), reference(other)], null)).toBeNull();
    expect(await registrationNamed(ledgers.worker, [{ by: 'message-id', reference: '<x@y>' }], null)).toBeNull();
  });

  it('sees a mail of ours in the mailbox of the practice that it was for, and in no other', async () => {
    const { parts } = await registration();
    const elsewhere = await watchedPlace(ledgers.worker);
    expect(await isOursFor(ledgers.worker, place.mailboxId, parts[0].messageId)).toBe(true);
    expect(await isOursFor(ledgers.worker, elsewhere.mailboxId, parts[0].messageId)).toBe(false);
    expect(await isOursFor(ledgers.worker, place.mailboxId, `<${randomUUID()}@zorgkoerier.example>`)).toBe(false);
  });
});

describe('what nothing was heard of', () => {
  it('is unanswered until something is heard of each of its mails; that it is late is no answer', async () => {
    const sentAt = new Date('2026-11-20T08:00:00Z');
    const sent = await registration({ mails: ['sent', 'sent'], sentAt });
    const isUnanswered = async (moment: Date) =>
      (await unansweredSince(ledgers.worker, moment)).some(({ id }) => id === sent.id);
    expect(await isUnanswered(new Date(sentAt.getTime() - 1))).toBe(false);
    expect(await isUnanswered(sentAt)).toBe(true);
    await mailSays(sent, { kind: 'delivered', part: 1 });
    await mailSays(sent, { kind: 'delayed', part: 2 });
    expect(await isUnanswered(sentAt)).toBe(true);
    await mailSays(sent, { kind: 'relayed', part: 2 });
    expect(await isUnanswered(sentAt)).toBe(false);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
  });
});
