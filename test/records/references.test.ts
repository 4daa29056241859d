/** All that may stand against several reports is asked in one statement, and each has its own answer. */

import { beforeAll, describe, expect, it } from 'vitest';
import { acceptSender, objectionsTo, type QuestionedReport } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { deliveryIn, digest } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

type Made = Awaited<ReturnType<typeof made>>;
const made = (changes: { readonly referenceDigest?: Buffer; readonly referenceNameDigest?: Buffer } = {}) =>
  deliveryIn(ledgers, place, 'forwarded', changes);

function questions({ id, ...report }: Made, changes: Partial<QuestionedReport> = {}): QuestionedReport {
  const listed = (one: Buffer | null | undefined) => (one === null || one === undefined ? [] : [one]);
  return {
    reportId: id,
    practiceId: place.practice.id,
    referenceDigests: listed(report.referenceDigest),
    contentDigests: listed(report.contentDigest),
    referenceNameDigests: listed(report.referenceNameDigest),
    sender: null,
    ...changes,
  };
}

describe('what stands against reports that are asked about together', () => {
  it('is said of each by itself, under every live key', async () => {
    const [referenceDigest, referenceNameDigest] = [digest(), digest()];
    await made({ referenceDigest, referenceNameDigest });
    const conflicting = await made({ referenceDigest });
    const reused = await made({ referenceNameDigest });
    const neither = await made();
    await acceptSender(ledgers.worker, '500099123', 'sanne');
    const found = await objectionsTo(ledgers.worker, [
      questions(neither, { sender: '500099124' }),
      questions(conflicting, { referenceDigests: [digest(), referenceDigest], sender: '500099123' }),
      questions(reused, { referenceNameDigests: [digest(), referenceNameDigest] }),
    ]);
    expect([...found.conflicting]).toEqual([conflicting.id]);
    expect([...found.reused]).toEqual([reused.id]);
    expect([...found.accepted]).toEqual(['500099123']);
  });

  it('does not say that it conflicts where that is not asked, nor asks where there is nothing to ask', async () => {
    const referenceDigest = digest();
    await made({ referenceDigest });
    const second = questions(await made({ referenceDigest }), { contentDigests: [], sender: '500099125' });
    expect((await objectionsTo(ledgers.worker, [second])).conflicting.size).toBe(0);
    const silent = { query: () => Promise.reject(new Error('nothing was to be asked')) };
    const found = await objectionsTo(silent, [questions(await made(), { referenceDigests: [] })]);
    expect([found.conflicting.size, found.reused.size, found.newestKey]).toEqual([0, 0, undefined]);
  });
});
