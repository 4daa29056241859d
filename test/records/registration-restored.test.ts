import { describe, expect, it } from 'vitest';
import type { RegistrationState } from '../../src/ledger/ledger.ts';
import { distrust, REFERENCES_LOST } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn } from '../practice/places.ts';
import { mailStates, registrationIn, registrationRow } from './registration-rows.ts';

const ledgers = useLedgers();
const recover = () => ledgers.worker.transaction(distrust);
const next = async (sender: string) =>
  (await ledgers.owner.query<{ next: number }>('select next from control_reference where sender = $1', [sender]))
    .rows[0]?.next;

describe('registrations in a ledger that was restored', () => {
  it('take no control reference that may have been given out since the backup, however often it is repeated', async () => {
    await ledgers.owner.query(
      `insert into control_reference (sender, next) values ('500099999', 42), ('500099998', 7)`,
    );
    await recover();
    expect([await next('500099999'), await next('500099998')]).toEqual([42 + REFERENCES_LOST, 7 + REFERENCES_LOST]);
    await recover();
    expect(await next('500099999')).toBe(42 + 2 * REFERENCES_LOST);
    // A day of the clock, and after ten thousand restores still a number of thirteen digits.
    expect(REFERENCES_LOST).toBeGreaterThan(1_000 * 86_400);
    expect(String(REFERENCES_LOST * 10_000).length).toBeLessThanOrEqual(13);
  });

  it('that were open are looked for before they are sent again; those without mails are rendered', async () => {
    const practice = await practiceIn(ledgers.worker);
    const make = (
      ...args: Parameters<typeof registrationIn> extends [unknown, unknown, ...infer Rest] ? Rest : never
    ) => registrationIn(ledgers.owner, practice, ...args);
    const accepted = await make('accepted');
    const queued = await make('queued', { mails: ['queued', 'queued'] });
    const sending = await make('sending', { mails: ['sent', 'queued'] });
    const uncertain = await make('uncertain', { mails: ['uncertain', 'queued'] });
    await ledgers.owner.query(
      `update registration set attempts = 7, lease_token = gen_random_uuid(), lease_until = now() + interval '1 hour', next_check_at = now() + interval '1 hour'
       where id = $1`,
      [sending.id],
    );
    expect(await recover()).toMatchObject({ registrations: 4, outwardMails: 4 });
    expect(await mailStates(ledgers.owner, queued)).toEqual(['uncertain', 'uncertain']);
    expect(await mailStates(ledgers.owner, sending)).toEqual(['sent', 'uncertain']);
    expect(await mailStates(ledgers.owner, uncertain)).toEqual(['uncertain', 'uncertain']);
    const states = await Promise.all(
      [accepted, queued, sending, uncertain].map((one) => registrationRow(ledgers.owner, one)),
    );
    expect(states.map((row) => row?.state)).toEqual(['accepted', 'queued', 'uncertain', 'uncertain']);
    for (const row of states) expect(row).toMatchObject({ attempts: 0, generation: 1_001 });
    const due = `select 1 from registration where id = $1 and next_check_at <= now() and lease_until is null and lease_token is null`;
    expect((await ledgers.owner.query(due, [sending.id])).count).toBe(1);
  });

  it.each([
    'sent',
    'delivered',
    'bounced',
    'held',
    'shadowed',
    'discarded',
  ] as const satisfies readonly RegistrationState[])('that were %s stay so, with their mails', async (state) => {
    const practice = await practiceIn(ledgers.worker);
    const made = await registrationIn(ledgers.owner, practice, state, { mails: ['queued', 'sent'] });
    await recover();
    expect(await registrationRow(ledgers.owner, made)).toMatchObject({ state, generation: 1 });
    expect(await mailStates(ledgers.owner, made)).toEqual(['queued', 'sent']);
  });
});
