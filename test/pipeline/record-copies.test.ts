/** Copies of many mailboxes that are recorded together: each as if it were alone. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Courier } from '../../src/pipeline/pipeline.ts';
import { type CopiedRange, recordCopy } from '../../src/pipeline/record-copies.ts';
import { claimMailboxes, openEpochOf, registerWorker } from '../../src/practice/practice.ts';
import type { Job } from '../../src/queue/queue.ts';
import type { CopiedRow } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type MailboxId, type MailId, newId, type WorkerId } from '../../src/shared/ids.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedRow } from '../records/rows.ts';

const ledgers = useLedgers();
const MAILBOXES = 12;
const keys = {};

let workerId: WorkerId;
let places: readonly WatchedPlace[];
let ownerEpochs: ReadonlyMap<MailboxId, number>;

beforeAll(async () => {
  workerId = newId<WorkerId>();
  await registerWorker(ledgers.worker, workerId);
  const made: WatchedPlace[] = [];
  for (let count = 0; count < MAILBOXES; count += 1) made.push(await watchedPlace(ledgers.worker));
  places = made;
  const claimed = await claimMailboxes(ledgers.worker, workerId, MAILBOXES);
  ownerEpochs = new Map(claimed.map(({ id, ownerEpoch }) => [id, ownerEpoch]));
});

/** A courier whose queue remembers what it was given. */
function courierWith(jobs: Job[], add = async (added: readonly Job[]) => void jobs.push(...added)): Courier {
  const queue = { add };
  return {
    ledger: ledgers.worker,
    keys,
    queue,
    clock: systemClock,
    logger: silentLogger,
    mark: () => {},
  } as unknown as Courier;
}

async function rangeOf(
  courier: Courier,
  place: WatchedPlace,
  rows: readonly CopiedRow[],
  gone: readonly number[] = [],
) {
  const { mailboxId, epochId } = place;
  const epoch = await openEpochOf(ledgers.worker, mailboxId);
  const fromCursor = epoch?.cursorUid ?? 0;
  const toCursor = fromCursor + rows.length + gone.length;
  return {
    courier,
    owner: { mailboxId, workerId, epoch: ownerEpochs.get(mailboxId) ?? 0 },
    range: { epochId, fromCursor, toCursor, uidNext: toCursor + 1 },
    fresh: rows.map((row, index) => ({ ...row, uid: fromCursor + index + 1 })),
    assigned: [],
    gone: gone.map((index) => ({ id: newId<MailId>(), uid: fromCursor + rows.length + index })),
  } satisfies CopiedRange;
}

const mails = (count: number) => Array.from({ length: count }, (_, index) => copiedRow(index + 1));

async function recorded(ranges: readonly CopiedRange[]) {
  const ids = ranges.flatMap(({ fresh }) => fresh.map(({ id }) => id));
  const { rows } = await ledgers.owner.query<{ id: MailId; read_batch_id: string; mailbox_id: string; at: Date }>(
    'select id, read_batch_id, mailbox_id, copied_at as at from mail where id = any($1::uuid[]) order by id',
    [ids],
  );
  return rows;
}

