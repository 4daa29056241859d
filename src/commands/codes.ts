/**
 * `zorgkoerier codes unmapped [--laboratory X] [--json]`: which determination codes went to cards without a code of NHG
 * table 45, how often and why. Codes and counts only, so that whoever looks after the mapping needs no patient data.
 */

import type { Determinations } from '../lab/lab.ts';
import { type UncodedTotal, uncodedTotals } from '../records/records.ts';
import { type Io, say, table, type Words } from './io.ts';
import { withOffice } from './office.ts';

const WHY: Readonly<Record<UncodedTotal['why'], Words>> = {
  'unknown-code': { nl: 'code onbekend', en: 'unknown code' },
  'other-unit': { nl: 'andere eenheid', en: 'other unit' },
  'codes-disagree': { nl: 'codes spreken elkaar tegen', en: 'codes disagree' },
};
const HEADING: readonly Words[] = [
  { nl: 'laboratorium', en: 'laboratory' },
  { nl: 'code', en: 'code' },
  { nl: 'reden', en: 'why' },
  { nl: 'uitslagen', en: 'results' },
  { nl: 'laatst', en: 'last' },
];
const NO_CODE: Words = { nl: '(geen code)', en: '(no code)' };
const NOTHING: Words = {
  nl: 'Alles wat doorgestuurd is, had een code.',
  en: 'Everything that was forwarded had a code.',
};

export function runCodesUnmapped(
  io: Io,
  options: { readonly json: boolean; readonly laboratory: string | null },
): Promise<number> {
  return withOffice(io, async ({ ledger, registry }, config) => {
    const totals = await uncodedTotals(ledger, options.laboratory);
    const versions = versionsOf(registry.determinations ?? []);
    if (options.json) io.out(JSON.stringify({ mapping: versions, unmapped: totals }));
    else print(io, config, totals, versions);
    return 0;
  });
}

function versionsOf(determinations: Determinations): readonly string[] {
  return determinations.map(({ version }) => version);
}

function print(
  io: Io,
  config: Parameters<typeof say>[0],
  totals: readonly UncodedTotal[],
  versions: readonly string[],
): void {
  if (totals.length === 0) io.out(say(config, NOTHING));
  else {
    const rows = totals.map(({ laboratory, code, why, count, lastAt }) => [
      laboratory,
      code ?? say(config, NO_CODE),
      say(config, WHY[why]),
      String(count),
      lastAt.toISOString().slice(0, 10),
    ]);
    io.out(table([HEADING.map((words) => say(config, words)), ...rows]));
  }
  const mapping = versions.join(', ');
  io.out(say(config, { nl: `Codetabel: ${mapping}`, en: `Mapping: ${mapping}` }));
}
