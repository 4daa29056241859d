/**
 * A draft as ORU^R01: the plain ones by the sandbox's other writer (hl7-standard, which is not ours), the rest, with
 * several requests, notes, sub-ids or another charset, through src/hl7's.
 */

import { writeHl7Message } from '../../hl7/hl7.ts';
import { amsterdamIso } from '../../shared/amsterdam.ts';
import { buildOruMessage } from '../laboratory-hl7.ts';
import type { SandboxPatient } from '../people.ts';
import type { DraftReport, DraftSpecimen } from './draft.ts';
import { fieldsOf, notes, pendingFields, resultFields, SEPARATORS, text } from './observation.ts';

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

function digitsOf(moment: string): string {
  return moment.replace(/\D/g, '');
}
