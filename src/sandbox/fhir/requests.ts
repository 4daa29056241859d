/**
 * One FHIR request against the store, by way of Medplum's router, with what the router does not do itself: searches
 * with a form body, transactions that roll back as a whole and of any size, and /metadata.
 */

import { badRequest, getStatus, isOk, normalizeOperationOutcome, OperationOutcomeError } from '@medplum/core';
import { type FhirRequest, FhirRouter, type HttpMethod } from '@medplum/fhir-router';
import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes';
import { capabilityStatement } from './capability.ts';
import type { SandboxRepository } from './repository.ts';

export interface FhirCall {
  readonly method: string;
  /** Below the base, without the leading slash: `Observation/_search`. */
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export interface FhirAnswer {
  readonly status: number;
  readonly resource: Resource;
}

export interface RequestContext {
  readonly name: string;
  readonly url: string;
  readonly repository: SandboxRepository;
}

const router = new FhirRouter();

export async function answerCall(context: RequestContext, call: FhirCall): Promise<FhirAnswer> {
  const { path, method } = call;
  if (path === 'metadata') return { status: 200, resource: capabilityStatement(context.name, context.url) };
  try {
    const search = path.match(/^(\w+)\/_search$/);
    if (method === 'POST' && search !== null) {
      return await route(context, { ...call, method: 'GET', path: `${search[1]}?${call.body}`, body: '' });
    }
    const body = call.body === '' ? undefined : (JSON.parse(call.body) as Resource);
    if (body?.resourceType === 'Bundle' && body.type === 'transaction') {
      return { status: 200, resource: await runTransaction(context, body) };
    }
    return await route(context, call);
  } catch (thrown) {
    const outcome = normalizeOperationOutcome(thrown);
    return { status: getStatus(outcome), resource: outcome };
  }
}

async function route({ repository }: RequestContext, call: FhirCall): Promise<FhirAnswer> {
  const body: unknown = call.body === '' ? undefined : JSON.parse(call.body);
  const request: FhirRequest = {
    method: call.method as HttpMethod,
    url: call.path,
    pathname: '',
    params: {},
    query: {},
    headers: call.headers,
    body,
    config: { transactions: true },
  };
  const [outcome, resource] = await router.handleRequest(request, repository);
  return { status: getStatus(outcome), resource: resource ?? outcome };
}

/**
 * Run as a batch inside our own transaction: the router's transactions allow no more than 8 entries where one of them
 * is conditional, a limit of Medplum's database that has nothing to do with FHIR.
 */
async function runTransaction(context: RequestContext, bundle: Bundle): Promise<Bundle> {
  refuseRepeatedIdentities(bundle);
  return context.repository.withTransaction(async (repository) => {
    const request: FhirRequest = {
      method: 'POST',
      url: '',
      pathname: '',
      params: {},
      query: {},
      body: bundle,
      config: { transactions: false },
    };
    const [outcome, answer] = await router.handleRequest(request, repository);
    if (!isOk(outcome)) throw new OperationOutcomeError(outcome);
    const response = answer as Bundle;
    for (const entry of response.entry ?? [])
      refuseFailedEntry(entry.response?.outcome as OperationOutcome | undefined);
    return response;
  });
}

function refuseFailedEntry(outcome: OperationOutcome | undefined): void {
  if (outcome === undefined || !isOk(outcome)) {
    throw new OperationOutcomeError(outcome ?? badRequest('Entry without an answer'));
  }
}

// R4 http.html#trules: a resource may appear only once.
function refuseRepeatedIdentities(bundle: Bundle): void {
  const identities = (bundle.entry ?? []).map(({ fullUrl, request }) =>
    request?.method === 'PUT' ? request.url : (fullUrl ?? crypto.randomUUID()),
  );
  if (new Set(identities).size < identities.length) {
    throw new OperationOutcomeError(badRequest('Duplicate resource identity found in Bundle'));
  }
}
