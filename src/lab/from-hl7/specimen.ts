/** One OBR with what stands under it: the request, its results, and what is still to come. */

import { componentsOf, fieldOf, type Hl7Segment, subcomponentsOf } from '../../hl7/hl7.ts';
import type { CodeList } from '../codes/codes.ts';
import type { Hold, Specimen } from '../lab.ts';
import type { Encapsulated } from './attachment.ts';
import { type Context, positionOf, said, textAt, warn, wholeText } from './context.ts';
import type { Observation, Order } from './groups.ts';
import { momentAt } from './moment.ts';
import { noteLines, type ObservedResult, observationName, readResult } from './result.ts';
import { isRequestComplete, isRequestPending, readObservationStatus } from './status.ts';

export interface ReadOrder {
  readonly specimen: Specimen;
  /** Per result OBX-14, else OBR-7, as sent. */
  readonly sentMoments: readonly (string | null)[];
  readonly holds: readonly Hold[];
  /** One code per thing that is no result. */
  readonly notCarried: readonly string[];
  readonly documents: readonly Encapsulated[];
}

interface Collected {
  readonly results: Specimen['results'][number][];
  readonly pending: Specimen['pending'][number][];
  readonly sentMoments: (string | null)[];
  readonly holds: Hold[];
  readonly notCarried: string[];
  readonly documents: Encapsulated[];
}

/** Reads one request. */
export function readOrder(context: Context, order: Order, codes: CodeList): ReadOrder {
  const { obr } = order;
  const section = textAt(context, obr, 4, 2) ?? textAt(context, obr, 4, 5);
  const collected: Collected = { results: [], pending: [], sentMoments: [], holds: [], notCarried: [], documents: [] };
  for (const observation of order.observations) {
    takeObservation(context, observation, { codes, section, collectedAsSent: said(fieldOf(obr, 7)) }, collected);
  }
  if (order.observations.length === 0) takeEmptyRequest(context, order, section, collected);
  const labNumber = labNumberOf(context, order);
  const collectedAt = momentAt(context, obr, 7) ?? firstMoment(context, order.specimens, 17);
  const { results, pending, ...rest } = collected;
  // The lab number and the day tell these results from every other request's: without them they would replace each other.
  if (results.length > 0 && labNumber === null) {
    rest.holds.push({ code: 'lab.no-lab-number', position: positionOf(obr, 3) });
  }
  if (results.length > 0 && collectedAt === null) {
    rest.holds.push({ code: 'lab.no-collection-date', position: positionOf(obr, 7) });
  }
  const specimen: Specimen = {
    collectedAt,
    labNumber,
    material: materialOf(context, order),
    volume: volumeOf(context, order),
    isComplete: isRequestComplete(textAt(context, obr, 25)),
    orderCode: textAt(context, obr, 4) ?? textAt(context, obr, 4, 4),
    issuedAt: momentAt(context, obr, 22),
    remarks: noteLines(context, order.notes),
    results,
    pending,
  };
  return { specimen, ...rest };
}

function takeObservation(
  context: Context,
  observation: Observation,
  request: {
    readonly codes: CodeList;
    readonly section: string | null;
    readonly collectedAsSent: string | null;
  },
  collected: Collected,
): void {
  const { obx, notes } = observation;
  const status = readObservationStatus(textAt(context, obx, 11));
  if (status.kind === 'pending' || status.kind === 'not-carried') {
    // Such a status says that there is no value; where one stands there all the same, somebody should look.
    if (said(fieldOf(obx, 5)) !== null) warn(context, 'hl7.value-not-carried', positionOf(obx, 5));
    if (status.kind === 'not-carried') collected.notCarried.push(status.code);
    else collected.pending.push({ name: observationName(context, obx), remarks: noteLines(context, notes) });
    return;
  }
  if (status.kind === 'missing') {
    collected.holds.push({ code: 'hl7.status-missing', position: positionOf(obx, 11) });
  }
  const sentStatus = status.kind === 'missing' ? null : status.status;
  const read = readResult(context, observation, sentStatus, request);
  collected.results.push(read.result);
  collected.sentMoments.push(read.sentMoment ?? request.collectedAsSent);
  if (read.result.name === '') {
    collected.holds.push({ code: 'lab.determination-unnamed', position: positionOf(obx, 3) });
  }
  takeDocuments(context, obx, read, collected);
}

function takeDocuments(
  context: Context,
  obx: Hl7Segment,
  { result, documents, isDocumentUnreadable }: ObservedResult,
  collected: Collected,
): void {
  // Which document on the card it is, no segment says: the row can be retracted, the document only by a person.
  if (result.status === 'retracted' && textAt(context, obx, 2) === 'ED') {
    collected.holds.push({ code: 'hl7.document-retracted', position: positionOf(obx, 11) });
  }
  // A document that was withdrawn is not offered; its row, retracted or cancelled, stays to say so.
  if (result.status === 'retracted' || result.status === 'cancelled') return;
  collected.documents.push(...documents);
  if (isDocumentUnreadable) {
    collected.holds.push({ code: 'hl7.document-unreadable', position: positionOf(obx, 5) });
  }
}

// A request without observations still says something: that it is under way, that it was cancelled, or a note.
function takeEmptyRequest(context: Context, { obr }: Order, section: string | null, collected: Collected): void {
  const status = textAt(context, obr, 25);
  const name = section ?? textAt(context, obr, 4) ?? '';
  if (isRequestPending(status)) collected.pending.push({ name, remarks: [] });
  else if (status === 'X') collected.notCarried.push('hl7.request-cancelled');
  else warn(context, 'hl7.request-without-results', positionOf(obr));
}

// ORC-3 and OBR-3 are the same number (v2 §4.5.1.3); where both are filled and differ, OBR-3 is the one that keys.
function labNumberOf(context: Context, { obr, orc }: Order): string | null {
  const [own, common] = [textAt(context, obr, 3), orc === null ? null : textAt(context, orc, 3)];
  if (own !== null && common !== null && own !== common) warn(context, 'hl7.lab-number-differs', positionOf(obr, 3));
  return own ?? common;
}

// SPM-4 from 2.5 on, before that OBR-15, whose first component has subcomponents `code&text&system`.
function materialOf(context: Context, { obr, specimens }: Order): string | null {
  const materials = new Set(specimens.flatMap((spm) => textAt(context, spm, 4, 2) ?? textAt(context, spm, 4) ?? []));
  if (materials.size > 1) warn(context, 'hl7.several-specimens', positionOf(specimens[1] ?? obr, 4));
  if (materials.size > 0) return [...materials].join(', ');
  const { separators } = context.hl7Message;
  const source = componentsOf(fieldOf(obr, 15), separators);
  const [code, text] = subcomponentsOf(source[0] ?? '', separators).map((raw) => said(wholeText(context, raw)));
  return text ?? code ?? said(wholeText(context, source[2] ?? ''));
}

// CQ: quantity and unit, in SPM-12, before 2.5 in OBR-9.
function volumeOf(context: Context, { obr, specimens }: Order): string | null {
  const segment = specimens.find((spm) => textAt(context, spm, 12) !== null) ?? obr;
  const field = segment === obr ? 9 : 12;
  const parts = [textAt(context, segment, field), textAt(context, segment, field, 2)].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

function firstMoment(context: Context, segments: readonly Hl7Segment[], field: number): string | null {
  for (const segment of segments) {
    const moment = momentAt(context, segment, field);
    if (moment !== null) return moment;
  }
  return null;
}
