/** The two things that headers of a mail tell us: who sent it (a clue to the laboratory) and for which accounts it came. */

/**
 * The one address of the From header, lower case; null where there is none or more than one: a clue must not be a guess.
 * Quoted names and comments are taken out first, so that an address inside a display name is never the sender. A name
 * whose quotation mark is never closed goes up to the end: looking for its end again at every mark would take the square
 * of their number in steps.
 */
export function senderAddress(from: readonly string[]): string | null {
  if (from.length !== 1) return null;
  const bare = (from[0] ?? '').replace(/"(?:[^"\\]|\\.?)*(?:"|$)/gs, ' ').replace(/\([^()]*\)/g, ' ');
  const bracketed = [...bare.matchAll(/<([^<>]*)>/g)].map((match) => (match[1] ?? '').trim());
  const candidates = bracketed.length > 0 ? bracketed : bare.split(',').map((text) => text.trim());
  const address = candidates[0];
  if (candidates.length !== 1 || address === undefined || !/^[^\s@<>",:;]+@[^\s@<>",:;]+$/.test(address)) return null;
  return address.toLowerCase();
}

/** ZorgMail accounts (8 to 10 digits, formats/edifact.md §7) that a mail was delivered to, in order, each once. */
export function accountsIn(values: readonly string[]): readonly string[] {
  const accounts = values.flatMap((value) => /^\s*<?(\d{8,10})@[^\s@<>]+>?\s*$/.exec(value)?.[1] ?? []);
  return [...new Set(accounts)];
}
