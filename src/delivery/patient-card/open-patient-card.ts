/** The patient cards of one FHIR server: the door's functions, put together. */

import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { LabPatient } from '../../lab/lab.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { openFhirClient, type Turns } from './fhir-client.ts';
import type { TargetName } from './http-failures.ts';
import { countMissing } from './missing.ts';
import { findNamedCard } from './named-card.ts';
import type { Card, CardAnswer, PatientCard, ReportContent, ReportTrace } from './patient-card.ts';
import { findCard } from './patient-search.ts';
import { countUnretracted, retractDelivered } from './retract.ts';
import { SANDBOX_STATEMENT_URL } from './systems.ts';
import { writeReport } from './write-report.ts';

export interface PatientCardOptions {
  readonly baseUrl: string;
  readonly token: string | null;
  /** The ledger's keyed digest: the same key gives the same digest for as long as cards live. */
  readonly digest: (key: string) => string;
  /** In production a test person is never looked up, whatever the target says of itself. */
  readonly isProduction: boolean;
  readonly timeoutMs: number;
  /** First part of the codes: `card` (cKIS) unless said otherwise. */
  readonly target?: TargetName;
  readonly clock?: Clock;
  /** How many requests it is sent at once. */
  readonly turns?: Turns;
  readonly dispatcher?: Dispatcher;
}

/** The door, and what its opener and the board need beside it. */
export interface OpenPatientCard extends PatientCard {
  /** How many results of this report are not there in this version or a newer one. Writes nothing. */
  countMissing(content: ReportContent, trace: ReportTrace, card: Card | null): Promise<number>;
  /** Closes the connections; answers under way are lost (and asked for again). */
  release(): Promise<void>;
}

export function openPatientCard(options: PatientCardOptions): OpenPatientCard {
  const { digest, clock = systemClock, target = 'card' } = options;
  const client = openFhirClient({ ...options, target });
  const isSandbox = askedTogether(async () => (await client.metadata()).url === SANDBOX_STATEMENT_URL);
  const isRealTarget = async () => options.isProduction || !(await isSandbox());
  return {
    isSandbox,
    async find(patient: LabPatient, practiceAgb: string): Promise<CardAnswer> {
      if (isTestPerson(patient) && (await isRealTarget())) return { kind: 'held', code: 'card.sandbox-person' };
      return findCard(client, patient, practiceAgb);
    },
    async findById(patientId, patient, practiceAgb, overridden): Promise<CardAnswer> {
      if (isTestPerson(patient) && (await isRealTarget())) return { kind: 'held', code: 'card.sandbox-person' };
      return findNamedCard(client, { patientId, overridden }, { patient, practiceAgb, isRealTarget });
    },
    write: (card, content, trace) =>
      writeReport({ client, digest, now: () => clock.now(), uuid: randomUUID }, card, content, trace),
    retract: (card, retraction) =>
      retractDelivered({ client, now: () => clock.now(), uuid: randomUUID }, card, retraction),
    countUnretracted: (retraction) => countUnretracted(client, retraction),
    countMissing: (content, trace, card) => countMissing(client, digest, content, trace, card),
    release: () => client.release(),
  };
}

// BSNs that start with 999 are not given out: they are the invented people of test messages.
function isTestPerson(patient: LabPatient): boolean {
  return patient.bsn?.startsWith('999') === true;
}

/** Who asks while it is asked waits for the next answer and shares it: nobody gets one that is older than the question. */
function askedTogether<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let running: Promise<void> | null = null;
  let next: Promise<Answer> | null = null;
  const done = () => {
    running = null;
  };
  const start = () => {
    const answer = ask();
    running = answer.then(done, done);
    return answer;
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(() => {
      next = null;
      return start();
    });
    return next;
  };
}
