/**
 * The tree of an ORU^R01: { PID [NTE] { [ORC] OBR [NTE] { OBX [NTE] } { SPM {OBX} } } }.
 *
 * Position is meaning: an NTE belongs to what stands before it. So the segments are walked once, in order, and never
 * collected by name. Where a segment stands so that its patient or order cannot be told, the message is refused.
 */

import type { Hl7Segment } from '../../hl7/hl7.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { Hold, Position } from '../lab.ts';
import { type Context, positionOf, warn } from './context.ts';

export interface Observation {
  readonly obx: Hl7Segment;
  readonly notes: Hl7Segment[];
}

export interface Order {
  readonly obr: Hl7Segment;
  readonly orc: Hl7Segment | null;
  readonly notes: Hl7Segment[];
  readonly specimens: Hl7Segment[];
  readonly observations: Observation[];
}

export interface PatientGroup {
  readonly pid: Hl7Segment;
  readonly notes: Hl7Segment[];
  readonly orders: Order[];
  readonly holds: Hold[];
}

export interface Refusal {
  readonly code: ReasonCode;
  readonly position: Position;
}

// Segments of the schema (2.3 to 2.8) that hold nothing for a laboratory report, and of other schemas that senders copy.
const READ_PAST = new Set(
  (
    'SFT UAC PD1 PRT ARV NK1 PV1 PV2 TQ1 TQ2 CTD FT1 CTI DSC DEV SAC INV ' +
    'EVN ROL AL1 IAM DG1 DRG PR1 GT1 IN1 IN2 IN3 ACC DB1 PDA BLG MSA ERR QRD QRF RXA RXE RXR CON'
  ).split(' '),
);
const OF_PATIENT = new Set('PD1 NK1 PV1 PV2 ARV'.split(' '));
const OF_ORDER = new Set('TQ1 TQ2 CTD FT1 CTI'.split(' '));

/** Groups the segments of a message, or says why that cannot be done. */
export function groupSegments(context: Context): readonly PatientGroup[] | Refusal {
  const grouping = new Grouping(context);
  for (const segment of context.hl7Message.segments.slice(1)) {
    const refusal = grouping.take(segment);
    if (refusal !== null) return refusal;
  }
  return grouping.finished();
}

class Grouping {
  readonly #context: Context;
  readonly #patients: PatientGroup[] = [];
  #orc: Hl7Segment | null = null;
  #notesBeforeObr: Hl7Segment[] = [];
  // Where the next NTE goes; null before the first PID, where a note has no owner.
  #notes: Hl7Segment[] | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  take(segment: Hl7Segment): Refusal | null {
    switch (segment.name) {
      case 'PID':
        return this.#startPatient(segment);
      case 'ORC':
        return this.#startOrder(segment);
      case 'OBR':
        return this.#takeRequest(segment);
      case 'OBX':
        return this.#takeObservation(segment);
      case 'SPM':
        return this.#takeSpecimen(segment);
      case 'NTE':
        this.#takeNote(segment);
        return null;
      // ADD continues a text of the segment before it: read without it, that text would be cut off.
      case 'ADD':
        return { code: 'hl7.syntax', position: positionOf(segment) };
      default:
        this.#readPast(segment);
        return null;
    }
  }

  finished(): readonly PatientGroup[] | Refusal {
    this.#dropOrderWithoutRequest();
    if (this.#patients.length === 0) return { code: 'hl7.no-patient', position: { segment: 1, tag: 'MSH' } };
    const empty = this.#patients.find(({ orders }) => orders.length === 0);
    return empty === undefined ? this.#patients : { code: 'hl7.no-results', position: positionOf(empty.pid) };
  }

  get #patient(): PatientGroup | undefined {
    return this.#patients.at(-1);
  }

  // Every PID begins a report of its own: results are never carried over from one patient to the next.
  #startPatient(pid: Hl7Segment): null {
    this.#dropOrderWithoutRequest();
    const patient: PatientGroup = { pid, notes: [], orders: [], holds: [] };
    this.#patients.push(patient);
    this.#notes = patient.notes;
    return null;
  }

  #startOrder(orc: Hl7Segment): Refusal | null {
    if (this.#patient === undefined) return { code: 'hl7.no-patient', position: positionOf(orc) };
    this.#dropOrderWithoutRequest();
    this.#orc = orc;
    this.#notes = this.#notesBeforeObr;
    return null;
  }

  #takeRequest(obr: Hl7Segment): Refusal | null {
    if (this.#patient === undefined) return { code: 'hl7.no-patient', position: positionOf(obr) };
    const order: Order = { obr, orc: this.#orc, notes: this.#notesBeforeObr, specimens: [], observations: [] };
    this.#patient.orders.push(order);
    this.#notes = order.notes;
    this.#orc = null;
    this.#notesBeforeObr = [];
    return null;
  }

  #takeObservation(obx: Hl7Segment): Refusal | null {
    if (this.#patient === undefined) return { code: 'hl7.no-patient', position: positionOf(obx) };
    const order = this.#patient.orders.at(-1);
    // Between an ORC and its OBR, or before any: whose result, of which request, cannot be told.
    if (order === undefined || this.#orc !== null) return { code: 'hl7.no-order', position: positionOf(obx) };
    const observation: Observation = { obx, notes: [] };
    order.observations.push(observation);
    this.#notes = observation.notes;
    return null;
  }

  // SPM follows the OBX of its OBR in 2.5; notes and OBX after it are still about that request.
  #takeSpecimen(spm: Hl7Segment): Refusal | null {
    const order = this.#patient?.orders.at(-1);
    if (order === undefined) return { code: 'hl7.no-order', position: positionOf(spm) };
    order.specimens.push(spm);
    this.#notes = order.notes;
    return null;
  }

  // A note before any PID could be about each of several patients: it is given to none of them.
  #takeNote(nte: Hl7Segment): void {
    if (this.#notes === null) warn(this.#context, 'hl7.note-without-owner', positionOf(nte));
    else this.#notes.push(nte);
  }

  #readPast(segment: Hl7Segment): void {
    const order = this.#patient?.orders.at(-1);
    if (OF_ORDER.has(segment.name) && order !== undefined && this.#orc === null) this.#notes = order.notes;
    if (OF_PATIENT.has(segment.name) && this.#patient?.orders.length === 0) this.#notes = this.#patient.notes;
    if (segment.name === 'DSC' && (segment.fields[1] ?? '') !== '') {
      warn(this.#context, 'hl7.continued-elsewhere', positionOf(segment, 1));
    }
    if (!READ_PAST.has(segment.name) && !segment.name.startsWith('Z')) this.#doubt(segment);
  }

  // A name that HL7 does not have may be a wrapped line of text that looks like a segment (`HBA|…`): what it said is then
  // missing from the result above it, so a person looks before the report is delivered.
  #doubt(segment: Hl7Segment): void {
    warn(this.#context, 'hl7.unknown-segment', positionOf(segment));
    this.#patient?.holds.push({ code: 'hl7.unknown-segment', position: positionOf(segment) });
  }

  #dropOrderWithoutRequest(): void {
    if (this.#orc === null) return;
    warn(this.#context, 'hl7.order-without-request', positionOf(this.#orc));
    // What was noted about it is about the patient at least, and stays.
    this.#patient?.notes.push(...this.#notesBeforeObr);
    this.#orc = null;
    this.#notesBeforeObr = [];
  }
}
