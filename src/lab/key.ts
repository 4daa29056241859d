/**
 * The result key: what makes a result in a later report the same result as in this one (lab-report.md, `key`).
 * It is made of personal data, so only its keyed digest ever leaves the process.
 */

import type { LabResult, Specimen } from './lab.ts';

/**
 * Fills the key of every result, counted over the whole report.
 *
 * `laboratory` is the registry id, else the account as sent, else ''. `sentMoments` is null for MEDLAB; for HL7 it holds per
 * specimen and result OBX-14, else OBR-7, exactly as sent: where one code occurs more than once under one lab number
 * (cumulative reports), the moment joins the key, so that a result keeps its key when older ones drop off the list.
 */
export function withResultKeys(
  specimens: readonly Specimen[],
  laboratory: string,
  sentMoments: readonly (readonly (string | null)[])[] | null,
): readonly Specimen[] {
  const places: readonly Place[] = specimens.flatMap((specimen, s) =>
    specimen.results.map((result, r) => {
      const code = codeParts(specimen, result);
      return { specimen, index: s, result, code, joinedCode: join(code), moment: sentMoments?.[s]?.[r] ?? null };
    }),
  );
  const occurrences = countOf(places.filter(({ result }) => result.kind === 'result').map((place) => place.joinedCode));
  // Results are counted before headings: a heading that comes or goes must not renumber a result.
  const inOrder = [...places].sort((a, b) => Number(a.result.kind === 'heading') - Number(b.result.kind === 'heading'));
  const counts = new Map<string, number>();
  const keys = new Map<Place, string>();
  for (const place of inOrder) {
    const isCumulative = sentMoments !== null && (occurrences.get(place.joinedCode) ?? 0) > 1;
    const [labNumber = '', ...code] = place.code;
    const moment = isCumulative ? [place.moment ?? ''] : [];
    const withoutOrdinal = join([laboratory, labNumber, yearOf(place.specimen), ...code, ...moment]);
    const ordinal = (counts.get(withoutOrdinal) ?? 0) + 1;
    counts.set(withoutOrdinal, ordinal);
    keys.set(place, `${withoutOrdinal}|${ordinal}`);
  }
  const bySpecimen = Map.groupBy(places, ({ index }) => index);
  return specimens.map((specimen, index) => ({
    ...specimen,
    results: (bySpecimen.get(index) ?? []).map((place) => ({ ...place.result, key: keys.get(place) ?? '' })),
  }));
}

/** The parts of a key, still escaped: laboratory, lab number, year, order code, code (else name), sub-id, perhaps a moment, ordinal. */
export function partsOfKey(key: string): readonly string[] {
  return [...`|${key}`.matchAll(/\|((?:\\.|[^\\|])*)/g)].map((match) => match[1] ?? '');
}

/**
 * A key under a lab number that the laboratory uses anew for another patient: the scope becomes part of the number, with
 * a separator that is escaped, so that no number that is sent can ever look like it. A report's key can be given too.
 */
export function scopedKey(key: string, scope: string): string {
  const [laboratory = '', labNumber = '', ...rest] = partsOfKey(key);
  return [laboratory, `${labNumber}\\|${scope}`, ...rest].join('|');
}

/** A key as the laboratory's results were called under another name of it. A report's key can be given too. */
export function keyOfLaboratory(key: string, laboratory: string): string {
  return [join([laboratory]), ...partsOfKey(key).slice(1)].join('|');
}

/** The same determination with another place among its equals. */
export function keyWithOrdinal(key: string, ordinal: number): string {
  return [...partsOfKey(key).slice(0, -1), String(ordinal)].join('|');
}

interface Place {
  readonly specimen: Specimen;
  readonly index: number;
  readonly result: LabResult;
  /** Lab number, order, determination and sub-id; and the same as one text. */
  readonly code: readonly string[];
  readonly joinedCode: string;
  readonly moment: string | null;
}

function codeParts(specimen: Specimen, result: LabResult): readonly string[] {
  const code = result.code.raw?.trimEnd() ?? '';
  return [
    specimen.labNumber ?? '',
    specimen.orderCode ?? '',
    code === '' ? normalisedName(result.name) : code,
    result.subId ?? '',
  ];
}

function yearOf(specimen: Specimen): string {
  return specimen.collectedAt?.slice(0, 4) ?? '';
}

/** A name without what writers vary: case, and runs of blanks. */
export function normalisedName(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}

// The separator and the escape inside a part are escaped: two different lists of parts never give one key.
function join(parts: readonly string[]): string {
  const escaped = parts.map((part) => (/[\\|]/.test(part) ? part.replace(/[\\|]/g, '\\$&') : part));
  return escaped.join('|');
}

function countOf(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
