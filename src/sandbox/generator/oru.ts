/**
 * A draft as ORU^R01: the plain ones by the sandbox's other writer (hl7-standard, which is not ours), the rest, with
 * several requests, notes, sub-ids or another charset, through src/hl7's.
 */

import { escapeText, type Separators, writeHl7Message } from '../../hl7/hl7.ts';
import { amsterdamIso } from '../../shared/amsterdam.ts';
import { buildOruMessage } from '../laboratory-hl7.ts';
import type { SandboxPatient } from '../people.ts';
import type { DraftReport, DraftResult, DraftSpecimen } from './draft.ts';
import type { Sender } from './senders.ts';

const SEPARATORS: Separators = {
  field: '|',
  component: '^',
  repetition: '~',
  escapeCharacter: '\\',
  subcomponent: '&',
  truncation: '',
};

/** The message, in bytes. */
export function writeOru(report: DraftReport): Buffer {
  const [specimen] = report.version.specimens;
  if (specimen !== undefined && isPlain(report, specimen)) return writePlain(report, specimen);
  const { sender, person } = report.request;
  const lines = [
    headerFields(report),
    personFields(person),
    ...report.version.specimens.flatMap((one, index) => requestFields(report, one, index + 1)),
  ];
  const segments = lines.map((fields, index) => ({ index: index + 1, name: fields[0] ?? '', fields }));
  const message = writeHl7Message({ segments, separators: SEPARATORS });
  return Buffer.from(message.replaceAll('\r', sender.lineEnd === '' ? '\r' : sender.lineEnd), sender.charset);
}

// The other writer takes the moment of sending for that of collection: fine for a report that is never followed by another.
function isPlain({ request, version }: DraftReport, { orderCode, remarks, results }: DraftSpecimen): boolean {
  return (
    request.sender.charset === 'utf8' &&
    request.copyTo === null &&
    request.versions.length === 1 &&
    version.specimens.length === 1 &&
    orderCode === 'CHEM' &&
    remarks.length + results.flatMap((result) => result.remarks).length === 0
  );
}

function writePlain({ request, sentAt, reference }: DraftReport, { results }: DraftSpecimen): Buffer {
  const { sender, practice, person, labNumber } = request;
  return buildOruMessage({
    laboratory: sender.laboratory,
    practice,
    patient: person,
    labNumber,
    sentAt,
    controlId: reference,
    results: results.map(({ name, code, system, text, unit, low, high, flag }) => {
      const sign = flag === null ? null : flag === 'low' ? 'L' : 'H';
      return { name, code, system, value: text, unit: unit ?? '', low, high, flag: sign, status: 'F' };
    }),
  });
}

/** Fields by their number; the empty ones are left out. */
function fieldsOf(name: string, fields: readonly (readonly [number, string | null])[]): readonly string[] {
  const values = new Map(fields);
  const last = Math.max(...fields.filter(([, value]) => value !== null && value !== '').map(([field]) => field));
  return [name, ...Array.from({ length: last }, (_, index) => values.get(index + 1) ?? '')];
}

function headerFields({ request: { sender, practice }, sentAt, reference }: DraftReport): readonly string[] {
  return fieldsOf('MSH', [
    [1, SEPARATORS.field],
    [2, '^~\\&'],
    [3, 'LABSYSTEEM'],
    [4, sender.laboratory.hl7Facility],
    [6, practice.zorgmail],
    [7, digitsOf(amsterdamIso(sentAt).slice(0, 19))],
    [9, 'ORU^R01^ORU_R01'],
    [10, reference],
    [11, 'P'],
    [12, '2.5.1'],
    [18, sender.charset === 'utf8' ? 'UNICODE UTF-8' : '8859/1'],
  ]);
}

function personFields(person: SandboxPatient): readonly string[] {
  const { bsn, family, prefix, partnerFamily, partnerPrefix, given, initials, birthDate, sex } = person;
  const whole = [prefix, family].filter((part) => part !== null).join(' ');
  const parts = [whole, prefix, family, partnerPrefix, partnerFamily].map((part) => text(part ?? ''));
  // The laboratory's own number stands first: a BSN is found by what it says of itself (hl7v2.md, Identity).
  return fieldsOf('PID', [
    [1, '1'],
    [3, `P${bsn.slice(3)}^^^LAB^PI~${bsn}^^^NLMINBIZA^NNNLD`],
    [5, `${parts.join('&')}^${text(given)}^${text(initials)}^^^^L`],
    [7, digitsOf(birthDate)],
    [8, sex === 'female' ? 'F' : 'M'],
  ]);
}

