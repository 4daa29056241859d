/** The settings that belong together for mail to a HIS: all of them, or none. */

import type { ConfigurationFault } from './config.ts';

/** ZorgMail's relay, and who we are there. */
export interface SmtpPeer {
  readonly host: string;
  readonly port: number;
  /** tls: from the first byte. starttls: a mandatory upgrade. */
  readonly security: 'tls' | 'starttls';
  readonly username: string;
  readonly password: string;
  readonly from: string;
  /** PEM, or null for the system's authorities. */
  readonly ca: string | null;
}

const NAMES = [
  'ZORGKOERIER_SMTP_URL',
  'ZORGKOERIER_SMTP_USER',
  'ZORGKOERIER_SMTP_PASSWORD',
  'ZORGKOERIER_SMTP_FROM',
] as const;

export type SmtpSettings = { readonly [Name in (typeof NAMES)[number] | 'ZORGKOERIER_SMTP_CA']: string | null };

/** The text of a file, or null. */
type ReadFile = (path: string) => string | null;

/** RFC 6409, RFC 8314. */
const STARTTLS_PORT = 587;
const TLS_PORT = 465;

/** Half of an account would only show when the first mail is to go. What has a fault of its own is not missing. */
export function smtpFaults(
  read: SmtpSettings,
  readFile: ReadFile,
  known: readonly ConfigurationFault[],
): readonly ConfigurationFault[] {
  const isWrong = (name: string) => known.some((fault) => fault.name === name);
  const isUsed = [...NAMES, 'ZORGKOERIER_SMTP_CA' as const].some((name) => read[name] !== null || isWrong(name));
  const missing = NAMES.filter((name) => isUsed && read[name] === null && !isWrong(name));
  const faults = missing.map((name) => ({ name, problem: 'is missing beside the other settings of SMTP' }));
  const ca = read.ZORGKOERIER_SMTP_CA;
  if (ca === null || readFile(ca) !== null) return faults;
  return [...faults, { name: 'ZORGKOERIER_SMTP_CA', problem: 'names a file that cannot be read or is empty' }];
}

/** Null where the settings are not there: nothing goes back to a HIS then. */
export function smtpPeer(read: SmtpSettings, readFile: ReadFile): SmtpPeer | null {
  const [, scheme, host, port] = /^(smtps?):\/\/([^:]+)(?::([0-9]+))?$/.exec(read.ZORGKOERIER_SMTP_URL ?? '') ?? [];
  const { ZORGKOERIER_SMTP_USER: username, ZORGKOERIER_SMTP_PASSWORD: password, ZORGKOERIER_SMTP_FROM: from } = read;
  if (host === undefined || username === null || password === null || from === null) return null;
  const standard = scheme === 'smtps' ? TLS_PORT : STARTTLS_PORT;
  return {
    host,
    port: port === undefined ? standard : Number(port),
    security: scheme === 'smtps' ? 'tls' : 'starttls',
    username,
    password,
    from,
    ca: read.ZORGKOERIER_SMTP_CA === null ? null : readFile(read.ZORGKOERIER_SMTP_CA),
  };
}
