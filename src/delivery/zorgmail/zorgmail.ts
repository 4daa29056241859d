/**
 * The door of delivery/zorgmail: one EDIFACT interchange becomes one mail, rendered once, and those bytes go to ZorgMail's
 * relay for one recipient.
 *
 * It promises: the same OutwardMail gives the same bytes, byte for byte, and `send` sends what it is given and nothing
 * else; never without TLS of at least 1.2 and a certificate that holds; one connection, one mail, one recipient, one try: it
 * queues nothing and repeats nothing. Only the relay's reply says what became of a mail: accepted, or a Failure that is
 * transient (provably not taken), permanent (refused for good) or ambiguous (the bytes went and no reply came).
 * It never decides what to do about it, and nothing that the relay says but codes gets into an error: a reply may quote the
 * mail. Why sending again may be done after `ambiguous`: the mail has the same Message-ID, and the interchange in it the
 * same control reference; look for a receipt (receipt/) first.
 */

export interface OutwardMail {
  /** `<id@domain>`, made of ids and never of anything about a patient. */
  readonly messageId: string;
  readonly date: Date;
  /** The sender's ZorgMail address; receipts come back to it. */
  readonly from: string;
  readonly to: string;
  /** Printable ASCII. A subject is read along the way: one with a run of 8 or 9 digits, as a BSN is, is refused. */
  readonly subject: string;
  /** Comes back in delivery notifications (RFC 3461 §4.4), and in the header as ENVELOPE_ID_FIELD where the relay offers none. */
  readonly envelopeId: string;
  /** One interchange, in its own charset. */
  readonly edifact: Buffer;
}

/** Whom the mail is for: one recipient, since of two one may be refused. */
export interface MailEnvelope {
  readonly from: string;
  readonly to: string;
  readonly envelopeId: string;
}

/** The relay has taken the mail over. It is sent then, and not yet delivered. */
export interface AcceptedMail {
  readonly kind: 'accepted';
  /** 250, as a rule. */
  readonly reply: number;
  /** The enhanced code (RFC 3463), or null. */
  readonly status: string | null;
  /** Whether the relay offered delivery notifications, and so was asked for them. */
  readonly isNotificationAsked: boolean;
}

export interface RelayAccount {
  readonly host: string;
  readonly port: number;
  /** tls: from the first byte (465). starttls: a mandatory upgrade before anything is said; without it nothing is sent. */
  readonly security: 'tls' | 'starttls';
  readonly username: string;
  readonly password: string;
  /** PEM of a private certificate authority (sandbox), or null for the system's. */
  readonly ca: string | null;
}

export interface ZorgmailRelay {
  /**
   * Sends rendered bytes. Aborting before they go is transient, later ambiguous. Failures, all `zorgmail.…`:
   * of the peer `unreachable`, `certificate`, `no-tls`, `busy`, `unavailable` (transient), `login-refused` (permanent);
   * of this mail `postponed`, `out-of-step`, `no-answer`, `aborted` (transient), `refused`, `too-large` (permanent),
   * `no-reply` (ambiguous), and `bytes`, `envelope` (defects of the caller).
   */
  send(bytes: Buffer, envelope: MailEnvelope, signal?: AbortSignal): Promise<AcceptedMail>;
  /** Ends what is under way, as aborting does. */
  release(): Promise<void>;
}

export { openZorgmail, type ZorgmailLimits } from './open-zorgmail.ts';
export { renderMail } from './render.ts';
