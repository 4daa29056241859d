/** The documents that came with a report, for DiagnosticReport.presentedForm. */

import { createHash } from 'node:crypto';
import type { Attachment } from '@medplum/fhirtypes';
import { Failure } from '../../shared/failure.ts';
import type { ReportContent } from './patient-card.ts';

/** Every attachment of the report with its bytes. One whose bytes were not handed over is our own bug, never left out. */
export function toAttachments(content: ReportContent, version: string): readonly Attachment[] {
  return content.report.attachments.map(({ sha256 }) => {
    const document = content.attachments.get(sha256);
    if (document === undefined) throw new Failure('card.attachment-missing', { kind: 'defect', fields: { sha256 } });
    return {
      contentType: document.contentType,
      data: document.bytes.toString('base64'),
      size: document.bytes.length,
      // When the report that brought it was made: of two versions of a document a reader must see which is the later.
      creation: version,
      // SHA-1, base64: what Attachment.hash is defined as (R4 datatypes). A label, not a protection.
      hash: createHash('sha1').update(document.bytes).digest('base64'),
    };
  });
}
