/** `zorgkoerier keys rotate|status|prune`: new keys for old, which there are, and which can go. No key is ever printed. */

import { addressesOf, type Office } from '../compose.ts';
import type { Config } from '../config/config.ts';
import { destroyableKeys, type KeyFacts, keyInventory, ROTATING, type RotatingPurpose } from '../keys/keys.ts';
import { destroyRetired, type RotationWish, rotate, rotateMaster } from '../pipeline/pipeline.ts';
import { findMailbox } from '../practice/practice.ts';
import { type Io, say, table, UsageError } from './io.ts';
import type { NamedPurpose } from './keys-table.ts';
import { requirePractice, withOffice } from './office.ts';

export interface RotateOptions {
  readonly purpose: NamedPurpose | null;
  readonly practice: string | null;
  readonly mailbox: string | null;
  readonly all: boolean;
  readonly master: boolean;
  readonly by: string;
}

export async function runKeysRotate(io: Io, options: RotateOptions): Promise<number> {
  const chosen = [options.purpose, options.practice, options.mailbox].filter((choice) => choice !== null).length;
  if (chosen + Number(options.all) + Number(options.master) !== 1)
    throw new UsageError('keys rotate: name one of --purpose, --practice, --mailbox, --all, --master');
  return withOffice(io, async (office, config) => {
    if (options.master) return rotateMasterKey(io, office, config, options.by);
    const wish = await wishOf(office, config, options);
    const rotated = await rotate(office.ledger, (await addressesOf(config)).masterKey, wish, options.by);
    io.out(
      say(config, {
        nl: `${rotated.length} nieuwe sleutels in gebruik; wat onder de oude staat blijft leesbaar.`,
        en: `${rotated.length} new keys in use; what stands under the old ones stays readable.`,
      }),
    );
    return 0;
  });
}

async function wishOf(office: Office, config: Config, options: RotateOptions): Promise<RotationWish> {
  if (options.practice !== null) {
    const practice = await requirePractice(office, options.practice);
    return { purposes: ['practice'], ownerId: practice.id };
  }
  if (options.mailbox !== null)
    return { purposes: ['mailbox'], ownerId: (await requireMailbox(office, options.mailbox)).id };
  const purposes = options.purpose === null ? ROTATING : [rotating(config, options.purpose)];
  return { purposes, ownerId: null };
}

/** Results on cards, and patients, are found by digests under these keys: under another one nothing of before would be. */
function rotating(config: Config, purpose: NamedPurpose): RotatingPurpose {
  if (purpose === 'digest') return 'mac-digest';
  const found = ROTATING.find((each) => each === purpose);
  if (found !== undefined) return found;
  throw new UsageError(
    say(config, {
      nl: `De sleutel ${purpose} wisselt nooit: wat op de kaarten staat, en wat op dezelfde patiënt wacht, wordt ermee teruggevonden. Een andere sleutel zou alles van daarvoor onvindbaar maken.`,
      en: `The ${purpose} key never rotates: what stands on the cards, and what waits for the same patient, is found by it. Under another key nothing of before would be found.`,
    }),
  );
}

export async function requireMailbox(office: Pick<Office, 'ledger'>, name: string) {
  const mailbox = await findMailbox(office.ledger, name);
  if (mailbox === null) throw new UsageError(`no mailbox ${name}`);
  return mailbox;
}

async function rotateMasterKey(io: Io, office: Office, config: Config, by: string): Promise<number> {
  const { masterKey: from, nextMasterKey: to } = config;
  if (from === null) throw new UsageError('keys rotate --master: the embedded services keep their own master key');
  if (to === null) throw new UsageError('keys rotate --master: ZORGKOERIER_MASTER_KEY_NEXT (or its _FILE) is missing');
  if (from.id === to.id)
    throw new UsageError('keys rotate --master: ZORGKOERIER_MASTER_KEY_NEXT is the present master key');
  const count = await rotateMaster(office.ledger, from, to, by);
  io.out(
    say(config, {
      nl: `${count} sleutels staan nu onder hoofdsleutel ${to.id}. Zet die als ZORGKOERIER_MASTER_KEY en herstart de workers: met de oude doen ze niets meer. Bewaar de oude zolang er back-ups van het grootboek zijn.`,
      en: `${count} keys are now under master key ${to.id}. Set it as ZORGKOERIER_MASTER_KEY and restart the workers: with the former one they act on nothing. Keep the former one for as long as there are backups of the ledger.`,
    }),
  );
  return 0;
}

export async function runKeysStatus(io: Io, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    const keys = await keyInventory(ledger);
    if (options.json) io.out(JSON.stringify({ dedupeDays: config.dedupeDays, owners: grouped(keys) }));
    else io.out(table([heading(config), ...keys.map((key) => row(config, key))]));
    return 0;
  });
}

export async function runKeysPrune(
  io: Io,
  { dryRun, by }: { readonly dryRun: boolean; readonly by: string },
): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    const { length } = dryRun ? await destroyableKeys(ledger) : await destroyRetired(ledger, by);
    const done = dryRun
      ? { nl: 'Dit zouden er vernietigd worden', en: 'Would be destroyed' }
      : { nl: 'Vernietigd', en: 'Destroyed' };
    io.out(
      say(config, {
        nl: `${done.nl}: ${length} oude sleutels waar niets meer onder staat.`,
        en: `${done.en}: ${length} retired keys that nothing stands under any more.`,
      }),
    );
    return 0;
  });
}

function grouped(keys: readonly KeyFacts[]) {
  const owners = Map.groupBy(keys, (key) => `${key.purpose}|${key.ownerId ?? ''}`);
  return [...owners.values()].map((group) => ({
    purpose: group[0]?.purpose,
    owner: group[0]?.owner ?? null,
    count: group.length,
    keys: group.map(({ purpose: _purpose, owner: _owner, ownerId: _ownerId, ...facts }) => facts),
  }));
}

function heading(config: Config): string[] {
  return config.language === 'nl'
    ? ['doel', 'van', 'sleutel', 'staat', 'sinds', 'tot', 'rijen', 'hoofdsleutel', '']
    : ['purpose', 'of', 'key', 'state', 'since', 'until', 'rows', 'master key', ''];
}

const STATES = { current: 'in gebruik', retired: 'oud', destroyed: 'vernietigd' } as const;

function row(config: Config, key: KeyFacts): string[] {
  const day = (moment: Date | null) => moment?.toISOString().slice(0, 10) ?? '-';
  return [
    key.purpose,
    key.owner ?? '-',
    key.id,
    config.language === 'nl' ? STATES[key.state] : key.state,
    day(key.since),
    day(key.destroyedAt ?? key.retiredAt),
    key.rows === null ? '-' : String(key.rows),
    key.masterKeyId === '' ? '-' : key.masterKeyId,
    key.isDestroyable ? say(config, { nl: 'kan vernietigd worden', en: 'could be destroyed' }) : '',
  ];
}
