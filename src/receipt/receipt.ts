/**
 * The door of receipt/: a mail of the return mailbox goes in, what it says about mails that we may have sent comes out.
 *
 * It promises: delivery notifications (RFC 3464), disposition notifications (RFC 8098), bounces of mail systems that know
 * neither, and EDIFACT acknowledgements (CONTRL) are read by what they are, and a statement always names the mail it is
 * about. What only resembles a receipt (an absence assistant that quotes us) is none; what is a receipt and cannot be
 * understood, what a person wrote, and a message of another kind are `unclear`, never silence.
 * It never believes: whether the mail was ours, and whether the statement may change anything, is for who knows what was
 * sent. A receipt can be forged, so it moves only mails that wait for one, and nothing of it but codes and references gets out.
 */

export type ReceiptKind =
  /** It is in the recipient's mailbox. */
  | 'delivered'
  /** It will not be delivered, or could not be processed. */
  | 'failed'
  /** Not yet; the mail system goes on trying. */
  | 'delayed'
  /** Handed on to where no delivery is notified: nothing more will be heard. Not a proof of delivery. */
  | 'relayed'
  /** A person or program at the recipient opened it. */
  | 'displayed'
  /** The recipient's system read the interchange and found it in order. */
  | 'acknowledged'
  /** The recipient's system refused the interchange. */
  | 'rejected';

/** How a receipt names the mail. Of a mail that is named in several ways there is a receipt for each. */
export type ReferenceKind = 'envelope-id' | 'message-id' | 'control-reference';

export interface Receipt {
  readonly kind: ReceiptKind;
  readonly by: ReferenceKind;
  /** As it was given: `<…@…>` with its brackets, an envelope id, UNB.5. */
  readonly reference: string;
  /** `5.1.1`, `550`, `displayed`, or a CONTRL action with its error `4/13`; null: none was given. */
  readonly status: string | null;
  /** Of a CONTRL: the ZorgMail accounts that it says sent and got the interchange. Absent: it names none. */
  readonly accounts?: readonly string[];
}

export type ReceiptReading =
  /** In the order of the mail; statements about several recipients stand one after the other. */
  | { readonly kind: 'receipts'; readonly receipts: readonly Receipt[] }
  /** Not a receipt, and nothing that anybody wrote: an absence assistant, say. */
  | { readonly kind: 'none' }
  /** For a person to look at: why, and what it names, if anything. */
  | { readonly kind: 'unclear'; readonly code: UnclearCode; readonly references: readonly Reference[] };

export interface Reference {
  readonly by: ReferenceKind;
  readonly reference: string;
}

export type UnclearCode =
  | 'mail.too-large'
  | 'mail.malformed'
  /** Says something, but not about which mail. */
  | 'receipt.unnamed'
  /** Names a mail, but says nothing that we understand. */
  | 'receipt.unknown'
  /** Can only be read with a key. */
  | 'receipt.encrypted'
  /** No receipt: somebody wrote to us. */
  | 'receipt.letter'
  /** No receipt: a message of a laboratory, or what may be one, or of whatever system else. */
  | 'receipt.message';

export { readReceipt } from './read-receipt.ts';
export { ENVELOPE_ID_FIELD } from './references.ts';
export { readSighting } from './sighting.ts';
