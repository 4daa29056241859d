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

// For every resource of every report, so without lists in between.
function pruned(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value !== 'object') return value;
  return Array.isArray(value) ? prunedList(value) : prunedObject(value);
}

function prunedList(items: readonly unknown[]): readonly unknown[] | undefined {
  const kept: unknown[] = [];
  for (const item of items) {
    const rest = pruned(item);
    if (rest !== undefined) kept.push(rest);
  }
  return kept.length === 0 ? undefined : kept;
}

function prunedObject(value: object): object | undefined {
  const kept: Record<string, unknown> = {};
  let isEmpty = true;
  for (const [name, item] of Object.entries(value)) {
    const rest = pruned(item);
    if (rest === undefined) continue;
    kept[name] = rest;
    isEmpty = false;
  }
  return isEmpty ? undefined : kept;
}
