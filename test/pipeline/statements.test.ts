/**
 * How often a delivery that comes alone goes to the ledger and back. A mail that shares its rounds with nobody waits for each
 * of these, one after the other: a round trip more is felt at every result.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger, Sql } from '../../src/ledger/ledger.ts';
import { deliver } from '../../src/pipeline/deliver.ts';
import { type Courier, replayMails } from '../../src/pipeline/pipeline.ts';
import { readBatch } from '../../src/pipeline/read.ts';
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

/** A mail that was read: its delivery waits to be made. */
async function arrived(key: 'linde' | 'anker', payload: Buffer): Promise<string> {
  const raw = mailOf(payload, practice(key).zorgmail);
  const mails = [{ raw, internalDate: systemClock.now() }];
  const { batchId, mailIds } = await replayMails(journey.courier, { mailboxId: null, mails }, 'test');
  await readBatch(journey.courier, batchId);
  const [id, ...others] = await openDeliveriesOf(journey.courier.ledger, mailIds);
  if (id === undefined || others.length > 0) throw new Error('one delivery was expected');
  return id;
}

/** What delivering it sends, once what changes seldom (keys, breakers) is in memory. */
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

const followed = (key: 'linde' | 'anker', bsn: string, labNumber: string) =>
  arrived(key, medlab({ bsn, labNumber, to: practice(key).zorgmail }));

describe('a delivery that comes alone', () => {
  it('of a followed patient goes to the ledger so often, to the card and to the board that cKIS fills', async () => {
    await statementsOf(await followed('linde', '999990019', '26400001'));
    const id = await followed('linde', '999990019', '26400002');
    const toCard = await statementsOf(id);
    const board = await boardOf(id);
    const toBoard = await statementsOf(board);
    expect([await stateOf(id), await stateOf(board)]).toEqual(['forwarded', 'forwarded']);
    console.log(toCard.length, toCard, toBoard.length, toBoard);
  });

  it('goes to a board that we fill so often', async () => {
    const id = await followed('anker', '999918606', '26400003');
    await statementsOf(id);
    const board = await boardOf(id);
    const toBoard = await statementsOf(board);
    expect(await stateOf(board)).toBe('forwarded');
    console.log(toBoard.length, toBoard);
  });

  it('of a patient who is not followed goes to the ledger so often', async () => {
    const payload = readFileSync(new URL('../../fixtures/edifact/not-followed.edi', import.meta.url));
    const id = await arrived('linde', payload);
    const statements = await statementsOf(id);
    expect(await stateOf(id)).toBe('no-card');
    console.log(statements.length, statements);
  });
});
