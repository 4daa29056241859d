/**
 * What stands above the text in every part: what it is, who wrote it where, and which earlier registration it changes. In
 * Dutch, since the practice reads it. A HIS shows the text lines; whether it shows the parties is not known of any.
 */

import { wireMoment } from './moments.ts';
import type { Registration } from './schema.ts';
import { wrapped } from './wrap.ts';

const PLACES = { card: 'patientkaart (cKIS)', board: 'bord (cBoards)' } as const;

export interface HeadingOf {
  readonly reference: string;
  readonly part: number;
  readonly parts: number;
}

/** The lines, of which none is blank; as many for every reference and part of one registration. Fields are ASCII by now. */
export function headingLines(registration: Registration, { reference, part, parts }: HeadingOf): readonly string[] {
  const { source, author, writtenAt } = registration;
  return [
    ...(parts === 1 ? [] : [`Deel ${part}/${parts}`]),
    ...changeLines(registration),
    ...wrapped(`Vrije tekst van ${PLACES[source.kind]}, veld: ${source.field}`),
    ...wrapped(`Door: ${author.name} (${author.role}), ${wireMoment(new Date(writtenAt)).words}`),
    `Kenmerk: ${reference}`,
  ];
}

/** Part mark of a line, or null where it is none. */
export function partMark(line: string): { readonly part: number; readonly parts: number } | null {
  const [, part, parts] = /^Deel (\d{1,2})\/(\d{1,2})$/.exec(line) ?? [];
  return part === undefined || parts === undefined ? null : { part: Number(part), parts: Number(parts) };
}

// A HIS keeps both messages, so the second says in words what the first is worth.
function changeLines({ earlier, text }: Registration): readonly string[] {
  if (earlier === null) return [];
  const { change, references } = earlier;
  const which = `${references.length === 1 ? 'kenmerk' : 'kenmerken'} ${references.join(', ')}`;
  const the = `de registratie van ${wireMoment(new Date(earlier.writtenAt)).words} (${which})`;
  if (change === 'correction') return wrapped(`CORRECTIE: deze tekst vervangt ${the}. Die tekst geldt niet meer.`);
  const why = text.trim() === '' ? '' : ' Toelichting:';
  return wrapped(`INTREKKING van ${the}. Die tekst geldt niet meer.${why}`);
}
