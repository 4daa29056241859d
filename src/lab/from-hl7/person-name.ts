/**
 * Dutch person names in XPN and XCN: the family name has subcomponents `whole&own prefix&own&partner prefix&partner`
 * (`de Vries&de&Vries`; v2 data type FN). Without them the name stays whole: a prefix is not guessed off.
 */

import { componentsOf, subcomponentsOf } from '../../hl7/hl7.ts';
import type { PersonName } from '../lab.ts';
import { type Context, componentOf, said, wholeText } from './context.ts';

/** The name in an XPN; `first` is where the family name stands (2 in XCN, whose first component is a number). */
export function personName(context: Context, repetition: string, first = 1): PersonName {
  const { separators } = context.hl7Message;
  const [whole = null, prefix = null, own = null, partnerPrefix = null, partnerFamily = null] = subcomponentsOf(
    componentsOf(repetition, separators)[first - 1] ?? '',
    separators,
  ).map((raw) => said(wholeText(context, raw)));
  const forenames = [componentOf(context, repetition, first + 1), componentOf(context, repetition, first + 2)].filter(
    (name) => name !== null,
  );
  const given = forenames.filter((name) => !areInitials(name));
  const initials = forenames.filter(areInitials);
  return {
    family: own ?? withoutPrefix(whole, prefix),
    prefix,
    partnerFamily,
    partnerPrefix,
    given: given.length === 0 ? null : given.join(' '),
    initials: initials.length === 0 ? null : initials.join(''),
  };
}

/** A name in one line, as a sender would write it: for people who are not the patient. */
export function nameInOneLine(context: Context, repetition: string): string | null {
  const { given, initials, prefix, family } = personName(context, repetition, 2);
  const parts = [given, initials, prefix, family].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

// `P.`, `K.M.` or a single letter; a name in capitals is a name.
function areInitials(text: string): boolean {
  return /^(?:\p{Lu}\p{Ll}?\.\s?){1,12}$/u.test(text) || /^\p{Lu}$/u.test(text);
}

function withoutPrefix(whole: string | null, prefix: string | null): string | null {
  if (whole === null || prefix === null) return whole;
  return whole.toLowerCase().startsWith(`${prefix.toLowerCase()} `) ? whole.slice(prefix.length + 1).trim() : whole;
}