describe('mails that come one by one to many mailboxes', () => {
  it('are recorded together while another transaction runs, and share a batch and a job', async () => {
    const jobs: Job[] = [];
    const courier = courierWith(jobs);
    const ranges = await Promise.all(places.map((place) => rangeOf(courier, place, mails(1))));
    const answers = await Promise.all(ranges.map((range) => recordCopy(courier, range)));
    expect(answers.every(({ kind }) => kind === 'recorded')).toBe(true);
    for (const answer of answers) if (answer.kind === 'recorded') await answer.queued;
    const rows = await recorded(ranges);
    expect(rows).toHaveLength(MAILBOXES);
    expect(rows.map((row) => row.mailbox_id).sort()).toEqual(places.map(({ mailboxId }) => mailboxId).sort());
    const batches = [...new Set(rows.map((row) => row.read_batch_id))];
    // Asked for in one turn: one transaction.
    expect(batches).toHaveLength(1);
    expect(jobs.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(batches.map((id) => `read ${id}`).sort());
    const { rows: days } = await ledgers.owner.query(
      'select mail_count from mailbox_day where mailbox_id = any($1::uuid[])',
      [places.map(({ mailboxId }) => mailboxId)],
    );
    expect(days).toEqual(places.map(() => ({ mail_count: 1 })));
    const { rows: audited } = await ledgers.owner.query<{ fields: Record<string, unknown> }>(
      "select fields from audit where event = 'mails.copied' and object_id = any($1::text[])",
      [batches],
    );
    expect(audited.map(({ fields }) => fields['mailbox']).sort()).toEqual(
      places.map(({ mailboxId }) => mailboxId).sort(),
    );
    for (const place of places)
      expect(await openEpochOf(ledgers.worker, place.mailboxId)).toMatchObject({ cursorUid: 1 });
  });

  it('leave out a mailbox that has become another’s, and one whose cursor is elsewhere, and nothing else', async () => {
    const courier = courierWith([]);
    const [first, second, third, ...others] = places;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three are there');
    const lost = {
      ...(await rangeOf(courier, first, mails(2))),
      owner: { mailboxId: first.mailboxId, workerId, epoch: 99 },
    };
    const moved = await rangeOf(courier, second, mails(2));
    const elsewhere = { ...moved, range: { ...moved.range, fromCursor: moved.range.fromCursor + 1 } };
    const ours = await Promise.all([third, ...others].map((place) => rangeOf(courier, place, mails(2))));
    const answers = await Promise.all([lost, elsewhere, ...ours].map((range) => recordCopy(courier, range)));
    expect(answers.map(({ kind }) => kind)).toEqual(['not-ours', 'not-ours', ...ours.map(() => 'recorded')]);
    expect(await recorded([lost, elsewhere])).toEqual([]);
    expect(await recorded(ours)).toHaveLength(2 * ours.length);
  });

  it('are each tried by itself where the ledger refuses something of one', async () => {
    const courier = courierWith([]);
    const ranges = await Promise.all(places.map((place) => rangeOf(courier, place, mails(1))));
    const taken = ranges[3]?.fresh[0];
    if (taken === undefined) throw new Error('a fourth is there');
    // Its id is there already: of another mail.
    const [known] = (await ledgers.owner.query<{ id: MailId }>('select id from mail limit 1')).rows;
    const wrong = ranges.map((range, place) =>
      place === 3 ? { ...range, fresh: [{ ...taken, id: known?.id ?? taken.id }] } : range,
    );
    const answers = await Promise.allSettled(wrong.map((range) => recordCopy(courier, range)));
    expect(answers.map(({ status }) => status)).toEqual(
      wrong.map((_, place) => (place === 3 ? 'rejected' : 'fulfilled')),
    );
    expect(await recorded(ranges.filter((_, place) => place !== 3))).toHaveLength(MAILBOXES - 1);
  });

  it('are recorded although the queue is away', async () => {
    const courier = courierWith([], () => Promise.reject(new Error('away')));
    const [place] = places;
    if (place === undefined) throw new Error('one is there');
    const range = await rangeOf(courier, place, mails(1));
    const answer = await recordCopy(courier, range);
    expect(answer.kind).toBe('recorded');
    if (answer.kind === 'recorded') await expect(answer.queued).resolves.toBeUndefined();
    expect(await recorded([range])).toHaveLength(1);
  });
});

describe('a range', () => {
  it('of more than a batch is cut into batches of fifty, in the order of its uids', async () => {
    const jobs: Job[] = [];
    const courier = courierWith(jobs);
    const place = places[1];
    if (place === undefined) throw new Error('a second is there');
    const range = await rangeOf(courier, place, mails(120), [1, 2]);
    const answer = await recordCopy(courier, range);
    if (answer.kind === 'recorded') await answer.queued;
    const { rows } = await ledgers.owner.query<{ uids: number[] }>(
      `select array_agg(uid::int order by uid) as uids from mail where id = any($1::uuid[]) group by read_batch_id order by min(uid)`,
      [range.fresh.map(({ id }) => id)],
    );
    expect(rows.map(({ uids }) => uids.length)).toEqual([50, 50, 20]);
    expect(rows.flatMap(({ uids }) => uids)).toEqual(range.fresh.map(({ uid }) => uid));
    expect(jobs).toHaveLength(3);
    const { rows: gone } = await ledgers.owner.query('select verdict from mail where id = any($1::uuid[])', [
      range.gone.map(({ id }) => id),
    ]);
    expect(gone).toEqual([{ verdict: 'vanished' }, { verdict: 'vanished' }]);
  });

  it('of which everything vanished has a batch for the audit to speak of, and no job', async () => {
    const jobs: Job[] = [];
    const courier = courierWith(jobs);
    const place = places[2];
    if (place === undefined) throw new Error('a third is there');
    const answer = await recordCopy(courier, await rangeOf(courier, place, [], [1, 2, 3]));
    expect(answer.kind).toBe('recorded');
    if (answer.kind === 'recorded') await answer.queued;
    expect(jobs).toEqual([]);
  });
});
