/** What the service segments UNB and UNH say of a message: its kind, its references, and whether it is a test. */

import { componentText, type EdifactMessage, elementText, type Segment } from '../../edifact/edifact.ts';
import type { LabReport, PayloadFormat } from '../lab.ts';
import type { LaboratoryRegistry } from '../laboratories.ts';
import type { Notes } from './notes.ts';

/** What the reader of a message gets beside it. */
export interface MessageContext {
  readonly registry: LaboratoryRegistry;
  readonly mailSender: string | null;
  readonly notes: Notes;
}

export interface MessageKind {
  readonly format: PayloadFormat;
  /** letter: rightly no laboratory result. unknown: never guessed at, quarantined. */
  readonly meaning: 'medlab' | 'medrpt' | 'letter' | 'unknown';
}

// Type, version, release, agency, association code (edifact.md §1). The same tags mean other things in other messages, so
// nothing is read before the kind is known; `MEDLAB:1:1:NL` is a simulator's invention and not among them (§3.4).
const KINDS: readonly (readonly [pattern: RegExp, kind: MessageKind])[] = [
  [/^MEDLAB:1$/, { format: 'medlab-1', meaning: 'medlab' }],
  [/^MEDRPT:D:93A:UN:MRPN32$/, { format: 'medrpt-3.2', meaning: 'medrpt' }],
  [/^MEDVRI:1$/, { format: 'medvri-1', meaning: 'letter' }],
  [/^MEDVRY:3(?::911:IT:VRY31)?$/, { format: 'medvry-3.1', meaning: 'letter' }],
  [/^MEDSPE:3(?::911:IT:SPE31)?$/, { format: 'medspe-3.1', meaning: 'letter' }],
  [/^MEDSPE:1$/, { format: 'medspe-1', meaning: 'letter' }],
  [/^MEDRAD:1$/, { format: 'medrad-1', meaning: 'letter' }],
];

export function messageKind(header: Segment): MessageKind {
  const identifier = withoutEmptyEnd(elementText(header, 2) ?? '').toUpperCase();
  const known = KINDS.find(([pattern]) => pattern.test(identifier));
  return known?.[1] ?? { format: 'unknown', meaning: 'unknown' };
}

// Walked from the end: a pattern like `[:\s]+$` begins anew at each of many colons, and takes their square in steps.
function withoutEmptyEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /[:\s]/.test(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
}

export function readReferences({ interchange, header }: EdifactMessage): LabReport['references'] {
  return {
    interchange: interchange === null ? null : (componentText(interchange, 5, 1)?.trim() ?? null),
    message: componentText(header, 1, 1)?.trim() ?? null,
  };
}

/** UNB.11: 1 is a test; ISO 9735 has more numbers for it, and none of them is meant for a patient's card. */
export function isTestInterchange(interchange: Segment | null): boolean {
  return interchange !== null && (elementText(interchange, 11)?.trim() ?? '0') !== '0';
}
