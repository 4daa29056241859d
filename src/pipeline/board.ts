/**
 * The step after the card, for practices with cBoards. by-ckis: cKIS carries the result over; we look until it is there,
 * and when it takes too long raise an alarm and hold it for a person, who may have us look again. by-us: we write it ourselves, as repeatably as to the card.
 * It never holds back `forwarded`: that is settled already.
 */

import type { ReportContent } from '../delivery/patient-card/patient-card.ts';
import type { Specimen } from '../lab/lab.ts';
import { retractedNumbers } from '../records/records.ts';
import { isShadowed, namedCard } from './checks.ts';
import { labNumberDigest, labNumberDigests, laboratoryNames } from './digests.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import { doneWith, lookedUp, postpone, recordSettled, rest, type TryAnswer } from './settle.ts';

const FIRST_LOOK_MS = 500;
const LOOK_MAX_MS = 60_000;

export async function deliverToBoard(courier: Courier, delivery: OpenDelivery): Promise<TryAnswer> {
  return delivery.practice.boards === 'by-us' ? writeByUs(courier, delivery) : checkByCkis(courier, delivery);
}

async function checkByCkis(courier: Courier, delivery: OpenDelivery): Promise<TryAnswer> {
  const { claim, content, trace } = delivery;
  const answer = await courier.board.check(content, trace);
  if (answer.kind === 'visible') return settled(courier, delivery, 'report.looked-up', { check: 'visible' });
  const waitedMs = claim.ageMs;
  if (waitedMs < courier.limits.boardWithinMs) {
    const delayMs = Math.min(LOOK_MAX_MS, Math.max(FIRST_LOOK_MS, waitedMs));
    return postpone(courier, claim, delivery.leaseToken, { kind: 'later', delayMs });
  }
  courier.logger.error('result did not reach the board', {
    deliveryId: claim.id,
    code: 'board.not-propagated',
    count: answer.missing,
  });
  const detail = `missing ${answer.missing}`;
  return recordSettled(courier, delivery, { kind: 'held', code: 'board.not-propagated', detail });
}

async function writeByUs(courier: Courier, delivery: OpenDelivery): Promise<TryAnswer> {
  const { content, trace } = delivery;
  // The practice may have gone into shadow since the card was written, and this target be no sandbox though the card's is.
  if (await isShadowed(delivery, courier.board)) return recordSettled(courier, delivery, { kind: 'shadowed' });
  const standing = await withoutRetracted(courier, delivery);
  if (standing === null) return recordSettled(courier, delivery, { kind: 'no-card', reason: 'lab.number-retracted' });
  const answer = await courier.board.write(content.report.patient, standing, trace, namedCard(delivery.claim));
  if (answer.kind === 'written')
    return settled(courier, delivery, 'report.written-to-board', {
      resources: answer.resources.map((resource) => ({ ...resource })),
    });
  if (answer.kind === 'none') return recordSettled(courier, delivery, { kind: 'no-card', reason: null });
  return recordSettled(courier, delivery, { kind: 'held', code: answer.code, detail: answer.detail });
}

// What was taken back from the card meanwhile must not appear on the board after that.
async function withoutRetracted(
  { keys, ledger, registry }: Courier,
  { claim, content }: OpenDelivery,
): Promise<ReportContent | null> {
  const { report } = content;
  if (claim.patientKey === null) return content;
  const { all } = await labNumberDigests(keys, report, registry);
  const retracted = await retractedNumbers(ledger, all, claim.patientKey);
  if (retracted.size === 0) return content;
  const specimens: Specimen[] = [];
  for (const specimen of report.specimens) {
    const numbers = await Promise.all(
      laboratoryNames(report, registry).map((name) => labNumberDigest(keys, name, specimen.labNumber ?? '')),
    );
    if (!numbers.some((number) => retracted.has(number.toString('hex')))) specimens.push(specimen);
  }
  return specimens.length === 0 ? null : { ...content, report: { ...report, specimens } };
}

// What cKIS carried over was only looked at by us; what we wrote went to the patient that we found there.
async function settled(
  courier: Courier,
  delivery: OpenDelivery,
  event: 'report.looked-up' | 'report.written-to-board',
  receipt: Record<string, unknown>,
): Promise<TryAnswer> {
  const { claim, leaseToken, practice, content } = delivery;
  const looked = lookedUp(claim, 'forwarded', null);
  const written = { ...looked, event, objectKind: 'report', objectId: claim.reportId } as const;
  const fields = { ...looked.fields, by: practice.boards };
  const ended = await rest(courier, claim, {
    id: claim.id,
    leaseToken,
    state: 'forwarded',
    reason: null,
    detail: null,
    withheldCount: content.withheldCount,
    receipt,
    isStranger: false,
    boardId: null,
    uncoded: [],
    entries: event === 'report.looked-up' ? [{ ...looked, fields }] : [looked, { ...written, fields }],
  });
  return doneWith(ended);
}
