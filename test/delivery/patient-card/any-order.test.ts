/**
 * Every set of up to four messages about one result, in every order of arrival: the card ends the same, or a person was
 * asked. Exhaustive, so that no cycle of "this one is newer" can hide.
 */

import { describe, expect, it } from 'vitest';
import type { IncomingResult, ResultOnCard } from '../../../src/delivery/patient-card/newest.ts';
import type { ResultStatus } from '../../../src/lab/lab.ts';
import { arrive, ordersOf } from './card-after.ts';

const VALUES = [
  'final',
  'corrected',
  'preliminary',
  'retracted',
  'cancelled',
] as const satisfies readonly ResultStatus[];

type Sent = readonly [status: ResultStatus, minute: number];

function message([status, minute]: Sent, index: number): IncomingResult {
  const version = new Date(Date.UTC(2026, 2, 2, 14, minute)).toISOString();
  return { patientId: 'p', status, version, content: `value ${index}` };
}

/** Every list of so many statuses. */
function listsOf(statuses: readonly ResultStatus[], length: number): readonly (readonly ResultStatus[])[] {
  if (length === 0) return [[]];
  return listsOf(statuses, length - 1).flatMap((list) => statuses.map((status) => [...list, status]));
}

function inOrder(statuses: readonly ResultStatus[]): readonly IncomingResult[] {
  return statuses.map((status, index) => message([status, index + 1], index));
}

function said(messages: readonly IncomingResult[]): string {
  return messages.map(({ status, version }) => `${status}@${version.slice(14, 16)}`).join(' ');
}

const isOpen = ({ status }: IncomingResult) => status === 'preliminary';

/** Of distinct moments, in the order of sending: the newest that is not preliminary, else the newest preliminary. */
function expected(messages: readonly IncomingResult[]): IncomingResult | undefined {
  return messages.findLast((one) => !isOpen(one)) ?? messages.at(-1);
}

describe('messages of distinct moments', () => {
  const sets = [1, 2, 3, 4].flatMap((length) => listsOf(VALUES, length)).map(inOrder);

  it('end as the newest that is not preliminary, in every order of arrival', () => {
    expect(sets).toHaveLength(780);
    for (const set of sets) {
      const winner = expected(set);
      for (const order of ordersOf(set)) {
        const { card } = arrive(order);
        expect([card?.version, card?.content], said(order)).toEqual([winner?.version, winner?.content]);
      }
    }
  });

  it('never show a value of before a retraction, nor a preliminary where there is a final', () => {
    for (const set of sets) {
      const settled = set.findLast((one) => !isOpen(one));
      for (const order of ordersOf(set)) {
        const status = arrive(order).card?.status;
        if (settled?.status === 'retracted') expect(status, said(order)).toBe('entered-in-error');
        else if (settled !== undefined) expect(status, said(order)).toBe(settled.status);
      }
    }
  });

  it('hold nothing but a preliminary that was sent after a retraction or a cancellation', () => {
    for (const set of sets) {
      for (const order of ordersOf(set)) {
        for (const one of arrive(order).held) {
          const before = set.filter(({ version }) => version < one.version).map(({ status }) => status);
          expect(isOpen(one) && before.some((status) => status === 'retracted' || status === 'cancelled')).toBe(true);
        }
      }
    }
  });

  it('end the same when they come twice, and when what was held is released', () => {
    for (const set of sets.filter(({ length }) => length < 4)) {
      for (const order of ordersOf(set)) {
        const { card, held } = arrive(order);
        expect(arrive([...order, ...held], card).card, said(order)).toEqual(card);
      }
    }
  });
});

// Of a retraction nothing is shown but that it is one.
function shown(card: ResultOnCard | null): string {
  return card?.status === 'entered-in-error' ? `retracted ${card.version}` : JSON.stringify(card);
}

describe('messages of which some have one moment', () => {
  it('end the same in every order of arrival, or a person is asked in every order', () => {
    const moments = [1, 2, 3].flatMap((a) => [1, 2, 3].flatMap((b) => [1, 2, 3].map((c) => [a, b, c])));
    for (const statuses of listsOf(VALUES, 3)) {
      for (const minutes of moments) {
        const set = statuses.map((status, index) => message([status, minutes[index] ?? 0], index));
        const ends = ordersOf(set).map((order) => arrive(order));
        const cards = new Set(ends.map(({ card }) => shown(card)));
        const isAsked = ends.every(({ held }) => held.length > 0);
        expect(cards.size === 1 || isAsked, said(set)).toBe(true);
      }
    }
  });
});

describe('a confirmation among them', () => {
  const others = VALUES.filter((status) => status !== 'preliminary');
  const sets = [1, 2].flatMap((opened) =>
    [1, 2, 3]
      .filter((length) => opened + length <= 4)
      .flatMap((length) => listsOf([...others, 'confirmed'], length))
      .filter((rest) => rest.filter((status) => status === 'confirmed').length === 1)
      .map((rest) => inOrder([...Array.from({ length: opened }, () => 'preliminary' as const), ...rest])),
  );

  it('ends as it was sent, in every order, once what was held for want of the preliminary is released', () => {
    expect(sets.length).toBeGreaterThan(50);
    for (const set of sets) {
      const asSent = arrive(set).card;
      for (const order of ordersOf(set)) {
        const { card, held } = arrive(order);
        expect(
          held.every(({ status }) => status === 'confirmed'),
          said(order),
        ).toBe(true);
        const released = arrive(held, card).card;
        expect([released?.status, released?.content], said(order)).toEqual([asSent?.status, asSent?.content]);
      }
    }
  });
});
