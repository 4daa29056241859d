/**
 * The door of practice/: practices, their ZorgMail accounts, mailboxes and integrations, and which worker reads a mailbox.
 *
 * A practice (huisartsenpraktijk) is known by its AGB code (8 digits, Vektis). An integration is enabled (in shadow or
 * live), paused (copying and intake go on, delivery and sending wait) or disabled (all stops). Every change is audited in its transaction
 * and announced, so that running workers follow without a restart.
 */

import type { MailboxId, PracticeId } from '../shared/ids.ts';

export type Product = 'cKIS' | 'cBoards';
export type BoardMode = 'none' | 'by-ckis' | 'by-us';
export type IntegrationName = 'forwarding' | 'registrations';
export type IntegrationState = 'enabled' | 'paused' | 'disabled';
export type Mode = 'shadow' | 'live';

/** Which determinations go to the card: all, or an allow-list of NHG numbers and raw codes. */
export type Determinations = 'all' | readonly string[];

export interface Practice {
  readonly id: PracticeId;
  readonly agb: string;
  readonly name: string;
  readonly his: string;
  readonly products: readonly Product[];
  readonly boards: BoardMode;
  /** ZorgMail account numbers. */
  readonly accounts: readonly string[];
}

export interface Integration {
  readonly name: IntegrationName;
  readonly state: IntegrationState;
  readonly mode: Mode;
  readonly authorisedBy: string | null;
  readonly authorisedOn: string | null;
  readonly determinations: Determinations | null;
  readonly since: Date;
  readonly disabledAt: Date | null;
}

export type MailboxKind = 'practice' | 'copy';

/** laboratory: a practice's mail. return: ours, where answers to what we sent come. One mailbox never has two. */
export type MailboxPurpose = 'laboratory' | 'return';

export interface Mailbox {
  readonly id: MailboxId;
  /** A label for people, never an address. */
  readonly name: string;
  readonly kind: MailboxKind;
  readonly purpose: MailboxPurpose;
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  readonly path: string;
  readonly lastPolledAt: Date | null;
  readonly trouble: string | null;
}

export { assignOlder, type ListedMail, unfinishedEpochs } from './assigned.ts';
export { CHANGES } from './changes.ts';
export {
  claimEpochRange,
  claimEpochRanges,
  closeEpochs,
  type Epoch,
  type EpochClaim,
  firstMoment,
  openEpoch,
  openEpochOf,
} from './epochs.ts';
export {
  changeIntegration,
  type EnableRequest,
  enableIntegration,
  integrationOf,
  type PracticeWithIntegration,
  practicesWith,
  type Refusal,
} from './integrations.ts';
export {
  accountWithPassword,
  addMailbox,
  existingMailbox,
  findMailbox,
  lastReconciled,
  lockMailbox,
  lockMailboxesOf,
  mailboxAccount,
  mailboxesOf,
  type NewMailbox,
  recordReconciled,
  recordTrouble,
  retireMailbox,
  returnMailboxes,
  setMailboxPassword,
  watchedMailboxes,
} from './mailboxes.ts';
export {
  ALIVE_SECONDS,
  claimMailboxes,
  dropMailboxes,
  mailboxesToDrop,
  type OwnedMailbox,
  registerWorker,
  renewWorker,
  retireWorker,
} from './ownership.ts';
export {
  addPractice,
  findPractice,
  listPractices,
  type NewPractice,
  practicesOfMailbox,
  practicesOfMailboxes,
} from './practices.ts';
export {
  type ReceiverRefusal,
  type ReceiverWish,
  type RegistrationReceiver,
  registrationReceiver,
} from './receivers.ts';
export {
  fairShare,
  type HeldMailbox,
  handOver,
  heldMailboxes,
  recordPolled,
  type Survey,
  surveyMailboxes,
} from './survey.ts';
