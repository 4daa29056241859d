/**
 * MEDVRI version 1 to what stands in it, for reading back what we wrote and for showing it as a HIS would. It reads what
 * others write too, and warns where counters do not run; it knows no cards and stores nothing.
 */

import {
  componentText,
  type EdifactMessage,
  elementText,
  positionOf,
  readEnvelope,
  type Segment,
  type SegmentPosition,
  type SyntaxWarning,
  tokenise,
} from '../edifact/edifact.ts';
import { partMark } from './heading.ts';

export interface MedvriParty {
  readonly person: string | null;
  readonly department: string | null;
  readonly institution: string | null;
}

export interface MedvriPatient {
  readonly bsn: string | null;
  /** `1980:10:25`, as sent. */
  readonly birthDate: string | null;
  readonly sex: string | null;
  readonly name: {
    readonly partnerFamily: string | null;
    readonly partnerPrefix: string | null;
    readonly family: string | null;
    readonly prefix: string | null;
    readonly given: string | null;
    readonly initials: string | null;
  };
}

export interface MedvriMessage {
  /** ZorgMail accounts; null in a bare UNH..UNT. */
  readonly from: string | null;
  readonly to: string | null;
  readonly interchangeReference: string | null;
  readonly messageReference: string | null;
  /** `261125:1015`, as sent. */
  readonly sentAt: string | null;
  /** `26:11:25 10:15`, as sent. */
  readonly writtenAt: string | null;
  readonly sender: MedvriParty | null;
  readonly recipient: MedvriParty | null;
  readonly patient: MedvriPatient | null;
  /** TXT.1 of each line as sent: a blank line is whatever its sender makes of one. */
  readonly lines: readonly string[];
  readonly warnings: readonly SyntaxWarning[];
}

export type MedvriReading =
  | { readonly kind: 'read'; readonly messages: readonly MedvriMessage[]; readonly warnings: readonly SyntaxWarning[] }
  | { readonly kind: 'refused'; readonly code: string; readonly position: SegmentPosition | null };

/** Reads every message of a payload; refuses it whole where one of them is no MEDVRI or does not end. */
export function readMedvri(bytes: Buffer, charset: string | null): MedvriReading {
  const tokens = tokenise(bytes, charset);
  if (tokens.kind === 'refused') return tokens;
  const envelope = readEnvelope(tokens.segments);
  const [stray] = envelope.strays;
  if (stray !== undefined) return { kind: 'refused', code: 'edifact.syntax', position: positionOf(stray) };
  if (envelope.messages.length === 0) return { kind: 'refused', code: 'edifact.no-message', position: null };
  for (const { header, trailer } of envelope.messages) {
    const code = elementText(header, 2) !== 'MEDVRI:1' ? 'edifact.unknown-message' : 'edifact.truncated';
    if (code === 'edifact.unknown-message' || trailer === null)
      return { kind: 'refused', code, position: positionOf(header) };
  }
  return {
    kind: 'read',
    messages: envelope.messages.map(readMessage),
    warnings: [...tokens.warnings, ...envelope.warnings],
  };
}

/** One registration's part, as it stands in the lines of a message that we wrote. */
export interface RegistrationPart {
  readonly part: number;
  readonly parts: number;
  readonly heading: readonly string[];
  /** Blank lines are as the receiver's habit has them. */
  readonly text: readonly string[];
}

/** Heading and text apart: no line of our heading is blank, so the first blank line is where the text begins. */
export function registrationPart(lines: readonly string[]): RegistrationPart {
  const blank = lines.findIndex((line) => line.trim() === '' || line === '.');
  const heading = blank < 0 ? lines : lines.slice(0, blank);
  const mark = partMark(heading[0] ?? '') ?? { part: 1, parts: 1 };
  return { ...mark, heading, text: blank < 0 ? [] : lines.slice(blank + 1) };
}

/** The text of all parts of a registration, in whatever order they came; null while one is missing. */
export function joinedText(parts: readonly RegistrationPart[]): string | null {
  const ordered = [...parts].sort((one, other) => one.part - other.part);
  const isWhole = ordered.every(({ part, parts: count }, index) => part === index + 1 && count === ordered.length);
  return isWhole && ordered.length > 0 ? ordered.flatMap(({ text }) => text).join('\n') : null;
}

function readMessage({ interchange, header, body, warnings }: EdifactMessage): MedvriMessage {
  const first = (tag: string) => body.find((segment) => segment.tag === tag) ?? null;
  const texts = body.filter(({ tag }) => tag === 'TXT');
  const [det, pid] = [first('DET'), first('PID')];
  return {
    from: interchange && componentText(interchange, 2, 1),
    to: interchange && componentText(interchange, 3, 1),
    interchangeReference: interchange && componentText(interchange, 5, 1),
    messageReference: componentText(header, 1, 1),
    sentAt: interchange && elementText(interchange, 4),
    writtenAt: det && [elementText(det, 1), elementText(det, 2)].filter((part) => part !== null).join(' '),
    sender: partyOf(first('GGA')),
    recipient: partyOf(first('GGO')),
    patient: pid && patientOf(pid),
    lines: texts.map(rawText),
    warnings: [...warnings, ...texts.flatMap(counterWarnings)],
  };
}

// Not elementText: to that a text of two quotation marks is no text, and here it may be one.
function rawText({ elements }: Segment): string {
  return (elements[0] ?? []).join(':');
}

function counterWarnings(text: Segment, index: number): SyntaxWarning[] {
  const [number = String(index + 1)] = text.counters;
  return Number(number) === index + 1 ? [] : [{ code: 'edifact.counter-mismatch', position: positionOf(text) }];
}

function partyOf(segment: Segment | null): MedvriParty | null {
  if (segment === null) return null;
  return { person: elementText(segment, 1), department: elementText(segment, 2), institution: elementText(segment, 3) };
}

function patientOf(pid: Segment): MedvriPatient {
  const namePart = (component: number) => componentText(pid, 3, component);
  return {
    bsn: /^BSN(\d{9})$/.exec(elementText(pid, 5) ?? '')?.[1] ?? null,
    birthDate: elementText(pid, 1),
    sex: elementText(pid, 2),
    name: {
      partnerFamily: namePart(1),
      partnerPrefix: namePart(2),
      family: namePart(3),
      prefix: namePart(4),
      given: namePart(5),
      initials: namePart(6),
    },
  };
}
