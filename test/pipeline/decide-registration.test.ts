import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  disableRegistrations,
  discardRegistration,
  enableRegistrations,
  type RegistrationRetry,
  retryRegistration,
} from '../../src/pipeline/pipeline.ts';
import type { Practice } from '../../src/practice/practice.ts';
import type { Job } from '../../src/queue/queue.ts';
import { Failure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn, watchedPlace } from '../practice/places.ts';
import {
  auditOf,
  type MadeRegistration,
  mailStates,
  REGISTRATIONS,
  registrationIn,
  registrationRow,
} from '../records/registration-rows.ts';
import { copiedMails } from '../records/rows.ts';

const ledgers = useLedgers();
let practice: Practice;
let jobs: Job[];
beforeAll(async () => {
  practice = await practiceIn(ledgers.worker);
  await enableRegistrations(ledgers.worker, practice, REGISTRATIONS, 'sanne');
});
beforeEach(() => {
  jobs = [];
});

const queue = { add: async (added: readonly Job[]) => void jobs.push(...added) };
const courierOf = (add: typeof queue.add) =>
  ({ ledger: ledgers.worker, queue: { ...queue, add }, logger: silentLogger }) as unknown as Parameters<
    typeof retryRegistration
  >[0];
const retry = (id: string, wish: Partial<RegistrationRetry> = {}) =>
  retryRegistration(courierOf(queue.add), id, { by: 'sanne', reason: 'gebeld', anew: false, ...wish });
const discard = (id: string, by = 'sanne', reason = 'gebeld') =>
  discardRegistration({ ledger: ledgers.worker }, id, { by, reason });
const held = (mails: Parameters<typeof registrationIn>[3] = {}, where = practice) =>
  registrationIn(ledgers.owner, where, 'held', { reason: 'registration.switched-off', ...mails });
const row = (made: MadeRegistration) => registrationRow(ledgers.owner, made);
const mails = (made: MadeRegistration) => mailStates(ledgers.owner, made);

