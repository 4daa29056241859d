/**
 * MEDRPT 3.2, `MEDRPT:D:93A:UN:MRPN32` (edifact.md §4): one message is one report about one patient. Known from one writer
 * only: whatever is not as that writer has it is a note, a hold or a Refusal. What stands before the first material is the
 * head; its segments are told apart by their qualifiers, whichever S-group they stand in.
 */

import type { EdifactMessage, Segment } from '../../edifact/edifact.ts';
import { withResultKeys } from '../key.ts';
import type { LabReport, Specimen } from '../lab.ts';
import { codeListOf, findLaboratory, type Laboratory } from '../laboratories.ts';
import { checkElementCounts } from './element-counts.ts';
import { MedrptHead } from './medrpt-head.ts';
import { readIssuedAt, readSentMoment } from './medrpt-moment.ts';
import { readMedrptCopy, readMedrptRecipient, readMedrptRequester, readMedrptSender } from './medrpt-parties.ts';
import { readMedrptPatient } from './medrpt-patient.ts';
import { qualifiedText } from './medrpt-qualifier.ts';
import { ftxLines } from './medrpt-remark.ts';
import { MATERIAL_TAGS, MedrptSpecimens } from './medrpt-specimen.ts';
import { readReportStatus } from './medrpt-status.ts';
import type { Notes } from './notes.ts';
import { readAccount } from './parties.ts';
import { Refusal } from './refusal.ts';
import { isTestInterchange, type MessageContext, readReferences } from './service.ts';

// FTX is free text and joins its surplus; COM may repeat its number. The parties' addresses are read past.
const ELEMENT_COUNTS: ReadonlyMap<string, number> = new Map(
  Object.entries({ BGM: 4, DTM: 1, RFF: 1, STS: 2, PDI: 1, SPC: 2, INV: 2, RSL: 5, RND: 3 }),
);

/** Reads a MEDRPT message; throws a Refusal where it must be quarantined. */
export function readMedrpt(message: EdifactMessage, context: MessageContext): LabReport {
  const { interchange, header } = message;
  const { notes } = context;
  checkElementCounts(message, ELEMENT_COUNTS, notes);
  const { head, specimens: groups } = takeSegments(message, notes);
  const laboratory = findMedrptLaboratory(message, context)?.id ?? null;
  const patient = readMedrptPatient(head, header, notes);
  const specimens = groups.finish({
    codes: codeListOf(context.registry, laboratory),
    labNumber: readLabNumber(head, header, notes),
    issuedAt: readIssuedAt(head.one('DTM', 'ISR'), notes),
    status: readReportStatus(head, header, notes),
  });
  const comments = head.comments.flatMap(ftxLines);
  if (comments.length === 0 && specimens.every(isEmpty)) throw new Refusal('edifact.no-results', header);
  const account = readAccount(interchange, 2);
  return {
    references: readReferences(message),
    sentAt: readSentMoment(interchange, head.one('DTM', '137'), notes),
    isTest: isTestInterchange(interchange),
    laboratory,
    holds: notes.holds,
    sender: readMedrptSender(interchange, head.one('NAD', 'SLA')),
    recipient: readMedrptRecipient(interchange, head.one('NAD', 'SLA')),
    requester: readMedrptRequester(head.one('NAD', 'PO')),
    copy: readMedrptCopy(head.all('NAD', 'CCR')),
    patient,
    specimens: withResultKeys(specimens, laboratory ?? account ?? '', null),
    comments,
    attachments: [],
    notCarried: notes.notCarried,
  };
}

/** The laboratory of a MEDRPT message, by the same clues in the same order as for MEDLAB. */
export function findMedrptLaboratory(message: EdifactMessage, context: MessageContext): Laboratory | null {
  const { interchange, body } = message;
  const sla = body.find((segment) => segment.tag === 'NAD' && qualifiedText(segment).qualifier === 'SLA') ?? null;
  return findLaboratory(context.registry, {
    account: readAccount(interchange, 2),
    mailSender: context.mailSender,
    institution: readMedrptSender(interchange, sla).name,
  });
}

function takeSegments({ body }: EdifactMessage, notes: Notes) {
  const head = new MedrptHead(notes);
  const specimens = new MedrptSpecimens(notes);
  let isInMaterial = false;
  for (const segment of body) {
    isInMaterial ||= MATERIAL_TAGS.has(segment.tag);
    const isOfMaterial = isInMaterial && specimens.take(segment);
    if (!isOfMaterial) head.take(segment, isInMaterial);
  }
  return { head, specimens };
}

/** RFF+SRI. Two of them in one message: nobody says which results are whose. */
function readLabNumber(head: MedrptHead, header: Segment, notes: Notes): string | null {
  const sent = head.all('RFF', 'SRI').filter((segment) => qualifiedText(segment).text !== null);
  const [first, ...others] = sent;
  if (first === undefined) {
    // The lab number tells this request's results from every other request's: without it they would replace each other.
    notes.hold('lab.no-lab-number', head.one('RFF', 'SRI') ?? header);
    return null;
  }
  const { text } = qualifiedText(first);
  const other = others.find((segment) => qualifiedText(segment).text !== text);
  if (other !== undefined) throw new Refusal('edifact.no-specimen', other);
  return text;
}

function isEmpty({ results, remarks }: Specimen): boolean {
  return results.length === 0 && remarks.length === 0;
}
