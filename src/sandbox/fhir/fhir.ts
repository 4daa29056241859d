/**
 * The door of sandbox/fhir: cKIS and cBoards as FHIR R4 servers on 127.0.0.1, filled with the sandbox's patients.
 *
 * It promises: every resource is validated, a transaction is all or nothing, requests are handled one after the other.
 * It is a reference double (Medplum's router and memory store, our patches), and says of itself that it is a sandbox.
 */

import type { Resource } from '@medplum/fhirtypes';
import type { SandboxPatient, SandboxPractice } from '../people.ts';
import { loadDefinitions } from './definitions.ts';
import { type Faults, faultPlan } from './faults.ts';
import { listen, type SeenRequest } from './listen.ts';
import { populate } from './population.ts';
import { type Propagation, type PropagationTarget, propagation } from './propagation.ts';
import { SandboxRepository } from './repository.ts';

export interface FhirSandboxOptions {
  readonly name: 'cKIS' | 'cBoards';
  /** Who is followed and where; a patient of a practice without the product has no card there. */
  readonly people: readonly SandboxPatient[];
  readonly practices: readonly SandboxPractice[];
  /** The bearer token that every request but /metadata must carry. */
  readonly token: string;
  /** cKIS only: the cBoards that it is connected with. */
  readonly propagateTo?: FhirSandbox;
}

export interface FhirSandbox extends PropagationTarget {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly faults: Faults;
  readonly propagation: Propagation;
  /** The store itself: for tests that arrange a situation and for readCards(). */
  readonly repository: SandboxRepository;
  /** Every request since the start: method, path with query, answer. */
  readonly requests: readonly SeenRequest[];
  release(): Promise<void>;
}

export async function startFhirSandbox(options: FhirSandboxOptions): Promise<FhirSandbox> {
  const { name, token, people } = options;
  loadDefinitions();
  const repository = new SandboxRepository();
  const practices = options.practices.filter(({ products }) => products.includes(name));
  await populate(repository, practices, people);
  repository.takeCommitted();
  const exclusively = oneByOne();
  const connection = propagation(repository, practices, options.propagateTo ?? null);
  const faults = faultPlan();
  const committed = (resources: readonly Resource[]) => connection.committed(resources);
  const server = await listen({ name, token, repository, faults, exclusively, committed });
  return {
    name,
    token,
    url: server.url,
    faults,
    propagation: connection,
    repository,
    exclusively,
    requests: server.requests,
    release: () => server.release(),
  };
}

/** Work in the order in which it was asked for, never two at once: the store knows no isolation. */
function oneByOne(): PropagationTarget['exclusively'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

export type { Fault, FaultScope, Faults } from './faults.ts';
export type { SeenRequest } from './listen.ts';
export type { Propagation } from './propagation.ts';
export { type CardReading, type ReadResult, readCards } from './read-card.ts';
