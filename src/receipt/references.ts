/** How receipts name a mail: forms only. Whether a name is one of ours is for who knows what was sent. */

import type { MailParts } from '../mail/mail.ts';
import { type Fields, headerFields, linesOf } from './fields.ts';
import type { Receipt, ReceiptKind, Reference } from './receipt.ts';

/** The header field that carries our envelope id, for bounces that return headers and know no ENVID. */
export const ENVELOPE_ID_FIELD = 'X-Zorgkoerier-Id';

const OWN_FIELD = ENVELOPE_ID_FIELD.toLowerCase();

/** A Message-ID, of which a value holds one. */
export function messageId(value: string | undefined): readonly Reference[] {
  const found = /<[\x21-\x3b\x3d\x3f-\x7e]{3,250}>/.exec(value ?? '')?.[0];
  return found === undefined ? [] : [{ by: 'message-id', reference: found }];
}

/** An envelope id; some systems write the brackets of a Message-ID around it. */
export function envelopeId(value: string | undefined): readonly Reference[] {
  const found = /^<?([\x21-\x3b\x3d\x3f-\x7e]{1,100})>?$/.exec((value ?? '').trim())?.[1];
  return found === undefined ? [] : [{ by: 'envelope-id', reference: found }];
}

/** What the header of one of our own mails names. */
export function ownReferences(header: Fields): readonly Reference[] {
  return [...envelopeId(header.get(OWN_FIELD)), ...messageId(header.get('message-id'))];
}

const RETURNED = /^(?:message\/(?:rfc822|global|rfc822-headers|global-headers)|text\/rfc822(?:-headers)?)$/;

/** What the returned mail, or its header, names. */
export function returnedReferences({ parts }: MailParts): readonly Reference[] {
  return unique(
    parts
      .filter(({ contentType }) => RETURNED.test(contentType))
      .flatMap(({ bytes }) => ownReferences(headerFields(bytes))),
  );
}

/** What a mail names that is quoted in a text, and the lines before the quotation: the mail system's own words. */
export function quotedReferences(text: Buffer): { readonly words: string; readonly references: readonly Reference[] } {
  const lines = linesOf(text).map((line) => line.replace(/^[>| \t]{0,20}/, ''));
  const start = lines.findIndex((line) =>
    /^(?:return-path|received|from|message-id|date|x-zorgkoerier-id):/i.test(line),
  );
  if (start < 0) return { words: lines.join('\n'), references: [] };
  const quoted = headerFields(Buffer.from(lines.slice(start).join('\n'), 'latin1'));
  return { words: lines.slice(0, start).join('\n'), references: ownReferences(quoted) };
}

/** One statement, once for every name. */
export function receiptsOf(
  kind: ReceiptKind,
  status: string | null,
  references: readonly Reference[],
): readonly Receipt[] {
  return unique(references).map(({ by, reference }) => ({ kind, by, reference, status }));
}

export function unique(references: readonly Reference[]): readonly Reference[] {
  return [...new Map(references.map((one) => [`${one.by} ${one.reference}`, one])).values()];
}
