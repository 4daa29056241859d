import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CardStatus,
  type IncomingResult,
  newest,
  type ResultOnCard,
} from '../../../src/delivery/patient-card/newest.ts';
import type { ResultStatus } from '../../../src/lab/lab.ts';
import { arrive } from './card-after.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 2, 2, 14, minute)).toISOString();

function onCard(status: CardStatus, minute: number, changes: Partial<ResultOnCard> = {}): ResultOnCard {
  return { patientId: 'p', status, version: at(minute), content: 'five', confirmedVersion: null, ...changes };
}

function incoming(status: ResultStatus, minute: number, changes: Partial<IncomingResult> = {}): IncomingResult {
  return { patientId: 'p', status, version: at(minute), content: 'five', ...changes };
}

const six = { content: 'six' };

describe('what is newest', () => {
  it.each<[string, ResultOnCard | null, IncomingResult, string]>([
    ['a result that is not on the card is created', null, incoming('final', 1), 'create'],
    ['a retraction of what is not on the card is remembered', null, incoming('retracted', 1), 'create'],
    ['a newer version replaces', onCard('final', 1), incoming('final', 2, six), 'replace'],
    ['a newer version replaces also when it says the same', onCard('final', 1), incoming('final', 2), 'replace'],
    ['an older version never wins', onCard('final', 2), incoming('corrected', 1, six), 'older'],
    ['the same version with the same content changes nothing', onCard('final', 1), incoming('final', 1), 'unchanged'],
    ['a correction of the same moment replaces', onCard('final', 1), incoming('corrected', 1, six), 'replace'],
    [
      'what a correction of the same moment replaced stays away',
      onCard('corrected', 1),
      incoming('final', 1, six),
      'older',
    ],
    ['a preliminary never stands over a final', onCard('final', 1), incoming('preliminary', 2, six), 'older'],
    ['a preliminary never stands over a corrected', onCard('amended', 1), incoming('preliminary', 2, six), 'older'],
    ['a newer preliminary replaces a preliminary', onCard('preliminary', 1), incoming('preliminary', 2), 'replace'],
    ['an older preliminary does not', onCard('preliminary', 2), incoming('preliminary', 1), 'older'],
    ['a final replaces a preliminary of a later time', onCard('preliminary', 2), incoming('final', 1), 'replace'],
    ['a newer retraction retracts', onCard('final', 1), incoming('retracted', 2), 'replace'],
    ['a retraction of the same moment retracts', onCard('final', 1), incoming('retracted', 1), 'replace'],
    ['a retraction of an older version does not', onCard('final', 2), incoming('retracted', 1), 'older'],
    ['a retraction twice changes nothing', onCard('entered-in-error', 1), incoming('retracted', 1), 'unchanged'],
    ['what was retracted stays away', onCard('entered-in-error', 2), incoming('final', 1), 'older'],
    ['a result after a retraction is shown', onCard('entered-in-error', 1), incoming('final', 2), 'replace'],
    ['a newer cancellation replaces', onCard('final', 1), incoming('cancelled', 2), 'replace'],
    ['a confirmation settles a preliminary', onCard('preliminary', 1), incoming('confirmed', 2), 'confirm'],
    ['a confirmation of a final changes nothing', onCard('final', 1), incoming('confirmed', 2), 'unchanged'],
    [
      'a retraction replaces a preliminary of a later time',
      onCard('preliminary', 2),
      incoming('retracted', 1),
      'replace',
    ],
    [
      'a cancellation replaces a preliminary of a later time',
      onCard('preliminary', 2),
      incoming('cancelled', 1),
      'replace',
    ],
    [
      'a preliminary of before a retraction stays away',
      onCard('entered-in-error', 2),
      incoming('preliminary', 1),
      'older',
    ],
    [
      'a final of between a preliminary and its confirmation is newer than what was confirmed',
      onCard('final', 3, { confirmedVersion: at(1) }),
      incoming('final', 2, six),
      'replace',
    ],
    ['so is a retraction', onCard('final', 3, { confirmedVersion: at(1) }), incoming('retracted', 2), 'replace'],
    [
      'a final of before the confirmed preliminary is not',
      onCard('final', 3, { confirmedVersion: at(2) }),
      incoming('final', 1, six),
      'older',
    ],
    [
      'a value that an earlier arrived confirmation meant is settled',
      onCard('final', 3, { confirmedVersion: at(1) }),
      incoming('preliminary', 2, six),
      'replace-confirmed',
    ],
    [
      'the value that was confirmed does not come back as preliminary',
      onCard('final', 3, { confirmedVersion: at(1) }),
      incoming('preliminary', 1),
      'older',
    ],
  ])('%s', (_title, card, result, kind) => {
    expect(newest(card, result).kind).toBe(kind);
  });

  it.each<[string, ResultOnCard | null, IncomingResult, string]>([
    ['a confirmation of nothing', null, incoming('confirmed', 1), 'hl7.nothing-to-confirm'],
    [
      'a confirmation of what was retracted',
      onCard('entered-in-error', 1),
      incoming('confirmed', 2),
      'hl7.nothing-to-confirm',
    ],
    ['two values of one moment', onCard('final', 1), incoming('final', 1, six), 'lab.same-time-conflict'],
    ['two corrections of one moment', onCard('corrected', 1), incoming('corrected', 1, six), 'lab.same-time-conflict'],
    [
      'a value and a cancellation of one moment',
      onCard('final', 1),
      incoming('cancelled', 1),
      'lab.same-time-conflict',
    ],
    [
      'a retraction and a value of one moment',
      onCard('entered-in-error', 1),
      incoming('final', 1),
      'lab.same-time-conflict',
    ],
    [
      'a correction of the moment of a retraction',
      onCard('entered-in-error', 1),
      incoming('corrected', 1, six),
      'lab.same-time-conflict',
    ],
    [
      'a preliminary after a retraction',
      onCard('entered-in-error', 1),
      incoming('preliminary', 2),
      'lab.preliminary-after-retraction',
    ],
    [
      'a preliminary after a cancellation',
      onCard('cancelled', 1),
      incoming('preliminary', 2),
      'lab.preliminary-after-retraction',
    ],
    [
      'a confirmation that is older than the preliminary',
      onCard('preliminary', 2),
      incoming('confirmed', 1),
      'hl7.nothing-to-confirm',
    ],
    ['another patient', onCard('final', 1, { patientId: 'q' }), incoming('final', 2), 'card.other-subject'],
    ['a card without a version', onCard('final', 1, { version: null }), incoming('final', 2), 'lab.same-time-conflict'],
  ])('is a doubt: %s', (_title, card, result, code) => {
    expect(newest(card, result)).toEqual({ kind: 'held', code });
  });

  it('compares instants, whatever zone they are written in', () => {
    const card = onCard('final', 0, { version: '2026-03-02T15:00:00+01:00' });
    expect(newest(card, incoming('final', 0)).kind).toBe('unchanged');
  });
});

it('ends with the same card in whatever order the reports arrive', () => {
  const sent = fc.uniqueArray(
    fc.record({
      status: fc.constantFrom<ResultStatus>('final', 'preliminary', 'corrected'),
      minute: fc.integer({ min: 0, max: 59 }),
      content: fc.constantFrom('five', 'six', 'seven'),
    }),
    { selector: ({ minute }) => minute, minLength: 2, maxLength: 6 },
  );
  const shuffled = sent.chain((reports) =>
    fc.tuple(fc.constant(reports), fc.shuffledSubarray(reports, { minLength: reports.length })),
  );
  const deliver = (reports: readonly { status: ResultStatus; minute: number; content: string }[]) =>
    arrive(reports.map(({ status, minute, content }) => incoming(status, minute, { content }))).card;
  fc.assert(
    fc.property(shuffled, ([reports, other]) => {
      expect(deliver(other)).toEqual(deliver(reports));
    }),
  );
});
