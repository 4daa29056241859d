/** A payload of any kind to its readings: EDIFACT and HL7 by their own readers, the rest by what it looks like. */

import type { MailAttachment, Payload } from '../mail/mail.ts';
import { readEdifactPayload } from './from-edifact/from-edifact.ts';
import { readHl7Payload } from './from-hl7/from-hl7.ts';
import type { LabReport, PayloadReading } from './lab.ts';
import type { LaboratoryRegistry } from './laboratories.ts';

/** Reads a payload. Never throws because of what the bytes are, never waits, never looks outside the payload. */
export function readPayload(payload: Payload, registry: LaboratoryRegistry): readonly PayloadReading[] {
  if (payload.kind === 'edifact') return withAttachments(readEdifactPayload(payload, registry), payload.attachments);
  if (payload.kind === 'hl7') return withAttachments(readHl7Payload(payload, registry), payload.attachments);
  if (payload.kind === 'xml') return [readXml(payload)];
  return [quarantined(payload, 'unknown', 'mail.resembles-laboratory')];
}

/**
 * Documents of the mail join its report. Where the payload has several reports, nobody says whose they are: they go to
 * none of them, and every report says so.
 */
function withAttachments(
  readings: readonly PayloadReading[],
  attachments: readonly MailAttachment[],
): readonly PayloadReading[] {
  if (attachments.length === 0) return readings;
  const isOnly = readings.flatMap(({ reports }) => reports).length === 1;
  return readings.map((reading) => {
    if (reading.reports.length === 0) return reading;
    if (isOnly) return { ...reading, reports: reading.reports.map((report) => attached(report, attachments)) };
    const notCarried = { code: 'lab.attachment-of-several', count: attachments.length };
    return {
      ...reading,
      warnings: [...reading.warnings, { code: 'lab.attachment-of-several', position: null }],
      reports: reading.reports.map((report) => ({ ...report, notCarried: [...report.notCarried, notCarried] })),
    };
  });
}

function attached(report: LabReport, attachments: readonly MailAttachment[]): LabReport {
  const known = new Set(report.attachments.map(({ sha256 }) => sha256));
  const added = attachments.filter(({ sha256 }) => !known.has(sha256));
  const described = added.map(({ contentType, bytes, sha256 }) => ({ contentType, bytes: bytes.length, sha256 }));
  return { ...report, attachments: [...report.attachments, ...described] };
}

// ZorgMail's own XML renderings of these messages (edifact.md §7) have no known schema: recognised by the names of their
// elements and namespaces, never read. A page or a newsletter that only mentions ZorgMail is none.
const ZORGMAIL_NAME = /<[^<>]*\b(?:medlab|medvri|medvry|medspe|medrad|medrpt|zorgmail|edifact)/i;
const HTML_ELEMENT = /<(?:!doctype\s+html|html|head|body|div|p|table|span|br)\b/i;

function readXml(payload: Payload): PayloadReading {
  // In UTF-16 every second byte of a name is zero; without those the names can be seen.
  const text = payload.bytes.toString('latin1').replaceAll('\0', '');
  if (ZORGMAIL_NAME.test(text) && !HTML_ELEMENT.test(text)) {
    return quarantined(payload, 'zorgmail-xml', 'edifact.zorgmail-xml');
  }
  const nothing = { code: null, position: null, warnings: [], reports: [] };
  return { source: payload.source, format: 'unknown', outcome: 'not-lab', ...nothing };
}

function quarantined(
  { source }: Payload,
  format: PayloadReading['format'],
  code: 'mail.resembles-laboratory' | 'edifact.zorgmail-xml',
): PayloadReading {
  return { source, format, outcome: 'quarantined', code, position: null, warnings: [], reports: [] };
}
