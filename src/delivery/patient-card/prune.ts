/**
 * FHIR JSON has no null, no empty string, no empty array and no empty object (R4 §2.1.0.4, json.html). What a laboratory
 * did not say is null or '' here, so resources are written down loosely and pruned once.
 */

/** A resource in the making: any element may still be absent. */
export type Loose<T> = { readonly [Name in keyof T]: T[Name] | undefined | null };

/** The resource without its absent and empty elements. Text is never trimmed, only left out when it is all blank. */
export function prune<T extends object>(loose: Loose<T>): T {
  return (pruned(loose) ?? {}) as T;
}

function pruned(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (Array.isArray(value)) return orUndefined(value.map(pruned).filter((item) => item !== undefined));
  if (typeof value !== 'object') return value;
  const kept = Object.entries(value).flatMap(([name, item]) => {
    const rest = pruned(item);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function orUndefined<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}
