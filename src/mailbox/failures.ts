/**
 * What went wrong with a mailbox, as Failures: told apart so that a throttled login is never taken for a wrong password
 * and the other way round. Of a server's answer only its response code (RFC 5530) is kept, never its text, which may
 * hold an address or a subject; and never the error itself, whose fields hold that text.
 */

import { errorName, Failure, type FailureFields } from '../shared/failure.ts';

/** What imapflow's errors may carry; all of it unverified. */
interface ImapError {
  readonly code?: unknown;
  readonly authenticationFailed?: unknown;
  readonly serverResponseCode?: unknown;
  readonly responseStatus?: unknown;
  readonly responseText?: unknown;
  readonly tlsFailed?: unknown;
  readonly throttleReset?: unknown;
  readonly reason?: unknown;
}

const THROTTLED_CODES = new Set(['LIMIT', 'INUSE', 'THROTTLED']);
const UNAVAILABLE_CODES = new Set(['UNAVAILABLE', 'SERVERBUG', 'CONTACTADMIN']);
const THROTTLED_TEXT = /throttl|too many|rate.?limit|limit exceeded|maximum number of connections/i;
const UNAVAILABLE_TEXT = /temporar|unavailable|internal error|try again/i;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME|HOSTNAME_MISMATCH/;
// A port that does not speak TLS although it was said to, or a server that cannot or may not upgrade.
const CLEARTEXT = /^(STARTTLS_INJECTION|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;

/** Every mailbox failure is the peer's: it pauses this mailbox and spends no attempt of a mail. */
export function mailboxFailure(what: string, fields: FailureFields = {}, retryAfterMs?: number): Failure {
  const options = { kind: 'transient', scope: 'peer', fields } as const;
  return new Failure(`mailbox.${what}`, retryAfterMs === undefined ? options : { ...options, retryAfterMs });
}

/** Why no connection came about. */
export function openingFailure(thrown: unknown, byeText: string | undefined): Failure {
  if (thrown instanceof Failure) return thrown;
  const error = asImapError(thrown);
  const fields = { error: errorName(thrown), answer: answerOf(error) };
  if (error.authenticationFailed === true) return mailboxFailure(refusalOf(error), fields);
  const code = String(error.code ?? '');
  if (CERTIFICATE.test(code)) return mailboxFailure('certificate', fields);
  if (CLEARTEXT.test(code)) return mailboxFailure('cleartext-refused', fields);
  // Only a refusal to upgrade comes without a code; a broken or silent handshake has one and may pass.
  if (error.tlsFailed === true && code === '') return mailboxFailure('cleartext-refused', fields);
  if (code === 'ETHROTTLE') return mailboxFailure('throttled', fields, throttleMs(error));
  if (THROTTLED_TEXT.test(`${error.reason ?? ''} ${byeText ?? ''}`)) return mailboxFailure('throttled', fields);
  if (isRefusal(error)) return mailboxFailure('folder-refused', fields);
  return mailboxFailure('unreachable', fields);
}

/** Why a command on an open connection did not do. */
export function commandFailure(thrown: unknown, command: string): Failure {
  if (thrown instanceof Failure) return thrown;
  const error = asImapError(thrown);
  const fields = { command, error: errorName(thrown), answer: answerOf(error) };
  if (error.code === 'ETHROTTLE') return mailboxFailure('throttled', fields, throttleMs(error));
  return mailboxFailure(isRefusal(error) ? 'command-refused' : 'disconnected', fields);
}

// A refusal without a response code is how older servers say "wrong password". Where it could be either, it counts as
// a wrong password: waiting an hour costs less than a practice locked out of its own mailbox.
function refusalOf(error: ImapError): 'login-refused' | 'throttled' | 'unreachable' {
  const answer = answerOf(error) ?? '';
  const text = String(error.responseText ?? '');
  if (answer === 'AUTHENTICATIONFAILED') return 'login-refused';
  if (THROTTLED_CODES.has(answer) || error.code === 'ETHROTTLE' || THROTTLED_TEXT.test(text)) return 'throttled';
  if (UNAVAILABLE_CODES.has(answer) || UNAVAILABLE_TEXT.test(text)) return 'unreachable';
  return isRefusal(error) ? 'login-refused' : 'unreachable';
}

function isRefusal(error: ImapError): boolean {
  return error.responseStatus === 'NO' || error.responseStatus === 'BAD';
}

// Response codes are atoms; anything else in that place is not repeated.
function answerOf(error: ImapError): string | null {
  const answer = error.serverResponseCode;
  return typeof answer === 'string' && /^[A-Z-]{1,30}$/.test(answer) ? answer : null;
}

function throttleMs(error: ImapError): number | undefined {
  return typeof error.throttleReset === 'number' ? error.throttleReset : undefined;
}

function asImapError(thrown: unknown): ImapError {
  return typeof thrown === 'object' && thrown !== null ? thrown : {};
}