describe('a registration that a person lets go again', () => {
  it('goes by the bytes that are stored: what came back goes again, what was taken does not', async () => {
    const made = await registrationIn(ledgers.owner, practice, 'bounced', {
      mails: ['delivered', 'bounced', 'queued', 'sent', 'uncertain'],
    });
    await retry(made.id);
    expect(await row(made)).toMatchObject({ state: 'queued', reason: null, generation: 2, kept: true, settled: false });
    // What may have gone is asked for first, as always.
    expect(await mails(made)).toEqual(['delivered', 'queued', 'queued', 'sent', 'uncertain']);
    expect(jobs).toEqual([{ kind: 'send', id: made.id, generation: 2 }]);
    expect(await auditOf(ledgers.owner, made)).toMatchObject([
      { event: 'registration.retried', actor: 'sanne', reason: 'gebeld', fields: { state: 'bounced', anew: false } },
    ]);
  });

  it('is not bounced again by what came back about the earlier try, which is kept', async () => {
    const made = await registrationIn(ledgers.owner, practice, 'bounced', { mails: ['bounced', 'delivered'] });
    const place = await watchedPlace(ledgers.worker);
    const [mailId = ''] = (await copiedMails(ledgers.worker, place)).mailIds;
    for (const [index, kind] of ['failed', 'delivered'].entries())
      await ledgers.owner.query(
        `insert into outward_receipt (outward_mail_id, mail_id, kind, matched_by, status) values ($1, $2, $3, 'envelope-id', '5.1.1')`,
        [made.mailIds[index] ?? '', mailId, kind],
      );
    await retry(made.id);
    const kinds = async (table: string) =>
      (
        await ledgers.owner.query<{ kind: string }>(
          `select kind from ${table} where outward_mail_id = any($1::uuid[])`,
          [made.mailIds],
        )
      ).rows.map(({ kind }) => kind);
    expect(await kinds('outward_receipt')).toEqual(['delivered']);
    expect(await kinds('outward_receipt_aside')).toEqual(['failed']);
  });

  it('never goes after the correction or withdrawal of it that went meanwhile: the old text would be the newest', async () => {
    for (const state of ['queued', 'uncertain', 'sent', 'delivered'] as const) {
      const made = await registrationIn(ledgers.owner, practice, 'bounced', { mails: ['bounced'] });
      const later = await registrationIn(ledgers.owner, practice, state, { patientKey: made.patientKey });
      await ledgers.owner.query('update registration set earlier_id = $2 where id = $1', [later.id, made.id]);
      for (const anew of [false, true])
        await expect(retry(made.id, { anew })).rejects.toMatchObject({ code: 'decision.corrected-since' });
      expect(await row(made)).toMatchObject({ state: 'bounced', generation: 1 });
      await ledgers.owner.query(`update registration set state = 'held' where id = $1`, [later.id]);
      await retry(made.id);
      expect(await row(made)).toMatchObject({ state: 'queued' });
    }
  });

  it('is rendered where it never was', async () => {
    const made = await held();
    await retry(made.id);
    expect(await row(made)).toMatchObject({ state: 'accepted', generation: 2 });
  });

  it('anew is rendered from the text, and what was rendered before is superseded', async () => {
    const made = await held({ mails: ['sent', 'bounced'] });
    await retry(made.id, { anew: true });
    expect(await row(made)).toMatchObject({ state: 'accepted', kept: true });
    expect(await mails(made)).toEqual(['superseded without bytes', 'superseded without bytes']);
    expect(await auditOf(ledgers.owner, made)).toMatchObject([{ fields: { anew: true } }]);
  });

  it('waits for the sweeper where the queue is away', async () => {
    const made = await held();
    const away = async () => {
      throw new Failure('queue.unreachable', { kind: 'transient', scope: 'peer' });
    };
    await retryRegistration(courierOf(away), made.id, { by: 'sanne', reason: 'gebeld', anew: false });
    expect(await row(made)).toMatchObject({ state: 'accepted' });
  });

  it('only goes anew once account or form are others', async () => {
    const where = await practiceIn(ledgers.worker);
    await enableRegistrations(ledgers.worker, where, REGISTRATIONS, 'sanne');
    const made = await registrationIn(ledgers.owner, where, 'bounced', { mails: ['bounced'] });
    const wish = { account: null, charset: 'latin1' as const, blankLine: null };
    await enableRegistrations(ledgers.worker, where, { ...REGISTRATIONS, receiver: wish }, 'sanne');
    await expect(retry(made.id)).rejects.toMatchObject({ code: 'decision.receiver-changed', fields: { id: made.id } });
    expect(await row(made)).toMatchObject({ state: 'bounced', generation: 1 });
    expect(jobs).toEqual([]);
    await retry(made.id, { anew: true });
    expect(await row(made)).toMatchObject({ state: 'accepted' });
  });

  it('only goes anew where it was rendered for an account that is another’s now', async () => {
    const made = await held({ mails: ['queued'], account: '500000001' });
    await expect(retry(made.id)).rejects.toMatchObject({ code: 'decision.receiver-changed' });
  });

  it('does not go while the practice has registrations disabled', async () => {
    const where = await practiceIn(ledgers.worker);
    await enableRegistrations(ledgers.worker, where, REGISTRATIONS, 'sanne');
    const made = await registrationIn(ledgers.owner, where, 'queued', { mails: ['queued'] });
    await disableRegistrations(ledgers.worker, where, 'sanne');
    for (const anew of [false, true])
      await expect(retry(made.id, { anew })).rejects.toMatchObject({ code: 'decision.switched-off' });
    await enableRegistrations(ledgers.worker, where, REGISTRATIONS, 'sanne');
    await retry(made.id);
    expect(await row(made)).toMatchObject({ state: 'queued' });
  });

  it('is refused where nothing is left to send: its bytes are gone, or every part was taken', async () => {
    const erased = await held({ content: null });
    const pruned = await held({ mails: ['bounced'] });
    await ledgers.owner.query('update outward_mail set content = null where registration_id = $1', [pruned.id]);
    const taken = await held({ mails: ['sent', 'delivered'] });
    for (const made of [erased, pruned, taken])
      await expect(retry(made.id)).rejects.toMatchObject({ code: 'decision.nothing-to-send' });
    await expect(retry(erased.id, { anew: true })).rejects.toMatchObject({ code: 'decision.nothing-to-send' });
    await retry(pruned.id, { anew: true });
  });

  it.each([
    'accepted',
    'queued',
    'sending',
    'sent',
    'delivered',
    'shadowed',
    'discarded',
  ] as const)('must wait for a person: %s does not', async (state) => {
    const made = await registrationIn(ledgers.owner, practice, state);
    await expect(retry(made.id)).rejects.toMatchObject({ code: 'decision.not-found' });
    await expect(discard(made.id)).rejects.toMatchObject({ code: 'decision.not-found' });
  });

  it('may only be done what its reason allows', async () => {
    const made = await held({ reason: 'of.another-version' });
    await expect(retry(made.id)).rejects.toMatchObject({ code: 'decision.not-allowed' });
    await expect(retry('no-such-thing')).rejects.toMatchObject({ code: 'decision.not-found' });
  });

  it('is decided on by one of two who decide at once', async () => {
    const made = await held({ mails: ['bounced'] });
    const answers = await Promise.allSettled([retry(made.id), discard(made.id), retry(made.id, { anew: true })]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await auditOf(ledgers.owner, made)).toHaveLength(1);
  });
});

