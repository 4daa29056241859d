/**
 * The connection between cKIS and cBoards: what is written to a card of a practice whose boards are filled by cKIS
 * appears on the board, new versions and retractions included. It can be cut, to see who notices.
 */

import type { DiagnosticReport, Identifier, Observation, Patient, Reference, Resource } from '@medplum/fhirtypes';
import { BSN_SYSTEM } from '../../delivery/patient-card/patient-card.ts';
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
  const patientId = idOf(resource.subject);
  const card = source.all<Patient>('Patient').find(({ id }) => id === patientId);
  if (card === undefined || !agbs.has(card.managingOrganization?.identifier?.value ?? '')) return;
  const there = board.all<Patient>('Patient').find((patient) => bsnOf(patient) === bsnOf(card));
  if (there === undefined) return;
  const { id: _id, meta: _meta, ...content } = resource;
  const copy = { ...content, subject: { reference: `Patient/${there.id}` } } as Shown;
  delete copy.specimen;
  if (copy.performer !== undefined)
    copy.performer = copy.performer.map(({ display = 'laboratorium' }) => ({ display }));
  if (copy.resourceType === 'DiagnosticReport') relink(source, board, copy);
  await upsert(board, copy);
}

async function upsert(board: SandboxRepository, copy: Shown): Promise<void> {
  const existing = twinOf(board, copy);
  if (existing?.id === undefined) await board.createResource(copy);
  else await board.updateResource({ ...copy, id: existing.id });
}

function relink(source: SandboxRepository, board: SandboxRepository, copy: DiagnosticReport): void {
  const cards = source.all<Observation>('Observation');
  copy.result = (copy.result ?? []).flatMap((reference) => {
    const original = cards.find(({ id }) => id === idOf(reference));
    const twin = original === undefined ? undefined : twinOf(board, original);
    return twin === undefined ? [] : [{ reference: `Observation/${twin.id}` }];
  });
  if (copy.result.length === 0) delete copy.result;
}

function twinOf(board: SandboxRepository, resource: Shown): Shown | undefined {
  const tokens = new Set((resource.identifier ?? []).map(tokenOf));
  return board
    .all<Shown>(resource.resourceType)
    .find(({ identifier }) => (identifier ?? []).some((candidate) => tokens.has(tokenOf(candidate))));
}

function tokenOf({ system, value }: Identifier): string {
  return `${system}|${value}`;
}

function idOf(reference: Reference | undefined): string | undefined {
  return reference?.reference?.split('/').at(-1);
}

function bsnOf(patient: Patient): string | undefined {
  return patient.identifier?.find(({ system }) => system === BSN_SYSTEM)?.value;
}
