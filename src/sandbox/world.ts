/**
 * The outside world in one piece: a ZorgMail with twin mailboxes behind a recording proxy, a cKIS and a cBoards that are
 * connected, and the practices as Customer Care would register them.
 */

import { randomBytes } from 'node:crypto';
import type { Environment } from '../config/config.ts';
import { type FhirSandbox, startFhirSandbox } from './fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES, type SandboxPatient } from './people.ts';
import { type RecordingProxy, startRecordingProxy } from './zorgmail/recording-proxy.ts';
import { startZorgmail, type Zorgmail } from './zorgmail/zorgmail.ts';

export interface World {
  readonly zorgmail: Zorgmail;
  /** Between zorgkoerier and ZorgMail: what our client said is on record here. */
  readonly proxy: RecordingProxy;
  readonly ckis: FhirSandbox;
  readonly cboards: FhirSandbox;
  /** The settings that point at this world. */
  readonly settings: Environment;
  release(): Promise<void>;
}

export interface WorldOptions {
  /** Who has a card where; the sandbox's own patients unless said otherwise. */
  readonly people?: readonly SandboxPatient[];
  /** ZorgMail accounts beside the practices' own. */
  readonly accounts?: readonly string[];
}

/** Starts everything on 127.0.0.1; mail is kept below `directory` and thrown away on release. */
export async function startWorld(directory: string, options: WorldOptions = {}): Promise<World> {
  const zorgmail = await startZorgmail({
    directory,
    accounts: [...SANDBOX_PRACTICES.map(({ zorgmail }) => zorgmail), ...(options.accounts ?? [])],
    isThrowaway: true,
  });
  const proxy = await startRecordingProxy({
    target: { port: zorgmail.ports.imaps },
    certificate: zorgmail.certificate,
  });
  const people = { people: options.people ?? SANDBOX_PATIENTS, practices: SANDBOX_PRACTICES };
  const cboards = await startFhirSandbox({ name: 'cBoards', ...people, token: token() });
  const ckis = await startFhirSandbox({ name: 'cKIS', ...people, token: token(), propagateTo: cboards });
  return {
    zorgmail,
    proxy,
    ckis,
    cboards,
    settings: {
      ZORGKOERIER_EMBEDDED: '1',
      ZORGKOERIER_CKIS_URL: ckis.url,
      ZORGKOERIER_CKIS_TOKEN: ckis.token,
      ZORGKOERIER_CBOARDS_URL: cboards.url,
      ZORGKOERIER_CBOARDS_TOKEN: cboards.token,
    },
    release: async () => {
      await ckis.release();
      await cboards.release();
      await proxy.release();
      await zorgmail.release();
    },
  };
}

function token(): string {
  return randomBytes(18).toString('base64url');
}
