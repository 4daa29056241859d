/**
 * One input through the path of production (bytes → mail/ → lab/), and whether what comes out may come out: an answer
 * for every payload, known reasons only, and no content where only codes and places belong.
 */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  type LaboratoryRegistry,
  loadLaboratoryRegistry,
  type PayloadReading,
  type Position,
  readMailContents,
} from '../../src/lab/lab.ts';
import { openFile, unwrapMail } from '../../src/mail/mail.ts';
import { errorName } from '../../src/shared/failure.ts';
import { isReasonCode, reasonOf } from '../../src/shared/reasons.ts';
import type { FuzzInput } from './input.ts';

export interface Verdict {
  /** Of the input as a whole: quarantined where any of it is. */
  readonly outcome: PayloadReading['outcome'];
  readonly reasons: readonly string[];
  /** What must not be; empty is right. */
  readonly complaints: readonly string[];
}

const CODE = /^[a-z0-9-]+\.[a-z0-9-]+$/;
/** A segment's name, or `?` where something else stood in its place. */
const TAG = /^(?:[A-Z][A-Z0-9]{2}|\?)$/;
const PLACES: ReadonlySet<string> = new Set(['segment', 'element', 'field', 'repetition', 'component']);

const asShipped = loadLaboratoryRegistry();
const withMedrpt: LaboratoryRegistry = {
  laboratories: asShipped.laboratories.map((laboratory) => ({ ...laboratory, medrptEnabled: true })),
};

const schema = JSON.parse(readFileSync(new URL('../../docs/lab-report.schema.json', import.meta.url), 'utf8'));
const fitsSchema = new Ajv2020({ allowUnionTypes: true }).compile(schema);

/** Reads the input and judges the answer; `isSample`: also against the published schema, which takes longer. */
export async function judge(
  input: Pick<FuzzInput, 'kind' | 'fileName' | 'bytes' | 'isMedrptEnabled'>,
  isSample: boolean,
): Promise<Verdict> {
  const defects: string[] = [];
  const registry = input.isMedrptEnabled ? withMedrpt : asShipped;
  try {
    const contents =
      input.kind === 'mail' ? await unwrapMail(input.bytes) : await openFile(input.bytes, input.fileName);
    const readings = readMailContents(contents, registry, (failure) =>
      defects.push(`reader failed: ${failure.message} ${placeOf(failure.cause)}`),
    );
    const complaints = [...defects, ...complaintsAbout(readings), ...(isSample ? misfits(readings) : [])];
    return { outcome: outcomeOf(readings), reasons: readings.flatMap(({ code }) => code ?? []), complaints };
  } catch (thrown) {
    return { outcome: 'quarantined', reasons: [], complaints: [`thrown: ${errorName(thrown)} ${placeOf(thrown)}`] };
  }
}

/** What is wrong with these readings. */
export function complaintsAbout(readings: readonly PayloadReading[]): readonly string[] {
  if (readings.length === 0) return ['no reading at all'];
  return readings.flatMap((reading) => [
    ...contradictions(reading),
    ...noted(reading).flatMap(({ code, position }) => [
      ...(CODE.test(code) ? [] : ['a code that is none']),
      ...(position === null || isPlace(position) ? [] : [`${code}: a position that is none`]),
    ]),
  ]);
}

function contradictions({ outcome, code, reports }: PayloadReading): readonly string[] {
  const holds = reports.flatMap((report) => report.holds);
  return [
    ...((outcome === 'quarantined') === (code !== null) ? [] : ['an outcome that its reason contradicts']),
    ...(code === null || (isReasonCode(code) && reasonOf(code).outcome === 'quarantined') ? [] : ['an unknown reason']),
    ...(outcome === 'reports' && reports.length === 0 ? ['reports without a report'] : []),
    ...(outcome === 'not-lab' && reports.length > 0 ? ['a letter with a report'] : []),
    ...(holds.every((hold) => isReasonCode(hold.code) && reasonOf(hold.code).outcome === 'held')
      ? []
      : ['an unknown hold']),
  ];
}

function noted(reading: PayloadReading): readonly { readonly code: string; readonly position: Position | null }[] {
  const notCarried = reading.reports.flatMap((report) =>
    report.notCarried.map(({ code }) => ({ code, position: null })),
  );
  const own = reading.code === null ? [] : [{ code: reading.code, position: reading.position }];
  return [...own, ...reading.warnings, ...reading.reports.flatMap(({ holds }) => holds), ...notCarried];
}

function isPlace({ tag, ...places }: Position): boolean {
  return (
    TAG.test(tag) && Object.entries(places).every(([name, place]) => PLACES.has(name) && Number.isSafeInteger(place))
  );
}

function misfits(readings: readonly PayloadReading[]): readonly string[] {
  if (fitsSchema({ file: 'x', payloads: JSON.parse(JSON.stringify(readings)) })) return [];
  return (fitsSchema.errors ?? []).slice(0, 3).map(({ instancePath, message }) => `schema: ${instancePath} ${message}`);
}

function outcomeOf(readings: readonly PayloadReading[]): PayloadReading['outcome'] {
  if (readings.some(({ outcome }) => outcome === 'quarantined')) return 'quarantined';
  return readings.some(({ outcome }) => outcome === 'reports') ? 'reports' : 'not-lab';
}

// Where in our code: the message of an error may hold content, its first frame does not.
function placeOf(thrown: unknown): string {
  return thrown instanceof Error
    ? (/\((?:file:\/\/)?[^()]*\/((?:src|node_modules)\/[^()]+)\)/.exec(thrown.stack ?? '')?.[1] ?? '')
    : '';
}
