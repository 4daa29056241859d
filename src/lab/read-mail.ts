/** All readings of one mail, in the order of its payloads: what `inspect` prints and what the pipeline records. */

import type { MailContents, Payload } from '../mail/mail.ts';
import { asFailure, type Failure } from '../shared/failure.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import { readHl7Attachments } from './from-hl7/from-hl7.ts';
import type { LaboratoryRegistry, PayloadReading } from './lab.ts';
import { readPayload } from './read-payload.ts';

/**
 * Readings of one mail, and reports where a reading has several: each becomes a row of its own, which a person may have to
 * decide on. No laboratory sends as many in one mail.
 */
export const REPORTS_MAX = 1_000;

/**
 * Reads every payload by itself: one that our reader fails on does not keep its siblings from being read. A mail without
 * any payload is one `unknown`, `not-lab` reading; a mail that must be kept as a whole adds one quarantined reading.
 * `onDefect` hears of reader failures, so that the caller can log them.
 */
export function readMailContents(
  contents: MailContents,
  registry: LaboratoryRegistry,
  onDefect: (failure: Failure) => void = () => {},
): readonly PayloadReading[] {
  const readings = contents.payloads.flatMap((payload) => {
    try {
      return readWithDocuments(payload, registry);
    } catch (thrown) {
      onDefect(asFailure(thrown, 'lab.reader-failed'));
      return [kept(payload.source, 'mail.reader-failed')];
    }
  });
  const count = readings.reduce((sum, { reports }) => sum + Math.max(1, reports.length), 0);
  if (count > REPORTS_MAX) return [kept('mail', 'mail.too-large')];
  if (contents.quarantine !== null) return [...readings, kept('mail', contents.quarantine)];
  return readings.length > 0 ? readings : [{ ...kept('mail', null), outcome: 'not-lab' }];
}

/** The documents that reports of this payload may name, by sha256: those beside it in the mail, and those inside HL7. */
export function readPayloadAttachments(
  payload: Payload,
): ReadonlyMap<string, { readonly contentType: string; readonly bytes: Buffer }> {
  if (payload.kind === 'hl7') return readHl7Attachments(payload);
  return new Map(payload.attachments.map(({ sha256, contentType, bytes }) => [sha256, { contentType, bytes }]));
}

// Beside the results of two patients nobody can say whose a document is: the reader gives it to neither report, and a
// person is asked to look.
function readWithDocuments(payload: Payload, registry: LaboratoryRegistry): readonly PayloadReading[] {
  const readings = readPayload(payload, registry);
  const reports = readings.reduce((sum, reading) => sum + reading.reports.length, 0);
  if (payload.attachments.length === 0 || reports <= 1) return readings;
  return [...readings, kept(`${payload.source} attachments`, 'mail.attachment-unclear')];
}

function kept(source: string, code: ReasonCode | null): PayloadReading {
  return { source, format: 'unknown', outcome: 'quarantined', code, position: null, warnings: [], reports: [] };
}
