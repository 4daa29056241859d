/** One PID group: one patient, one report. */

import { fieldOf, type Hl7Segment } from '../../hl7/hl7.ts';
import { withResultKeys } from '../key.ts';
import type { LabAttachment, LabReport } from '../lab.ts';
import type { Encapsulated } from './attachment.ts';
import { type Context, componentOf, positionOf, repetitionsAt, warn } from './context.ts';
import type { PatientGroup, Refusal } from './groups.ts';
import type { Header } from './header.ts';
import { readPatient } from './patient.ts';
import { nameInOneLine } from './person-name.ts';
import { noteLines } from './result.ts';
import { readOrder } from './specimen.ts';

/** The report of a patient, and what makes the whole message unfit, if anything. */
export function readReport(
  context: Context,
  header: Header,
  group: PatientGroup,
): { readonly report: LabReport; readonly refusal: Refusal | null } {
  const { patient, refusal } = readPatient(context, group.pid);
  const orders = group.orders.map((order) => readOrder(context, order, header.codes));
  const specimens = withResultKeys(
    orders.map(({ specimen }) => specimen),
    header.laboratoryKey,
    orders.map(({ sentMoments }) => sentMoments),
  );
  const report: LabReport = {
    references: { interchange: header.controlId, message: header.controlId },
    sentAt: header.sentAt,
    isTest: header.isTest,
    laboratory: header.laboratory?.id ?? null,
    holds: [...group.holds, ...orders.flatMap(({ holds }) => holds)],
    sender: header.sender,
    recipient: header.recipient,
    requester: requesterOf(context, group),
    copy: copyOf(context, group),
    patient,
    specimens,
    comments: noteLines(context, group.notes),
    attachments: attachmentsOf(orders.flatMap(({ documents }) => documents)),
    notCarried: counted(orders.flatMap(({ notCarried }) => notCarried)),
  };
  return { report, refusal: refusal ?? (saysNothing(report) ? noResults(group) : null) };
}

// Understood but empty is not a report: nothing to show, nothing to expect, nothing counted.
function saysNothing({ specimens, notCarried }: LabReport): boolean {
  return (
    notCarried.length === 0 &&
    specimens.every(({ results, pending, remarks }) => results.length + pending.length + remarks.length === 0)
  );
}

function noResults(group: PatientGroup): Refusal {
  return { code: 'hl7.no-results', position: positionOf(group.orders[0]?.obr ?? group.pid) };
}

// One document sent in two OBX is one attachment.
function attachmentsOf(documents: readonly Encapsulated[]): readonly LabAttachment[] {
  const distinct = new Map(documents.map((document) => [document.sha256, document]));
  return [...distinct.values()].map(({ contentType, bytes, sha256 }) => ({ contentType, bytes: bytes.length, sha256 }));
}

function counted(codes: readonly string[]): LabReport['notCarried'] {
  return [...new Set(codes)].map((code) => ({ code, count: codes.filter((other) => other === code).length }));
}

// OBR-16, else ORC-12, of the first request that names somebody; one with an AGB number (VEKTIS) goes before a local one.
function requesterOf(context: Context, { orders }: PatientGroup): LabReport['requester'] {
  const named = orders.flatMap(({ obr, orc }) => {
    const segments: readonly (readonly [Hl7Segment | null, number])[] = [
      [obr, 16],
      [orc, 12],
    ];
    const people = segments.flatMap(([segment, field]) =>
      segment === null ? [] : repetitionsAt(context, segment, field),
    );
    const person = people.find((raw) => componentOf(context, raw, 9)?.startsWith('VEKTIS')) ?? people[0];
    return person === undefined ? [] : [{ person, obr }];
  });
  const [first] = named;
  if (first === undefined) return { name: null, type: null, code: null };
  const other = named.find(({ person }) => componentOf(context, person, 1) !== componentOf(context, first.person, 1));
  if (other !== undefined) warn(context, 'hl7.several-requesters', positionOf(other.obr, 16));
  return {
    name: nameInOneLine(context, first.person),
    type: componentOf(context, first.person, 9) ?? componentOf(context, first.person, 13),
    code: componentOf(context, first.person, 1),
  };
}

// OBR-28: to whom else the sender sent these results.
function copyOf(context: Context, { orders }: PatientGroup): LabReport['copy'] {
  const receivers = orders
    .filter(({ obr }) => fieldOf(obr, 28) !== '')
    .flatMap(({ obr }) => repetitionsAt(context, obr, 28))
    .flatMap((raw) => nameInOneLine(context, raw) ?? componentOf(context, raw, 1) ?? []);
  return receivers.length === 0 ? null : { direction: 'to', names: [...new Set(receivers)] };
}
