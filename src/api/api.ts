/**
 * The door of api/: the HTTP intake. Source systems (cKIS, cBoards) post what a doctor wrote on a card or a board, and ask
 * what became of it.
 *
 * It promises: a 202 is given only for what stands in the ledger; the same request with the same idempotency key is one
 * registration, however often it comes; who asks is proved for every request by an assertion that is good once, and nobody
 * learns of another's registrations; every answer is one that /openapi.json documents, from the schemas that check. No text,
 * number, token or address as it was asked gets into a log or an answer. It sends nothing and renders nothing.
 *
 * The only place that knows of fastify and of JWTs.
 */

import type { AddressInfo } from 'node:net';
import { KEY_CHANGES } from '../keys/keys.ts';
import type { Acceptor } from '../pipeline/pipeline.ts';
import type { Clock } from '../shared/clock.ts';
import { asFailure } from '../shared/failure.ts';
import { forgetAssertions } from '../source/source.ts';
import { buildServer } from './server.ts';

/** What the intake works with: built once, in compose.ts. */
export interface Api extends Acceptor {
  readonly clock: Clock;
  /** What an assertion must be addressed to. */
  readonly audience: string;
  /** Requests per minute. */
  readonly perSource: number;
  readonly perAddress: number;
}

export interface Listening {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** One proxy of ours stands before it: the last address in X-Forwarded-For is the asker's. */
  readonly isBehindProxy: boolean;
}

export interface RunningApi {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Takes nothing new, answers what it took. */
  release(): Promise<void>;
}

const FORGET_MS = 300_000;

/** Listens. Fails where the port is taken or the certificate is none. */
export async function startApi(api: Api, listening: Listening): Promise<RunningApi> {
  const server = await buildServer(api, listening);
  // A practice whose keys were destroyed takes nothing from that moment on.
  const stopHearingKeys = await api.ledger.listen(KEY_CHANGES, () => api.keys.forget());
  const stopForgetting = api.clock.every(FORGET_MS, () => void forget(api));
  const release = async () => {
    stopForgetting();
    await server.close();
    await stopHearingKeys();
  };
  try {
    await server.listen({ host: listening.host, port: listening.port });
    const url = urlOf(server.server.address(), listening);
    void forget(api);
    api.logger.info('api started');
    return {
      url,
      release: async () => {
        await release();
        api.logger.info('api stopped');
      },
    };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

function urlOf(address: AddressInfo | string | null, { host, tls }: Listening): string {
  const { port } = address as AddressInfo;
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function forget({ ledger, clock, logger }: Api): Promise<void> {
  await forgetAssertions(ledger, clock.now()).catch((thrown) =>
    logger.warn('used assertions could not be forgotten', { code: asFailure(thrown).code }),
  );
}
