/**
 * The mapping rows (determinations.csv, beside this file): which determination a key or number is, in which unit. Small and
 * editable by design: the NHG table is licensed and not ours to ship (edifact.md §8).
 *
 * `laboratory` is `*` or a registry id; a laboratory's own rows go before the general ones of that key. `?` in the key
 * columns: the key is not known for certain, so the row is found by its number or LOINC only. `units` are UCUM codes,
 * separated by blanks.
 */

import { readFileSync } from 'node:fs';
import { Failure } from '../../shared/failure.ts';

export interface Determination {
  readonly laboratory: string | null;
  /** The 4+2+2 key without its blanks, or null where it is not known. */
  readonly key: { readonly memo: string; readonly material: string; readonly specification: string } | null;
  readonly nhg: string;
  readonly loinc: string | null;
  readonly units: readonly string[];
  readonly isUnitOptional: boolean;
}

const COLUMNS = 'laboratory,memo,material,specification,nhg,loinc,units,unit_optional,description,source';

/** Reads the rows; a row that breaks the format stops the program, since a half-read table codes results wrongly. */
export function parseDeterminations(text: string): readonly Determination[] {
  const [header, ...lines] = text.split(/\r?\n/);
  if (header !== COLUMNS) throw broken(1);
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [parseRow(line, index + 2)]));
}

export const DETERMINATIONS = parseDeterminations(
  readFileSync(new URL('./determinations.csv', import.meta.url), 'utf8'),
);

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
    units !== '' &&
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

function broken(line: number): Failure {
  return new Failure('lab.determinations-invalid', { kind: 'defect', fields: { line } });
}
