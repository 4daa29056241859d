import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateTargets, expiringTargets } from '../../src/health/health.ts';
import { makeCertificate } from '../../src/sandbox/zorgmail/certificate.ts';
import { type Clock, systemClock } from '../../src/shared/clock.ts';

let server: Server;
let validUntil: number;
beforeAll(async () => {
  const { certificate, key } = await makeCertificate();
  const { X509Certificate } = await import('node:crypto');
  validUntil = Date.parse(new X509Certificate(certificate).validTo);
  server = createServer({ cert: certificate, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

const DAY_MS = 86_400_000;
const target = () => ({ target: 'patient-card', host: '127.0.0.1', port: (server.address() as AddressInfo).port });
/** A clock that says so many days before the certificate ends. */
const daysBefore = (days: number): Clock => ({ ...systemClock, now: () => new Date(validUntil - days * DAY_MS) });

describe('a target’s certificate', () => {
  it('is looked at before it expires, and when it has', async () => {
    expect(await expiringTargets([target()], daysBefore(22))).toEqual({ expiring: [], unknown: [] });
    expect(await expiringTargets([target()], daysBefore(20))).toEqual({ expiring: ['patient-card'], unknown: [] });
    expect(await expiringTargets([target()], daysBefore(-1))).toEqual({ expiring: ['patient-card'], unknown: [] });
  });

  it('of a target that does not answer is not known', async () => {
    const nobody = { target: 'board', host: '127.0.0.1', port: 1 };
    expect(await expiringTargets([nobody, target()], daysBefore(22))).toEqual({ expiring: [], unknown: ['board'] });
  });

  it('is looked for where TLS begins at once', () => {
    const smtp = { host: 'relay.example', port: 465, security: 'tls' } as const;
    expect(
      certificateTargets({
        ckis: { url: 'https://ckis.example/fhir' },
        cboards: { url: 'https://[::1]:8443/fhir' },
        smtp,
      }),
    ).toEqual([
      { target: 'patient-card', host: 'ckis.example', port: 443 },
      { target: 'board', host: '::1', port: 8443 },
      { target: 'zorgmail', host: 'relay.example', port: 465 },
    ]);
    const starttls = { ...smtp, security: 'starttls' } as const;
    expect(certificateTargets({ ckis: { url: 'http://127.0.0.1:1' }, cboards: null, smtp: starttls })).toEqual([]);
  });
});
