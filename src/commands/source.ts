/** `zorgkoerier source add|rotate|revoke|list`: who may post registrations. Only public keys come in, and none goes out. */

import { readFile } from 'node:fs/promises';
import { errorName } from '../shared/failure.ts';
import {
  addSource,
  listSources,
  type PublicKey,
  readPublicKey,
  revokeKey,
  revokeSource,
  rotateSource,
  type SourceKey,
} from '../source/source.ts';
import { type Io, type Language, say, table, UsageError } from './io.ts';
import { withOffice } from './office.ts';

interface KeyOptions {
  readonly publicKey: string;
  readonly by: string;
}

export async function runSourceAdd(io: Io, name: string, { publicKey, by }: KeyOptions): Promise<number> {
  const key = await publicKeyOf(io, publicKey);
  return withOffice(io, async ({ ledger }, config) => {
    await ledger.transaction((tx) => addSource(tx, name, key, by));
    io.out(
      say(config, {
        nl: `Bron ${name} is toegevoegd. kid van de sleutel: ${key.kid}`,
        en: `Source ${name} was added. kid of its key: ${key.kid}`,
      }),
    );
    return 0;
  });
}

export async function runSourceRotate(
  io: Io,
  name: string,
  { publicKey, overlapDays, by }: KeyOptions & { readonly overlapDays: number },
): Promise<number> {
  const key = await publicKeyOf(io, publicKey);
  return withOffice(io, async ({ ledger }, config) => {
    const until = await ledger.transaction((tx) => rotateSource(tx, name, key, overlapDays, by));
    const end = until?.toISOString();
    io.out(
      say(config, {
        nl: `Bron ${name} heeft een nieuwe sleutel, kid ${key.kid}. ${end === undefined ? 'Een oude die nog gold was er niet.' : `De oude geldt tot ${end}.`}`,
        en: `Source ${name} has a new key, kid ${key.kid}. ${end === undefined ? 'There was no former one that was still good.' : `The former one is good until ${end}.`}`,
      }),
    );
    return 0;
  });
}

export async function runSourceRevoke(
  io: Io,
  name: string,
  { key, by }: { readonly key: string | null; readonly by: string },
): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    await ledger.transaction((tx) => (key === null ? revokeSource(tx, name, by) : revokeKey(tx, name, key, by)));
    io.out(
      key === null
        ? say(config, {
            nl: `Bron ${name} is ingetrokken: er wordt niets meer van aangenomen. Wat al aangenomen was gaat door.`,
            en: `Source ${name} was revoked: nothing is taken from it any more. What was taken goes on.`,
          })
        : say(config, {
            nl: `De sleutel is ingetrokken. Een nieuwe geeft u met \`zorgkoerier source rotate ${name}\`.`,
            en: `The key was revoked. Give another with \`zorgkoerier source rotate ${name}\`.`,
          }),
    );
    return 0;
  });
}

export async function runSourceList(io: Io, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    const sources = await listSources(ledger);
    if (options.json) io.out(JSON.stringify(sources));
    else {
      const rows = sources.flatMap(({ name, keys }) => keys.map((key) => row(config.language, name, key)));
      io.out(table([HEADING[config.language], ...rows]));
    }
    return 0;
  });
}

const HEADING: Readonly<Record<Language, readonly string[]>> = {
  nl: ['bron', 'sleutel (kid)', 'soort', 'staat', 'sinds', 'tot'],
  en: ['source', 'key (kid)', 'kind', 'state', 'since', 'until'],
};
const STATES: Readonly<Record<SourceKey['state'], string>> = {
  current: 'geldig',
  retiring: 'loopt af',
  over: 'verlopen',
  revoked: 'ingetrokken',
};

function row(language: Language, name: string, key: SourceKey): readonly string[] {
  const state = language === 'nl' ? STATES[key.state] : key.state;
  const day = (moment: Date | null) => moment?.toISOString().slice(0, 10) ?? '-';
  return [name, key.kid, key.form, state, day(key.createdAt), day(key.revokedAt ?? key.validUntil)];
}

// Before anything is opened: a private key that was given by mistake goes no further than this.
async function publicKeyOf(io: Io, file: string): Promise<PublicKey> {
  const bytes = await (file === '-' ? io.readStdin() : readFile(file)).catch((thrown: unknown) => {
    throw new UsageError(`--public-key ${file}: ${errorName(thrown)}`);
  });
  return readPublicKey(bytes.toString('utf8'));
}
