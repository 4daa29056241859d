/** An HTTP server before another one that lets so many requests through at once, and answers 429 to all above that. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '../../src/shared/clock.ts';

export interface NarrowServer {
  /** Of what `before` names, as if it were that. */
  readonly url: string;
  /** Names what it stands before; `most` and how long each request takes at least may change. */
  before(target: { readonly url: string; most: number; readonly takesMs: number }): void;
  readonly seen: { requests: number; refused: number; mostAtOnce: number };
  release(): Promise<void>;
}

export async function narrowServer(): Promise<NarrowServer> {
  const seen = { requests: 0, refused: 0, mostAtOnce: 0 };
  let target: Parameters<NarrowServer['before']>[0] | null = null;
  let running = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    running += 1;
    try {
      seen.requests += 1;
      seen.mostAtOnce = Math.max(seen.mostAtOnce, running);
      if (target === null || running > target.most) {
        seen.refused += 1;
        response.writeHead(429, { 'retry-after': '1' }).end();
        return;
      }
      const { url, takesMs } = target;
      const asked = await buffer(request);
      await systemClock.wait(takesMs);
      await passOn(url, request, asked, response);
    } finally {
      running -= 1;
    }
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`,
    before: (named) => {
      target = named;
    },
    seen,
    release: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function passOn(url: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
  const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
  const answer = await fetch(url + (request.url ?? '').replace(/^\/fhir/, ''), {
    method: request.method ?? 'GET',
    headers: headers as Record<string, string>,
    ...(body.length === 0 ? {} : { body }),
  });
  const type = answer.headers.get('content-type') ?? 'application/fhir+json';
  response.writeHead(answer.status, { 'content-type': type });
  response.end(Buffer.from(await answer.arrayBuffer()));
}
