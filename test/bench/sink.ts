/**
 * The cKIS of the drain, in a process of its own: `node sink.ts '<set as JSON>' fast|sandbox`. fast: a FHIR server that finds cards by
 * BSN, keeps what it is sent, answers searches from it and creates conditionally; it validates nothing, so that what is
 * measured is the courier. sandbox: the sandbox's own server, which validates everything.
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Bundle, BundleEntry, Patient, Resource } from '@medplum/fhirtypes';
import { BSN_SYSTEM, SANDBOX_STATEMENT_URL } from '../../src/delivery/patient-card/patient-card.ts';
import { startFhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import { patientOf } from '../../src/sandbox/fhir/population.ts';
import { cardsOf, peopleOf, practicesOf, type TrafficSet } from './practices.ts';

/** What the parent hears: first where it listens, then, each time that it asks, what is there. */
export type SinkSays =
  | { readonly kind: 'ready'; readonly url: string; readonly token: string }
  | { readonly kind: 'counts'; readonly requests: number; readonly observations: number };

type Kept = Resource & { identifier?: readonly { system?: string; value?: string }[] };

const TOKEN = 'only-for-benchmarks';

function fastSink(set: TrafficSet) {
  const byIdentifier = new Map<string, Kept>();
  const versions = new Map<string, number>();
  let lastId = 0;
  let requests = 0;
  for (const { person, practice } of cardsOf(set)) {
    const card: Patient = {
      ...patientOf(person, practice, practice.agb),
      id: `p${++lastId}`,
      meta: { versionId: '1' },
    };
    byIdentifier.set(`Patient ${BSN_SYSTEM}|${person.bsn}`, card);
  }
  const keep = (resource: Kept): BundleEntry => {
    const version = (versions.get(resource.id ?? '') ?? 0) + 1;
    versions.set(resource.id ?? '', version);
    resource.meta = { ...resource.meta, versionId: String(version) };
    for (const { system, value } of identifiersOf(resource))
      byIdentifier.set(`${resource.resourceType} ${system}|${value}`, resource);
    const location = `${resource.resourceType}/${resource.id}/_history/${version}`;
    return { response: { status: version === 1 ? '201 Created' : '200 OK', location, etag: `W/"${version}"` } };
  };
  const transaction = (body: string): { readonly status: number; readonly resource: Resource } => {
    const entries = (JSON.parse(body) as Bundle).entry ?? [];
    const there = entries.map(({ resource, request }) => existing(byIdentifier, resource, request?.ifNoneExist));
    const stale = entries.some(
      ({ request, resource }) =>
        request?.ifMatch !== undefined && request.ifMatch !== `W/"${versions.get(resource?.id ?? '')}"`,
    );
    if (stale) return { status: 412, resource: { resourceType: 'OperationOutcome', issue: [] } };
    const names = new Map<string, string>();
    entries.forEach(({ fullUrl, resource }, index) => {
      if (resource === undefined) return;
      if (fullUrl !== undefined) {
        const id = there[index]?.id ?? `r${++lastId}`;
        resource.id = id;
        names.set(fullUrl, `${resource.resourceType}/${id}`);
      }
    });
    const answers = entries.map(({ resource }, index): BundleEntry => {
      const known = there[index];
      if (known !== undefined) return { response: { status: '200 OK', location: `${known.resourceType}/${known.id}` } };
      renameReferences(resource, names);
      return keep(resource as Kept);
    });
    return { status: 200, resource: { resourceType: 'Bundle', type: 'transaction-response', entry: answers } };
  };
  const search = (type: string, body: string): Resource => {
    const wanted = new URLSearchParams(body).get('identifier')?.split(',') ?? [];
    const found = new Set(wanted.flatMap((token) => byIdentifier.get(`${type} ${token}`) ?? []));
    return { resourceType: 'Bundle', type: 'searchset', entry: [...found].map((resource) => ({ resource })) };
  };
  const answer = (method: string, path: string, body: string) => {
    requests += 1;
    if (path === 'metadata')
      return { status: 200, resource: { resourceType: 'CapabilityStatement', url: SANDBOX_STATEMENT_URL } };
    const type = /^(\w+)\/_search$/.exec(path)?.[1];
    if (method === 'POST' && type !== undefined) return { status: 200, resource: search(type, body) };
    if (method === 'POST' && path === '') return transaction(body);
    return { status: 404, resource: { resourceType: 'OperationOutcome', issue: [] } };
  };
  const counts = () => ({
    requests,
    observations: [...byIdentifier.keys()].filter((key) => key.startsWith('Observation ')).length,
  });
  return { answer, counts };
}

function identifiersOf({ identifier }: Kept): readonly { system?: string; value?: string }[] {
  return Array.isArray(identifier) ? identifier : [];
}

function existing(byIdentifier: ReadonlyMap<string, Kept>, resource: Resource | undefined, ifNoneExist?: string) {
  if (ifNoneExist === undefined || resource === undefined) return undefined;
  return byIdentifier.get(`${resource.resourceType} ${new URLSearchParams(ifNoneExist).get('identifier')}`);
}

function renameReferences(node: unknown, names: ReadonlyMap<string, string>): void {
  if (typeof node !== 'object' || node === null) return;
  const object = node as Record<string, unknown>;
  for (const [key, value] of Object.entries(object)) {
    if (key === 'reference' && typeof value === 'string') object[key] = names.get(value) ?? value;
    else renameReferences(value, names);
  }
}

async function listenFast(set: TrafficSet): Promise<void> {
  const { answer, counts } = fastSink(set);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request: IncomingMessage, response) => {
    text(request)
      .then((body) => {
        const path = (request.url ?? '').replace(/^\/fhir\/?/, '');
        const { status, resource } = answer(request.method ?? 'GET', path, body);
        const out = Buffer.from(JSON.stringify(resource));
        response.writeHead(status, { 'content-type': 'application/fhir+json', 'content-length': out.length });
        response.end(out);
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`;
  process.on('message', () => say({ kind: 'counts', ...counts() }));
  say({ kind: 'ready', url, token: TOKEN });
}

async function listenSandbox(set: TrafficSet): Promise<void> {
  const server = await startFhirSandbox({
    name: 'cKIS',
    people: peopleOf(set),
    practices: practicesOf(set),
    token: TOKEN,
  });
  process.on('message', () => {
    void server.repository
      .search({ resourceType: 'Observation', count: 0, total: 'accurate' })
      .then(({ total = 0 }) => {
        say({ kind: 'counts', requests: server.requests.length, observations: total });
      });
  });
  say({ kind: 'ready', url: server.url, token: server.token });
}

function say(what: SinkSays): void {
  process.send?.(what);
}

process.once('disconnect', () => process.exit(0));
const [set = '', kind] = process.argv.slice(2);
await (kind === 'sandbox' ? listenSandbox : listenFast)(JSON.parse(set) as TrafficSet);
