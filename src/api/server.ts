/** The server: its limits, what every request passes, and what becomes of whatever goes wrong. */

import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type FastifyInstance, type FastifyRequest, type FastifyServerOptions, fastify } from 'fastify';
import { Failure } from '../shared/failure.ts';
import { answerProblem, answerThrown, logRequest, secure } from './answers.ts';
import type { Api, Listening } from './api.ts';
import { openDocument } from './document.ts';
import { openLimits } from './limits.ts';
import { addRoutes } from './routes.ts';

/**
 * The largest body that is a registration: 10,000 characters, and 70 in each of nine other fields, each outside the basic
 * plane and escaped as two surrogates (12 bytes), is 127,560 bytes; names of fields, codes and dates are less than 1,000.
 */
export const BODY_BYTES_MAX = 131_072;

/** Time for headers, and for a whole request: longer than any honest line needs, too short to sit on connections. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 };
const HEADER_BYTES_MAX = 8_192;

/** What is no request, by Node's code for it: answered without a word of what came. */
const NO_REQUEST: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

export async function buildServer(
  api: Api,
  { tls, isBehindProxy }: Pick<Listening, 'tls' | 'isBehindProxy'>,
): Promise<FastifyInstance> {
  const isTls = tls !== null || isBehindProxy;
  const options: FastifyServerOptions = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: false,
    // The nearest entry of X-Forwarded-For is the proxy's own; what stands before it anybody may have written.
    trustProxy: isBehindProxy ? (_address, hop) => hop === 0 : false,
    // What came in before the end is answered as always.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => httpServer(tls, handler),
    clientErrorHandler: (error, socket) => {
      const status = NO_REQUEST[error.code] ?? '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      else socket.destroy();
    },
    // An address that is none, or a longer one than any of ours.
    frameworkErrors: (_error, request, reply) => {
      secure(reply, isTls);
      answerProblem(request, reply, 'api.not-found');
      logRequest(api.logger, request, reply);
    },
  };
  const server: FastifyInstance = fastify(options);
  server.decorateRequest('source', null);
  server.decorateRequest('problem', null);
  // Checking and writing are done by our own schemas: fastify's compilers would drop what they do not know.
  server.setValidatorCompiler(() => () => true);
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.addHook('onRequest', async (_request, reply) => secure(reply, isTls));
  closeConnectionsAtTheEnd(server);
  server.addHook('onResponse', async (request, reply) => logRequest(api.logger, request, reply));
  server.setErrorHandler((thrown, request, reply) => answerThrown(api.logger, thrown, request, reply));
  readJson(server);
  const limits = await openLimits(server, api);
  server.setNotFoundHandler({ preHandler: limits.byAddress }, (request, reply) =>
    answerProblem(request, reply, 'api.not-found'),
  );
  await openDocument(server);
  await server.register(async (routes) => addRoutes(routes, api, limits));
  await server.ready();
  return server;
}

function httpServer(tls: Listening['tls'], handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const options = { ...TIMES, maxHeaderSize: HEADER_BYTES_MAX };
  return tls === null
    ? createPlain(options, handler)
    : createTls({ ...options, ...tls, minVersion: 'TLSv1.2' }, handler);
}

// A connection that was at work when the end came would else stay open for another request, and keep us from ending.
function closeConnectionsAtTheEnd(server: FastifyInstance): void {
  let isClosing = false;
  server.addHook('preClose', async () => {
    isClosing = true;
  });
  server.addHook('onSend', async (_request, reply, payload) => {
    if (isClosing) reply.header('connection', 'close');
    return payload;
  });
}

function readJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
      const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
      if (!/^utf-?8$/i.test(charset) || encoding !== 'identity') throw refused('api.media-type');
      return parsed(body);
    },
  );
}

// Not as fastify does it: bytes that are no UTF-8 would become other characters, and its error repeats what it read.
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw refused('api.malformed');
  }
}

function refused(code: string): Failure {
  return new Failure(code, { kind: 'permanent' });
}
