/** The HTTP side of a sandbox FHIR server: token, faults, and one FHIR call per request. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { systemClock } from '../../shared/clock.ts';
import type { Fault, FaultPlan } from './faults.ts';
import type { PropagationTarget } from './propagation.ts';
import type { SandboxRepository } from './repository.ts';
import { answerCall, type FhirAnswer, type FhirCall } from './requests.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** null: no answer was given (silence, reset). */
  readonly status: number | null;
}

export interface ListenOptions {
  readonly name: string;
  readonly token: string;
  readonly repository: SandboxRepository;
  readonly faults: FaultPlan;
  readonly exclusively: PropagationTarget['exclusively'];
  readonly committed: (resources: readonly Resource[]) => Promise<void>;
}

export interface Listening {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  release(): Promise<void>;
}

export async function listen(options: ListenOptions): Promise<Listening> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    serve(options, url, request, response)
      .catch(() => response.destroy())
      .finally(() => {
        const status = response.headersSent ? response.statusCode : null;
        requests.push({ method: request.method ?? '', url: request.url ?? '', status });
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`;
  const release = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, requests, release };
}

async function serve(
  options: ListenOptions,
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = await readCall(request);
  const isOpen = call.path === 'metadata';
  if (!isOpen && request.headers.authorization !== `Bearer ${options.token}`) {
    refuse(response, 401);
    return;
  }
  const isSearch = call.path.endsWith('/_search');
  const fault = options.faults.take({ isWrite: !isSearch && call.method !== 'GET', isSearch });
  if (fault?.kind === 'refuse') {
    refuse(response, fault.status, fault.retryAfterSeconds);
    return;
  }
  if (fault?.kind === 'delay') await systemClock.wait(fault.ms);
  const answer = await options.exclusively(async () => {
    if (fault?.kind === 'race') await changeFirst(options.repository, call);
    const done = await answerCall({ name: options.name, url, repository: options.repository }, call);
    await options.committed(options.repository.takeCommitted());
    return done;
  });
  reply(response, answer, fault);
}

function reply(response: ServerResponse, answer: FhirAnswer, fault: Fault | null): void {
  if (fault?.kind === 'fail-after-commit') {
    refuse(response, fault.status);
    return;
  }
  if (fault?.kind === 'silence-after-commit') return;
  if (fault?.kind === 'reset-after-commit') {
    response.socket?.resetAndDestroy();
    return;
  }
  const { versionId } = answer.resource.meta ?? {};
  response.writeHead(answer.status, {
    'content-type': 'application/fhir+json',
    ...(versionId === undefined ? {} : { etag: `W/"${versionId}"` }),
  });
  response.end(JSON.stringify(answer.resource));
}

/** Gives every resource that a transaction updates a newer version, as another writer would. */
async function changeFirst(repository: SandboxRepository, call: FhirCall): Promise<void> {
  const bundle = JSON.parse(call.body) as Bundle;
  for (const { request } of bundle.entry ?? []) {
    const [type, id] = request?.method === 'PUT' ? request.url.split('/') : [];
    if (type !== undefined && id !== undefined) await repository.touch(type, id);
  }
}

async function readCall(request: IncomingMessage): Promise<FhirCall> {
  const path = (request.url ?? '').replace(/^\/fhir\/?/, '');
  return { method: request.method ?? 'GET', path, headers: request.headers, body: await text(request) };
}

function refuse(response: ServerResponse, status: number, retryAfterSeconds?: number): void {
  response.writeHead(status, {
    'content-type': 'application/fhir+json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  const issue = [{ severity: 'error', code: status === 401 ? 'login' : 'transient' }];
  response.end(JSON.stringify({ resourceType: 'OperationOutcome', issue }));
}
