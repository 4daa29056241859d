/**
 * Until when the certificates of the targets are good, looked at twice a day by a handshake and nothing more. Only where
 * TLS begins at once (https, smtps): a relay that upgrades would have to be spoken to.
 */

import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Clock } from '../shared/clock.ts';

export interface CertificateTarget {
  /** `patient-card`, `board` or `zorgmail`. */
  readonly target: string;
  readonly host: string;
  readonly port: number;
}

const EXPIRES_WITHIN_MS = 21 * 86_400_000;
const ANSWER_WITHIN_MS = 10_000;

interface Peers {
  readonly ckis: { readonly url: string } | null;
  readonly cboards: { readonly url: string } | null;
  readonly smtp: { readonly host: string; readonly port: number; readonly security: 'tls' | 'starttls' } | null;
}

export function certificateTargets({ ckis, cboards, smtp }: Peers): readonly CertificateTarget[] {
  const overHttps = (target: string, peer: Peers['ckis']): readonly CertificateTarget[] => {
    if (peer === null || !peer.url.startsWith('https:')) return [];
    const { hostname, port } = new URL(peer.url);
    return [{ target, host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) }];
  };
  const relay = smtp?.security === 'tls' ? [{ target: 'zorgmail', host: smtp.host, port: smtp.port }] : [];
  return [...overHttps('patient-card', ckis), ...overHttps('board', cboards), ...relay];
}

export interface Expiring {
  /** Targets whose certificate has expired or soon will. */
  readonly expiring: readonly string[];
  /** Targets that did not answer: nothing is known of them now. */
  readonly unknown: readonly string[];
}

export async function expiringTargets(targets: readonly CertificateTarget[], clock: Clock): Promise<Expiring> {
  const looked = await Promise.all(
    targets.map(async (target) => ({ target: target.target, until: await validUntil(target, clock) })),
  );
  const soonMs = clock.now().getTime() + EXPIRES_WITHIN_MS;
  return {
    expiring: looked.filter(({ until }) => until !== null && until < soonMs).map(({ target }) => target),
    unknown: looked.filter(({ until }) => until === null).map(({ target }) => target),
  };
}

// Whoever answers is not believed but looked at: a certificate that has expired must be seen, not refused.
async function validUntil({ host, port }: CertificateTarget, clock: Clock): Promise<number | null> {
  const enough = new AbortController();
  const socket = connect({ host, port, servername: isIP(host) === 0 ? host : '', rejectUnauthorized: false });
  const seen = new Promise<number | null>((resolve) => {
    socket.once('secureConnect', () => resolve(Date.parse(socket.getPeerCertificate().valid_to)));
    socket.once('error', () => resolve(null));
  });
  const late = clock.wait(ANSWER_WITHIN_MS, enough.signal).then(() => null);
  try {
    const until = await Promise.race([seen, late]);
    return Number.isNaN(until) ? null : until;
  } finally {
    enough.abort();
    socket.on('error', () => {});
    socket.destroy();
  }
}
