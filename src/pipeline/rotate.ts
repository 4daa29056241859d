/** Keys changed by a person: new current ones for old, another master key, what is no longer needed destroyed. Audited in the act's transaction. */

import { appendAudit } from '../audit/audit.ts';
import {
  destroyRetiredKeys,
  type KeyFacts,
  type MasterKey,
  type RotatedKey,
  type RotatingPurpose,
  rewrapKeys,
  rotateKeys,
} from '../keys/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';

export interface RotationWish {
  readonly purposes: readonly RotatingPurpose[];
  /** One mailbox or practice; null: all of these purposes. */
  readonly ownerId: string | null;
}

/** Running workers write with the new keys as soon as they hear of it; what stands under the old ones stays readable. */
export async function rotate(
  ledger: Ledger,
  master: MasterKey,
  wish: RotationWish,
  by: string,
): Promise<readonly RotatedKey[]> {
  return ledger.transaction(async (tx) => {
    const rotated = await rotateKeys(tx, master, wish);
    await appendAudit(
      tx,
      rotated.map((key) => ({
        event: 'keys.rotated',
        actor: by,
        objectKind: 'key',
        objectId: key.newId,
        practiceId: key.purpose === 'practice' ? key.ownerId : null,
        fields: { purpose: key.purpose, owner: key.ownerId, retired: key.retiredId },
      })),
    );
    return rotated;
  });
}

/** Destroys the retired data keys that nothing stands under any more, each audited. */
export async function destroyRetired(ledger: Ledger, by: string): Promise<readonly KeyFacts[]> {
  return ledger.transaction(async (tx) => {
    const destroyed = await destroyRetiredKeys(tx);
    await appendAudit(
      tx,
      destroyed.map(({ id, purpose, ownerId }) => ({
        event: 'keys.destroyed',
        actor: by,
        objectKind: 'key',
        objectId: id,
        practiceId: purpose === 'practice' ? ownerId : null,
        fields: { purpose, owner: ownerId },
      })),
    );
    return destroyed;
  });
}

/** Every key is wrapped by the next master key. Workers that have the former one act on nothing until they get the next. */
export async function rotateMaster(ledger: Ledger, from: MasterKey, to: MasterKey, by: string): Promise<number> {
  return ledger.transaction(async (tx) => {
    const count = await rewrapKeys(tx, from, to);
    const fields = { from: from.id, keys: count };
    await appendAudit(tx, [{ event: 'keys.master-rotated', actor: by, objectKind: 'key', objectId: to.id, fields }]);
    return count;
  });
}
