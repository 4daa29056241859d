/**
 * MEDLAB version 1 (edifact.md §3): one message is one report about one patient. Reads in the order of the segments;
 * what cannot be meant is a Refusal, what deviates is a note.
 */

import type { EdifactMessage, Segment } from '../../edifact/edifact.ts';
import type { CodeList } from '../codes/codes.ts';
import { withResultKeys } from '../key.ts';
import type { LabReport, Specimen } from '../lab.ts';
import { codeListOf, findLaboratory } from '../laboratories.ts';
import { checkElementCounts } from './element-counts.ts';
import { readSentAt } from './moment.ts';
import type { Notes } from './notes.ts';
import { readAccount, readCopy, readRecipient, readRequester, readSender } from './parties.ts';
import { readPatient } from './patient.ts';
import { Refusal } from './refusal.ts';
import { isTestInterchange, type MessageContext, readReferences } from './service.ts';
import { GROUP_TAGS, lineText, SpecimenReader } from './specimen.ts';

/** Reads a MEDLAB message; throws a Refusal where it must be quarantined. */
export function readMedlab(message: EdifactMessage, context: MessageContext): LabReport {
  const { interchange, header } = message;
  const { notes } = context;
  checkElementCounts(message, ELEMENT_COUNTS, notes);
  const head = readHead(message, notes);
  const pid = head.get('PID');
  if (pid === undefined) throw new Refusal('edifact.no-patient', header);
  const zkh = head.get('ZKH') ?? null;
  const account = readAccount(interchange, 2);
  const clues = {
    account,
    mailSender: context.mailSender,
    institution: zkh === null ? null : readSender(null, zkh).name,
  };
  const laboratory = findLaboratory(context.registry, clues)?.id ?? null;
  const patient = readPatient(pid, notes);
  const { specimens, comments } = readGroups(message, codeListOf(context.registry, laboratory), notes);
  return {
    references: readReferences(message),
    sentAt: interchange === null ? null : readSentAt(interchange, notes),
    isTest: isTestInterchange(interchange),
    laboratory,
    holds: notes.holds,
    sender: readSender(interchange, zkh),
    recipient: readRecipient(interchange),
    requester: readRequester(head.get('ART') ?? null),
    copy: readCopy(head.get('KOP') ?? null, notes),
    patient,
    specimens: withResultKeys(specimens, laboratory ?? account ?? '', null),
    comments,
    attachments: [],
    notCarried: notes.notCarried,
  };
}

/** The tags of the head, each but ARA once. */
export const HEAD_TAGS: ReadonlySet<string> = new Set(['ZKH', 'PID', 'PAD', 'BLG', 'ART', 'AFD', 'ARA', 'KOP']);
const MANDATORY_TAGS = ['ZKH', 'AFD', 'ARA'];

// The head: at most one of each but ARA.
function readHead(message: EdifactMessage, notes: Notes): ReadonlyMap<string, Segment> {
  const { header, body } = message;
  const head = new Map<string, Segment>();
  const firstGroup = body.find(({ tag }) => tag === 'DET')?.number ?? Number.POSITIVE_INFINITY;
  for (const segment of body.filter(({ tag }) => HEAD_TAGS.has(tag))) {
    const { tag } = segment;
    if (tag === 'PID') checkPatientPlace(segment, header, firstGroup, head.has(tag));
    if (segment.number > firstGroup) notes.warn('edifact.segment-order', segment);
    if (tag === 'BLG') notes.leaveOut('edifact.blood-group', segment);
    else if (head.has(tag) && tag !== 'ARA') notes.leaveOut('edifact.segment-repeated', segment);
    head.set(tag, head.get(tag) ?? segment);
  }
  for (const tag of MANDATORY_TAGS.filter((one) => !head.has(one))) {
    notes.warn(`edifact.${tag.toLowerCase()}-missing`, header);
  }
  return head;
}

// With a second patient the results could be either's; one named after the results is no safer than none, since the head
// may belong to another message.
function checkPatientPlace(pid: Segment, header: Segment, firstGroup: number, isRepeated: boolean): void {
  if (isRepeated) throw new Refusal('edifact.patient-repeated', pid);
  if (pid.number > firstGroup) throw new Refusal('edifact.no-patient', header);
}

/** How many elements a segment has (edifact.md §3.2); lines of text are not among them, their surplus is put back. */
export const ELEMENT_COUNTS: ReadonlyMap<string, number> = new Map(
  Object.entries({ ZKH: 4, PID: 5, PAD: 2, BLG: 1, ART: 5, AFD: 2, ARA: 2, KOP: 6, DET: 2, IDE: 4, SEC: 1, BEP: 9 }),
);

interface Groups {
  readonly specimens: readonly Specimen[];
  readonly comments: readonly string[];
}

function readGroups({ header, body }: EdifactMessage, codes: CodeList, notes: Notes): Groups {
  const readers: SpecimenReader[] = [];
  const comments: string[] = [];
  for (const segment of body.filter(({ tag }) => !HEAD_TAGS.has(tag))) {
    if (segment.tag === 'DET') readers.push(new SpecimenReader(segment, codes, notes));
    else if (segment.tag === 'COM') comments.push(lineText(segment));
    else if (GROUP_TAGS.has(segment.tag)) groupOf(readers, segment).take(segment);
    else notes.leaveOut('edifact.unknown-segment', segment);
  }
  if (readers.length === 0) throw new Refusal('edifact.no-specimen', header);
  const specimens = readers.map((reader) => reader.finish());
  if (comments.length === 0 && specimens.every(isEmpty)) throw new Refusal('edifact.no-results', header);
  return { specimens, comments };
}

function groupOf(readers: readonly SpecimenReader[], segment: Segment): SpecimenReader {
  const group = readers.at(-1);
  if (group === undefined) throw new Refusal('edifact.no-specimen', segment);
  return group;
}

function isEmpty({ results, pending, remarks }: Specimen): boolean {
  return results.length === 0 && pending.length === 0 && remarks.length === 0;
}
