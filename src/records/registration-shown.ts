/** One registration as the office looks at it: every mail that was made of it, and everything that came back about each. */

import type { Sql } from '../ledger/ledger.ts';
import { isId } from '../shared/ids.ts';
import { type ListedRegistration, listRegistrations } from './registration-list.ts';

export interface ShownReceipt {
  readonly kind: string;
  readonly status: string | null;
  readonly at: Date;
  /** It was about a try before a person had it sent again, and counts no longer. */
  readonly isSetAside: boolean;
}

export interface ShownPart {
  readonly rendering: number;
  readonly part: number;
  readonly controlReference: string;
  /** The ZorgMail address that it goes to. */
  readonly recipient: string;
  readonly state: string;
  /** Of the relay. */
  readonly reply: number | null;
  /** The relay's enhanced code, or that of the receipt that decided. */
  readonly status: string | null;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  readonly receipts: readonly ShownReceipt[];
}

export interface ShownRegistration extends ListedRegistration {
  readonly patientKey: Buffer;
  readonly erasedAt: Date | null;
  /** Of every rendering, in order; those of former ones are superseded. */
  readonly mails: readonly ShownPart[];
}

/** null: there is none of this id. */
export async function registrationShown(sql: Sql, id: string): Promise<ShownRegistration | null> {
  if (!isId(id)) return null;
  const [listed] = await listRegistrations(sql, { id });
  const { rows } = await sql.query<{ patientKey: Buffer; erasedAt: Date | null }>(
    'select patient_key as "patientKey", erased_at as "erasedAt" from registration where id = $1',
    [id],
  );
  const [own] = rows;
  return listed === undefined || own === undefined ? null : { ...listed, ...own, mails: await mailsOf(sql, id) };
}

async function mailsOf(sql: Sql, registrationId: string): Promise<readonly ShownPart[]> {
  const { rows: parts } = await sql.query<Omit<ShownPart, 'receipts'> & { readonly id: string }>(
    `select id, rendering, part, control_reference as "controlReference", recipient, state, reply, status, sent_at as "sentAt", settled_at as "settledAt"
     from outward_mail where registration_id = $1 order by rendering, part`,
    [registrationId],
  );
  const { rows: receipts } = await sql.query<ShownReceipt & { readonly mailId: string }>(
    `select r.outward_mail_id as "mailId", r.kind, r.status, r.at, r."isSetAside"
     from (select outward_mail_id, kind, status, at, false as "isSetAside" from outward_receipt
       union all select outward_mail_id, kind, status, at, true from outward_receipt_aside) r
     join outward_mail o on o.id = r.outward_mail_id where o.registration_id = $1 order by r.at, r.kind`,
    [registrationId],
  );
  return parts.map(({ id, ...part }) => ({
    ...part,
    receipts: receipts.filter(({ mailId }) => mailId === id).map(({ mailId: _, ...receipt }) => receipt),
  }));
}

/** What was posted, sealed; null where it has gone. */
export async function registrationContent(sql: Sql, id: string): Promise<Buffer | null> {
  const { rows } = await sql.query<{ content: Buffer | null }>('select content from registration where id = $1', [id]);
  return rows[0]?.content ?? null;
}
