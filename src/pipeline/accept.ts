/**
 * Step 1 of the way back, accept: what a source posted is in the ledger, or it is told why not.
 *
 * It may be repeated: a source's idempotency key has one row, and the same body under it gets the same answer. Whoever is
 * told `accepted` may forget the text, so it is committed before, with its audit row; that the queue is away is no error,
 * since the sweeper adds the job. What can never be written is refused here, where its author can still change it.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Keys } from '../keys/keys.ts';
import type { Ledger, Sql } from '../ledger/ledger.ts';
import { findPractice, type Practice, type RegistrationReceiver, registrationReceiver } from '../practice/practice.ts';
import type { JobQueue } from '../queue/queue.ts';
import {
  type EarlierRegistration,
  earlierRegistration,
  findRegistration,
  insertRegistration,
  lockRegistrationChoice,
  type RegistrationView,
  registrationOfKey,
} from '../records/records.ts';
import { type PostedRegistration, type Problem, planMedvri } from '../registration/registration.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { newId, type RegistrationId, type SourceId } from '../shared/ids.ts';
import type { Logger } from '../shared/logger.ts';
import type { Moment } from './pipeline.ts';
import { bodyDigest, isTestPerson, registrationOf, sealPosted } from './registration-content.ts';

export interface Acceptor {
  readonly ledger: Ledger;
  readonly keys: Keys;
  readonly queue: Pick<JobQueue, 'add'>;
  readonly logger: Logger;
  /** Test persons are refused. */
  readonly isProduction: boolean;
  /** Named moments, for the tests. */
  readonly mark?: (moment: Moment) => void;
}

