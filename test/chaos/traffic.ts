/**
 * Laboratories that keep sending, from a seed: new reports, resends, corrections, preliminary and final, about people who
 * are followed and people who are not, letters between them; some mails twice, some after their successors. Everything that
 * went into a mailbox is remembered with its uid: what must be on the cards is worked out from this (expectation.ts). What
 * ZorgMail's relay puts there comes past here too, since it takes uids between theirs.
 */

import { type GeneratedMail, generateTraffic, trafficPeople } from '../../src/sandbox/generator/generator.ts';
import { derivedSeed, type Random, seededRandom } from '../../src/sandbox/generator/random.ts';
import { SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT, type SandboxPatient } from '../../src/sandbox/people.ts';
import type { Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';

/** Second mailboxes that receive a copy of some of a practice's mail, by the account of the practice. */
export const COPIES: ReadonlyMap<string, string> = new Map([
  ['500088001', '500088001-kopie'],
  ['500088002', '500088002-kopie'],
]);

export interface SentMail {
  readonly account: string;
  readonly uid: number;
  readonly mail: GeneratedMail;
  readonly atMs: number;
  /** A HIS threw it away, soon after it came. */
  isRemoved: boolean;
}

export interface Traffic {
  readonly people: readonly SandboxPatient[];
  /** Every mailbox with what went into it: the mail of uid n stands at n - 1. */
  readonly sent: ReadonlyMap<string, readonly SentMail[]>;
  /** Goes on sending, `perSecond`, until it is paused. */
  run(perSecond: number): void;
  /** Resolves when nothing is on its way any more; what was kept back is sent first. */
  pause(): Promise<void>;
  /** As many as fast as the mail server takes them. */
  burst(count: number, followedShare: number): Promise<void>;
  /** Mails that each arrive several times at the same moment, in the practice's mailbox and in its copy. */
  race(count: number): Promise<void>;
  /** From the relay: registrations and what is said of them. */
  deliverToBoth(account: string, raw: Buffer, sender?: string): Promise<void>;
  /** Called with every mail of a laboratory that has just arrived; nothing more comes into that mailbox until it resolves. */
  onArrival: ((sent: SentMail) => Promise<void>) | null;
}

const START = new Date('2026-06-01T09:00:00+02:00');
const FOLLOWED_SHARE = 0.5;
const TWICE_SHARE = 0.04;
const KEPT_BACK_SHARE = 0.08;
/** How many mails overtake one that is kept back, at most. */
const OVERTAKEN_BY = 25;

export function newTraffic(seed: number, zorgmail: Zorgmail): Traffic {
  const random = seededRandom(derivedSeed(seed, 7));
  const people = trafficPeople(seed);
  const stream = generateTraffic({
    seed,
    mails: Number.MAX_SAFE_INTEGER,
    people,
    startsAt: START,
    followedShare: FOLLOWED_SHARE,
  });
  const practices = SANDBOX_PRACTICES.map((practice) => practice.zorgmail);
  const accounts = [...practices, ...COPIES.values(), SANDBOX_RETURN_ACCOUNT];
  const sent = new Map<string, SentMail[]>(accounts.map((account) => [account, []]));
  const lanes = new Map<string, Promise<void>>();
  const keptBack: { readonly mail: GeneratedMail; left: number }[] = [];
  const followed = new Set(people.filter((person) => person.followedBy !== null).map(({ bsn }) => bsn));
  let isRunning = false;
  let running: Promise<void> = Promise.resolve();

  // One after the other into each mailbox, so that the uid of each is known.
  const deliver = (account: string, mail: GeneratedMail, sender?: string): Promise<void> => {
    const mine = (lanes.get(account) ?? Promise.resolve()).then(async () => {
      await zorgmail.deliverToBoth(account, mail.raw, sender);
      const box = sent.get(account) ?? [];
      const arrived = { account, uid: box.length + 1, mail, atMs: monotonicMs(), isRemoved: false };
      box.push(arrived);
      if (sender === undefined) await traffic.onArrival?.(arrived);
    });
    // Whoever waits for it hears of a failure; where nobody does yet, it must not end the process.
    mine.catch(() => {});
    lanes.set(account, mine);
    return mine;
  };
  const next = (): GeneratedMail => {
    const drawn = stream.next();
    if (drawn.done === true) throw new Error('the laboratories have nothing more to say');
    return drawn.value;
  };
  const sendNext = async (): Promise<void> => {
    const mail = next();
    for (const waiting of keptBack) waiting.left -= 1;
    const due = keptBack.findIndex(({ left }) => left <= 0);
    const [late] = due < 0 ? [] : keptBack.splice(due, 1);
    if (random.isLucky(KEPT_BACK_SHARE)) keptBack.push({ mail, left: random.int(1, OVERTAKEN_BY) });
    else await deliver(mail.account, mail);
    if (random.isLucky(TWICE_SHARE)) await deliver(mail.account, mail);
    if (late !== undefined) await deliver(late.mail.account, late.mail);
  };
  const traffic: Traffic = {
    people,
    sent,
    onArrival: null,
    deliverToBoth: (account, raw, sender = '') => deliver(account, relayed(account, raw), sender),
    run: (perSecond) => {
      isRunning = true;
      running = keepSending(() => isRunning, perSecond, random, sendNext);
      running.catch(() => {});
    },
    pause: async () => {
      isRunning = false;
      await running;
      for (const { mail } of keptBack.splice(0)) await deliver(mail.account, mail);
      await Promise.all(lanes.values());
    },
    burst: async (count, followedShare) => {
      const sending: Promise<void>[] = [];
      while (sending.length < count) {
        const mail = next();
        // Most laboratory mail is about people whom nobody follows: of the others only a share.
        const isChosen = !followed.has(mail.expected.patientBsn) || random.isLucky(followedShare / FOLLOWED_SHARE);
        if (isChosen) sending.push(deliver(mail.account, mail));
      }
      await Promise.all(sending);
    },
    race: async (count) => {
      const sending: Promise<void>[] = [];
      for (let left = count; left > 0; ) {
        const mail = next();
        sending.push(deliver(mail.account, mail));
        const copy = COPIES.get(mail.account);
        if (copy === undefined || !followed.has(mail.expected.patientBsn)) continue;
        left -= 1;
        sending.push(deliver(copy, mail), deliver(mail.account, mail), deliver(copy, mail));
      }
      await Promise.all(sending);
    },
  };
  return traffic;
}

/** Nothing for a card. */
function relayed(account: string, raw: Buffer): GeneratedMail {
  const expected = { kind: 'letter' as const, patientBsn: '', labNumber: null, results: [], pending: [] };
  return { account, raw, payload: raw, format: 'medvri-1', sentAt: START, expected };
}

async function keepSending(
  isRunning: () => boolean,
  perSecond: number,
  random: Random,
  sendNext: () => Promise<void>,
): Promise<void> {
  while (isRunning()) {
    await sendNext();
    // Several at once and then nothing for a while, as laboratories do: seven of ten are waited after, twice the mean at most.
    if (random.isLucky(0.7)) await systemClock.wait((2 * 1_000 * random.next()) / (0.7 * perSecond));
  }
}
