/** What our MEDVRI holds where the format leaves a choice. */

import type { BlankLine } from './registration.ts';
import type { Registration } from './schema.ts';

/** GGA.1 and GGO.1 are an..40; a longer name stands in full elsewhere (the heading, GGO.3) and is never cut. */
const PERSON_CHARACTERS_MAX = 40;

/** GGA.1. */
export function authorOf(name: string): string {
  return name.length <= PERSON_CHARACTERS_MAX ? name : 'Zie de tekst';
}

/** GGA.3. */
export function institutionOf(source: Registration['source']): string {
  return `Caresharing, ${source.kind === 'card' ? 'cKIS' : 'cBoards'}`;
}

/** GGO.1: the practice, or its doctor where the practice's name is too long for it. */
export function addresseeOf(practiceName: string): string {
  return practiceName.length <= PERSON_CHARACTERS_MAX ? practiceName : 'De huisarts';
}

/** What TXT.1 holds on a blank line. */
export const BLANK_TEXT: Readonly<Record<BlankLine, string>> = { omitted: '', empty: '', 'full-stop': '.', space: ' ' };