describe('a registration that a person discards', () => {
  it('loses its text and the bytes of its mails, and never goes', async () => {
    const made = await held({ mails: ['sent', 'queued'] });
    expect(await discard(made.id)).toEqual({ kind: 'discarded' });
    expect(await row(made)).toMatchObject({ state: 'discarded', kept: false });
    expect(await mails(made)).toEqual(['sent without bytes', 'superseded without bytes']);
    expect(await auditOf(ledgers.owner, made)).toMatchObject([{ event: 'registration.discarded', actor: 'sanne' }]);
  });

  it('needs two persons after 90 days, and one before', async () => {
    const [young, old] = [await held(), await registrationIn(ledgers.owner, practice, 'bounced')];
    const age = (made: MadeRegistration, days: number) =>
      ledgers.owner.query('update registration set created_at = now() - make_interval(days => $2) where id = $1', [
        made.id,
        days,
      ]);
    await age(young, 89);
    await age(old, 91);
    expect(await discard(young.id)).toEqual({ kind: 'discarded' });
    expect(await discard(old.id)).toEqual({ kind: 'asked' });
    expect(await row(old)).toMatchObject({ state: 'bounced', kept: true });
    await expect(discard(old.id, ' SANNE')).rejects.toMatchObject({ code: 'decision.same-person' });
    expect(await discard(old.id, 'pieter')).toEqual({ kind: 'discarded' });
    expect(await auditOf(ledgers.owner, old)).toMatchObject([
      { event: 'registration.discard-asked', actor: 'sanne' },
      { event: 'registration.discarded', actor: 'pieter', fields: { askedBy: 'sanne' } },
    ]);
  });

  it('after a retry has to be asked for by both anew', async () => {
    const made = await held();
    await ledgers.owner.query(`update registration set created_at = now() - interval '91 days' where id = $1`, [
      made.id,
    ]);
    await discard(made.id);
    await retry(made.id);
    await ledgers.owner.query(
      `update registration set state = 'held', reason = 'registration.switched-off' where id = $1`,
      [made.id],
    );
    expect(await discard(made.id, 'pieter')).toEqual({ kind: 'asked' });
  });
});

describe('a reason', () => {
  it.each(['van 999990019', 'BSN:9999.90.019.'])('that may name a patient is refused: %s', async (reason) => {
    const made = await held();
    await expect(retry(made.id, { reason })).rejects.toMatchObject({ code: 'decision.reason-bsn' });
    await expect(retry(made.id, { by: reason })).rejects.toMatchObject({ code: 'decision.reason-bsn' });
    await expect(discard(made.id, 'sanne', reason)).rejects.toMatchObject({ code: 'decision.reason-bsn' });
    expect(await row(made)).toMatchObject({ state: 'held' });
    expect(await auditOf(ledgers.owner, made)).toEqual([]);
  });
});
