import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailboxConnection, MailboxStatus } from '../../src/mailbox/mailbox.ts';
import { copyMailbox } from '../../src/pipeline/pipeline.ts';
import { claimMailboxes, registerWorker } from '../../src/practice/practice.ts';
import { newId, type WorkerId } from '../../src/shared/ids.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** A server whose numbers go down: no real one can be made to do so, hence one that is written here. */

let journey: Journey;
let owner: Parameters<typeof copyMailbox>[1];

beforeAll(async () => {
  journey = await startJourney();
  const workerId = newId<WorkerId>();
  await registerWorker(journey.courier.ledger, workerId);
  const claimed = await claimMailboxes(journey.courier.ledger, workerId, 10);
  const [{ id } = { id: '' }] = await journey.sql<{ id: string }>(`select id from mailbox where name = 'linde'`);
  const mine = claimed.find((mailbox) => mailbox.id === id);
  if (mine === undefined) throw new Error('the mailbox is not ours');
  owner = { mailboxId: mine.id, workerId, epoch: mine.ownerEpoch };
});
afterAll(() => journey.release());

const { zorgmail } = practice('linde');
const raw = (uid: number) => mailOf(medlab({ bsn: '999990019', labNumber: `2617${uid}`, to: zorgmail }), zorgmail);
const internalDate = new Date(Date.UTC(2099, 0, 1));

/** Holds the mails of these uids; whatever else is asked for is gone. */
function server(status: Partial<MailboxStatus>, uids: readonly number[]): MailboxConnection {
  const there = (asked: readonly number[]) => asked.filter((uid) => uids.includes(uid));
  return {
    status: async () => ({ uidValidity: 1, uidNext: 1, messages: uids.length, ...status }),
    fetch: async (asked) => ({
      mails: there(asked).map((uid) => ({ uid, internalDate, raw: raw(uid) })),
      oversized: [],
      vanished: asked.filter((uid) => !uids.includes(uid)),
    }),
    listSince: async (_since, belowUid) => uids.filter((uid) => uid < belowUid).map((uid) => ({ uid, internalDate })),
    listUids: async () => uids,
    waitForHint: async () => {},
    release: async () => {},
  };
}

const copy = async (connection: MailboxConnection) => (await copyMailbox(journey.courier, owner, connection)).count;
const epochs = () =>
  journey.sql<{ uid_next: string; closed: boolean }>(
    `select uid_next, closed_at is not null as closed from epoch where mailbox_id = '${owner.mailboxId}' order by opened_at, id`,
  );

describe('uidNext', () => {
  let uidValidity = 0;

  it('that stays while the highest mail goes is a HIS that deletes: nothing begins anew', async () => {
    const [row] = await journey.sql<{ v: string; next: string }>(
      `select uid_validity as v, uid_next as next from epoch where mailbox_id = '${owner.mailboxId}'`,
    );
    uidValidity = Number(row?.v);
    const first = Number(row?.next);
    expect(first).toBe(1);
    expect(await copy(server({ uidValidity, uidNext: 4 }, [1, 2, 3]))).toBe(3);
    expect(await copy(server({ uidValidity, uidNext: 4 }, [1]))).toBe(0);
    expect(await epochs()).toHaveLength(1);
    expect(await accounting(journey)).toMatchObject({ assigned: 3, vanished: 0, difference: 0 });
  });

  it('that goes down at the same uidValidity begins a new epoch: what is there is read again, nothing is skipped', async () => {
    expect(await copy(server({ uidValidity, uidNext: 3 }, [1, 2]))).toBe(2);
    expect(await epochs()).toMatchObject([{ closed: true }, { closed: false, uid_next: '3' }]);
    expect(await copy(server({ uidValidity, uidNext: 4 }, [1, 2, 3]))).toBe(1);
    expect(await accounting(journey)).toMatchObject({ assigned: 6, vanished: 0, difference: 0 });
    expect(journey.log()).toContain('mailbox.renumbered');
  });
});
