/** The OpenAPI 3.1 document: of every route what it takes and every answer that it has, in the schemas that check and write. */

import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { postedJsonSchema } from '../registration/registration.ts';
import { PROBLEMS, type ProblemName, problemSchema, refusedSchema } from './problems.ts';
import { registrationAnswerSchema } from './registrations.ts';

type Json = Readonly<Record<string, unknown>>;

const UUID = { type: 'string', format: 'uuid' } as const;

const HEADERS: Readonly<Record<number, Json>> = {
  401: { 'WWW-Authenticate': { type: 'string', description: 'Bearer, RFC 6750' } },
  429: { 'Retry-After': { type: 'integer', description: 'seconds' } },
  503: { 'Retry-After': { type: 'integer', description: 'seconds' } },
};

const KNOWN = [
  'api.no-assertion',
  'api.assertion-refused',
  'api.assertion-claims',
  'api.assertion-time',
  'api.assertion-used',
] as const;
const ALWAYS = ['api.too-many', 'api.unexpected', 'api.unavailable'] as const;

/** Each status with all its codes; a code without a documented status cannot be answered (test/api/document.test.ts). */
function problems(names: readonly ProblemName[]): Record<number, Json> {
  const byStatus = Map.groupBy(names, (name) => PROBLEMS[name][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('\n\n'),
        ...(HEADERS[status] === undefined ? {} : { headers: HEADERS[status] }),
        content: { 'application/problem+json': { schema: { $ref: status === 422 ? 'Refused#' : 'Problem#' } } },
      },
    ]),
  );
}

const json = (description: string, schema: Json, headers: Json = {}): Json => ({
  description,
  ...(Object.keys(headers).length === 0 ? {} : { headers }),
  content: { 'application/json': { schema } },
});

const security = [{ assertion: [] }];

export const POST_REGISTRATION: FastifySchema = {
  operationId: 'postRegistration',
  summary: 'Take a registration to the practice’s HIS',
  description:
    'Answered once it stands in the ledger. Repeat it with the same Idempotency-Key, and a new assertion, until there is an answer.',
  security,
  headers: {
    type: 'object',
    properties: { 'Idempotency-Key': { ...UUID, description: 'of the registration; the same for every try' } },
    required: ['Idempotency-Key'],
  },
  body: { $ref: 'PostedRegistration#' },
  response: {
    202: json(
      'It stands in the ledger: now, or since an earlier try with this key',
      { $ref: 'Registration#' },
      {
        Location: { type: 'string', description: 'where to ask what becomes of it' },
      },
    ),
    ...problems([
      'api.malformed',
      'api.idempotency-key',
      ...KNOWN,
      'api.not-enabled',
      'api.key-reused',
      'api.too-large',
      'api.media-type',
      'api.refused',
      ...ALWAYS,
    ]),
  },
};

export const REGISTRATION: FastifySchema = {
  operationId: 'getRegistration',
  summary: 'What became of a registration',
  security,
  params: {
    type: 'object',
    properties: { id: { ...UUID, description: 'from the answer to the registration' } },
    required: ['id'],
  },
  response: {
    200: json('How far it is', { $ref: 'Registration#' }),
    ...problems([...KNOWN, 'api.not-found', ...ALWAYS]),
  },
};

export const DOCUMENT: FastifySchema = {
  operationId: 'getDocument',
  summary: 'This document',
  response: { 200: json('OpenAPI 3.1', { type: 'object' }), ...problems(['api.too-many']) },
};

export const HEALTH: FastifySchema = {
  operationId: 'getHealth',
  summary: 'Whether the process answers; it says nothing of what is behind it',
  response: {
    200: json('It does', {
      type: 'object',
      properties: { status: { const: 'up' } },
      required: ['status'],
      additionalProperties: false,
    }),
  },
};

const asSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'output' }) as Json;

/** Named schemas, as components. */
export const SCHEMAS: Readonly<Record<string, Json>> = {
  PostedRegistration: postedJsonSchema(),
  Registration: asSchema(registrationAnswerSchema),
  Problem: asSchema(problemSchema),
  Refused: asSchema(refusedSchema),
};

/** Before the routes: what is added later is not in the document. */
export async function openDocument(server: FastifyInstance): Promise<void> {
  for (const [name, { $schema: _dialect, ...schema }] of Object.entries(SCHEMAS))
    server.addSchema({ $id: name, ...schema });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'zorgkoerier: registrations',
        version: '1',
        description: 'Free-text registrations from a patient card or a board to the HIS of the practice.',
      },
      components: {
        securitySchemes: {
          assertion: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'A JWT for this request alone, signed with a key that was registered: header kid (RFC 7638 thumbprint) and alg; iss and sub the name of the source, aud this intake, iat, exp at most five minutes ahead, jti never used before.',
          },
        },
      },
    },
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
  });
}
