/** A card or a board as a person reads it: for the demo's last page and for tests. */

import type { DiagnosticReport, HumanName, Observation, Patient } from '@medplum/fhirtypes';
import type { SandboxRepository } from './repository.ts';

export interface ReadResult {
  readonly name: string;
  /** As the laboratory wrote it; null when there is none, or none any more. */
  readonly value: string | null;
  readonly unit: string | null;
  readonly range: string | null;
  readonly flag: string | null;
  readonly status: string;
  readonly issued: string | null;
  readonly collectedAt: string | null;
  readonly note: string | null;
  readonly section: string | null;
  /** How many versions the server has of it. */
  readonly versions: number;
}

export interface CardReading {
  /** Name and AGB of the practice. */
  readonly practice: { readonly name: string; readonly agb: string };
  readonly patient: { readonly name: string; readonly birthDate: string | null; readonly bsn: string | null };
  readonly results: readonly ReadResult[];
  readonly reports: readonly {
    readonly status: string;
    readonly conclusion: string | null;
    readonly documents: number;
  }[];
}

/** Every card of a server, also those without results, in the order in which the patients were made. */
export async function readCards(server: { readonly repository: SandboxRepository }): Promise<readonly CardReading[]> {
  const { repository } = server;
  const observations = repository.all<Observation>('Observation');
  const reports = repository.all<DiagnosticReport>('DiagnosticReport');
  const cards: CardReading[] = [];
  for (const patient of repository.all<Patient>('Patient')) {
    const subject = `Patient/${patient.id}`;
    const own = observations.filter((observation) => observation.subject?.reference === subject);
    cards.push({
      practice: {
        name: patient.managingOrganization?.display ?? '',
        agb: patient.managingOrganization?.identifier?.value ?? '',
      },
      patient: {
        name: fullName(patient.name?.[0]),
        birthDate: patient.birthDate ?? null,
        bsn: patient.identifier?.[0]?.value ?? null,
      },
      results: await Promise.all(own.map((observation) => readResult(repository, observation))),
      reports: reports
        .filter((report) => report.subject?.reference === subject)
        .map(({ status, conclusion = null, presentedForm = [] }) => ({
          status,
          conclusion,
          documents: presentedForm.length,
        })),
    });
  }
  return cards;
}

async function readResult(repository: SandboxRepository, observation: Observation): Promise<ReadResult> {
  const history = await repository.readHistory('Observation', observation.id ?? '');
  const quantity = observation.valueQuantity;
  const asSent = quantity?.extension?.[0]?.valueString;
  const flag = observation.interpretation?.[0];
  return {
    name: observation.code.text ?? '',
    value:
      quantity === undefined
        ? (observation.valueString ?? null)
        : (asSent ?? `${quantity.comparator ?? ''}${quantity.value ?? ''}`),
    unit: quantity?.unit ?? null,
    range: observation.referenceRange?.[0]?.text ?? null,
    flag: flag?.coding?.[0]?.code ?? flag?.text ?? null,
    status: observation.status,
    issued: observation.issued ?? null,
    collectedAt: observation.effectiveDateTime ?? null,
    note: observation.note?.map(({ text }) => text).join('\n') ?? null,
    section: observation.category?.[1]?.text ?? null,
    versions: history.entry?.length ?? 0,
  };
}

function fullName(name: HumanName | undefined): string {
  return [...(name?.given ?? []), name?.family].filter((part) => part !== undefined).join(' ');
}
