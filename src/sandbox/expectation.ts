/**
 * What must have become of the traffic, worked out from the fixtures' expected reports and not from anything that
 * zorgkoerier recorded: the outcome of every mail, and what every card holds in the end. Deliberately simple-minded.
 */

import type { LabReport, LabResult, PayloadReading } from '../lab/lab.ts';
import type { CardReading } from './fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from './people.ts';
import { expectedDocument, expectedExceptions, type TrafficMail } from './traffic.ts';

export interface ExpectedMail {
  readonly fixture: string;
  readonly outcome: string;
  /** The reason that must stand beside it; null: any. */
  readonly reason: string | null;
  /** Reports that must reach a card; empty where they must not. */
  readonly forwarded: readonly LabReport[];
}

/** One result on a card, as a line that can be compared. */
type Line = string;

export async function expectedMails(traffic: readonly TrafficMail[]): Promise<readonly ExpectedMail[]> {
  const exceptions = await expectedExceptions();
  return Promise.all(
    traffic.map(async ({ fixture }) => {
      const { payloads } = (await expectedDocument(fixture)) as { payloads: readonly PayloadReading[] };
      const exception = exceptions[fixture];
      const reports = payloads.filter((payload) => payload.outcome === 'reports').flatMap((payload) => payload.reports);
      const followed = reports.filter(isFollowed);
      return {
        fixture,
        outcome: exception?.outcome ?? outcomeOf(payloads, followed),
        reason: exception?.reason || (payloads.find(({ code }) => code !== null)?.code ?? null),
        forwarded:
          exception === undefined || exception.outcome === 'quarantined'
            ? followed.filter((report) => report.holds.length === 0)
            : [],
      };
    }),
  );
}

// The first that any of its payloads has, in the order of the accounting.
function outcomeOf(payloads: readonly PayloadReading[], followed: readonly LabReport[]): string {
  if (followed.some((report) => report.holds.length > 0)) return 'held';
  if (payloads.some((payload) => payload.outcome === 'quarantined')) return 'quarantined';
  if (followed.length > 0) return 'forwarded';
  return payloads.some((payload) => payload.outcome === 'reports') ? 'no-card' : 'not-lab';
}

function isFollowed(report: LabReport): boolean {
  const practice = SANDBOX_PRACTICES.find(({ zorgmail }) => zorgmail === report.recipient.zorgmail);
  const patient = SANDBOX_PATIENTS.find(({ bsn }) => bsn === report.patient.bsn);
  return (
    patient !== undefined &&
    patient.followedBy !== null &&
    (practice === undefined || practice.key === patient.followedBy)
  );
}

interface Shown {
  readonly result: LabResult;
  readonly version: string;
}

/** Every card's lines, by BSN: of each result the newest version, a preliminary one never over a settled one. */
export function expectedCards(mails: readonly ExpectedMail[]): ReadonlyMap<string, readonly Line[]> {
  const cards = new Map<string, Map<string, Shown>>();
  for (const report of mails.flatMap((mail) => mail.forwarded)) {
    const card = cards.get(report.patient.bsn ?? '') ?? new Map<string, Shown>();
    cards.set(report.patient.bsn ?? '', card);
    for (const result of report.specimens.flatMap((specimen) => specimen.results)) {
      if (result.kind === 'result') show(card, { result, version: report.sentAt ?? '' });
    }
  }
  return new Map([...cards].map(([bsn, card]) => [bsn, [...card.values()].map(lineOf).sort()]));
}

function show(card: Map<string, Shown>, incoming: Shown): void {
  const onCard = card.get(incoming.result.key);
  if (onCard === undefined || wins(incoming, onCard)) card.set(incoming.result.key, incoming);
}

function wins(incoming: Shown, onCard: Shown): boolean {
  const isOpen = (shown: Shown) => shown.result.status === 'preliminary';
  if (isOpen(incoming) !== isOpen(onCard)) return isOpen(onCard);
  return Date.parse(incoming.version) > Date.parse(onCard.version);
}

function lineOf({ result, version }: Shown): Line {
  const isRetracted = result.status === 'retracted';
  const status = isRetracted ? 'entered-in-error' : (result.status ?? '');
  // Of a cancelled result the text is a reason, not a value.
  const isValueless = isRetracted || result.status === 'cancelled';
  return [shownName(result), isValueless ? '' : shownValue(result), status, new Date(version).toISOString()].join(
    ' | ',
  );
}

function shownName({ name, code }: LabResult): string {
  return name === '' ? (code.raw ?? '') : name;
}

// A text has no place for its unit in FHIR: the card shows the two together.
function shownValue({ value, unit }: LabResult): string {
  return [value.text ?? '', value.number === null && value.text !== null ? (unit ?? '') : ''].join(' ').trim();
}

/** The same lines as read from the cards of a server. */
export function linesOnCards(cards: readonly CardReading[]): ReadonlyMap<string, readonly Line[]> {
  const filled = cards.filter((card) => card.results.length > 0);
  return new Map(
    filled.map((card) => [
      card.patient.bsn ?? '',
      card.results
        .map(({ name, value, status, issued }) =>
          [name, value ?? '', status, new Date(issued ?? 0).toISOString()].join(' | '),
        )
        .sort(),
    ]),
  );
}

/** Differences in words; empty where the cards hold exactly what they must. */
export function cardDifferences(
  expected: ReadonlyMap<string, readonly Line[]>,
  found: ReadonlyMap<string, readonly Line[]>,
): readonly string[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((bsn) => {
    const [wanted, there] = [expected.get(bsn) ?? [], found.get(bsn) ?? []];
    const missing = without(wanted, there).map((line) => `missing: ${line}`);
    const surplus = without(there, wanted).map((line) => `not expected: ${line}`);
    return [...missing, ...surplus].map((text) => `…${bsn.slice(-3)} ${text}`);
  });
}

// Each line counts as often as it stands there.
function without(lines: readonly Line[], taken: readonly Line[]): Line[] {
  const left = [...taken];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
