import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  beginRetraction,
  deliveredUnder,
  endRetraction,
  type KnownResult,
  retractedNumbers,
} from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import {
  isTakenBack,
  isUnderOtherPatient,
  knownResults,
  otherCards,
  rememberLabNumbers,
  rememberResults,
  scopesOf,
} from './numbers.ts';
import { deliveryIn, digest } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
let [number, first, second] = [digest(), digest(), digest()];
let [ofFirst, ofSecond] = ['', ''];

beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});
beforeEach(async () => {
  [number, first, second] = [digest(), digest(), digest()];
  ofFirst = (await deliveryIn(ledgers, place, 'forwarded')).deliveryId;
  ofSecond = (await deliveryIn(ledgers, place, 'sending')).deliveryId;
});

const remember = (patient: Buffer, delivery: string, card: string) =>
  ledgers.worker.transaction((tx) => rememberLabNumbers(tx, [number], patient, delivery, card));
const scopeOf = async (patient: Buffer) =>
  (await scopesOf(ledgers.worker, [number], patient)).get(number.toString('hex'));

function result(changes: Partial<KnownResult> = {}): KnownResult {
  const [code, name, moment, day] = [digest(), digest(), digest(), digest()].map((one) => one.toString('hex'));
  const parts = { code: code ?? '', name: name ?? '', moment: moment ?? '', day: day ?? '' };
  return {
    number: number.toString('hex'),
    ...parts,
    ordinal: 1,
    identifier: 'id',
    reportIdentifier: 'report',
    ...changes,
  };
}

describe('a laboratory’s number', () => {
  it('of another patient says which card had it, unless both were accepted', async () => {
    await remember(first, ofFirst, 'card-1');
    const others = () => otherCards(ledgers.worker, [number], second, 'card-2');
    expect(await others()).toEqual([{ card: 'card-1', practiceAgb: expect.stringMatching(/^\d{8}$/) }]);
    await remember(second, ofSecond, 'card-2');
    expect(await others()).toEqual([]);
    expect(await isUnderOtherPatient(ledgers.worker, [number], first, 'card-1')).toBe(false);
    expect(await isUnderOtherPatient(ledgers.worker, [number], digest(), 'card-3')).toBe(true);
  });

  it('is of the same patient where a report without a BSN goes to the same card', async () => {
    await remember(first, ofFirst, 'card-1');
    expect(await isUnderOtherPatient(ledgers.worker, [number], digest(), 'card-1')).toBe(false);
    await remember(second, ofSecond, 'card-1');
    expect(await scopeOf(second)).toBeUndefined();
  });

  it('sets the second patient’s results apart, and the first one’s never', async () => {
    await remember(first, ofFirst, 'card-1');
    await remember(second, ofSecond, 'card-2');
    await remember(first, ofSecond, 'card-1');
    expect(await scopeOf(first)).toBeUndefined();
    expect(await scopeOf(second)).toBe(ofSecond);
  });

  it('that is being taken back is nobody else’s yet, and not the first patient’s any more', async () => {
    await remember(first, ofFirst, 'card-1');
    const begin = () => beginRetraction(ledgers.worker, [number], 'card-1', ofSecond);
    const [holder] = await begin();
    expect(holder).toMatchObject({ patientKey: first, practiceId: place.practice.id });
    expect((await begin())[0]?.since).toEqual(holder?.since);
    expect(await isUnderOtherPatient(ledgers.worker, [number], second, 'card-2')).toBe(true);
    expect(await retractedNumbers(ledgers.worker, [number], first)).toEqual(new Set());
    expect(await isTakenBack(ledgers.worker, [number], first)).toBe(true);
    expect(await endRetraction(ledgers.worker, [number], 'card-1', ofFirst)).toBe(false);
    expect(await endRetraction(ledgers.worker, [number], 'card-1', ofSecond)).toBe(true);
    expect(await begin()).toEqual([]);
    expect(await isUnderOtherPatient(ledgers.worker, [number], second, 'card-2')).toBe(false);
    expect(await retractedNumbers(ledgers.worker, [number], first)).toEqual(new Set([number.toString('hex')]));
    expect(await isTakenBack(ledgers.worker, [number], first)).toBe(true);
    await remember(second, ofSecond, 'card-2');
    expect(await isTakenBack(ledgers.worker, [number], second)).toBe(false);
    expect(await scopeOf(second)).toBe(ofSecond);
    expect(await isUnderOtherPatient(ledgers.worker, [number], first, 'card-1')).toBe(true);
  });
});

describe('the results under a number', () => {
  const save = (patient: Buffer, ...results: readonly KnownResult[]) =>
    ledgers.worker.transaction((tx) => rememberResults(tx, patient, ofFirst, results, new Map()));

  it('are those of one patient; the last report says when and where each was', async () => {
    const one = result();
    const later = { ...one, ordinal: 2, moment: digest().toString('hex'), reportIdentifier: 'other' };
    await save(first, one, result({ identifier: 'id-2' }));
    await save(first, later);
    await save(second, result({ identifier: 'id-3' }));
    const known = await knownResults(ledgers.worker, [number], first, null);
    expect(known).toHaveLength(2);
    expect(known).toContainEqual(later);
    expect(await deliveredUnder(ledgers.worker, [number], [first])).toEqual({
      results: ['id', 'id-2'],
      reports: ['other', 'report'],
    });
    expect(await knownResults(ledgers.worker, [digest()], first, null)).toEqual([]);
  });

  it('are also those that went to the same card without a BSN', async () => {
    const nameless = digest();
    await remember(nameless, ofFirst, 'card-1');
    await save(nameless, result());
    expect(await knownResults(ledgers.worker, [number], first, 'card-1')).toHaveLength(1);
    expect(await knownResults(ledgers.worker, [number], first, 'card-2')).toEqual([]);
  });
});
