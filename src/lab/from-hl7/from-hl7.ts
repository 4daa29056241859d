/**
 * HL7 v2 payloads as PayloadReadings: one per MSH, one report per PID group.
 *
 * It promises: only ORU^R01 is read; another type is told apart by name, never by resemblance; whatever is in doubt about
 * the identity of one patient quarantines that whole message, and only that message.
 */

import { type Hl7Message, type RefusedMessage, readHl7 } from '../../hl7/hl7.ts';
import type { Payload } from '../../mail/mail.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { LaboratoryRegistry, LabReport, PayloadReading, Position } from '../lab.ts';
import { type Encapsulated, oversizedDocument, readEncapsulated } from './attachment.ts';
import { type Context, positionOf, textAt } from './context.ts';
import { groupSegments } from './groups.ts';
import { readHeader } from './header.ts';
import { readReport } from './report.ts';

// Known types that carry no laboratory results. Not here, so quarantined: OUL, ORF, ORA and the other ORU events, which do.
const NOT_LAB = new Set(
  (
    'ACK ADR ADT BAR CRM CSU DFT DOC DSR EAC EAN EAR ESR ESU INR INU LSR LSU MCF MDM MFD MFK MFN MFQ MFR NMD NMQ NMR ' +
    'OMB OMD OMG OMI OML OMN OMP OMS OPL ORB ORD ORG ORI ORL ORM ORN ORP ORR ORS OSQ OSR PEX PGL PIN PMU PPG PPP PPR ' +
    'PPT PPV PRR PTR QBP QCK QCN QRY QSB QSX QVR RAR RAS RCI RCL RDE RDR RDS RDY REF RER RGR RGV ROR RPA RPI RPL RPR ' +
    'RQA RQC RQI RQP RQQ RRA RRD RRE RRG RRI RSP RTB SIU SPQ SQM SQR SRM SRR SSR SSU SUR TBR TCR TCU UDM VQQ VXQ VXR ' +
    'VXU VXX'
  ).split(' '),
);

/** Reads every message of a payload. Never throws on content: what cannot be read is a quarantined reading. */
export function readHl7Payload(payload: Payload, registry: LaboratoryRegistry): readonly PayloadReading[] {
  const interchange = readHl7(payload.bytes, payload.charset);
  const readings = interchange.messages.map((hl7Message, index) => {
    const source = index === 0 ? payload.source : `${payload.source} message ${index + 1}`;
    return hl7Message.kind === 'refused'
      ? refusedReading(source, hl7Message)
      : read(source, hl7Message, payload, registry);
  });
  // What was odd about the envelope stands with its first message.
  return readings.map((reading, index) =>
    index === 0 ? { ...reading, warnings: [...interchange.warnings, ...reading.warnings] } : reading,
  );
}

/**
 * The documents that the reports of this payload list as attachments, by sha256: those inside OBX-5, and those of the
 * mail. Bytes are not part of a reading, since a reading is what `inspect --json` prints.
 */
export function readHl7Attachments(
  payload: Payload,
): ReadonlyMap<string, { readonly contentType: string; readonly bytes: Buffer }> {
  const found = new Map(payload.attachments.map(({ sha256, contentType, bytes }) => [sha256, { contentType, bytes }]));
  const messages = readHl7(payload.bytes, payload.charset).messages.filter((entry) => entry.kind === 'message');
  for (const { contentType, bytes, sha256 } of messages.flatMap(documentsIn)) found.set(sha256, { contentType, bytes });
  return found;
}

function documentsIn(hl7Message: Hl7Message): readonly Encapsulated[] {
  const context: Context = { hl7Message, warnings: [] };
  return hl7Message.segments
    .filter((segment) => segment.name === 'OBX' && textAt(context, segment, 2) === 'ED')
    .flatMap((obx) => readEncapsulated(context, obx))
    .flatMap((reading) => (reading.kind === 'document' ? [reading.document] : []));
}

function read(source: string, hl7Message: Hl7Message, payload: Payload, registry: LaboratoryRegistry): PayloadReading {
  const context: Context = { hl7Message, warnings: [...hl7Message.warnings] };
  const kind = messageKind(context);
  if (kind === 'oru') return readOru(source, context, payload, registry);
  const base = { source, format: 'hl7-other', warnings: context.warnings, reports: [] } as const;
  if (kind === 'not-lab') return { ...base, outcome: 'not-lab', code: null, position: null };
  return {
    ...base,
    outcome: 'quarantined',
    code: kind === 'missing' ? 'hl7.syntax' : 'hl7.unknown-message',
    position: { segment: 1, tag: 'MSH', field: 9 },
  };
}

// MSH-9.1 decides; old senders leave the event out, and ORU then can only be R01.
function messageKind(context: Context): 'oru' | 'not-lab' | 'unknown' | 'missing' {
  const msh = context.hl7Message.segments[0];
  const type = msh === undefined ? null : textAt(context, msh, 9);
  if (msh === undefined || type === null) return 'missing';
  const event = textAt(context, msh, 9, 2);
  if (type === 'ORU' && (event === 'R01' || event === null)) return 'oru';
  return NOT_LAB.has(type) ? 'not-lab' : 'unknown';
}

function readOru(source: string, context: Context, payload: Payload, registry: LaboratoryRegistry): PayloadReading {
  const msh = context.hl7Message.segments[0];
  const groups = groupSegments(context);
  if (msh === undefined || !isGroups(groups)) {
    const { code, position } = isGroups(groups) ? { code: 'hl7.syntax' as const, position: null } : groups;
    return reading(source, context, [], { code, position });
  }
  const oversized = oversizedDocument(context);
  if (oversized !== null) {
    return reading(source, context, [], { code: 'hl7.too-large', position: positionOf(oversized, 5) });
  }
  const header = readHeader(context, msh, registry, payload.mailSender);
  const read = groups.map((group) => readReport(context, header, group));
  // One bad PID group refuses the message: half of it delivered would look like all of it (lab-report.md, "Rules").
  const refusal = read.find((one) => one.refusal !== null)?.refusal ?? null;
  const test = header.isTest ? { code: 'lab.test-message' as const, position: positionOf(msh, 11) } : null;
  return reading(
    source,
    context,
    read.map(({ report }) => report),
    refusal ?? test,
  );
}

function isGroups(groups: ReturnType<typeof groupSegments>): groups is Extract<typeof groups, readonly unknown[]> {
  return Array.isArray(groups);
}

function reading(
  source: string,
  context: Context,
  reports: readonly LabReport[],
  refusal: { readonly code: ReasonCode; readonly position: Position | null } | null,
): PayloadReading {
  return {
    source,
    format: 'hl7-oru',
    outcome: refusal === null ? 'reports' : 'quarantined',
    code: refusal?.code ?? null,
    position: refusal?.position ?? null,
    warnings: context.warnings.toSorted((a, b) => (a.position?.segment ?? 0) - (b.position?.segment ?? 0)),
    reports,
  };
}

function refusedReading(source: string, { code, position }: RefusedMessage): PayloadReading {
  return { source, format: 'hl7-other', outcome: 'quarantined', code, position, warnings: [], reports: [] };
}
