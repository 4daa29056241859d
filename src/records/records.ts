/**
 * The door of records/: the ledger's rows of the journey (mails, batches, reports, deliveries) and of the way back (registrations), as statements.
 *
 * Each changes state by compare-and-set with a lease, so that every step may be repeated and two workers never act on
 * one row. It decides nothing: pipeline/ does.
 */

export { type Accounting, accountingOf, type MailboxAccounting, totalOf } from './accounting.ts';
export { type Arrival, type ArrivalDay, arrivalDays, countArrivals, forgetArrivals } from './arrivals.ts';
export {
  type ClaimAnswer,
  type ClaimedDelivery,
  type ClaimWish,
  claimDeliveries,
  claimDelivery,
  clearUncertain,
  nextOfPatient,
  nextOfPatients,
  openDeliveriesOf,
  overdueDeliveries,
  type Postponement,
  postponeDelivery,
  renewLease,
  waitsForTarget,
} from './deliveries.ts';
export {
  type Settled,
  type SettledRow,
  type Settlement,
  settleDeliveries,
  settleDelivery,
} from './delivery-ends.ts';
export { discardDisabled } from './disabled.ts';
export {
  type CardsInDoubt,
  type DiscardWish,
  discardHeld,
  type HeldItem,
  heldItemById,
  heldItems,
  heldOfSender,
  heldSince,
  joinedTo,
  type Override,
  releaseHeld,
  wishDiscard,
} from './holds.ts';
export {
  type KnownResult,
  type RememberedNumber,
  type RememberedReport,
  remember,
} from './lab-results.ts';
export {
  type ClaimedMail,
  type ClaimedMails,
  type CopiedPart,
  type CopiedRow,
  claimMails,
  earliestDate,
  insertBatch,
  insertBatches,
  insertCopied,
  insertReplayed,
  leaveMails,
  markRenumbered,
  markVanished,
  overdueBatches,
  type ReplayedMail,
  releaseMails,
  renewMails,
  setAssignedCopied,
  uncountReadings,
  waitingAssigned,
} from './mails.ts';
export {
  cardsAmong,
  differentNumbers,
  factsOfNumbers,
  type NumberFacts,
  type NumberHolderAsked,
  type OtherCard,
  rememberedNumbers,
  scopeOf,
} from './memory.ts';
export {
  areAtRest,
  mailContent,
  mailOutcomes,
  type OutcomeOfMail,
  type Rested,
  reportContent,
  restedDelivery,
} from './outcomes.ts';
export {
  allocateReferences,
  beginTry,
  insertOutward,
  type NewOutwardMail,
  type OutwardPart,
  outwardParts,
  type RelayAnswer,
  recordTaken,
  takeReceipted,
  undoTry,
} from './outward.ts';
export {
  insertReceipts,
  isOursFor,
  lockRegistrations,
  type MatchedReceipt,
  matchReceipts,
  registrationNamed,
  type SaidReceipt,
  type SettledRegistration,
  settleByReceipts,
  unansweredSince,
  unsettledByReceipts,
} from './receipts.ts';
export {
  assignAgain,
  type Contradictions,
  contradictions,
  type DayAccounting,
  dailyAccounting,
  isVanishedRateHigh,
  type UidGaps,
  uidGaps,
  VANISHED_RATE_MAX,
  type VanishedRate,
  vanishedRate,
} from './reconciliation.ts';
export {
  acceptSender,
  hasReferenceConflict,
  isReferenceReused,
  isSenderAccepted,
  type NamedReport,
  type Objections,
  objectionsTo,
  type QuestionedReport,
  type ReferencedReport,
} from './references.ts';
export {
  type AcceptedEnd,
  claimRegistration,
  lockUnrendered,
  nextRegistrationOfPatient,
  type OpenRegistration,
  overdueRegistrations,
  postponeAccepted,
  postponeRegistration,
  type RegistrationClaim,
  type RegistrationEnd,
  type RegistrationPostponement,
  renewRegistration,
  settleAccepted,
  settleRegistration,
  unrenderedRegistration,
  waitUntilAsked,
} from './registration-claims.ts';
export {
  discardHeldRegistration,
  type HeldRegistration,
  heldRegistrationById,
  heldRegistrationsSince,
  isChangedSince,
  retryAnew,
  retrySame,
  wishDiscardRegistration,
} from './registration-decisions.ts';
export {
  type ListedRegistration,
  listRegistrations,
  type RegistrationCounts,
  type RegistrationFilter,
  registrationCounts,
  registrationsAmong,
} from './registration-list.ts';
export { type DistrustedRegistrations, REFERENCES_LOST } from './registration-restored.ts';
export {
  registrationContent,
  registrationShown,
  type ShownPart,
  type ShownReceipt,
  type ShownRegistration,
} from './registration-shown.ts';
export {
  type DiscardedRegistration,
  discardShreddedRegistrations,
  registrationsUnderWay,
} from './registration-shredded.ts';
export { holdSwitchedOff, isForFormerReceiver, settleChangedReceivers } from './registration-switch.ts';
export { sentAfterMs } from './registration-times.ts';
export {
  type EarlierRegistration,
  earlierRegistration,
  findRegistration,
  insertRegistration,
  lockRegistrationChoice,
  type NewRegistration,
  type RegistrationPartView,
  type RegistrationView,
  registrationOfKey,
} from './registrations.ts';
export {
  contentDigestsOf,
  eraseMail,
  eraseMails,
  eraseReport,
  findOriginal,
  findOriginalMails,
  findOriginals,
  insertPlaced,
  insertReports,
  lockContents,
  type NewReport,
  type Original,
  reportPlaces,
  settleMail,
  settleMails,
} from './reports.ts';
export { type Distrusted, disown, distrust, knownUntil } from './restored.ts';
export { countPrunable, type Pruned, pruneBatch, type Retention } from './retention.ts';
export {
  arePatientsBusy,
  beginRetraction,
  deliveredUnder,
  endRetraction,
  type NumberHolder,
  retractedNumbers,
} from './retractions.ts';
export { discardShredded, type Shredded, type ShreddedOwners, underWayOf } from './shredded.ts';
export { addUncoded, type UncodedRow, type UncodedTotal, uncodedTotals } from './uncoded.ts';
