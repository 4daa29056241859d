/**
 * The outside world in one piece: a ZorgMail with twin mailboxes behind a recording proxy and an SMTP relay, a cKIS and a
 * cBoards that are connected, and the practices as Customer Care would register them.
 */

import { randomBytes } from 'node:crypto';
import type { Environment } from '../config/config.ts';
import { type FhirSandbox, startFhirSandbox } from './fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT, type SandboxPatient } from './people.ts';
import { type RecordingProxy, startRecordingProxy } from './zorgmail/recording-proxy.ts';
import { type RelayOptions, type SmtpRelay, startSmtpRelay } from './zorgmail/relay.ts';
import { startZorgmail, type Zorgmail } from './zorgmail/zorgmail.ts';

export interface World {
  readonly zorgmail: Zorgmail;
  /** Between zorgkoerier and ZorgMail: what our client said is on record here. */
  readonly proxy: RecordingProxy;
  /** Takes mail for the practices and for Caresharing's return account, and reports success where it is asked to. */
  readonly relay: SmtpRelay;
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
  /** How the relay puts mail into the mailboxes, for who must know what stands where; straight in unless said otherwise. */
  readonly relayInto?: (zorgmail: Zorgmail) => RelayOptions['mailboxes'];
}

/** Starts everything on 127.0.0.1; mail is kept below `directory` and thrown away on release. */
export async function startWorld(directory: string, options: WorldOptions = {}): Promise<World> {
  const accounts = [
    ...SANDBOX_PRACTICES.map(({ zorgmail }) => zorgmail),
    SANDBOX_RETURN_ACCOUNT,
    ...(options.accounts ?? []),
  ];
  const zorgmail = await startZorgmail({ directory, accounts, isThrowaway: true });
  const { certificate } = zorgmail;
  const relay = await startSmtpRelay({
    mailboxes: options.relayInto?.(zorgmail) ?? zorgmail,
    accounts,
    certificate,
    security: 'starttls',
    reportsSuccess: true,
  });
  const proxy = await startRecordingProxy({
    target: { port: zorgmail.ports.imaps },
    certificate,
  });
  const people = { people: options.people ?? SANDBOX_PATIENTS, practices: SANDBOX_PRACTICES };
  const cboards = await startFhirSandbox({ name: 'cBoards', ...people, token: token() });
  const ckis = await startFhirSandbox({ name: 'cKIS', ...people, token: token(), propagateTo: cboards });
  return {
    zorgmail,
    proxy,
    relay,
    ckis,
    cboards,
    settings: {
      ZORGKOERIER_EMBEDDED: '1',
      ZORGKOERIER_CKIS_URL: ckis.url,
      ZORGKOERIER_CKIS_TOKEN: ckis.token,
      ZORGKOERIER_CBOARDS_URL: cboards.url,
      ZORGKOERIER_CBOARDS_TOKEN: cboards.token,
      ZORGKOERIER_SMTP_URL: `smtp://127.0.0.1:${relay.port}`,
      ZORGKOERIER_SMTP_USER: SANDBOX_RETURN_ACCOUNT,
      ZORGKOERIER_SMTP_PASSWORD: relay.account(SANDBOX_RETURN_ACCOUNT).password,
      ZORGKOERIER_SMTP_FROM: relay.address(SANDBOX_RETURN_ACCOUNT),
      ZORGKOERIER_SMTP_CA: zorgmail.certificateFile,
    },
    release: async () => {
      await ckis.release();
      await cboards.release();
      await proxy.release();
      await relay.release();
      await zorgmail.release();
    },
  };
}

function token(): string {
  return randomBytes(18).toString('base64url');
}
