/** For which practice a report is. Never guessed: present but registered to nobody who shares the mailbox is held. */

import { shreddedAmong } from '../keys/keys.ts';
import type { LabReport } from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import { listPractices, type Practice, practicesOfMailboxes, practicesWith } from '../practice/practice.ts';
import type { ReasonCode } from '../shared/reasons.ts';

export type Whose =
  | { readonly kind: 'practice'; readonly practiceId: string }
  | { readonly kind: 'held'; readonly code: ReasonCode };

/**
 * UNB.3 (HL7: MSH-6 where it is an account number); where absent, the account in Delivered-To or X-Original-To; else the
 * only practice that the mailbox serves. A replayed file (no mailbox) may be for any registered practice.
 */
export async function practiceOf(
  sql: Sql,
  mailboxId: string | null,
  report: Pick<LabReport, 'recipient'>,
  recipientAccounts: readonly string[],
): Promise<Whose> {
  const candidates = await candidatesOf(sql, [mailboxId]);
  return practiceAmong(candidates(mailboxId), mailboxId, report, recipientAccounts);
}

/** The practices that what comes through a mailbox may be for; null: through none, a replayed file. */
export type Candidates = (mailboxId: string | null) => readonly Practice[];

/** Of many mailboxes, asked once. */
export async function candidatesOf(sql: Sql, mailboxIds: readonly (string | null)[]): Promise<Candidates> {
  const through = [...new Set(mailboxIds.filter((id) => id !== null))];
  const served =
    through.length === 0 ? new Map<string, readonly Practice[]>() : await practicesOfMailboxes(sql, through);
  const all = mailboxIds.includes(null) ? await listPractices(sql) : [];
  return (mailboxId) => (mailboxId === null ? all : (served.get(mailboxId) ?? []));
}

/** The same among practices that were asked for before. */
export function practiceAmong(
  candidates: readonly Practice[],
  mailboxId: string | null,
  report: Pick<LabReport, 'recipient'>,
  recipientAccounts: readonly string[],
): Whose {
  const stated = report.recipient.zorgmail;
  if (stated !== null && stated !== '')
    return byAccount(candidates, [stated]) ?? { kind: 'held', code: 'practice.other-recipient' };
  if (recipientAccounts.length > 0)
    return byAccount(candidates, recipientAccounts) ?? { kind: 'held', code: 'practice.other-recipient' };
  const only = candidates.length === 1 && mailboxId !== null ? candidates[0] : undefined;
  return only === undefined
    ? { kind: 'held', code: 'practice.unknown-recipient' }
    : { kind: 'practice', practiceId: only.id };
}

function byAccount(candidates: readonly Practice[], accounts: readonly string[]): Whose | null {
  const found = candidates.filter((practice) => accounts.some((account) => practice.accounts.includes(account)));
  return found.length === 1 && found[0] !== undefined ? { kind: 'practice', practiceId: found[0].id } : null;
}

/** A practice as one that mail is read for. */
export interface ReceivingPractice {
  /** Whether its keys were destroyed, and nobody has switched it on since. */
  readonly isShredded: boolean;
  /** Whether forwarding was on (or paused) when a mail was copied; a practice that had switched it off is not taken in. */
  wasForwarding(copiedAt: Date): boolean;
}

/** Of many practices, asked once. */
export async function receivingPractices(
  sql: Sql,
  practiceIds: readonly string[],
): Promise<(practiceId: string) => ReceivingPractice> {
  const [practices, shredded] = await Promise.all([
    practicesWith(sql, practiceIds, 'forwarding'),
    shreddedAmong(sql, 'practice', practiceIds),
  ]);
  return (practiceId) => {
    const integration = practices.get(practiceId)?.integration;
    return {
      isShredded: shredded.has(practiceId),
      wasForwarding: (copiedAt) =>
        integration !== undefined && (integration.disabledAt === null || copiedAt < integration.disabledAt),
    };
  };
}
