/** What goes out: documents and their headers, and the line in the log. Nothing of a request is repeated in either. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../registration/registration.ts';
import { asFailure, errorName, Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import type { Authenticated } from './authenticate.ts';
import { PROBLEM_NAMES, type ProblemName, problemDocument } from './problems.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, once that is proved. */
    source: Extract<Authenticated, { kind: 'source' }> | null;
    /** The code of a problem that was answered, for the log. */
    problem: ProblemName | null;
  }
}

/** Seconds. A ledger that restarts or fails over is back in about this time. */
const RETRY_AFTER = '5';

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export function secure(reply: FastifyReply, isTls: boolean): void {
  reply.headers(SECURITY_HEADERS);
  if (isTls) reply.header('strict-transport-security', 'max-age=31536000');
}

export function answerProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  name: ProblemName,
  more: { readonly problems?: readonly Problem[]; readonly headers?: Readonly<Record<string, string>> } = {},
): FastifyReply {
  const document = problemDocument(name, more.problems);
  request.problem = name;
  if (document.status === 401) {
    // RFC 6750 §3.1: no code for who showed nothing.
    const error = name === 'api.no-assertion' ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer realm="zorgkoerier"${error}`);
  }
  if (document.status === 503) reply.header('retry-after', RETRY_AFTER);
  return reply
    .code(document.status)
    .headers(more.headers ?? {})
    .type('application/problem+json')
    .send(JSON.stringify(document));
}

/** Any thrown thing as a problem; what is ours to repair goes into the log with its code and place. */
export function answerThrown(
  logger: Logger,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const name = problemOf(thrown);
  const route = routeOf(request);
  if (name === 'api.unexpected') logger.error('request failed', { route }, thrown);
  // Of a ledger that is away every request has one: the alarm about that is another's.
  if (name === 'api.unavailable') logger.warn('request failed', { route, code: asFailure(thrown).code });
  return answerProblem(request, reply, name);
}

const OF_FASTIFY: Readonly<Record<string, ProblemName>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'api.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'api.media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'api.malformed',
  ECONNRESET: 'api.bad-request',
};

function problemOf(thrown: unknown): ProblemName {
  if (!(thrown instanceof Failure)) return OF_FASTIFY[errorName(thrown).split(' ')[1] ?? ''] ?? 'api.unexpected';
  const own = PROBLEM_NAMES.find((name) => name === thrown.code);
  if (own !== undefined) return own;
  // Another master key is a matter of minutes: somebody is rotating it.
  const isPassing = asFailure(thrown).kind === 'transient' || thrown.code === 'keys.other-master-key';
  return isPassing ? 'api.unavailable' : 'api.unexpected';
}

/** One line for a request: which route, how it ended, whose, and how long it took. */
export function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { source, problem } = request;
  const fields = {
    route: routeOf(request),
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    ...(source == null ? {} : { sourceId: source.sourceId }),
    ...(problem == null ? {} : { code: problem }),
  };
  // Asked every few seconds by whoever watches over us.
  if (request.routeOptions.url === '/healthz') logger.debug('request', fields);
  else logger.info('request', fields);
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function routeOf(request: FastifyRequest): string {
  const method = METHODS.find((each) => each === request.method) ?? 'other';
  return `${method} ${request.routeOptions.url ?? 'unknown'}`;
}
