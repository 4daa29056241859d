/**
 * What every card and board must hold: of each result the newest version that came in, a preliminary one never over a
 * settled one. Worked out from what the generator says that it wrote, never with our readers, keys or ledger.
 */

import type { Identifier, Observation, Patient, Resource } from '@medplum/fhirtypes';
import type { FhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import type { ExpectedResult } from '../../src/sandbox/generator/generator.ts';
import type { SandboxPatient } from '../../src/sandbox/people.ts';
import type { SentMail } from './traffic.ts';

/** One result of one person as a card shows it. */
export interface Line {
  readonly bsn: string;
  readonly name: string;
  /** A card may show a text with its unit behind it. */
  readonly values: readonly string[];
  readonly status: string;
  /** In minutes since 1970: what the formats can say. */
  readonly version: number;
}

/** `isShown`: whose results this server has. */
export function expectedLines(
  mails: readonly SentMail[],
  people: readonly SandboxPatient[],
  isShown: (person: SandboxPatient) => boolean,
): readonly Line[] {
  const shown = new Set(people.filter((person) => person.followedBy !== null && isShown(person)).map(({ bsn }) => bsn));
  const newest = new Map<string, Line>();
  for (const { mail } of mails) {
    const { patientBsn: bsn, labNumber, results } = mail.expected;
    if (!shown.has(bsn) || labNumber === null) continue;
    const seen = new Map<string, number>();
    for (const result of results) {
      const ordinal = seen.get(result.name) ?? 0;
      seen.set(result.name, ordinal + 1);
      keep(newest, `${labNumber}|${result.name}|${ordinal}`, lineOf(bsn, result, mail.sentAt));
    }
  }
  return [...newest.values()];
}

function lineOf(bsn: string, { name, valueText, unit, status }: ExpectedResult, sentAt: Date): Line {
  const values = unit === null ? [valueText] : [valueText, `${valueText} ${unit}`];
  return { bsn, name, values, status, version: minutes(sentAt.getTime()) };
}

function keep(newest: Map<string, Line>, key: string, incoming: Line): void {
  const held = newest.get(key);
  if (held === undefined || wins(incoming, held)) newest.set(key, incoming);
}

function wins(incoming: Line, held: Line): boolean {
  const isOpen = (line: Line) => line.status === 'preliminary';
  if (isOpen(incoming) !== isOpen(held)) return isOpen(held);
  return incoming.version > held.version;
}

/** What a server has, and identifiers that it has more than once. */
export function foundLines(server: FhirSandbox): { readonly lines: readonly Line[]; readonly doubles: number } {
  const bsns = new Map(
    server.repository.all<Patient>('Patient').map(({ id, identifier }) => [`Patient/${id}`, identifier?.[0]?.value]),
  );
  const observations = server.repository.all<Observation>('Observation');
  const lines = observations.map((observation) => ({
    bsn: bsns.get(observation.subject?.reference ?? '') ?? '',
    name: observation.code.text ?? '',
    values: [shownValue(observation)],
    status: observation.status,
    version: minutes(Date.parse(observation.issued ?? '')),
  }));
  return { lines, doubles: twice(observations) + twice(server.repository.all('DiagnosticReport')) };
}

function shownValue({ valueQuantity, valueString = '' }: Observation): string {
  if (valueQuantity === undefined) return valueString;
  const asSent = valueQuantity.extension?.[0]?.valueString;
  return asSent ?? `${valueQuantity.comparator ?? ''}${valueQuantity.value ?? ''}`;
}

function twice(resources: readonly Resource[]): number {
  const seen = new Set<string>();
  let doubles = 0;
  for (const { system, value } of resources.flatMap(identifiersOf)) {
    if (system?.includes('laboratory') || value === undefined) continue;
    const token = `${system}|${value}`;
    if (seen.has(token)) doubles += 1;
    seen.add(token);
  }
  return doubles;
}

function identifiersOf(resource: Resource): readonly Identifier[] {
  return [(resource as { identifier?: Identifier | Identifier[] }).identifier ?? []].flat();
}

export interface Comparison {
  readonly expected: number;
  /** Of those, how many are there. */
  readonly found: number;
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

export function compared(expected: readonly Line[], found: readonly Line[]): Comparison {
  const there = new Map<string, number>();
  for (const line of found) for (const key of keysOf(line)) there.set(key, (there.get(key) ?? 0) + 1);
  const missing: string[] = [];
  for (const line of expected) {
    const key = keysOf(line).find((candidate) => (there.get(candidate) ?? 0) > 0);
    if (key === undefined) missing.push(described(line));
    else there.set(key, (there.get(key) ?? 0) - 1);
  }
  const surplus = [...there].flatMap(([key, count]) => Array.from({ length: count }, () => key.replace(/^\d{6}/, '…')));
  return { expected: expected.length, found: expected.length - missing.length, missing, surplus };
}

function keysOf({ bsn, name, values, status, version }: Line): readonly string[] {
  return values.map((value) => [bsn, name, value, status, version].join(' | '));
}

function described(line: Line): string {
  return (keysOf(line)[0] ?? '').replace(/^\d{6}/, '…');
}

function minutes(ms: number): number {
  return Math.floor(ms / 60_000);
}