function requestFields(
  { request, sentAt }: DraftReport,
  specimen: DraftSpecimen,
  setId: number,
): readonly (readonly string[])[] {
  const { results, pending, material, orderCode, orderName } = specimen;
  const collectedAt = digitsOf(`${specimen.collectedDay}${specimen.collectedTime ?? ''}`);
  const obr = fieldsOf('OBR', [
    [1, String(setId)],
    [3, text(request.labNumber)],
    [4, `${orderCode}^${text(orderName)}^L`],
    [7, collectedAt],
    [15, `${text(material.slice(0, 4).toUpperCase())}&${text(material)}&L`],
    [16, `${request.practice.agb}^${text(request.practice.name)}^^^^^^^VEKTIS`],
    [22, digitsOf(amsterdamIso(sentAt).slice(0, 19))],
    [25, requestStatus(specimen)],
    [28, request.copyTo === null ? null : `^${text(request.copyTo)}`],
  ]);
  const observations = [
    ...results.map((result) => ({ result, isPending: false })),
    ...pending.map((result) => ({ result, isPending: true })),
  ];
  return [
    obr,
    ...notes(specimen.remarks),
    ...observations.flatMap(({ result, isPending }, index) => [
      isPending ? pendingFields(result, index + 1) : resultFields(request.sender, result, index + 1, collectedAt),
      ...notes(isPending ? [] : result.remarks),
    ]),
  ];
}

// OBR-25, table 0123.
function requestStatus({ results, pending }: DraftSpecimen): string {
  const statuses = new Set(results.map(({ status }) => status));
  if (pending.length > 0 || statuses.has('preliminary')) return 'P';
  return statuses.has('corrected') ? 'C' : 'F';
}

function resultFields(sender: Sender, result: DraftResult, setId: number, collectedAt: string): readonly string[] {
  const sign = result.flag === null ? null : result.flag === 'low' ? 'L' : 'H';
  const { type, value } = observed(result);
  return fieldsOf('OBX', [
    [1, String(setId)],
    [2, type],
    [3, codeField(result)],
    [4, result.subId],
    [5, value],
    [6, text(result.unit ?? '')],
    [7, text(rangeText(result))],
    [8, sign ?? result.susceptibility ?? sender.noFlag],
    [11, { final: 'F', preliminary: 'P', corrected: 'C' }[result.status]],
    [14, sender.codes === 'number' ? collectedAt : null],
  ]);
}

function pendingFields(result: DraftResult, setId: number): readonly string[] {
  return fieldsOf('OBX', [
    [1, String(setId)],
    [2, 'ST'],
    [3, codeField(result)],
    [11, 'I'],
  ]);
}

function codeField({ code, name, system, loinc }: DraftResult): string {
  const other = loinc === null ? '' : `^${loinc}^${text(name)}^LN`;
  return `${text(code)}^${text(name)}^${system}${other}`;
}

// A comparator makes a number a structured one (SN); NM is digits only (v2 §2.A.47, §2.A.70).
function observed(result: DraftResult): { readonly type: string; readonly value: string } {
  const comparator = /^[<>]/.exec(result.text)?.[0];
  if (result.type === 'lines') return { type: 'TX', value: text(result.text) };
  if (result.type === 'text') return { type: 'ST', value: text(result.text) };
  if (result.type === 'coded') {
    return { type: 'CE', value: `${result.text.slice(0, 5).toUpperCase().trim()}^${text(result.text)}^L` };
  }
  return comparator === undefined
    ? { type: 'NM', value: result.text }
    : { type: 'SN', value: `${comparator}^${result.text.slice(1)}` };
}

function rangeText({ low, high }: DraftResult): string {
  if (low !== null && high !== null) return `${low} - ${high}`;
  return low !== null ? `>${low}` : high !== null ? `<${high}` : '';
}

function notes(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.map((line, index) =>
    fieldsOf('NTE', [
      [1, String(index + 1)],
      [3, text(line)],
    ]),
  );
}

function text(plain: string): string {
  return escapeText(plain, SEPARATORS);
}

function digitsOf(moment: string): string {
  return moment.replace(/\D/g, '');
}
