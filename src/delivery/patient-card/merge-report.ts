/**
 * A report that comes in parts ends as one DiagnosticReport: the newest part says what its state is, but no part may
 * take away what another one brought. Omission deletes nothing (lab-report.md): results, comments and documents add up.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Attachment, DiagnosticReport, Extension, Reference } from '@medplum/fhirtypes';
import { moment } from './content.ts';
import { overlay } from './overlay.ts';
import { prune } from './prune.ts';
import { COMMENT_EXTENSION } from './systems.ts';

export interface ResultCounts {
  readonly resultCount: number;
  /** How many of them this write creates or changes. */
  readonly changedCount: number;
}

/** The DiagnosticReport to write, or null when the card has all of it. */
export function mergeReport(
  onCard: DiagnosticReport,
  incoming: DiagnosticReport,
  counts: ResultCounts,
): DiagnosticReport | null {
  const isNewest = isNewestReport(onCard, incoming, counts);
  const base = isNewest ? incoming : onCard;
  const merged = overlay<DiagnosticReport>(onCard, {
    ...base,
    ...prune<Partial<DiagnosticReport>>({
      extension: [...commentExtensions(onCard, incoming, isNewest), ...otherExtensions(base)],
      result: union(onCard.result, incoming.result),
      specimen: union(onCard.specimen, incoming.specimen),
      conclusion: conclusion(onCard, incoming, isNewest),
      presentedForm: [...documents(onCard, incoming, isNewest)],
    }),
    status: statusOf(onCard, incoming, { isNewest, isChanging: counts.changedCount > 0 }),
  });
  return isDeepStrictEqual(comparable(merged), comparable(onCard)) ? null : merged;
}

// A later report whose results all lost from the card's (a late preliminary one) does not speak for the card either.
function isNewestReport(onCard: DiagnosticReport, incoming: DiagnosticReport, counts: ResultCounts): boolean {
  const age = Date.parse(incoming.issued ?? '') - Date.parse(onCard.issued ?? '');
  if (Number.isNaN(age)) return true;
  return counts.resultCount === 0 ? age > 0 : age >= 0 && counts.changedCount > 0;
}

// A report that only retracts one of several results has not become an error itself.
function statusOf(
  onCard: DiagnosticReport,
  incoming: DiagnosticReport,
  { isNewest, isChanging }: { readonly isNewest: boolean; readonly isChanging: boolean },
): DiagnosticReport['status'] {
  const count = union(onCard.result, incoming.result)?.length ?? 0;
  // A final result outranks a preliminary one that was sent later (newest.ts), and so does its report.
  if (!isNewest && isChanging && onCard.status === 'preliminary')
    return incoming.result?.length === count ? incoming.status : 'partial';
  const { status, result } = isNewest ? incoming : onCard;
  // Also where the others arrive later than the retraction: valid results never stand in a report that is an error.
  const isPart = count > (result?.length ?? 0);
  const isVoid = status === 'entered-in-error' || status === 'cancelled';
  return isVoid && isPart ? 'corrected' : status;
}

function comments(report: DiagnosticReport): readonly string[] {
  return (report.extension ?? []).flatMap(({ url, valueString }) =>
    url === COMMENT_EXTENSION && valueString !== undefined ? [valueString] : [],
  );
}

// Newest first; a text that another one contains is said already.
function addedComments(onCard: DiagnosticReport, incoming: DiagnosticReport): readonly string[] {
  const known = comments(onCard);
  return comments(incoming).filter((text) => !known.some((other) => other.includes(text)));
}

function earlierComments(onCard: DiagnosticReport, incoming: DiagnosticReport): readonly string[] {
  const fresh = comments(incoming);
  return comments(onCard).filter((text) => !fresh.some((other) => other.includes(text)));
}

function commentExtensions(
  onCard: DiagnosticReport,
  incoming: DiagnosticReport,
  isNewest: boolean,
): readonly Extension[] {
  const texts = isNewest
    ? [...comments(incoming), ...earlierComments(onCard, incoming)]
    : [...comments(onCard), ...addedComments(onCard, incoming)];
  return texts.map((valueString) => ({ url: COMMENT_EXTENSION, valueString }));
}

function otherExtensions(report: DiagnosticReport): readonly Extension[] {
  return (report.extension ?? []).filter(({ url }) => url !== COMMENT_EXTENSION);
}

function conclusion(onCard: DiagnosticReport, incoming: DiagnosticReport, isNewest: boolean): string {
  const lines = isNewest
    ? [incoming.conclusion, ...earlierComments(onCard, incoming)]
    : [onCard.conclusion, ...addedComments(onCard, incoming)];
  return lines.filter((text) => text !== undefined && text !== '').join('\n');
}

function union<T extends Reference>(left: T[] | undefined, right: T[] | undefined): T[] | undefined {
  const byTarget = new Map([...(left ?? []), ...(right ?? [])].map((reference) => [targetOf(reference), reference]));
  return byTarget.size === 0 ? undefined : [...byTarget.values()];
}

// A server may answer with an absolute address, or with the version it resolved to.
function targetOf(reference: Reference): string {
  return reference.reference?.match(/[A-Za-z]+\/[A-Za-z0-9.-]+(?=$|\/_history)/)?.[0] ?? reference.reference ?? '';
}

// Newest first; one that is there already keeps the moment under which it first came.
function documents(onCard: DiagnosticReport, incoming: DiagnosticReport, isNewest: boolean): readonly Attachment[] {
  const [known, sent] = [onCard.presentedForm ?? [], incoming.presentedForm ?? []];
  const nameOf = ({ hash, data }: Attachment) => hash ?? data;
  const there = new Set(known.map(nameOf));
  const added = sent.filter((attachment) => !there.has(nameOf(attachment)));
  return isNewest ? [...added, ...known] : [...known, ...added];
}

function comparable(report: DiagnosticReport): unknown {
  return {
    status: report.status,
    issued: moment(report.issued ?? ''),
    conclusion: report.conclusion,
    comments: comments(report),
    results: (report.result ?? []).map(targetOf).sort(),
    documents: (report.presentedForm ?? []).map((attachment) => attachment.hash),
  };
}
