/**
 * What would become of a report, were it put through the pipeline now: the same questions in the same order as read.ts,
 * deliver.ts and checks.ts ask them, with nothing written anywhere but that a card was looked for. A look, not a promise: the answers may change.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Card } from '../delivery/patient-card/patient-card.ts';
import type { LabReport } from '../lab/lab.ts';
import { findPractice, type Integration, integrationOf, type Practice } from '../practice/practice.ts';
import {
  earliestDate,
  factsOfNumbers,
  findOriginal,
  hasReferenceConflict,
  isSenderAccepted,
} from '../records/records.ts';
import { amsterdamIso } from '../shared/amsterdam.ts';
import { newId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import { withChosenDeterminations } from './determinations.ts';
import { contentDigests, labNumberDigests, numberOwner, patientKey, referenceDigests } from './digests.ts';
import { identifyReport } from './identify.ts';
import type { Courier } from './pipeline.ts';
import { practiceOf } from './recipient.ts';

export interface Foreseen {
  readonly would: 'forwarded' | 'no-card' | 'shadowed' | 'duplicate' | 'held' | 'discarded' | 'waiting';
  readonly reason: string | null;
}

/** A report and where it was read. */
export interface ForeseenReport {
  /** null: a file. */
  readonly mailboxId: string | null;
  readonly internalDate: Date;
  /** The whole mail or file. */
  readonly raw: Buffer;
  readonly recipientAccounts: readonly string[];
  readonly report: LabReport;
  /** Its place in its payload, from 1. */
  readonly reportOrdinal: number;
  /** Who looks: a card that is looked for is audited. */
  readonly by: string;
}

export async function foresee(courier: Courier, read: ForeseenReport): Promise<Foreseen> {
  const whose = await practiceOf(courier.ledger, read.mailboxId, read.report, read.recipientAccounts);
  if (whose.kind === 'held') return held(whose.code);
  const practice = await findPractice(courier.ledger, whose.practiceId);
  const integration = await integrationOf(courier.ledger, whose.practiceId, 'forwarding');
  if (practice === null || integration === null || integration.state === 'disabled')
    return { would: 'discarded', reason: 'practice.disabled' };
  return (await atReading(courier, read, practice)) ?? atDelivery(courier, read, practice, integration);
}

async function atReading(courier: Courier, read: ForeseenReport, practice: Practice): Promise<Foreseen | null> {
  const original = await findOriginal(courier.ledger, practice.id, await digestsOf(courier, read));
  if (original === null) return null;
  return original.state === 'held' ? { would: 'held', reason: original.reason } : { would: 'duplicate', reason: null };
}

async function atDelivery(
  courier: Courier,
  read: ForeseenReport,
  practice: Practice,
  integration: Integration,
): Promise<Foreseen> {
  const { report } = read;
  if (integration.state === 'paused') return { would: 'waiting', reason: null };
  const choice = integration.determinations ?? 'all';
  const chosen = withChosenDeterminations({ report, attachments: new Map() }, choice);
  if (!chosen.isAnythingLeft) return { would: 'no-card', reason: 'practice.withheld' };
  await auditLookUp(courier, read, practice);
  const found = await courier.card.find(report.patient, practice.agb);
  if (found.kind === 'none') return { would: 'no-card', reason: null };
  if (found.kind === 'held') return held(found.code);
  const hold = await holdOf(courier, read, practice, { report: chosen.content.report, card: found.card });
  if (hold !== null) return held(hold);
  return { would: integration.mode === 'shadow' ? 'shadowed' : 'forwarded', reason: null };
}

// Before it happens, as whenever a person looks. A report that was not stored has no id; its patient has a key.
async function auditLookUp(courier: Courier, { report, by }: ForeseenReport, practice: Practice): Promise<void> {
  await appendAudit(courier.ledger, [
    {
      event: 'report.looked-up',
      actor: by,
      objectKind: 'practice',
      objectId: practice.id,
      practiceId: practice.id,
      patientKey: await patientKey(courier.keys, report),
      participants: { target: 'patient-card' },
      fields: { state: 'dry-run' },
    },
  ]);
}

async function holdOf(
  courier: Courier,
  read: ForeseenReport,
  practice: Practice,
  chosen: { readonly report: LabReport; readonly card: Card },
): Promise<ReasonCode | null> {
  const { report } = read;
  const stated = report.holds[0];
  if (stated !== undefined) return stated.code;
  const sender = report.sender.zorgmail ?? report.sender.name ?? '';
  const isKnown = report.laboratory !== null || (sender !== '' && (await isSenderAccepted(courier.ledger, sender)));
  if (!isKnown) return 'lab.unknown-sender';
  if (!isCorrected(report) && (await isConflicting(courier, read, practice))) return 'lab.reference-conflict';
  const { patientId } = chosen.card;
  const { all: numbers } = await labNumberDigests(courier.keys, chosen.report, courier.registry);
  const owner = await numberOwner(courier.keys, await patientKey(courier.keys, report), patientId);
  const asked = { numbers, patientKey: owner, cardId: patientId };
  const [facts = []] = await factsOfNumbers(courier.ledger, [asked]);
  if (facts.some(({ otherCards, isTakenBack }) => otherCards.length > 0 || isTakenBack)) {
    return 'lab.number-other-patient';
  }
  const identified = await identifyReport(courier, chosen.report, { facts, deliveryId: null }, null);
  return identified === null ? 'lab.key-changed' : null;
}

async function isConflicting(courier: Courier, read: ForeseenReport, practice: Practice): Promise<boolean> {
  return hasReferenceConflict(courier.ledger, {
    reportId: newId(),
    practiceId: practice.id,
    referenceDigests: referenceDigests(await courier.keys.digestKeys(), read.report, read.reportOrdinal),
    contentDigests: await digestsOf(courier, read),
  });
}

async function digestsOf(courier: Courier, { report, internalDate, raw }: ForeseenReport): Promise<readonly Buffer[]> {
  const keys = await courier.keys.digestKeys();
  const earliest = await earliestDate(courier.ledger, keys.of(raw));
  return contentDigests(keys, report, report.sentAt ?? amsterdamIso(earliest ?? internalDate));
}

function isCorrected(report: LabReport): boolean {
  return report.specimens.some((specimen) => specimen.results.some((result) => result.status === 'corrected'));
}

function held(code: ReasonCode): Foreseen {
  return { would: 'held', reason: code };
}
