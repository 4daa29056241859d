/** Whether the demo kept the three promises: the books, the twins, the cards and boards, and the way back. */

import type { Courier } from '../pipeline/pipeline.ts';
import { type Accounting, accountingOf, mailOutcomes, type OutcomeOfMail, totalOf } from '../records/records.ts';
import {
  cardDifferences,
  type ExpectedMail,
  expectedCards,
  expectedMails,
  linesOnCards,
} from '../sandbox/expectation.ts';
import { type CardReading, readCards } from '../sandbox/fhir/fhir.ts';
import { SANDBOX_BOARDS_PRACTICE, SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT } from '../sandbox/people.ts';
import type { TrafficMail } from '../sandbox/traffic.ts';
import type { World } from '../sandbox/world.ts';
import { forbiddenCommands } from '../sandbox/zorgmail/command-lines.ts';
import { mailsOfWayBack } from './demo-post.ts';
import type { CheckedRegistrations, DemoRegistration } from './demo-registrations.ts';
import type { Arrival } from './demo-send.ts';

export interface DemoMail {
  readonly mailbox: string;
  readonly uid: number;
  readonly fixture: string;
  readonly outcome: string;
  readonly reports: readonly { readonly target: string; readonly state: string; readonly reason: string | null }[];
  /** From the LMTP 250 to the card; null where nothing reached one. */
  readonly milliseconds: number | null;
}

export interface DemoResult {
  readonly document: {
    readonly accounting: Omit<Accounting, 'difference'>;
    readonly mailboxesUntouched: boolean;
    readonly mails: readonly DemoMail[];
    readonly cards: readonly CardReading[];
    readonly boards: readonly CardReading[];
    /** What was written on cards and boards, and what became of it. */
    readonly registrations: readonly DemoRegistration[];
    readonly latencyMs: { readonly p50: number; readonly p99: number };
    /** What did not hold, in words; empty when all is well. */
    readonly failures: readonly string[];
  };
  readonly failures: readonly string[];
}

export interface DemoTraffic {
  readonly traffic: readonly TrafficMail[];
  readonly arrivals: readonly Arrival[];
  readonly wayBack: CheckedRegistrations;
}

export async function checkDemo(
  courier: Courier,
  world: World,
  { traffic, arrivals, wayBack }: DemoTraffic,
): Promise<DemoResult> {
  const { difference, ...accounting } = totalOf(await accountingOf(courier.ledger));
  const outcomes = await mailOutcomes(courier.ledger, null);
  const mails = demoMails(outcomes, arrivals);
  const expected = await expectedMails(traffic);
  const [cards, boards] = [await readCards(world.ckis), await readCards(world.cboards)];
  const touched = await touches(world);
  const failures = [
    ...(difference === 0 && accounting.waiting === 0
      ? []
      : [`the accounting does not close: ${difference} missing, ${accounting.waiting} waiting`]),
    ...touched,
    ...outcomeDifferences(expected, mails),
    ...wayBack.failures.map((text) => `registration ${text}`),
    ...receiptDifferences(outcomes, arrivals, mailsOfWayBack(world)),
    ...cardDifferences(expectedCards(expected), linesOnCards(cards)).map((text) => `card ${text}`),
    ...cardDifferences(onBoards(expected), linesOnCards(boards)).map((text) => `board ${text}`),
  ];
  const document = {
    accounting,
    mailboxesUntouched: touched.length === 0,
    mails,
    cards,
    boards,
    registrations: wayBack.registrations,
    latencyMs: latency(mails),
    failures,
  };
  return { document, failures };
}

function demoMails(outcomes: readonly OutcomeOfMail[], arrivals: readonly Arrival[]): DemoMail[] {
  return arrivals.map(({ fixture, account, uid, atMs }) => {
    const mailbox = mailboxOf(account);
    const found = outcomes.find((mail) => mail.mailbox === mailbox && mail.uid === uid);
    const reports = (found?.reports ?? []).map(({ target, state, reason }) => ({ target, state, reason }));
    const onCard = (found?.reports ?? []).filter(
      (report) => report.target === 'patient-card' && report.state === 'forwarded',
    );
    const last = Math.max(...onCard.map((report) => report.settledAtMs ?? 0));
    return {
      mailbox,
      uid,
      fixture,
      outcome: found?.outcome ?? 'missing',
      reports,
      milliseconds: onCard.length === 0 ? null : last - atMs,
    };
  });
}

function mailboxOf(account: string): string {
  return SANDBOX_PRACTICES.find(({ zorgmail }) => zorgmail === account)?.key ?? account;
}

/** Whatever no laboratory sent is ours, or is about ours: each is a receipt, and there are as many as the relay delivered. */
export function receiptDifferences(
  outcomes: readonly Pick<OutcomeOfMail, 'mailbox' | 'uid' | 'outcome'>[],
  arrivals: readonly Pick<Arrival, 'account' | 'uid'>[],
  expected: number,
): string[] {
  const laboratories = new Set(arrivals.map(({ account, uid }) => `${mailboxOf(account)} ${uid}`));
  const others = outcomes.filter(({ mailbox, uid }) => !laboratories.has(`${mailbox} ${uid}`));
  const strange = others.filter(({ outcome }) => outcome !== 'receipt');
  return [
    ...strange.map(({ mailbox, uid, outcome }) => `mail ${uid} of ${mailbox}: ${outcome}, expected receipt`),
    ...(others.length === expected ? [] : [`${others.length} mails of the way back, expected ${expected}`]),
  ];
}

function outcomeDifferences(expected: readonly ExpectedMail[], mails: readonly DemoMail[]): string[] {
  return expected.flatMap(({ fixture, outcome, reason }) => {
    const found = mails.find((mail) => mail.fixture === fixture);
    if (found?.outcome !== outcome) return [`${fixture}: ${found?.outcome ?? 'missing'}, expected ${outcome}`];
    const isExplained = reason === null || found.reports.some((report) => report.reason === reason);
    return isExplained ? [] : [`${fixture}: not for the reason ${reason}`];
  });
}

// Boards hold the results of patients whose practice has cBoards.
function onBoards(expected: readonly ExpectedMail[]): ReturnType<typeof expectedCards> {
  const withBoards = new Set(
    SANDBOX_PRACTICES.filter(({ products }) => products.includes('cBoards')).map(({ zorgmail }) => zorgmail),
  );
  const isShown = (account: string | null) => account === null || withBoards.has(account);
  return expectedCards(
    expected.map((mail) => ({
      ...mail,
      forwarded: mail.forwarded.filter((report) => isShown(report.recipient.zorgmail)),
    })),
  );
}

/** The first promise: twins equal to the last flag, and only looking commands on the wire. */
async function touches(world: World): Promise<string[]> {
  const ours = { key: 'retour', zorgmail: SANDBOX_RETURN_ACCOUNT };
  const twins = await Promise.all(
    [...SANDBOX_PRACTICES, SANDBOX_BOARDS_PRACTICE, ours].map(async ({ key, zorgmail }) => {
      const { differences } = await world.zorgmail.compareTwins(zorgmail);
      return differences.map((difference) => `mailbox ${key} differs from its twin: ${difference}`);
    }),
  );
  const commands = forbiddenCommands(world.proxy.commands()).map((command) => `our client sent: ${command}`);
  const isSilent = world.proxy.commands().length === 0;
  return [...twins.flat(), ...commands, ...(isSilent ? ['the recording proxy saw no command at all'] : [])];
}

function latency(mails: readonly DemoMail[]): { p50: number; p99: number } {
  const sorted = mails
    .map((mail) => mail.milliseconds)
    .filter((each) => each !== null)
    .sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
