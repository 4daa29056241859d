/**
 * An interchange to the whole mail (RFC 5322, RFC 1767). By hand, and not by the mail library: the bytes are stored and sent
 * again weeks later, so nothing in them may be random, depend on a version or be folded by taste. Base64, so that a lone CR
 * or a line of 70 characters and its release characters arrive as they left.
 */

import { ENVELOPE_ID_FIELD } from '../../receipt/receipt.ts';
import { Failure } from '../../shared/failure.ts';
import type { OutwardMail } from './zorgmail.ts';

/** RFC 2045 §6.8. */
const BASE64_LINE = 76;

const ADDRESS = /^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,200}$/;
const MESSAGE_ID = /^<[A-Za-z0-9._+-]{1,100}@[A-Za-z0-9.-]{1,100}>$/;
/** What may stand in an ENVID without being encoded (RFC 3461 §4: xtext without `+` and `=`). */
const ENVELOPE_ID = /^[A-Za-z0-9._-]{1,100}$/;
const SUBJECT = /^[\x21-\x7e](?:[\x20-\x7e]{0,68}[\x21-\x7e])?$/;
const LIKE_A_BSN = /(?:^|[^0-9])[0-9]{8,9}(?:[^0-9]|$)/;

/** The exact bytes of the mail: lines of ASCII that end in CRLF. A field that cannot be a header is a defect of the caller. */
export function renderMail(mail: OutwardMail): Buffer {
  check(ADDRESS.test(mail.from), 'from');
  check(ADDRESS.test(mail.to), 'to');
  check(MESSAGE_ID.test(mail.messageId), 'message-id');
  check(ENVELOPE_ID.test(mail.envelopeId), 'envelope-id');
  check(SUBJECT.test(mail.subject) && !LIKE_A_BSN.test(mail.subject), 'subject');
  check(!Number.isNaN(mail.date.getTime()), 'date');
  check(mail.edifact.length > 0, 'edifact');
  const body = mail.edifact.toString('base64');
  return Buffer.from([...headerLines(mail), '', ...linesOf(body), ''].join('\r\n'), 'latin1');
}

/** Whether both can stand in an SMTP envelope as they are: no blank, no bracket, no line end, ASCII. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

export function isEnvelopeId(text: string): boolean {
  return ENVELOPE_ID.test(text);
}

function headerLines(mail: OutwardMail): readonly string[] {
  return [
    `Date: ${mail.date.toUTCString().replace('GMT', '+0000')}`,
    `From: <${mail.from}>`,
    `To: <${mail.to}>`,
    `Message-ID: ${mail.messageId}`,
    `Subject: ${mail.subject}`,
    `${ENVELOPE_ID_FIELD}: ${mail.envelopeId}`,
    // RFC 3834 §5: nobody's absence assistant is to answer.
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: application/EDIFACT',
    'Content-Transfer-Encoding: base64',
    // Systems that look for a file look for this ending.
    `Content-Disposition: attachment; filename="${mail.envelopeId}.edi"`,
  ];
}

function linesOf(base64: string): readonly string[] {
  return Array.from({ length: Math.ceil(base64.length / BASE64_LINE) }, (_, line) =>
    base64.slice(line * BASE64_LINE, (line + 1) * BASE64_LINE),
  );
}

function check(isFine: boolean, field: string): void {
  if (!isFine) throw new Failure('zorgmail.header', { kind: 'defect', fields: { field } });
}
