import type { Bundle, Observation, Resource } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FhirSandbox, readCards, startFhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';

let server: FhirSandbox;

beforeAll(async () => {
  server = await startFhirSandbox({
    name: 'cKIS',
    people: SANDBOX_PATIENTS,
    practices: SANDBOX_PRACTICES,
    token: 'secret',
  });
});

afterAll(() => server.release());

interface Answer {
  readonly status: number;
  readonly body: Resource & { readonly total?: number };
}

async function call(method: string, path: string, body?: object | string, headers = {}): Promise<Answer> {
  const type = typeof body === 'string' ? 'application/x-www-form-urlencoded' : 'application/fhir+json';
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: 'Bearer secret', 'content-type': type, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

function sample(value: string): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    identifier: [{ system: 'urn:oid:1.2.3', value }],
  };
}

function transaction(...entry: NonNullable<Bundle['entry']>): Bundle {
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

function count(value: string): number {
  return server.repository.all<Observation>('Observation').filter(({ identifier }) => identifier?.[0]?.value === value)
    .length;
}

it('says of itself that it is a sandbox, to anybody', async () => {
  const response = await fetch(`${server.url}/metadata`);
  expect(await response.json()).toMatchObject({
    resourceType: 'CapabilityStatement',
    software: { name: 'zorgkoerier sandbox' },
  });
});

it('refuses a request without its token', async () => {
  expect((await call('GET', '/Patient', undefined, { authorization: 'Bearer guess' })).status).toBe(401);
});

it('finds by identifier in a form body: the right system, several values, nothing in another system', async () => {
  await call('POST', '/Observation', sample('a'));
  await call('POST', '/Observation', sample('b'));
  const search = async (identifier: string) =>
    (await call('POST', '/Observation/_search', new URLSearchParams({ identifier }).toString())).body.total;
  expect(await search('urn:oid:1.2.3|a')).toBe(1);
  expect(await search('urn:oid:1.2.3|a,urn:oid:1.2.3|b,urn:oid:1.2.3|c')).toBe(2);
  expect(await search('a')).toBe(1);
  expect(await search('urn:oid:9|a')).toBe(0);
});

it('validates what is written, in a transaction too, and then keeps none of it', async () => {
  expect((await call('POST', '/Observation', { resourceType: 'Observation' })).status).toBe(400);
  const bundle = transaction(
    { resource: sample('c'), request: { method: 'POST', url: 'Observation' } },
    { resource: { resourceType: 'Observation' } as Observation, request: { method: 'POST', url: 'Observation' } },
  );
  expect((await call('POST', '', bundle)).status).toBe(400);
  expect(count('c')).toBe(0);
});

it('undoes an update with its history when a later entry fails', async () => {
  const before = await server.repository.createResource(sample('d'));
  const stale = { method: 'PUT', url: `Observation/${before.id}`, ifMatch: 'W/"stale"' } as const;
  const bundle = transaction(
    { resource: { ...before, status: 'amended' }, request: { method: 'PUT', url: `Observation/${before.id}` } },
    { resource: sample('e'), request: { method: 'POST', url: 'Observation' } },
    { resource: { ...before, id: 'nobody' }, request: { ...stale, url: 'Observation/nobody' } },
  );
  expect((await call('POST', '', bundle)).status).toBe(404);
  expect(await server.repository.readResource('Observation', before.id)).toEqual(before);
  expect((await server.repository.readHistory('Observation', before.id)).entry).toHaveLength(1);
  expect(count('e')).toBe(0);
});

it('keeps ifMatch and ifNoneExist in a transaction', async () => {
  const before = await server.repository.createResource(sample('f'));
  const put = (ifMatch: string) =>
    transaction({ resource: before, request: { method: 'PUT', url: `Observation/${before.id}`, ifMatch } });
  expect((await call('POST', '', put('W/"stale"'))).status).toBe(412);
  expect((await call('POST', '', put(`W/"${before.meta?.versionId}"`))).status).toBe(200);
  const ifNoneExist = `identifier=${encodeURIComponent('urn:oid:1.2.3|g')}`;
  const post = transaction({ resource: sample('g'), request: { method: 'POST', url: 'Observation', ifNoneExist } });
  const statuses = [];
  for (let time = 0; time < 2; time += 1) {
    const { body } = await call('POST', '', post);
    statuses.push((body as Bundle).entry?.[0]?.response?.status);
  }
  expect(statuses).toEqual(['201', '200']);
  expect(count('g')).toBe(1);
});

it('refuses a transaction that names one resource twice', async () => {
  const before = await server.repository.createResource(sample('h'));
  const entry = { resource: before, request: { method: 'PUT', url: `Observation/${before.id}` } } as const;
  expect((await call('POST', '', transaction(entry, entry))).status).toBe(400);
});

it('says that there is more when a search has more than it gives', async () => {
  const body = new URLSearchParams({ identifier: 'urn:oid:1.2.3|a,urn:oid:1.2.3|b', _count: '1' }).toString();
  const bundle = (await call('POST', '/Observation/_search', body)).body as Bundle;
  expect(bundle.entry).toHaveLength(1);
  expect(bundle.link).toMatchObject([{ relation: 'next' }]);
});

it('has a card for every followed patient of a practice with the product, and reads as a person would', async () => {
  const cards = await readCards(server);
  expect(cards).toHaveLength(SANDBOX_PATIENTS.filter(({ followedBy }) => followedBy !== null).length);
  expect(cards[0]).toMatchObject({
    practice: { name: 'Huisartsenpraktijk De Linde' },
    patient: { name: 'Petra van de Berg-van Jansen', birthDate: '1980-10-25' },
    results: [],
  });
});
