/**
 * The door of lab/codes: what a determination code and a unit mean.
 *
 * It promises: a code is believed only with its unit (lab-report.md, "A code is believed with its unit"); nothing is ever
 * coded by name; what was sent stays in `raw`, `system` and `alternatives`, whatever we make of it.
 */

import type { DeterminationCode } from '../lab.ts';
import type { Determination, Determinations } from './determinations.ts';
import type { UnitReading } from './units.ts';

export interface SentCode {
  /** As sent, unsliced: the blanks inside a 4+2+2 key are significant. */
  readonly raw: string | null;
  readonly name: string;
  /** The coding system as sent (OBX-3.3); null in MEDLAB. */
  readonly system: string | null;
  readonly alternatives: DeterminationCode['alternatives'];
}

/** By which rows a laboratory's codes are read. */
export interface CodeList {
  /** The registry id: its own rows go before the general ones. */
  readonly laboratory: string | null;
  readonly determinations: Determinations;
}

export interface CodeReading {
  readonly code: DeterminationCode;
  /** The code's row needs no unit (INR), so that a bare number is a value. */
  readonly isUnitOptional: boolean;
  /** The code is known, its unit is another: left uncoded, warn `lab.unit-unexpected`. */
  readonly isUnitUnexpected: boolean;
  /** Two of the codes sent name different determinations: left uncoded, warn `lab.codes-disagree`. */
  readonly isContradictory: boolean;
}

/** Reads a determination code. */
export function readCode(sent: SentCode, unit: UnitReading, list: CodeList): CodeReading {
  const triplets = [{ code: sent.raw, system: sent.system }, ...sent.alternatives];
  const candidates = triplets.map((triplet) => rowsFor(triplet, list)).filter((rows) => rows.length > 0);
  const fitting = candidates.map((rows) => rows.find((row) => fitsUnit(row, unit)) ?? null);
  const row = fitting[0] ?? null;
  const isUnitUnexpected = fitting.includes(null);
  const isContradictory = fitting.some((other) => other !== null && row !== null && other.nhg !== row.nhg);
  const believed = isUnitUnexpected || isContradictory ? null : row;
  return {
    code: {
      raw: sent.raw,
      ...(keyOf(sent.raw, sent.system) ?? { memo: null, material: null, specification: null }),
      nhg: believed?.nhg ?? null,
      loinc: believed?.loinc ?? null,
      system: sent.system,
      alternatives: sent.alternatives,
    },
    isUnitOptional: believed?.isUnitOptional ?? false,
    isUnitUnexpected,
    isContradictory,
  };
}

function rowsFor(
  triplet: { readonly code: string | null; readonly system: string | null },
  { laboratory, determinations }: CodeList,
): readonly Determination[] {
  if (triplet.code === null) return [];
  const isMeant = matcher(triplet.code, triplet.system);
  const meant = determinations.map(({ rows }) => rows.filter(isMeant));
  const own = meant.map((rows) => rows.filter((row) => row.laboratory !== null && row.laboratory === laboratory));
  const general = meant.map((rows) => rows.filter((row) => row.laboratory === null));
  return [...own, ...general].find((rows) => rows.length > 0) ?? [];
}

// A number is an NHG number, and a code a LOINC, only where the sender says so: `413` of an unnamed or local list is not.
function matcher(code: string, system: string | null): (row: Determination) => boolean {
  if (isLoinc(system)) return (row) => row.loinc === code.trim();
  if (isNhg(system) && /^\s*\d+\s*$/.test(code)) return (row) => row.nhg === code.trim();
  const key = keyOf(code, system);
  if (key === null) return () => false;
  return (row) =>
    row.key?.memo === key.memo &&
    row.key.material === key.material &&
    row.key.specification === (key.specification ?? '');
}

/**
 * The NHG key in fixed width, memo 4 + material 2 + specification 2, sliced before trimming: `HT  B`, `ERY B MT`
 * (edifact.md §3.3). Codes that do not fit (`DINN10`, `GEW`) are local ones and have no key.
 */
function keyOf(code: string | null, system: string | null) {
  if (code === null || !(system === null || isNhg(system))) return null;
  const padded = code.trimEnd();
  const memo = padded.slice(0, 4).trimEnd();
  const material = padded.slice(4, 6).trimEnd();
  const specification = padded.slice(6, 8).trimEnd();
  const isKey =
    padded.length <= 8 &&
    /^[A-Z][A-Z0-9]{0,3}$/.test(memo) &&
    /^[A-Z]{1,2}$/.test(material) &&
    /^[A-Z0-9]{0,2}$/.test(specification);
  return isKey ? { memo, material, specification: specification === '' ? null : specification } : null;
}

function fitsUnit(row: Determination, unit: UnitReading): boolean {
  if (unit.text === null || unit.text.trim() === '') return row.isUnitOptional;
  return unit.ucum !== null && row.units.includes(unit.ucum);
}

function isNhg(system: string | null): boolean {
  return system !== null && /^NHG(?:[ -]?(?:tabel[ -]?)?45)?$/i.test(system.trim());
}

function isLoinc(system: string | null): boolean {
  return system !== null && /^(?:LN|LOINC)$/i.test(system.trim());
}

export { BUILT_IN, type Determinations, loadDeterminations } from './determinations.ts';
export { readUnit, type UnitReading } from './units.ts';
