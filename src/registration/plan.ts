/**
 * What will be written, before a control reference is spent on it: every field transliterated, the text wrapped and dealt
 * out over as many messages as it needs.
 */

import { Failure } from '../shared/failure.ts';
import { headingLines } from './heading.ts';
import type { Problem, Receiver, RegistrationRefused } from './registration.ts';
import { FIELD_CHARACTERS_MAX, problem, type Registration } from './schema.ts';
import { transliterate } from './transliterate.ts';
import { textLines, wordsOf } from './wrap.ts';

/**
 * TXT lines of one message, heading included. No limit of any receiver is known; two digits of a line number are what the
 * smallest of counters holds, and what a person still reads as one message.
 */
export const LINES_MAX = 99;
/** Messages of one registration: `Deel 99/99`. TEXT_CHARACTERS_MAX keeps every text below it. */
export const PARTS_MAX = 99;

export interface MedvriPlan {
  readonly kind: 'planned';
  readonly receiver: Receiver;
  /** Every text in it as it will be sent. */
  readonly registration: Registration;
  /** The lines of the text in each message, at least one message; '' is a blank line. Each needs a control reference. */
  readonly parts: readonly (readonly string[])[];
}

/** Plans a registration that validateRegistration found valid; refuses what cannot be sent without changing its meaning. */
export function planMedvri(registration: Registration, receiver: Receiver): MedvriPlan | RegistrationRefused {
  const spelled = new Spelling(receiver);
  const { text, ...rest } = registration;
  // earlier.references are ASCII by their own pattern, and so are all codes and dates.
  const sent: Registration = {
    ...rest,
    practice: { ...rest.practice, name: spelled.line('practice.name', rest.practice.name) },
    patient: { ...rest.patient, name: spelledName(rest.patient.name, spelled) },
    author: {
      name: spelled.line('author.name', rest.author.name),
      role: spelled.line('author.role', rest.author.role),
    },
    source: { ...rest.source, field: spelled.line('source.field', rest.source.field) },
    text: spelled.text(text, rest.earlier?.change === 'withdrawal'),
  };
  if (spelled.problems.length > 0) return { kind: 'refused', problems: spelled.problems };
  return { kind: 'planned', receiver, registration: sent, parts: partsOf(sent) };
}

function spelledName(name: Registration['patient']['name'], spelled: Spelling): Registration['patient']['name'] {
  const optional = (part: keyof typeof name) => {
    const written = name[part];
    return written === null ? null : spelled.line(`patient.name.${part}`, written);
  };
  return {
    family: spelled.line('patient.name.family', name.family),
    prefix: optional('prefix'),
    partnerFamily: optional('partnerFamily'),
    partnerPrefix: optional('partnerPrefix'),
    given: optional('given'),
    initials: optional('initials'),
  };
}

function partsOf(registration: Registration): readonly (readonly string[])[] {
  const lines = textLines(registration.text);
  if (lines.flatMap(wordsOf).join(' ') !== wordsOf(registration.text).join(' ')) {
    throw new Failure('registration.wrapped-differently', { kind: 'defect' });
  }
  const whole = LINES_MAX - headingSize(registration, 1);
  if (lines.length <= whole) return [lines];
  const parts = dealt(lines, LINES_MAX - headingSize(registration, 2));
  if (parts.length > PARTS_MAX) throw new Failure('registration.too-many-parts', { kind: 'defect' });
  return parts;
}

// The blank line between heading and text is counted with the heading.
function headingSize(registration: Registration, parts: number): number {
  return headingLines(registration, { reference: '', part: 1, parts }).length + 1;
}

/** No part begins or ends with a blank line: a receiver may take it for none. */
function dealt(lines: readonly string[], size: number): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at] === '') {
      at += 1;
      continue;
    }
    const part = lines.slice(at, at + size);
    at += part.length;
    parts.push(part.at(-1) === '' ? part.slice(0, -1) : part);
  }
  return parts;
}

/** Transliterates field after field, and keeps what is wrong with any. */
class Spelling {
  readonly problems: Problem[] = [];
  private readonly receiver: Receiver;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  /** Blanks at its ends go, and runs of blanks are one: it is one name, or one label. */
  line(field: string, written: string): string {
    const text = this.spell(field, written, true).replace(/ {2,}/g, ' ').trim();
    const isRefused = this.problems.some((one) => one.field === field);
    // Two quotation marks are EDIFACT's way to say that there is nothing.
    if (!isRefused && /^(?:"")?$/.test(text)) this.problems.push(problem(field, 'registration.not-as-expected'));
    if (!isRefused && text.length > FIELD_CHARACTERS_MAX) this.problems.push(problem(field, 'registration.too-long'));
    return text;
  }

  text(written: string, mayBeEmpty: boolean): string {
    const text = this.spell('text', written, false);
    const isRefused = this.problems.some((one) => one.field === 'text');
    if (!isRefused && !mayBeEmpty && text.trim() === '')
      this.problems.push(problem('text', 'registration.not-as-expected'));
    return text;
  }

  private spell(field: string, written: string, isOneLine: boolean): string {
    const { text, refused } = transliterate(written, this.receiver.charset, isOneLine);
    for (const { place, whatToDo } of refused) {
      this.problems.push({ field, code: 'registration.character', expected: whatToDo, place });
    }
    return text;
  }
}