export type AcceptAnswer =
  | { readonly kind: 'accepted'; readonly registration: RegistrationView; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  /** The same idempotency key with another body. */
  | { readonly kind: 'key-reused' }
  /** Unknown practice, or registrations are off there: never says which. */
  | { readonly kind: 'not-enabled' };

/** Takes what validatePosted found valid. Throws only where the ledger cannot be reached: nothing was promised then. */
export async function acceptRegistration(
  acceptor: Acceptor,
  sourceId: SourceId,
  idempotencyKey: string,
  posted: PostedRegistration,
): Promise<AcceptAnswer> {
  const digest = await bodyDigest(acceptor.keys, sourceId, posted);
  const known = await answerOfKey(acceptor.ledger, sourceId, idempotencyKey, digest);
  if (known !== null) return known;
  const practice = await findPractice(acceptor.ledger, posted.practice.agb);
  const receiver = practice === null ? null : await registrationReceiver(acceptor.ledger, practice.id);
  if (practice === null || receiver === null) return { kind: 'not-enabled' };
  const patientKey = await acceptor.keys.mac('patient', posted.patient.bsn);
  const earlier =
    posted.earlier === null ? null : await earlierRegistration(acceptor.ledger, posted.earlier.registration);
  const id = newId<RegistrationId>();
  const content = await sealed(acceptor, id, practice, posted);
  if (content === null) return { kind: 'not-enabled' };
  const row = { id, sourceId, idempotencyKey, bodyDigest: digest, practiceId: practice.id, patientKey, content };
  const incoming = { ...row, posted, practice, receiver, earlier };
  const answer = await acceptor.ledger.transaction((tx) => insert(acceptor, tx, incoming));
  if (answer !== 'inserted' && answer !== 'key-taken') return answer;
  if (answer === 'inserted') await addJob(acceptor, id);
  const found = await answerOfKey(acceptor.ledger, sourceId, idempotencyKey, digest);
  if (found === null) throw new Failure('registration.not-found', { kind: 'defect', fields: { id } });
  return found.kind === 'accepted' ? { ...found, isNew: answer === 'inserted' } : found;
}

interface Incoming {
  readonly id: RegistrationId;
  readonly sourceId: SourceId;
  readonly idempotencyKey: string;
  readonly bodyDigest: Buffer;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly content: Buffer;
  readonly posted: PostedRegistration;
  readonly practice: Practice;
  readonly receiver: RegistrationReceiver;
  readonly earlier: EarlierRegistration | null;
}

// Whether the practice takes registrations is asked first, and under a lock: a source learns nothing about a practice that
// is not its business, and nothing comes in behind the back of whoever switches it off.
async function insert(
  acceptor: Acceptor,
  tx: Sql,
  incoming: Incoming,
): Promise<'inserted' | 'key-taken' | Extract<AcceptAnswer, { kind: 'refused' | 'not-enabled' }>> {
  const { id, posted, practiceId, patientKey, sourceId, content } = incoming;
  const choice = await lockRegistrationChoice(tx, practiceId);
  if (choice === null || choice.state === 'disabled') return { kind: 'not-enabled' };
  const problems = problemsOf(acceptor, incoming);
  if (problems.length > 0) return { kind: 'refused', problems };
  // Destroyed and switched on again since this process last looked: what it sealed nobody could open.
  await acceptor.keys.guardSealed(tx, [content]);
  const earlierId = posted.earlier?.registration ?? null;
  const row = { ...incoming, origin: posted.source.kind, earlierId, writtenAt: new Date(posted.writtenAt) };
  if (!(await insertRegistration(tx, row))) return 'key-taken';
  await appendAudit(tx, [
    {
      event: 'registration.accepted',
      actor: 'worker',
      objectKind: 'registration',
      objectId: id,
      practiceId,
      patientKey,
      participants: { source: sourceId, ...(earlierId === null ? {} : { earlier: earlierId }) },
      fields: { origin: posted.source.kind, change: posted.earlier?.change ?? null },
    },
  ]);
  return 'inserted';
}

/** Stands for the references of an earlier registration that may not have any yet: they decide nothing that is refused. */
const PLACEHOLDER = 'Z0000000000000';

function problemsOf({ isProduction }: Acceptor, incoming: Incoming): readonly Problem[] {
  const { posted, practice, receiver, earlier } = incoming;
  if (isProduction && isTestPerson(posted)) return [TEST_PERSON];
  if (posted.earlier !== null && !isEarlierOf(incoming)) return [NOT_THE_EARLIER];
  const known = earlier === null ? null : { writtenAt: earlier.writtenAt, references: [PLACEHOLDER] };
  const plan = planMedvri(registrationOf(posted, practice.name, receiver, known), receiver);
  return plan.kind === 'refused' ? plan.problems : [];
}

// Of another source, patient or practice: an id that was mixed up must never take back what somebody else was told.
function isEarlierOf({ earlier, sourceId, practiceId, patientKey, posted }: Incoming): boolean {
  return (
    earlier !== null &&
    earlier.sourceId === sourceId &&
    earlier.practiceId === practiceId &&
    earlier.patientKey.equals(patientKey) &&
    earlier.writtenAt <= new Date(posted.writtenAt)
  );
}

const TEST_PERSON: Problem = {
  field: 'patient.bsn',
  code: 'registration.not-as-expected',
  expected: { nl: 'het BSN van een bestaand persoon, geen testpersoon (999…)', en: 'no test person (999…)' },
  place: null,
};
const NOT_THE_EARLIER: Problem = {
  field: 'earlier.registration',
  code: 'registration.not-as-expected',
  expected: {
    nl: 'het id van een eerdere registratie van dit systeem, bij dezelfde patiënt en praktijk, niet later geschreven dan deze',
    en: 'the id of an earlier registration by this system, of the same patient and practice, not written after this one',
  },
  place: null,
};

async function answerOfKey(
  ledger: Ledger,
  sourceId: SourceId,
  idempotencyKey: string,
  digest: Buffer,
): Promise<Extract<AcceptAnswer, { kind: 'accepted' | 'key-reused' }> | null> {
  const known = await registrationOfKey(ledger, sourceId, idempotencyKey);
  if (known === null) return null;
  if (known.bodyDigest?.equals(digest) !== true) return { kind: 'key-reused' };
  const registration = await findRegistration(ledger, sourceId, known.id);
  return registration === null ? null : { kind: 'accepted', registration, isNew: false };
}

// A practice whose keys were destroyed is switched off, whatever else its row says.
async function sealed(
  { keys }: Acceptor,
  id: string,
  practice: Practice,
  posted: PostedRegistration,
): Promise<Buffer | null> {
  return sealPosted(keys, id, practice.id, posted).catch((thrown: unknown) => {
    if (asFailure(thrown).code === 'keys.owner-shredded') return null;
    throw thrown;
  });
}

async function addJob({ queue, logger, mark }: Acceptor, id: RegistrationId): Promise<void> {
  mark?.('registration-accepted');
  logger.info('registration accepted', { registrationId: id });
  await queue
    .add([{ kind: 'send', id, generation: 1 }])
    .catch((thrown) =>
      logger.warn('registration waits for the sweeper', { registrationId: id, code: asFailure(thrown).code }),
    );
}
