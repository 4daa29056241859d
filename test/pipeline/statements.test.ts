/**
 * How often a delivery that comes alone goes to the ledger and back. A mail that shares its rounds with nobody waits for each
 * of these, one after the other: a round trip more is felt at every result.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger, Sql } from '../../src/ledger/ledger.ts';
import { deliver } from '../../src/pipeline/deliver.ts';
import { type Courier, replayMails } from '../../src/pipeline/pipeline.ts';
import { readBatches } from '../../src/pipeline/read.ts';
import { openDeliveriesOf } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { deliveries } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let counted: { readonly courier: Courier; readonly sent: string[] };

// No worker runs: each step is made here, and nobody takes it from us.
beforeAll(async () => {
  journey = await startJourney();
  counted = counting(journey.courier);
});
afterAll(() => journey.release());

/** The courier, and what it sent to the ledger since it was last emptied. */
function counting(courier: Courier) {
  const sent: string[] = [];
  const noting = (sql: Sql): Sql => ({
    query: (text, values) => {
      sent.push(text.replace(/\s+/g, ' ').trim());
      return sql.query(text, values);
    },
  });
  const ledger: Ledger = {
    ...courier.ledger,
    ...noting(courier.ledger),
    transaction: async (work) => {
      sent.push('begin');
      const answer = await courier.ledger.transaction((tx) => work(noting(tx)));
      sent.push('commit');
      return answer;
    },
  };
  return { courier: { ...courier, ledger }, sent };
}

/** By which a statement is known in a list. */
const beginning = (statement: string) =>
  statement
    .split(/ (?!as)/)
    .slice(0, 3)
    .join(' ')
    .split(' (')[0];

/** A mail that was read: its delivery waits to be made. */
async function arrived(key: 'linde' | 'anker' | 'brug', payload: Buffer): Promise<string> {
  const raw = mailOf(payload, practice(key).zorgmail);
  const mails = [{ raw, internalDate: systemClock.now() }];
  const { batchId, mailIds } = await replayMails(journey.courier, { mailboxId: null, mails }, 'test');
  await readBatches(journey.courier, [batchId]);
  const [id, ...others] = await openDeliveriesOf(journey.courier.ledger, mailIds);
  if (id === undefined || others.length > 0) throw new Error('one delivery was expected');
  return id;
}

/** What delivering it sends, in order. */
async function statementsOf(id: string): Promise<readonly string[]> {
  counted.sent.length = 0;
  const answer = await deliver(counted.courier, { kind: 'deliver', id, generation: 1, attempt: 1 });
  expect(answer).toEqual({ kind: 'done' });
  return [...counted.sent];
}

async function boardOf(cardDeliveryId: string): Promise<string> {
  const [row] = await journey.sql<{ id: string }>(
    `select b.id from delivery d join delivery b on b.report_id = d.report_id and b.target = 'board' where d.id = $1`,
    [cardDeliveryId],
  );
  if (row === undefined) throw new Error('no board follows');
  return row.id;
}

async function stateOf(id: string): Promise<string | undefined> {
  return (await deliveries(journey)).find((one) => one.id === id)?.state;
}

const followed = (key: 'linde' | 'anker' | 'brug', bsn: string, labNumber: string) =>
  arrived(key, medlab({ bsn, labNumber, to: practice(key).zorgmail }));

describe('a delivery that comes alone goes to the ledger and back', () => {
  it('nine times for a followed patient: claim, practice, objections, the numbers under their locks, and the end', async () => {
    const id = await followed('brug', '999986296', '26400001');
    expect((await statementsOf(id)).map(beginning)).toEqual([
      'with wish as',
      'select p.id, p.agb,',
      'select array(select distinct',
      'begin',
      'select pg_advisory_xact_lock(lock) from',
      'select a.place, encode(a.number_digest,',
      'with numbers as',
      'commit',
      'with settled as',
    ]);
    expect(await stateOf(id)).toBe('forwarded');
  });

  it('three times more for the board that cKIS fills', async () => {
    const id = await followed('linde', '999990019', '26400002');
    expect(await statementsOf(id)).toHaveLength(9);
    const board = await boardOf(id);
    expect(await statementsOf(board)).toHaveLength(3);
    expect([await stateOf(id), await stateOf(board)]).toEqual(['forwarded', 'forwarded']);
  });

  it('four times more for a board that we fill, since what was taken back from the card must not come after it', async () => {
    const id = await followed('anker', '999918606', '26400003');
    expect(await statementsOf(id)).toHaveLength(9);
    const board = await boardOf(id);
    expect(await statementsOf(board)).toHaveLength(4);
    expect([await stateOf(id), await stateOf(board)]).toEqual(['forwarded', 'forwarded']);
  });

  it('three times for a patient who is not followed: claim, practice, and the end with all that is erased', async () => {
    const payload = readFileSync(new URL('../../fixtures/edifact/not-followed.edi', import.meta.url));
    const id = await arrived('linde', payload);
    expect(await statementsOf(id)).toHaveLength(3);
    const [rest] = (await deliveries(journey)).filter((one) => one.id === id);
    expect(rest).toMatchObject({ state: 'no-card', has_content: false, has_bytes: false });
  });

  it('as often for a second of the same patient, which the end of the first names', async () => {
    const [first, second] = [
      await followed('brug', '999927929', '26400004'),
      await followed('brug', '999927929', '26400005'),
    ];
    expect(await statementsOf(first)).toHaveLength(18);
    expect([await stateOf(first), await stateOf(second)]).toEqual(['forwarded', 'forwarded']);
  });
});
