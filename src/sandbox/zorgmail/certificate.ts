/** A certificate of the sandbox's own: self-signed, so it is its own authority and clients pass it as `ca`. */

import { generate } from 'selfsigned';
import { systemClock } from '../../shared/clock.ts';

export interface Certificate {
  /** PEM; also what a client must trust. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

const DAY_MS = 86_400_000;

/**
 * A fresh certificate for localhost and 127.0.0.1. Each call makes another one: the second is a wrong authority. Valid since
 * yesterday, so that a client whose clock is behind can log in too.
 */
export async function makeCertificate(): Promise<Certificate> {
  const pems = await generate([{ name: 'commonName', value: 'sandbox.zorgmail.invalid' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(systemClock.now().getTime() - DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true },
      { name: 'extKeyUsage', serverAuth: true },
      // RFC 9110 §4.3.4: names are looked for here only; the common name above is never compared.
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { certificate: pems.cert, key: pems.private };
}
