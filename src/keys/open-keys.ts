/**
 * Keys kept in the ledger (wrapped) and, once unwrapped, in memory for a while: unwrapping for every mail would be slow.
 * What was rotated or destroyed is out of memory once the announcement is heard, and without one after KEY_MAX_AGE_MS.
 */

import { createHmac } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import { type DataKey, decrypt, encrypt, keyIdOf, secretOf } from './cipher.ts';
import { digestKeysOf, requireNewest, requireSeen } from './digest-keys.ts';
import type { KeyOwner, Keys, MacPurpose, SealedPlace } from './keys.ts';
import { currentKey, keyById, liveDigestKeys } from './stored.ts';
import type { MasterKey } from './wrap.ts';

/** A key that was unwrapped longer ago than this is asked of the ledger again before it is used. */
export const KEY_MAX_AGE_MS = 30_000;

/** How long digests find what was seen before, unless the settings say otherwise. */
const DEDUPE_DAYS = 400;

export interface KeysOptions {
  readonly sql: Sql;
  readonly master: MasterKey;
  readonly clock?: Clock;
  /** Digest keys that were retired longer ago are no longer looked up. */
  readonly dedupeDays?: number;
}

export function openKeys(options: KeysOptions): Keys {
  const { dedupeDays = DEDUPE_DAYS } = options;
  const byOwner = memory<DataKey>(options.clock);
  const byId = memory<DataKey>(options.clock);
  const digests = memory<readonly DataKey[]>(options.clock);
  const current = (purpose: string, ownerId: string | null) =>
    byOwner.get(`${purpose}|${ownerId ?? ''}`, () => currentKey(options, purpose, ownerId));
  const macKey = async (purpose: MacPurpose) => secretOf((await current(`mac-${purpose}`, null)).bytes);
  const forget = () => {
    byOwner.clear();
    byId.clear();
    digests.clear();
  };
  return {
    seal: async (place, plain) => {
      const key = await current(place.owner.purpose, place.owner.id);
      return encrypt(key, aadOf(place, key.id), plain);
    },
    open: async (place, sealed) => {
      const id = keyIdOf(sealed);
      if (id === null) throw cannotOpen(place, 'no-ciphertext');
      const key = await byId.get(id, () => keyById(options, id));
      try {
        return decrypt(key, aadOf(place, key.id), sealed);
      } catch {
        throw cannotOpen(place, 'changed-or-moved');
      }
    },
    mac: async (purpose, data) =>
      createHmac('sha256', await macKey(purpose))
        .update(data)
        .digest(),
    digester: async (purpose) => {
      const key = await macKey(purpose);
      return (text) => createHmac('sha256', key).update(text).digest('hex');
    },
    digestKeys: async () => digestKeysOf(await digests.get('', () => liveDigestKeys(options, dedupeDays))),
    guardDigests: (tx, used) =>
      requireNewest(tx, used).catch((thrown: unknown) => {
        forget();
        throw thrown;
      }),
    checkDigests: (newestId, used) => {
      try {
        requireSeen(newestId, used);
      } catch (thrown) {
        forget();
        throw thrown;
      }
    },
    guardSealed: (tx, sealed) =>
      requireAlive(tx, sealed).catch((thrown: unknown) => {
        forget();
        throw thrown;
      }),
    forget,
  };
}

async function requireAlive(tx: Sql, sealed: readonly Buffer[]): Promise<void> {
  const ids = [...new Set(sealed.map(keyIdOf))];
  const { count } = await tx.query('select 1 from data_key where id = any($1::uuid[]) and wrapped is not null', [ids]);
  if (count < ids.length) throw new Failure('keys.destroyed-meanwhile', { kind: 'transient', scope: 'peer' });
}

function aadOf(place: SealedPlace, keyId: string): string {
  return [place.table, place.rowId, ownerText(place.owner), keyId].join('|');
}

function ownerText(owner: KeyOwner): string {
  return `${owner.purpose}:${owner.id ?? ''}`;
}

function cannotOpen(place: SealedPlace, why: string): Failure {
  return new Failure('keys.cannot-open', { kind: 'permanent', fields: { table: place.table, row: place.rowId, why } });
}

/** What was asked of the ledger, for a while. A failed look-up is forgotten: a database that was away is asked again. */
function memory<Value>(clock: Clock = systemClock) {
  const known = new Map<string, { readonly value: Promise<Value>; readonly askedAt: number }>();
  return {
    get: (name: string, ask: () => Promise<Value>): Promise<Value> => {
      const now = clock.now().getTime();
      const earlier = known.get(name);
      // A clock that was set back tells no age.
      if (earlier !== undefined && now >= earlier.askedAt && now - earlier.askedAt < KEY_MAX_AGE_MS)
        return earlier.value;
      const entry = { value: ask(), askedAt: now };
      known.set(name, entry);
      entry.value.catch(() => {
        if (known.get(name) === entry) known.delete(name);
      });
      return entry.value;
    },
    clear: () => known.clear(),
  };
}
