/** A mail of a practice's own mailbox that may be one of ours: seeing it there is as good as a receipt. */

import { openParts } from '../mail/mail.ts';
import type { Receipt } from './receipt.ts';
import { ENVELOPE_ID_FIELD, envelopeId, messageId, receiptsOf } from './references.ts';

/**
 * `delivered`, by Message-ID and by envelope id, of the mail itself. Every mail has a Message-ID: only who knows what was
 * sent to this mailbox can tell whether this is one of ours. Not by control reference: other senders use the same ones.
 */
export async function readSighting(raw: Buffer): Promise<readonly Receipt[]> {
  const mail = await openParts(raw);
  if (typeof mail === 'string') return [];
  const first = (name: string) => mail.header(name)[0];
  const references = [...envelopeId(first(ENVELOPE_ID_FIELD.toLowerCase())), ...messageId(first('message-id'))];
  return receiptsOf('delivered', null, references);
}
