/**
 * The door of lab/from-edifact: an EDIFACT payload goes in, one reading per UNH..UNT comes out.
 *
 * It promises: every message is named by its UNH before a segment of it is interpreted; siblings are read apart from each
 * other, so that one that cannot be read does not hold up the rest; nothing is thrown, whatever the bytes are.
 */

import {
  type EdifactMessage,
  positionOf,
  readEnvelope,
  type Segment,
  type SyntaxWarning,
  tokenise,
} from '../../edifact/edifact.ts';
import type { Payload } from '../../mail/mail.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { PayloadReading, Position, Warning } from '../lab.ts';
import type { LaboratoryRegistry } from '../laboratories.ts';
import { readMedlab } from './medlab.ts';
import { findMedrptLaboratory, readMedrpt } from './medrpt.ts';
import { Notes } from './notes.ts';
import { Refusal } from './refusal.ts';
import { isTestInterchange, type MessageContext, type MessageKind, messageKind } from './service.ts';

type Reading = Omit<PayloadReading, 'source'>;

/** Reads every message of an EDIFACT payload, in its order. */
export function readEdifactPayload(payload: Payload, registry: LaboratoryRegistry): readonly PayloadReading[] {
  const tokens = tokenise(payload.bytes, payload.charset);
  if (tokens.kind === 'refused') return sourced([quarantined('unknown', tokens.code, tokens.position, [])], payload);
  const envelope = readEnvelope(tokens.segments);
  const { byMessage, unowned } = sortWarnings(tokens.warnings, envelope.messages);
  const readings = [
    ...envelope.messages.map((message) => {
      const reading = readMessage(message, registry, payload.mailSender);
      const warnings = [...reading.warnings, ...message.warnings, ...(byMessage.get(message) ?? [])];
      return { at: message.header.number, reading: { ...reading, warnings } };
    }),
    ...envelope.strays.map((stray) => ({ at: stray.number, reading: readStray(stray) })),
  ];
  const inOrder = readings.sort((a, b) => a.at - b.at).map(({ reading }) => reading);
  const [first = quarantined('unknown', 'edifact.no-message', null, []), ...others] = inOrder;
  // What is odd about the payload as a whole stands with its first reading.
  const warnings = [...first.warnings, ...unowned, ...envelope.warnings];
  return sourced([{ ...first, warnings }, ...others], payload);
}

function readMessage(message: EdifactMessage, registry: LaboratoryRegistry, mailSender: string | null): Reading {
  const { format, meaning } = messageKind(message.header);
  if (meaning === 'letter') {
    return { format, outcome: 'not-lab', code: null, position: null, warnings: [], reports: [] };
  }
  const header = positionOf(message.header, 2);
  if (meaning === 'unknown') return quarantined(format, 'edifact.unknown-message', header, []);
  if (message.trailer === null) return quarantined(format, 'edifact.truncated', lastPosition(message), []);
  const context = { registry, mailSender, notes: new Notes() };
  const reading = readLaboratoryMessage(message, context, { format, meaning });
  if (meaning === 'medlab' || isMedrptEnabled(message, context)) return reading;
  return notEnabled(reading, header);
}

function readLaboratoryMessage(
  message: EdifactMessage,
  context: MessageContext,
  { format, meaning }: MessageKind,
): Reading {
  const { notes } = context;
  try {
    const report = meaning === 'medrpt' ? readMedrpt(message, context) : readMedlab(message, context);
    const { warnings } = notes;
    const reports = [report];
    if (message.interchange !== null && isTestInterchange(message.interchange)) {
      const position = positionOf(message.interchange, 11);
      return { ...quarantined(format, 'lab.test-message', position, warnings), reports };
    }
    return { format, outcome: 'reports', code: null, position: null, warnings, reports };
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return quarantined(format, thrown.reason, thrown.position, notes.warnings);
  }
}

function isMedrptEnabled(message: EdifactMessage, context: MessageContext): boolean {
  return findMedrptLaboratory(message, context)?.medrptEnabled === true;
}

/**
 * MEDRPT is known from one writer only (edifact.md §4): until a laboratory's own messages were compared it is read, but
 * never delivered. What it would be quarantined for besides is a warning then: the misreading may well be ours, and
 * nobody should ask that laboratory for a better message.
 */
function notEnabled(reading: Reading, header: Position): Reading {
  if (reading.code === 'lab.test-message') return reading;
  const also = reading.code === null ? [] : [{ code: reading.code, position: reading.position }];
  return {
    ...reading,
    outcome: 'quarantined',
    code: 'edifact.medrpt-not-enabled',
    position: header,
    warnings: [...reading.warnings, ...also],
  };
}

// Segments without a UNH, or after the UNT: a message whose head was lost.
function readStray(stray: Segment): Reading {
  const isTrailer = stray.tag === 'UNT' || stray.tag === 'UNZ';
  return quarantined('unknown', isTrailer ? 'edifact.no-message' : 'edifact.syntax', positionOf(stray), []);
}

function quarantined(
  format: PayloadReading['format'],
  code: ReasonCode,
  position: Position | null,
  warnings: readonly Warning[],
): Reading {
  return { format, outcome: 'quarantined', code, position, warnings, reports: [] };
}

function lastPosition({ header, body }: EdifactMessage): Position {
  return positionOf(body.at(-1) ?? header);
}

// Warnings about a segment go to the message that it is part of.
function sortWarnings(warnings: readonly SyntaxWarning[], messages: readonly EdifactMessage[]) {
  const owners = new Map<number, EdifactMessage>();
  for (const message of messages) {
    for (const segment of [message.header, ...message.body, message.trailer]) {
      if (segment !== null) owners.set(segment.number, message);
    }
  }
  const byOwner = Map.groupBy(warnings, ({ position }) => owners.get(position?.segment ?? 0));
  const unowned = byOwner.get(undefined) ?? [];
  return { byMessage: byOwner as ReadonlyMap<EdifactMessage | undefined, readonly SyntaxWarning[]>, unowned };
}

// Each reading's warnings in the order of what they are about; those without a place first.
function sourced(readings: readonly Reading[], { source }: Payload): readonly PayloadReading[] {
  return readings.map((reading, index) => ({
    source: index === 0 ? source : `${source} message ${index + 1}`,
    ...reading,
    warnings: [...reading.warnings].sort((a, b) => (a.position?.segment ?? 0) - (b.position?.segment ?? 0)),
  }));
}
