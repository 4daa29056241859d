import { beforeAll, describe, expect, it } from 'vitest';
import { DELIVERY_STATES, type DeliveryState } from '../../src/ledger/ledger.ts';
import {
  acceptSender,
  eraseReport,
  findOriginal,
  hasReferenceConflict,
  insertReports,
  isReferenceReused,
  isSenderAccepted,
  lockContents,
  reportContent,
} from '../../src/records/records.ts';
import { type MailId, newId } from '../../src/shared/ids.ts';
import { untilBlocked, useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { isUnderOtherPatient, rememberLabNumbers } from './numbers.ts';
import { copiedMails, deliveryIn, deliveryRow, digest, newReport } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const STATES = Object.keys(DELIVERY_STATES) as DeliveryState[];
/** Where the same content is on its way, on the card, or before a person. */
const ORIGINALS: readonly DeliveryState[] = ['ready', 'sending', 'uncertain', 'forwarded', 'held'];
const originalOf = (contentDigest: Buffer, practiceId: string = place.practice.id) =>
  findOriginal(ledgers.worker, practiceId, [contentDigest]);

async function freshMail(): Promise<MailId> {
  return (await copiedMails(ledgers.worker, place)).mailIds[0] ?? newId<MailId>();
}

describe('inserting reports', () => {
  it('puts each beside its delivery to the card, and answers which are to be delivered', async () => {
    const mailId = await freshMail();
    const reports = [
      newReport(mailId, place.practice.id),
      newReport(mailId, place.practice.id, { reportOrdinal: 2, state: 'held', reason: 'lab.no-bsn', detail: 'PID 3' }),
    ];
    expect(await ledgers.worker.transaction((tx) => insertReports(tx, reports))).toEqual([reports[0]?.deliveryId]);
    const { rows } = await ledgers.owner.query(
      `select d.target, d.state, d.reason, d.detail, d.settled_at is not null as settled from delivery d
       join report r on r.id = d.report_id where r.mail_id = $1 order by r.report_ordinal`,
      [mailId],
    );
    expect(rows).toEqual([
      { target: 'patient-card', state: 'ready', reason: null, detail: null, settled: false },
      { target: 'patient-card', state: 'held', reason: 'lab.no-bsn', detail: 'PID 3', settled: true },
    ]);
  });

  it('a second time, under other ids, leaves what is there as it is', async () => {
    const mailId = await freshMail();
    const first = newReport(mailId, place.practice.id);
    await ledgers.worker.transaction((tx) => insertReports(tx, [first]));
    const { contentDigest } = first;
    const again = newReport(mailId, place.practice.id, { contentDigest, content: Buffer.from('sealed anew') });
    const next = newReport(mailId, place.practice.id, { payloadOrdinal: 2 });
    expect(await ledgers.worker.transaction((tx) => insertReports(tx, [again, next]))).toEqual([next.deliveryId]);
    expect(await reportContent(ledgers.worker, first.id)).toEqual(first.content);
    expect(await deliveryRow(ledgers.owner, first.deliveryId)).toMatchObject({ state: 'ready' });
    expect(await deliveryRow(ledgers.owner, again.deliveryId)).toBeUndefined();
  });

  it('that say something else than the first time go to a person, beside what is there', async () => {
    const { mailId, ...first } = await deliveryIn(ledgers, place, 'forwarded');
    const other = newReport(mailId, place.practice.id);
    expect(await ledgers.worker.transaction((tx) => insertReports(tx, [other]))).toEqual([]);
    expect(await deliveryRow(ledgers.owner, first.deliveryId)).toMatchObject({ state: 'forwarded' });
    expect(await deliveryRow(ledgers.owner, other.deliveryId)).toMatchObject({
      state: 'held',
      reason: 'lab.reader-changed',
    });
    expect(await reportContent(ledgers.worker, other.id)).toEqual(other.content);
  });

  it('are not brought back where a person discarded the payload', async () => {
    const payload = { kind: 'payload', reportOrdinal: 0, state: 'quarantined', contentDigest: null } as const;
    const { mailId } = await deliveryIn(ledgers, place, 'discarded', payload);
    const understood = newReport(mailId, place.practice.id);
    expect(await ledgers.worker.transaction((tx) => insertReports(tx, [understood]))).toEqual([]);
    expect(await deliveryRow(ledgers.owner, understood.deliveryId)).toBeUndefined();
  });

  it('can be erased: only digests stay', async () => {
    const report = await deliveryIn(ledgers, place, 'no-card');
    await eraseReport(ledgers.worker, report.id);
    const { rows } = await ledgers.owner.query('select content, content_digest, erased_at from report where id = $1', [
      report.id,
    ]);
    expect(rows).toEqual([{ content: null, content_digest: report.contentDigest, erased_at: expect.any(Date) }]);
  });
});

describe('the original of a content', () => {
  it.each(STATES)('is, or is not, one that is %s', async (state) => {
    const contentDigest = digest();
    const { deliveryId } = await deliveryIn(ledgers, place, state, { contentDigest });
    const expected = ORIGINALS.includes(state) ? { deliveryId, state, reason: null } : null;
    expect(await originalOf(contentDigest)).toEqual(expected);
  });

  it('is never one of another practice', async () => {
    const contentDigest = digest();
    await deliveryIn(ledgers, await watchedPlace(ledgers.worker), 'forwarded', { contentDigest });
    expect(await originalOf(contentDigest)).toBeNull();
  });

  it('is never one that joined a hold or is a duplicate itself', async () => {
    const contentDigest = digest();
    const other = await deliveryIn(ledgers, place, 'held');
    const joined = { contentDigest, originalId: other.deliveryId, state: 'held', reason: 'card.several' } as const;
    await deliveryIn(ledgers, place, 'held', joined);
    expect(await originalOf(contentDigest)).toBeNull();
  });

  it('is rather one on its way than one that is held, and of those the first', async () => {
    const contentDigest = digest();
    await deliveryIn(ledgers, place, 'held', { contentDigest });
    const first = await deliveryIn(ledgers, place, 'ready', { contentDigest });
    await deliveryIn(ledgers, place, 'forwarded', { contentDigest });
    expect(await originalOf(contentDigest)).toMatchObject({ deliveryId: first.deliveryId });
  });

  it('is one only, also where two mails with the same content are read at the same moment', async () => {
    const contentDigest = digest();
    const read = async (mailId: MailId) =>
      ledgers.worker.transaction(async (tx) => {
        await lockContents(tx, [contentDigest, digest(), contentDigest]);
        const original = await findOriginal(tx, place.practice.id, [contentDigest]);
        const state = original === null ? 'ready' : 'duplicate';
        const originalId = original?.deliveryId ?? null;
        await insertReports(tx, [newReport(mailId, place.practice.id, { contentDigest, state, originalId })]);
        return state;
      });
    const mails = await Promise.all(Array.from({ length: 8 }, freshMail));
    const states = await Promise.all(mails.map(read));
    expect(states.filter((state) => state === 'ready')).toHaveLength(1);
  });

  it('can be locked for several contents in any order without waiting crosswise', async () => {
    // In the order in which they are locked.
    const [first, last] = [Buffer.alloc(32, 2), Buffer.alloc(32, 1)];
    let other: Promise<void> = Promise.resolve();
    await ledgers.worker.transaction(async (tx) => {
      await lockContents(tx, [first]);
      other = ledgers.worker.transaction((later) => lockContents(later, [last, first]));
      await untilBlocked(ledgers.owner);
      // Had the other taken the last one already, each would wait for the other now.
      await lockContents(tx, [last]);
    });
    await expect(other).resolves.toBeUndefined();
  });
});

describe('a reference that is used again', () => {
  const asked = (report: ReturnType<typeof newReport>, names: readonly Buffer[]) =>
    isReferenceReused(ledgers.worker, {
      reportId: report.id,
      practiceId: report.practiceId ?? '',
      referenceNameDigests: names,
      referenceDigests: report.referenceDigest === null ? [] : [report.referenceDigest],
    });

  it('is noticed by the later of two of one practice, at another moment, also under an older key', async () => {
    const [name, older] = [digest(), digest()];
    const first = await deliveryIn(ledgers, place, 'discarded', { referenceNameDigest: older });
    const second = await deliveryIn(ledgers, place, 'sending', { referenceNameDigest: name });
    expect(await asked(second, [name, older])).toBe(true);
    expect(await asked(first, [name, older])).toBe(false);
    expect(await asked(second, [name])).toBe(false);
    expect(await asked(second, [])).toBe(false);
    const { referenceDigest } = first;
    const sameMoment = await deliveryIn(ledgers, place, 'sending', { referenceNameDigest: older, referenceDigest });
    expect(await asked(sameMoment, [older])).toBe(false);
    const elsewhere = await watchedPlace(ledgers.worker);
    expect(await asked(await deliveryIn(ledgers, elsewhere, 'sending', { referenceNameDigest: older }), [older])).toBe(
      false,
    );
  });
});

describe('two reports with one reference', () => {
  type Asked = Pick<ReturnType<typeof newReport>, 'id' | 'referenceDigest' | 'contentDigest'>;
  const listed = (one: Buffer | null) => (one === null ? [] : [one]);
  const asked = (report: Asked, changes: Partial<Asked> & { readonly reportId?: string } = {}) => {
    const { referenceDigest, contentDigest } = { ...report, ...changes };
    return hasReferenceConflict(ledgers.worker, {
      reportId: changes.reportId ?? report.id,
      practiceId: place.practice.id,
      referenceDigests: listed(referenceDigest),
      contentDigests: listed(contentDigest),
    });
  };

  it('are in conflict where their contents differ', async () => {
    const referenceDigest = digest();
    const first = await deliveryIn(ledgers, place, 'forwarded', { referenceDigest });
    const second = newReport(first.mailId, place.practice.id, { referenceDigest });
    expect(await asked(second)).toBe(true);
    expect(await asked(first)).toBe(false);
  });

  it('are not where the contents are equal, the other is corrected, of another practice, or has no reference', async () => {
    const same = await deliveryIn(ledgers, place, 'forwarded');
    expect(await asked(same, { reportId: newId() })).toBe(false);
    const corrected = await deliveryIn(ledgers, place, 'forwarded', { isCorrected: true });
    expect(await asked(corrected, { reportId: newId(), contentDigest: digest() })).toBe(false);
    const elsewhere = await deliveryIn(ledgers, await watchedPlace(ledgers.worker), 'forwarded');
    expect(await asked(elsewhere, { reportId: newId(), contentDigest: digest() })).toBe(false);
    expect(await asked(same, { referenceDigest: null, contentDigest: digest() })).toBe(false);
    expect(await asked(same, { contentDigest: null })).toBe(false);
  });

  it.each([
    ['no-card', false],
    ['discarded', false],
    ['quarantined', false],
    ['forwarded', true],
    ['held', true],
    ['shadowed', true],
    ['ready', true],
  ] as const)('where the other is %s: %s', async (state, isConflict) => {
    const first = await deliveryIn(ledgers, place, state);
    expect(await asked(first, { reportId: newId(), contentDigest: digest() })).toBe(isConflict);
  });
});

describe('a laboratory number', () => {
  it('belongs to the patient that it was seen under, for 90 days from the last time', async () => {
    const [number, mine, theirs] = [digest(), digest(), digest()];
    const deliveryId = newId();
    const isOther = (patientKey: Buffer) => isUnderOtherPatient(ledgers.worker, [digest(), number], patientKey);
    const age = (days: number) =>
      ledgers.owner.query(
        'update lab_number set seen_at = now() - make_interval(days => $2) where number_digest = $1',
        [number, days],
      );
    expect(await isOther(mine)).toBe(false);
    await rememberLabNumbers(ledgers.worker, [number, digest()], mine, deliveryId);
    expect(await isOther(mine)).toBe(false);
    expect(await isOther(theirs)).toBe(true);
    await age(89);
    expect(await isOther(theirs)).toBe(true);
    await age(91);
    expect(await isOther(theirs)).toBe(false);
    await rememberLabNumbers(ledgers.worker, [number], mine, deliveryId);
    expect(await isOther(theirs)).toBe(true);
  });

  it('is not looked for where there is none', async () => {
    expect(await isUnderOtherPatient(ledgers.worker, [], digest())).toBe(false);
  });
});

describe('a laboratory that nobody knows', () => {
  it('is accepted once, by a person', async () => {
    expect(await isSenderAccepted(ledgers.worker, '50009999')).toBe(false);
    await acceptSender(ledgers.worker, '50009999', 'a person');
    await acceptSender(ledgers.worker, '50009999', 'another');
    expect(await isSenderAccepted(ledgers.worker, '50009999')).toBe(true);
    expect(await isSenderAccepted(ledgers.worker, '5000999')).toBe(false);
    const { rows } = await ledgers.owner.query('select accepted_by from accepted_sender');
    expect(rows).toEqual([{ accepted_by: 'a person' }]);
  });
});
