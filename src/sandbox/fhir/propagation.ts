/**
 * The connection between cKIS and cBoards: what is written to a card of a practice whose boards are filled by cKIS
 * appears on the board, new versions and retractions included. It can be cut, to see who notices.
 */

import { Operator } from '@medplum/core';
import type { DiagnosticReport, Identifier, Observation, Patient, Reference, Resource } from '@medplum/fhirtypes';
import type { SandboxPractice } from '../people.ts';
import type { SandboxRepository } from './repository.ts';

export interface Propagation {
  /** Off: what is written waits, until catchUp(). */
  enabled: boolean;
  waiting(): number;
  /** Passes on what waits, whether enabled or not. */
  catchUp(): Promise<void>;
}

export interface PropagationTarget {
  readonly repository: SandboxRepository;
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>;
}

type Shown = Observation | DiagnosticReport;

export function propagation(
  source: SandboxRepository,
  practices: readonly SandboxPractice[],
  target: PropagationTarget | null,
): Propagation & { committed(resources: readonly Resource[]): Promise<void> } {
  const agbs = new Set(practices.filter(({ boards }) => boards === 'by-ckis').map(({ agb }) => agb));
  let backlog: Shown[] = [];
  const catchUp = async () => {
    const due = backlog;
    backlog = [];
    if (target === null || due.length === 0) return;
    // Observations first: a DiagnosticReport refers to them.
    const inOrder = due.toSorted((a, b) => rank(a) - rank(b));
    await target.exclusively(async () => {
      for (const resource of inOrder) await passOn(source, target.repository, agbs, resource);
    });
  };
  return {
    enabled: true,
    waiting: () => backlog.length,
    catchUp,
    async committed(resources) {
      if (target === null) return;
      backlog.push(...resources.filter(isShown));
      if (this.enabled) await catchUp();
    },
  };
}

function isShown(resource: Resource): resource is Shown {
  return resource.resourceType === 'Observation' || resource.resourceType === 'DiagnosticReport';
}

function rank(resource: Shown): number {
  return resource.resourceType === 'Observation' ? 0 : 1;
}

async function passOn(
  source: SandboxRepository,
  board: SandboxRepository,
  agbs: ReadonlySet<string>,
  resource: Shown,
): Promise<void> {
  const card = await source.readResource<Patient>('Patient', idOf(resource.subject) ?? '');
  if (!agbs.has(card.managingOrganization?.identifier?.value ?? '')) return;
  const there = await twinOf<Patient>(board, card);
  if (there === undefined) return;
  const { id: _id, meta: _meta, ...content } = resource;
  const copy = { ...content, subject: { reference: `Patient/${there.id}` } } as Shown;
  delete copy.specimen;
  if (copy.performer !== undefined)
    copy.performer = copy.performer.map(({ display = 'laboratorium' }) => ({ display }));
  if (copy.resourceType === 'DiagnosticReport') await relink(source, board, copy);
  await upsert(board, copy);
}

async function upsert(board: SandboxRepository, copy: Shown): Promise<void> {
  const existing = await twinOf<Shown>(board, copy);
  if (existing?.id === undefined) await board.createResource(copy);
  else await board.updateResource({ ...copy, id: existing.id });
}

async function relink(source: SandboxRepository, board: SandboxRepository, copy: DiagnosticReport): Promise<void> {
  const results: Reference<Observation>[] = [];
  for (const reference of copy.result ?? []) {
    const original = await source.readResource<Observation>('Observation', idOf(reference) ?? '');
    const twin = await twinOf<Observation>(board, original);
    if (twin !== undefined) results.push({ reference: `Observation/${twin.id}` });
  }
  delete copy.result;
  if (results.length > 0) copy.result = results;
}

/** The resource on the board that has an identifier of this one: a BSN for a patient, our digest for a result. */
async function twinOf<T extends Shown | Patient>(board: SandboxRepository, resource: T): Promise<T | undefined> {
  const value = (resource.identifier ?? []).map(tokenOf).join(',');
  const resourceType: T['resourceType'] = resource.resourceType;
  const filters = [{ code: 'identifier', operator: Operator.EQUALS, value }];
  return (await board.searchResources<T>({ resourceType, filters }))[0];
}

function tokenOf({ system, value }: Identifier): string {
  return `${system}|${value}`;
}

function idOf(reference: Reference | undefined): string | undefined {
  return reference?.reference?.split('/').at(-1);
}
