/**
 * The mapping rows: which determination a key or number is, in which unit. Those that come with the program stand in
 * determinations.csv, beside this file; an installation may put a file of its own over them. Small and editable by design:
 * the NHG table is licensed and not ours to ship (edifact.md §8).
 *
 * `laboratory` is `*` or a registry id; a laboratory's own rows go before the general ones of that key, and within each a
 * file of one's own before ours. `?` in the key columns: the key is not known for certain, so the row is found by its
 * number or LOINC only. `units` are UCUM codes, separated by blanks.
 */

import { readFileSync } from 'node:fs';
import { Failure } from '../../shared/failure.ts';
import { readUnit } from './units.ts';

export interface Determination {
  readonly laboratory: string | null;
  /** The 4+2+2 key without its blanks, or null where it is not known. */
  readonly key: { readonly memo: string; readonly material: string; readonly specification: string } | null;
  readonly nhg: string;
  readonly loinc: string | null;
  readonly units: readonly string[];
  readonly isUnitOptional: boolean;
}

/** One file of rows, and the version that it says it is. */
export interface DeterminationTable {
  readonly version: string;
  readonly rows: readonly Determination[];
}

/** The tables in force, the one that goes first in front. */
export type Determinations = readonly DeterminationTable[];

const VERSION = /^# version: (\S{1,40})$/;
const COLUMNS = 'laboratory,memo,material,specification,nhg,loinc,units,unit_optional,description,source';

/** Reads a table; a row that breaks the format refuses all of it, since a half-read table codes results wrongly. */
export function parseDeterminations(text: string): DeterminationTable {
  const [first = '', header, ...lines] = text.split(/\r?\n/);
  const version = VERSION.exec(first)?.[1];
  if (version === undefined) throw broken(1);
  if (header !== COLUMNS) throw broken(2);
  const rows = lines.flatMap((line, index) => (line.trim() === '' ? [] : [parseRow(line, index + 3)]));
  const identities = new Set<string>();
  for (const { laboratory, key, nhg } of rows) {
    const identity = JSON.stringify([laboratory, key ?? nhg]);
    // Two rows for one key of one laboratory: which of them is meant would be a matter of their order.
    if (identities.has(identity)) throw broken(null);
    identities.add(identity);
  }
  return { version, rows };
}

/** The rows that come with the program. */
export const BUILT_IN: DeterminationTable = parseDeterminations(
  readFileSync(new URL('./determinations.csv', import.meta.url), 'utf8'),
);

/** The tables of an installation: its own file over ours, or ours alone. */
export function loadDeterminations(path: string | null): Determinations {
  if (path === null) return [BUILT_IN];
  try {
    return [parseDeterminations(readFileSync(path, 'utf8')), BUILT_IN];
  } catch (thrown) {
    const line = thrown instanceof Failure ? (thrown.fields['line'] ?? null) : null;
    const fields = { setting: 'ZORGKOERIER_DETERMINATIONS', line };
    throw new Failure('lab.determinations-invalid', { kind: 'permanent', scope: 'peer', fields, cause: thrown });
  }
}

function parseRow(line: string, lineNumber: number): Determination {
  const cells = line.split(',');
  const [laboratory = '', memo = '', material = '', specification = '', nhg = '', loinc = '', units = '', optional] =
    cells;
  const isWellFormed =
    cells.length === COLUMNS.split(',').length &&
    laboratory !== '' &&
    /^\d{1,5}$/.test(nhg) &&
    /^(\d{1,7}-\d)?$/.test(loinc) &&
    (optional === 'yes' || optional === 'no') &&
    units.split(' ').every(isUcum) &&
    (memo === '?' || (/^[A-Z0-9]{1,4}$/.test(memo) && /^[A-Z]{1,2}$/.test(material) && specification.length <= 2));
  if (!isWellFormed) throw broken(lineNumber);
  return {
    laboratory: laboratory === '*' ? null : laboratory,
    key: memo === '?' ? null : { memo, material, specification },
    nhg,
    loinc: loinc === '' ? null : loinc,
    units: units.split(' '),
    isUnitOptional: optional === 'yes',
  };
}

// A unit that no message could ever name would leave every result of its row uncoded.
function isUcum(unit: string): boolean {
  return unit !== '' && readUnit(unit).ucum === unit;
}

function broken(line: number | null): Failure {
  return new Failure('lab.determinations-invalid', { kind: 'defect', fields: { line } });
}
