/**
 * The practices and people of the drain: many more than the sandbox has, all invented, the same in every process that asks
 * for the same set, so that the sink knows the cards without being told.
 */

import { type GeneratedMail, generateTraffic } from '../../src/sandbox/generator/generator.ts';
import { generatePeople, practiceOf } from '../../src/sandbox/generator/population.ts';
import type { SandboxPatient, SandboxPractice } from '../../src/sandbox/people.ts';

/** What one ledger takes: practices with a mailbox each, their people, their mail. */
export interface TrafficSet {
  readonly name: 'followed' | 'mixed' | 'copy' | 'sandbox';
  readonly mailboxes: number;
  readonly mailsEach: number;
  /** The share of the requests that is about followed people, from 0 to 1. */
  readonly followedShare: number;
}

const STARTS_AT = new Date('2026-01-05T08:00:00Z');
const PEOPLE_EACH = 100;
const SEEDS: Readonly<Record<TrafficSet['name'], number>> = { followed: 701, mixed: 702, copy: 703, sandbox: 704 };

/** Practices with cKIS and no boards: the journey ends at the card. */
export function practicesOf({ name, mailboxes }: TrafficSet): readonly SandboxPractice[] {
  return Array.from({ length: mailboxes }, (_, index) => {
    const number = String(index + 1).padStart(4, '0');
    return {
      // The generator compares keys with each other only.
      key: `${name}-${number}` as SandboxPractice['key'],
      name: `Praktijk ${number}`,
      agb: `0109${number}`,
      zorgmail: `50${SEEDS[name]}${number}`,
      his: 'Medicom',
      products: ['cKIS'],
      boards: 'none',
    };
  });
}

export function peopleOf(set: TrafficSet): readonly SandboxPatient[] {
  const practices = practicesOf(set);
  const count = Math.min(40_000, PEOPLE_EACH * set.mailboxes);
  return generatePeople({ seed: SEEDS[set.name], count, practices, followedShare: 0.5 });
}

/** What must have become of every mail: known before it is read. */
export interface ExpectedOutcomes {
  readonly forwarded: number;
  readonly noCard: number;
  readonly notLab: number;
}

export interface Traffic {
  /** The mails of each account, in the order in which they were sent. */
  readonly byAccount: ReadonlyMap<string, readonly GeneratedMail[]>;
  readonly expected: ExpectedOutcomes;
}

/** Mailboxes × mailsEach mails. Each mailbox has about mailsEach of them: whose mail it is, is drawn. */
export function trafficOf(set: TrafficSet): Traffic {
  const practices = practicesOf(set);
  const people = peopleOf(set);
  const followed = new Set(people.filter(({ followedBy }) => followedBy !== null).map(({ bsn }) => bsn));
  const options = { seed: SEEDS[set.name], people, practices, startsAt: STARTS_AT, followedShare: set.followedShare };
  const mails = [...generateTraffic({ ...options, mails: set.mailboxes * set.mailsEach })];
  const labMails = mails.filter(({ expected }) => expected.kind !== 'letter');
  const forwarded = labMails.filter(({ expected }) => followed.has(expected.patientBsn)).length;
  const noCard = labMails.length - forwarded;
  const byAccount = Map.groupBy(mails, ({ account }) => account);
  return { byAccount, expected: { forwarded, noCard, notLab: mails.length - labMails.length } };
}

/** People who have a card, with the practice that it belongs to. */
export function cardsOf(
  set: TrafficSet,
): readonly { readonly person: SandboxPatient; readonly practice: SandboxPractice }[] {
  const practices = practicesOf(set);
  return peopleOf(set)
    .filter(({ followedBy }) => followedBy !== null)
    .map((person) => ({ person, practice: practiceOf(person, practices) }));
}
