/**
 * What went wrong in an SMTP dialogue, as a Failure. Where we were in it decides: until the first byte of the mail went
 * nothing can have been taken; after it only a reply to the mail itself says what became of it. Codes only: the text of a
 * reply may quote the mail.
 */

import { errorName, Failure } from '../../shared/failure.ts';

/** session: connecting, TLS, greeting. data: the mail's bytes may have left. */
export type SmtpPhase = 'session' | 'login' | 'envelope' | 'data';

/** Ours, beside the codes of nodemailer: the caller gave up, or the dialogue before the mail took too long. */
export const ABORTED = 'ZORGMAIL_ABORTED';
export const TOO_SLOW = 'ZORGMAIL_TOO_SLOW';

/** The parts of nodemailer's errors that are codes. */
interface SmtpError {
  readonly code?: unknown;
  /** The code of the system or of TLS, where nodemailer put its own in front. */
  readonly originalCode?: unknown;
  readonly responseCode?: unknown;
  readonly response?: unknown;
  readonly command?: unknown;
}

interface Said {
  /** The reply, 400 to 599; null: none came. */
  readonly reply: number | null;
  readonly command: string | null;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** The Failure for whatever ended the dialogue. */
export function smtpFailure(thrown: unknown, phase: SmtpPhase): Failure {
  if (thrown instanceof Failure) return thrown;
  const said = whatWasSaid(thrown, phase);
  if (phase === 'data') return afterTheMail(said, codeOf(thrown));
  const { fields } = said;
  if (codeOf(thrown) === ABORTED) return new Failure('zorgmail.aborted', { kind: 'transient', fields });
  if (said.reply !== null) return refusal(said, said.reply, phase);
  if (isTooLarge(thrown)) return new Failure('zorgmail.too-large', { kind: 'permanent', fields });
  if (phase === 'envelope') return new Failure('zorgmail.no-answer', { kind: 'transient', fields });
  const code = isCertificate(causeCode(thrown)) ? 'certificate' : codeOf(thrown) === 'ETLS' ? 'no-tls' : 'unreachable';
  return new Failure(`zorgmail.${code}`, { kind: 'transient', scope: 'peer', fields });
}

/** The code and the enhanced code at the beginning of a reply. */
export function replyCodes(response: string): { readonly reply: number; readonly status: string | null } {
  const [, reply, status] = /^([2-5][0-9]{2})(?:[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.]))?/.exec(response) ?? [];
  return { reply: Number(reply ?? 0), status: status ?? null };
}

// The mail's bytes may have gone. A reply to them is the relay's word; anything else is no word at all.
function afterTheMail(said: Said, code: string): Failure {
  if (said.reply !== null && said.command === 'DATA') return refusal(said, said.reply, 'data');
  return new Failure('zorgmail.no-reply', { kind: 'ambiguous', fields: { ...said.fields, error: code } });
}

const LOGIN_REPLIES: readonly number[] = [530, 534, 535, 538];

function refusal({ fields }: Said, reply: number, phase: SmtpPhase): Failure {
  const peer = (what: string, kind: 'transient' | 'permanent') =>
    new Failure(`zorgmail.${what}`, { kind, scope: 'peer', fields });
  // 421: the relay is closing, whatever it was asked (RFC 5321 §3.8).
  if (reply === 421) return peer('busy', 'transient');
  // Heals by hand only: permanent, so that it is asked rarely and the account is not locked.
  if (LOGIN_REPLIES.includes(reply) || (phase === 'login' && reply >= 500)) return peer('login-refused', 'permanent');
  if (phase === 'login') return peer('busy', 'transient');
  if (phase === 'session') return peer(fields['error'] === 'ETLS' ? 'no-tls' : 'unavailable', 'transient');
  if (reply < 500) return new Failure('zorgmail.postponed', { kind: 'transient', fields });
  // The relay lost the thread; it says nothing about this mail.
  if (reply === 503) return new Failure('zorgmail.out-of-step', { kind: 'transient', fields });
  return new Failure('zorgmail.refused', { kind: 'permanent', fields });
}

/** As nodemailer names them: without what they carried. */
const COMMAND = /^(?:CONN|EHLO|HELO|STARTTLS|AUTH [A-Z0-9-]{1,12}|MAIL FROM|RCPT TO|DATA)$/;

function whatWasSaid(thrown: unknown, phase: SmtpPhase): Said {
  const { response, command } = (thrown ?? {}) as SmtpError;
  const { reply, status } = replyCodes(typeof response === 'string' ? response : '');
  const isRefusal = reply >= 400;
  const asked = typeof command === 'string' && COMMAND.test(command) ? command : null;
  return {
    reply: isRefusal ? reply : null,
    command: asked,
    fields: {
      phase,
      error: causeCode(thrown) || codeOf(thrown) || errorName(thrown),
      ...(isRefusal ? { reply } : {}),
      ...(isRefusal && status !== null ? { status } : {}),
      ...(asked === null ? {} : { command: asked }),
    },
  };
}

// nodemailer looks at the size that the relay announced before it says MAIL FROM.
function isTooLarge(thrown: unknown): boolean {
  return codeOf(thrown) === 'EMESSAGE' && (thrown as SmtpError).command === 'MAIL FROM';
}

function codeOf(thrown: unknown): string {
  return asCode((thrown as SmtpError | null)?.code);
}

function causeCode(thrown: unknown): string {
  return asCode((thrown as SmtpError | null)?.originalCode);
}

function asCode(code: unknown): string {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : '';
}

function isCertificate(code: string): boolean {
  return code.startsWith('ERR_TLS') || code.startsWith('CERT_') || /SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/.test(code);
}
