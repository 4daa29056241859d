/**
 * Remembering, before the first write, what goes to a card: the laboratory's numbers, the results under them, and how each is
 * called there. Keyed digests only.
 */

import type { Sql } from '../ledger/ledger.ts';

/** A result that was delivered, or is about to be. All but the ordinal are keyed digests, in hex. */
export interface KnownResult {
  readonly number: string;
  /** Laboratory, number, year, order, code (else name), sub-id. */
  readonly code: string;
  /** Number, year, name and material. */
  readonly name: string;
  readonly moment: string;
  readonly day: string;
  /** Which of equals of one moment, from 1. */
  readonly ordinal: number;
  /** On the card. */
  readonly identifier: string;
  readonly reportIdentifier: string;
}

/** A number of a report that goes to a card. */
export interface RememberedNumber {
  readonly number: Buffer;
  readonly patientKey: Buffer;
  readonly cardId: string | null;
  readonly deliveryId: string;
  /** What sets its identifiers apart, where this patient has it for the first time; who had it keeps what they had. */
  readonly scope: string | null;
}

/** What a report's results are called. */
export interface RememberedReport {
  readonly patientKey: Buffer;
  readonly reportId: string;
  readonly results: readonly KnownResult[];
  /** From the digest of a key to what it is called on the card, where they differ. */
  readonly identifiers: ReadonlyMap<string, string>;
}

export interface Remembered {
  /** No number twice. */
  readonly numbers: readonly RememberedNumber[];
  readonly reports: readonly RememberedReport[];
}

const NUMBERS = `insert into lab_number (number_digest, patient_key, delivery_id, seen_at, card_id, scope)
  select number_digest, patient_key, delivery_id, now(), card_id, scope
  from unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::text[], $5::text[]) as n (number_digest, patient_key, delivery_id, card_id, scope)
  on conflict (number_digest, patient_key) do update set seen_at = now(), card_id = coalesce(excluded.card_id, lab_number.card_id),
    retracting_by = null, retracting_at = null, retracted_at = null`;

const RESULTS = `insert into lab_result (number_digest, patient_key, code_digest, name_digest, moment_digest, day_digest, ordinal, identifier, report_identifier)
  select * from unnest($6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::int[], $13::text[], $14::text[])
  on conflict (number_digest, patient_key, code_digest, identifier) do update set name_digest = excluded.name_digest,
    moment_digest = excluded.moment_digest, day_digest = excluded.day_digest, ordinal = excluded.ordinal,
    report_identifier = excluded.report_identifier, seen_at = now()`;

// One statement: three tables, none of which any part of it reads, remembered together or not at all.
const REMEMBER = `with numbers as (${NUMBERS}), results as (${RESULTS})
  update report r set identifiers = i.identifiers::jsonb from unnest($15::uuid[], $16::text[]) as i (id, identifiers) where r.id = i.id`;

/** In the transaction that decides so, under the locks of the numbers. */
export async function remember(tx: Sql, { numbers, reports }: Remembered): Promise<void> {
  if (numbers.length + reports.length === 0) return;
  const ofNumbers = <Value>(value: (one: RememberedNumber) => Value) => numbers.map(value);
  await tx.query(REMEMBER, [
    ofNumbers(({ number }) => number),
    ofNumbers(({ patientKey }) => patientKey),
    ofNumbers(({ deliveryId }) => deliveryId),
    ofNumbers(({ cardId }) => cardId),
    ofNumbers(({ scope }) => scope),
    ...resultValues(reports),
    reports.map(({ reportId }) => reportId),
    reports.map(({ identifiers }) => JSON.stringify(Object.fromEntries(identifiers))),
  ]);
}

function resultValues(reports: readonly RememberedReport[]) {
  // One row twice in a statement would be refused: of the same result the last counts, as it would one after the other.
  const rows = new Map(
    reports.flatMap(({ patientKey, results }) =>
      results.map((result) => {
        const { number, code, identifier } = result;
        return [`${number} ${patientKey.toString('hex')} ${code} ${identifier}`, { ...result, patientKey }] as const;
      }),
    ),
  );
  const of = <Value>(value: (row: KnownResult & { readonly patientKey: Buffer }) => Value) =>
    [...rows.values()].map(value);
  const digest = (hex: string) => Buffer.from(hex, 'hex');
  return [
    of(({ number }) => digest(number)),
    of(({ patientKey }) => patientKey),
    of(({ code }) => digest(code)),
    of(({ name }) => digest(name)),
    of(({ moment }) => digest(moment)),
    of(({ day }) => digest(day)),
    of(({ ordinal }) => ordinal),
    of(({ identifier }) => identifier),
    of(({ reportIdentifier }) => reportIdentifier),
  ] as const;
}
