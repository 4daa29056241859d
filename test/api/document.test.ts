import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/api/problems.ts';
import { buildServer } from '../../src/api/server.ts';
import { postedJsonSchema } from '../../src/registration/registration.ts';
import { faultsOf } from './described.ts';
import { type Answered, type Intake, nowS, POSTED, sign, startIntake } from './intake.ts';

/** The running server against the document that it gives of itself: every status of every route, and nothing beside them. */

let intake: Intake;
beforeAll(async () => {
  intake = await startIntake();
});
afterAll(() => intake.release());

/** A registration of this source, and its id. */
async function accepted(): Promise<string> {
  const { status, body } = await intake.post(POSTED);
  expect(status).toBe(202);
  return body.id;
}

async function whileAway(work: () => Promise<Answered>): Promise<Answered> {
  await intake.ledgerAway();
  return work().finally(() => intake.ledgerBack());
}

async function whileBroken(work: () => Promise<Answered>): Promise<Answered> {
  await intake.sql('alter table registration rename to registration_elsewhere');
  return work().finally(() => intake.sql('alter table registration_elsewhere rename to registration'));
}

async function afterOne(limit: 'perSource' | 'perAddress', work: (at: Intake['usual']) => Promise<Answered>) {
  const at = await intake.start({ [limit]: 1 });
  await work(at);
  return work(at);
}

type Provocation = () => Promise<Answered>;

/** Each status of each route, provoked in all ways that it has. */
const PROVOCATIONS: Readonly<Record<string, Readonly<Record<string, readonly Provocation[]>>>> = {
  'POST /v1/registrations': {
    202: [() => intake.post(POSTED)],
    400: [
      () => intake.post('{"practice":'),
      () => intake.post(''),
      () => intake.post(Buffer.from([0x22, 0xff, 0x22])),
      () => intake.post(undefined),
      () => intake.post(POSTED, { key: null }),
      () => intake.post(POSTED, { key: 'one' }),
    ],
    401: [
      () => intake.post(POSTED, { authorization: null }),
      () => intake.post(POSTED, { authorization: 'Basic Y2tpczpja2lz' }),
      async () =>
        intake.post(POSTED, { authorization: `Bearer ${await sign(intake.ckis, { claims: { exp: nowS() - 60 } })}` }),
      async () =>
        intake.post(POSTED, { authorization: `Bearer ${await sign(intake.ckis, { claims: { aud: 'another' } })}` }),
      async () => {
        const authorization = `Bearer ${await sign(intake.ckis)}`;
        await intake.post(POSTED, { authorization });
        return intake.post(POSTED, { authorization });
      },
    ],
    403: [
      () => intake.post({ ...POSTED, practice: { agb: '01099099' } }),
      async () => {
        await intake.sql(`update integration set state = 'disabled', disabled_at = now()`);
        return intake
          .post(POSTED)
          .finally(() => intake.sql(`update integration set state = 'enabled', disabled_at = null`));
      },
    ],
    409: [
      async () => {
        const key = randomUUID();
        await intake.post(POSTED, { key });
        return intake.post({ ...POSTED, text: 'Iets anders.' }, { key });
      },
    ],
    413: [() => intake.post({ ...POSTED, text: 'a'.repeat(140_000) })],
    415: [
      () => intake.post(JSON.stringify(POSTED), { headers: { 'content-type': 'text/plain' } }),
      () =>
        intake.post(JSON.stringify(POSTED), { headers: { 'content-type': 'application/json; charset=iso-8859-1' } }),
      () => intake.post(JSON.stringify(POSTED), { headers: { 'content-encoding': 'gzip' } }),
    ],
    422: [
      () => intake.post({ ...POSTED, text: 7, author: undefined, extra: 1 }),
      () => intake.post([]),
      // What no JSON Schema says: a character that no HIS could be trusted with.
      () => intake.post({ ...POSTED, text: 'Glucose ☃.' }),
    ],
    429: [
      () => afterOne('perSource', (at) => intake.post(POSTED, { at })),
      () => afterOne('perAddress', (at) => intake.post(POSTED, { at, authorization: null })),
    ],
    500: [() => whileBroken(() => intake.post(POSTED))],
    503: [() => whileAway(() => intake.post(POSTED))],
  },
  'GET /v1/registrations/{id}': {
    200: [async () => intake.get(await accepted())],
    401: [async () => intake.get(await accepted(), { authorization: null })],
    404: [() => intake.get(randomUUID()), () => intake.get('one'), () => intake.get('a'.repeat(300))],
    429: [() => afterOne('perSource', (at) => intake.get(randomUUID(), { at }))],
    500: [() => whileBroken(() => intake.get(randomUUID()))],
    503: [() => whileAway(() => intake.get(randomUUID()))],
  },
  'GET /openapi.json': {
    200: [() => intake.call('GET', '/openapi.json', { authorization: null })],
    429: [() => afterOne('perAddress', (at) => intake.call('GET', '/openapi.json', { at, authorization: null }))],
  },
  'GET /healthz': { 200: [() => intake.call('GET', '/healthz', { authorization: null })] },
};

