/**
 * `zorgkoerier render medvri FILE.json`: a registration as the EDIFACT that a HIS would get, without a ledger or a network
 * and without sending it. `--example` prints a file to start from.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { loadConfig } from '../config/config.ts';
import {
  DEFAULT_RECEIVER,
  type Problem,
  planMedvri,
  REFERENCE_PATTERN,
  type Registration,
  validateRegistration,
  writeMedvri,
} from '../registration/registration.ts';
import { errorName } from '../shared/failure.ts';
import { type Io, type Language, UsageError, type Words } from './io.ts';

/** What the file holds beside the registration: what the ledger and the practice's settings would say. */
const documentSchema = z.strictObject({
  from: z.string().regex(/^\d{8,10}$/),
  sentAt: z.iso.datetime({ offset: true }),
  receiver: z.strictObject({
    charset: z.enum(['ascii', 'latin1']).default(DEFAULT_RECEIVER.charset),
    blankLine: z.enum(['omitted', 'empty', 'full-stop', 'space']).default(DEFAULT_RECEIVER.blankLine),
  }),
  references: z.array(z.string().regex(REFERENCE_PATTERN)).min(1),
  registration: z.unknown(),
});

const EXPECTED: Readonly<Record<string, Words>> = {
  from: { nl: 'het ZorgMail-account van de afzender, als tekst', en: 'the sender’s ZorgMail account, as a string' },
  sentAt: { nl: 'een tijdstip met zone', en: 'a moment with its zone' },
  receiver: {
    nl: 'charset (ascii of latin1) en blankLine (omitted, empty, full-stop of space)',
    en: 'charset (ascii or latin1) and blankLine (omitted, empty, full-stop or space)',
  },
  references: {
    nl: 'een kenmerk per bericht, verschillend, elk van ten hoogste 14 hoofdletters en cijfers',
    en: 'a control reference for each message, all different, each of at most 14 capitals and digits',
  },
};
const DOCUMENT: Words = {
  nl: 'verwacht: from, sentAt, receiver, references, registration; zie --example',
  en: 'expected: from, sentAt, receiver, references, registration; see --example',
};

export type Rendered =
  | { readonly kind: 'written'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly problems: readonly { readonly field: string; readonly says: Words }[] };

/** The interchanges of a render file one after another, or everything that is wrong with it. */
export function renderMedvri(input: unknown): Rendered {
  const document = documentSchema.safeParse(input);
  if (!document.success) return refused(document.error.issues.map(asSaid));
  const { registration, receiver, from, sentAt, references } = document.data;
  const checked = validateRegistration(registration);
  if (checked.kind === 'refused') return refused(checked.problems.map(registrationProblem));
  const plan = planMedvri(checked.registration, receiver);
  if (plan.kind === 'refused') return refused(plan.problems.map(registrationProblem));
  const isUsable = references.length === plan.parts.length && new Set(references).size === references.length;
  if (!isUsable) return refused([referencesNeeded(plan.parts.length)]);
  const written = writeMedvri(plan, { from, sentAt: new Date(sentAt), references });
  return { kind: 'written', bytes: Buffer.concat(written.map(({ bytes }) => bytes)) };
}

/** Prints the EDIFACT, byte for byte; exit code 2 with each wrong field on a line of its own. */
export async function runRenderMedvri(
  io: Io,
  file: string | null,
  options: { readonly example: boolean },
  outBytes: (bytes: Buffer) => void,
): Promise<number> {
  if (options.example === (file !== null)) throw new UsageError('render medvri: give a file, or --example');
  if (file === null) {
    io.out(JSON.stringify(EXAMPLE, null, 2));
    return 0;
  }
  const { language } = loadConfig(io.env, { requiresServices: false });
  const rendered = renderMedvri(await inputOf(io, file));
  if (rendered.kind === 'written') {
    outBytes(rendered.bytes);
    return 0;
  }
  for (const { field, says } of rendered.problems) io.progress(`${field === '' ? '' : `${field}: `}${says[language]}`);
  return 2;
}

async function inputOf(io: Io, file: string): Promise<unknown> {
  const bytes = await (file === '-' ? io.readStdin() : readFile(file)).catch((thrown: unknown) => {
    throw new UsageError(`${file}: ${errorName(thrown)}`);
  });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The error of JSON.parse repeats what it stumbled over.
    throw new UsageError(`${file}: not JSON in UTF-8`);
  }
}

function refused(problems: Extract<Rendered, { kind: 'refused' }>['problems']): Rendered {
  return { kind: 'refused', problems };
}

function asSaid(issue: z.core.$ZodIssue) {
  const field = issue.path.map(String).join('.');
  return { field, says: EXPECTED[String(issue.path[0] ?? '')] ?? DOCUMENT };
}

function referencesNeeded(count: number) {
  const says = EXPECTED['references'] ?? DOCUMENT;
  return { field: 'references', says: { nl: `${says.nl}: ${count} nodig`, en: `${says.en}: ${count} needed` } };
}

function registrationProblem({ field, expected, code, place }: Problem) {
  const name = field === '' ? 'registration' : `registration.${field}`;
  return { field: name, says: { nl: said('nl', expected, code, place), en: said('en', expected, code, place) } };
}

const LEAD: Readonly<Record<Problem['code'], Words>> = {
  'registration.missing': { nl: 'ontbreekt; verwacht: ', en: 'is missing; expected: ' },
  'registration.unknown-field': { nl: '', en: '' },
  'registration.not-as-expected': { nl: 'verwacht: ', en: 'expected: ' },
  'registration.too-long': { nl: 'te lang; verwacht: ', en: 'too long; expected: ' },
  'registration.character': { nl: 'kan niet verstuurd worden; ', en: 'cannot be sent; ' },
};

function said(language: Language, expected: Words, code: Problem['code'], place: Problem['place']): string {
  const about = `${LEAD[code][language]}${expected[language]}`;
  if (place === null) return about;
  const { character, line, column, codePoint, times } = place;
  const where =
    language === 'nl'
      ? `teken ${character} (regel ${line}, kolom ${column}, ${codePoint}${times > 1 ? `, ${times} keer` : ''})`
      : `character ${character} (line ${line}, column ${column}, ${codePoint}${times > 1 ? `, ${times} times` : ''})`;
  return `${where} ${about}`;
}

/** An invented registration of an invented patient: what `--example` prints, and what the tests change one thing of. */
export const EXAMPLE_REGISTRATION: Registration = {
  practice: { agb: '01099001', name: 'Huisartsenpraktijk De Linde', account: '500088001' },
  patient: {
    bsn: '999990019',
    birthDate: '1980-10-25',
    sex: 'female',
    name: {
      family: 'Jansen',
      prefix: 'van',
      partnerFamily: 'Berg',
      partnerPrefix: 'van de',
      given: 'Petra',
      initials: 'P.',
    },
  },
  author: { name: 'A. de Vries', role: 'praktijkondersteuner' },
  source: { kind: 'card', field: 'Bijzonderheden' },
  writtenAt: '2026-11-25T10:15:00+01:00',
  text: 'Patiënte belde over haar medicijnen.\n\nAdvies: bij glucose ≥ 15 mmol/l contact met de praktijk.',
  earlier: null,
};

const EXAMPLE = {
  from: '500066001',
  sentAt: '2026-11-25T10:16:00+01:00',
  receiver: DEFAULT_RECEIVER,
  references: ['CS000000000001'],
  registration: EXAMPLE_REGISTRATION,
};
