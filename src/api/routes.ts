/** The routes: what each takes, does and answers. Their documents stand beside them, and are what /openapi.json is made of. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { acceptRegistration } from '../pipeline/pipeline.ts';
import { findRegistration } from '../records/records.ts';
import { validatePosted } from '../registration/registration.ts';
import { isId } from '../shared/ids.ts';
import { answerProblem } from './answers.ts';
import type { Api } from './api.ts';
import { type Authenticated, authenticate } from './authenticate.ts';
import { DOCUMENT, HEALTH, POST_REGISTRATION, REGISTRATION } from './document.ts';
import type { openLimits } from './limits.ts';
import { registrationAnswer } from './registrations.ts';

const IDEMPOTENCY_KEY = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Limits = Awaited<ReturnType<typeof openLimits>>;
type Source = Extract<Authenticated, { kind: 'source' }>;

export function addRoutes(server: FastifyInstance, api: Api, limits: Limits): void {
  const prove = async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = await authenticate(api, request.headers.authorization);
    if (answer.kind === 'refused') return answerProblem(request, reply, answer.code);
    request.source = answer;
    return;
  };
  // Before the body is read: of whom we do not know we read nothing.
  const known = [limits.byAddress, prove, limits.bySource];
  server.post('/v1/registrations', { schema: POST_REGISTRATION, onRequest: known }, (request, reply) =>
    post(api, sourceOf(request), request, reply),
  );
  server.get('/v1/registrations/:id', { schema: REGISTRATION, onRequest: known }, (request, reply) =>
    look(api, sourceOf(request), request, reply),
  );
  server.get('/openapi.json', { schema: DOCUMENT, onRequest: limits.byAddress }, async () => server.swagger());
  server.get('/healthz', { schema: HEALTH }, async () => ({ status: 'up' }));
}

async function post(
  api: Api,
  { sourceId }: Source,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))
    return answerProblem(request, reply, 'api.idempotency-key');
  // A request without a body and its type passes by the parsers.
  if (request.body === undefined) return answerProblem(request, reply, 'api.malformed');
  const checked = validatePosted(request.body);
  if (checked.kind === 'refused') return answerProblem(request, reply, 'api.refused', { problems: checked.problems });
  const answer = await acceptRegistration(api, sourceId, key.toLowerCase(), checked.posted);
  switch (answer.kind) {
    case 'accepted':
      return reply
        .code(202)
        .header('location', `/v1/registrations/${answer.registration.id}`)
        .send(registrationAnswer(answer.registration));
    case 'refused':
      return answerProblem(request, reply, 'api.refused', { problems: answer.problems });
    case 'key-reused':
      return answerProblem(request, reply, 'api.key-reused');
    case 'not-enabled':
      return answerProblem(request, reply, 'api.not-enabled');
  }
}

// Another source's is as unknown as one that never was.
async function look(
  api: Api,
  { sourceId }: Source,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id } = request.params as { readonly id: string };
  const found = isId(id) ? await findRegistration(api.ledger, sourceId, id) : null;
  return found === null ? answerProblem(request, reply, 'api.not-found') : reply.send(registrationAnswer(found));
}

function sourceOf({ source }: FastifyRequest): Source {
  // The hooks of the route answered already where there is none.
  if (source === null) throw new TypeError('no source');
  return source;
}