const CASES = Object.entries(PROVOCATIONS).flatMap(([operation, statuses]) =>
  Object.entries(statuses).map(([status, provocations]) => [operation, Number(status), provocations] as const),
);

describe('the document', () => {
  it('is valid OpenAPI 3.1, and a broken one is not', () => {
    expect(faultsOf(intake.document)).toEqual([]);
    const broken = (path: string, value: unknown) => {
      const copy = structuredClone(intake.document);
      const names = path.split(' ');
      const last = names.pop() ?? '';
      const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
      if (value === undefined) delete holder[last];
      else holder[last] = value;
      return faultsOf(copy).length;
    };
    const health = 'paths /healthz get';
    expect(broken('openapi', '3.0.3')).toBeGreaterThan(0);
    expect(broken(`${health} responses 200 description`, undefined)).toBeGreaterThan(0);
    expect(broken(`${health} operationId`, 'getDocument')).toBeGreaterThan(0);
    expect(broken(`${health} responses default`, {})).toBeGreaterThan(0);
    expect(broken('components schemas Problem', undefined)).toBeGreaterThan(0);
    expect(broken('components schemas Problem typo', 1)).toBeGreaterThan(0);
    expect(broken('components securitySchemes assertion', undefined)).toBeGreaterThan(0);
    expect(broken('paths /v1/registrations/{id} get parameters', [])).toBeGreaterThan(0);
  });

  it('has the very schema that posted registrations are checked by', () => {
    const { schemas } = intake.document['components'] as { schemas: Record<string, unknown> };
    const { $schema: _, ...schema } = postedJsonSchema();
    expect(schemas['PostedRegistration']).toEqual(schema);
    expect(intake.description.takes('POST /v1/registrations', POSTED)).toBe(true);
    expect(intake.description.takes('POST /v1/registrations', { ...POSTED, extra: 1 })).toBe(false);
  });

  it('has every route of the server, and no other', async () => {
    const found: string[] = [];
    const server = await buildServer(intake.api, { tls: null, isBehindProxy: false });
    for (const operation of intake.description.operations.keys()) {
      const [method = '', path = ''] = operation.split(' ');
      if (server.hasRoute({ method, url: path.replace(/\{(\w+)\}/g, ':$1') } as never)) found.push(operation);
    }
    const listed = server.printRoutes({ commonPrefix: false }).match(/\((\w+(, )?)+\)/g) ?? [];
    await server.close();
    expect(found).toEqual([...intake.description.operations.keys()]);
    expect(listed).toHaveLength(found.length);
  });

  it('has a status for every problem that there is, but what concerns no route', () => {
    const said = JSON.stringify(intake.document);
    const unsaid = Object.keys(PROBLEMS).filter((name) => !said.includes(`\`${name}\``));
    expect(unsaid).toEqual(['api.bad-request']);
  });

  it('is provoked here in every status of every route', () => {
    const documented = [...intake.description.operations].map(([name, { responses }]) => [
      name,
      Object.keys(responses),
    ]);
    const provoked = Object.entries(PROVOCATIONS).map(([name, statuses]) => [name, Object.keys(statuses)]);
    expect(Object.fromEntries(provoked)).toEqual(Object.fromEntries(documented));
  });

  it.each(CASES)('%s answers %i as documented', async (_operation, status, provocations) => {
    for (const provoke of provocations) {
      const answer = await provoke();
      expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
    }
  });

  it('notices a status, a type, a header and a form that it does not have', () => {
    const path = '/v1/registrations';
    const headers = new Headers({ 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' });
    const body = { type: 'about:blank', title: 'x', status: 401, code: 'api.no-assertion', detail: 'x' };
    const complaints = (changes: object) =>
      intake.description.complaints('POST', path, { status: 401, headers, body, ...changes });
    expect(complaints({})).toEqual([]);
    expect(complaints({ status: 418 })).toHaveLength(1);
    expect(complaints({ headers: new Headers({ 'content-type': 'text/html' }) })).toHaveLength(1);
    expect(complaints({ headers: new Headers({ 'content-type': 'application/problem+json' }) })).toHaveLength(1);
    expect(complaints({ body: { ...body, bsn: '1' } })).toHaveLength(1);
    expect(intake.description.complaints('GET', '/v2', { status: 200, headers, body })).toHaveLength(1);
  });
});
