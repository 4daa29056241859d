/**
 * HL7 messages about one lab number, to a real card in the order of arrival: read by the reader, named as the pipeline
 * names them, written by the patient card. Each arrival has a lab number of its own, so that they share one server.
 */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { DiagnosticReport, Observation } from '@medplum/fhirtypes';
import { afterAll, beforeAll } from 'vitest';
import {
  type OpenPatientCard,
  openPatientCard,
  type WriteAnswer,
} from '../../src/delivery/patient-card/patient-card.ts';
import { type Keys, openKeys } from '../../src/keys/keys.ts';
import { loadLaboratoryRegistry } from '../../src/lab/lab.ts';
import { labNumberDigests } from '../../src/pipeline/digests.ts';
import { identifyReport } from '../../src/pipeline/identify.ts';
import { factsOfNumbers, remember } from '../../src/records/records.ts';
import { type FhirSandbox, startFhirSandbox } from '../../src/sandbox/fhir/fhir.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { practice } from '../delivery/sample.ts';
import { reportBy } from '../lab/from-hl7/reading.ts';
import { useLedgers } from '../ledger/ledgers.ts';

export interface Obx {
  readonly code?: string;
  readonly name?: string;
  readonly value?: string;
  readonly status?: string;
  /** OBX-14: hour and minute of 20 November 2026. */
  readonly at?: string;
}

export interface Oru {
  /** MSH-7: hour and minute of 20 November 2026. */
  readonly sentAt: string;
  readonly results: readonly Obx[];
  /** before: it went to the card before its laboratory entered the registry. read-before: it was read before, and went after. */
  readonly registered?: 'before' | 'read-before';
}

const REGISTRY = loadLaboratoryRegistry();
const WITHOUT = { ...REGISTRY, laboratories: [] };

const DAY = '20261120';
const PATIENT = 'PID|1||999918606^^^NLMINBIZA^NNNLD||Bakker&&Bakker&&Smit^Els^E.^^^^L||19720618|F';

export function messageOf(labNumber: string, { sentAt, results, registered }: Oru) {
  return reportBy(
    registered === undefined ? REGISTRY : WITHOUT,
    `MSH|^~\\&|LAB|DIAGZUID||500088002|${DAY}${sentAt}00||ORU^R01^ORU_R01|C${sentAt}|P|2.5.1||||||UNICODE UTF-8`,
    PATIENT,
    `OBR|1||${labNumber}|CHEM^Chemie^L|||${DAY}083000||||||||||||||||||F`,
    ...results.map(
      ({ code = '513', name = 'Kalium', value = '', status = 'F', at = '' }, index) =>
        `OBX|${index + 1}|NM|${code}^${name}^NHG45||${value}|mmol/l|||||${status}|||${at === '' ? '' : `${DAY}${at}00`}`,
    ),
  );
}

export interface Arrivals {
  /** The lab number that they had on the way, and what became of each. */
  arrive(messages: readonly Oru[]): Promise<readonly string[]>;
  /** What a reader of the card sees of the last arrivals, in an order of its own. */
  card(): readonly string[];
  results(): readonly string[];
}

export function useArrivals(): Arrivals {
  const ledgers = useLedgers();
  const bytes = randomBytes(32);
  const master = { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
  let keys: Keys;
  let ckis: FhirSandbox;
  let cards: OpenPatientCard;
  let cardId = '';
  let patientKey: Buffer;
  let series = 0;
  const seen = new Set<string>();
  let fresh: readonly (Observation | DiagnosticReport)[] = [];

  beforeAll(async () => {
    keys = openKeys({ sql: ledgers.worker, master });
    ckis = await startFhirSandbox({
      name: 'cKIS',
      people: SANDBOX_PATIENTS,
      practices: SANDBOX_PRACTICES,
      token: 'secret',
    });
    const digest = await keys.digester('card');
    cards = openPatientCard({ baseUrl: ckis.url, token: 'secret', digest, isProduction: false, timeoutMs: 5_000 });
    const { patient } = messageOf('Z0', { sentAt: '1000', results: [{ value: '4.1' }] });
    const found = await cards.find(patient, practice('anker').agb);
    if (found.kind !== 'card') throw new Error(found.kind);
    cardId = found.card.patientId;
    patientKey = await keys.mac('patient', patient.bsn ?? '');
  });
  afterAll(async () => {
    await cards.release();
    await ckis.release();
  });

  async function deliver(labNumber: string, oru: Oru): Promise<string> {
    const report = messageOf(labNumber, oru);
    const reportId = randomUUID();
    const courier = { keys, registry: oru.registered === 'before' ? WITHOUT : REGISTRY };
    const { all: numbers } = await labNumberDigests(keys, report, courier.registry);
    const [facts = []] = await factsOfNumbers(ledgers.worker, [{ numbers, patientKey, cardId }]);
    const identified = await identifyReport(courier, report, { facts, deliveryId: null }, null);
    if (identified === null) return 'lab.key-changed';
    const { results, identifiers } = identified;
    const reports = [{ patientKey, reportId, results, identifiers }];
    await ledgers.worker.transaction((tx) => remember(tx, { numbers: [], reports }));
    const answer: WriteAnswer = await cards.write(
      { patientId: cardId },
      { report, format: 'hl7-oru', attachments: new Map(), withheldCount: 0, identifiers },
      { reportId, mailId: randomUUID(), version: report.sentAt ?? '', practiceAgb: practice('anker').agb },
    );
    return answer.kind === 'held' ? answer.code : answer.kind;
  }

  const results = () => fresh.flatMap((one) => (one.resourceType === 'Observation' ? [lineOf(one)] : [])).sort();
  return {
    async arrive(messages) {
      series += 1;
      const answers: string[] = [];
      for (const message of messages) answers.push(await deliver(`Z${series}`, message));
      const all = [
        ...ckis.repository.all<Observation>('Observation'),
        ...ckis.repository.all<DiagnosticReport>('DiagnosticReport'),
      ];
      fresh = all.filter(({ id }) => !seen.has(id ?? ''));
      for (const { id } of fresh) seen.add(id ?? '');
      return answers;
    },
    results,
    card: () => [
      ...results(),
      ...fresh.flatMap((one) =>
        one.resourceType === 'DiagnosticReport'
          ? [`report ${one.status} ${one.issued} ${one.result?.length ?? 0}: ${one.conclusion ?? ''}`]
          : [],
      ),
    ],
  };
}

function lineOf(observation: Observation): string {
  const { status, code, valueQuantity, valueString, effectiveDateTime = '', note } = observation;
  const at = effectiveDateTime.slice(11, 16);
  return [code?.text, at, valueQuantity?.value ?? valueString ?? '-', status, note?.[0]?.text ?? ''].join(' ').trim();
}
