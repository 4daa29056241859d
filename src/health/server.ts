/** Three addresses over HTTP, for machines: GET only, no parameters, nothing about a person. Whoever may connect may read. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import type { Finding } from './checks.ts';

export interface HealthAnswers {
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  readonly health: () => Promise<readonly Finding[]>;
  readonly isAlive: () => Promise<boolean>;
}

export interface HealthServer {
  readonly port: number;
  release(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

const CONNECTIONS_MAX = 50;
const REQUEST_WITHIN_MS = 10_000;
const HEADER_BYTES_MAX = 8_192;

/** Throws `health.cannot-listen` where the address is taken or not ours. */
export async function serveHealth(
  at: { readonly host: string; readonly port: number },
  answers: HealthAnswers,
  logger: Logger,
): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: REQUEST_WITHIN_MS, maxHeaderSize: HEADER_BYTES_MAX },
    (request, response) => {
      void answer(answers, request)
        .catch((thrown): Answer => {
          logger.error('a question about health could not be answered', {}, thrown);
          return json(500, { status: 'failed' });
        })
        .then((said) => say(response, said));
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, at);
  return {
    port: (server.address() as AddressInfo).port,
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(answers: HealthAnswers, { method, url }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { status: 'only GET' });
  if (url === '/metrics') return { status: 200, ...(await answers.metrics()) };
  if (url === '/healthz') {
    const findings = await answers.health();
    return findings.length === 0 ? json(200, { status: 'ok' }) : json(503, { status: 'failing', findings });
  }
  if (url === '/livez') return (await answers.isAlive()) ? json(200, { status: 'ok' }) : json(503, { status: 'stuck' });
  return json(404, { status: 'unknown' });
}

function json(status: number, document: unknown): Answer {
  return { status, contentType: 'application/json', text: `${JSON.stringify(document)}\n` };
}

function say(response: ServerResponse, { status, contentType, text }: Answer): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text);
}

async function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((thrown: NodeJS.ErrnoException) => {
    throw new Failure('health.cannot-listen', {
      kind: 'permanent',
      scope: 'peer',
      fields: { error: thrown.code ?? 'unknown' },
    });
  });
  // From now on an error is one connection's.
  server.removeAllListeners('error');
  server.on('error', () => {});
}
