/**
 * The door of registration/: a free text that somebody wrote on a patient card (cKIS) or a board (cBoards) goes in, MEDVRI
 * interchanges for the practice's HIS come out (edifact.md §5). A HIS (huisartsinformatiesysteem) is the practice's own system.
 *
 * It promises: what is written says what the author wrote, no less and nothing else; every character without a safe
 * transliteration refuses the registration, with its place, and none becomes `?`; every interchange was read back and
 * compared before anybody gets it; what is wrong with a registration is a value that names the field, never an exception.
 * It never touches a network, a database or a clock, gives out no control references and sends nothing.
 *
 * planMedvri says whether a registration can be written and in how many parts; writeMedvri writes it, with a control
 * reference for each part. The same plan and references always give the same bytes, so sending may be repeated.
 */

/** For the author (Dutch) and for developers. */
export interface Words {
  readonly nl: string;
  readonly en: string;
}

/** What a character stands at, 1-based. Characters are Unicode code points; a CRLF is two of them, and one line break. */
export interface CharacterPlace {
  readonly character: number;
  readonly line: number;
  readonly column: number;
  /** `U+2260` */
  readonly codePoint: string;
  /** How often this character stands in the field for this reason; the place is that of the first. */
  readonly times: number;
}

export type ProblemCode =
  | 'registration.missing'
  | 'registration.unknown-field'
  | 'registration.not-as-expected'
  /** Longer than its segment or our limit allows, once transliterated. */
  | 'registration.too-long'
  /** A character that cannot be sent without a risk of saying something else. */
  | 'registration.character';

/** Why a registration is refused (422): which field, what is expected there, and for a character its place. Never a value. */
export interface Problem {
  /** From the registration: `patient.bsn`, `earlier.references.2`; empty for the whole. */
  readonly field: string;
  readonly code: ProblemCode;
  /** What is expected or, for a character, what to do. */
  readonly expected: Words;
  readonly place: CharacterPlace | null;
}

export interface RegistrationRefused {
  readonly kind: 'refused';
  readonly problems: readonly Problem[];
}

/** A HIS's habits, tested with that receiver. */
export interface Receiver {
  /** ascii under UNOA is the only choice known to be safe; latin1 (ISO-8859-1 under UNOC) only where it was tried. */
  readonly charset: Charset;
  readonly blankLine: BlankLine;
}

export type Charset = 'ascii' | 'latin1';

/** A blank line as `TXT:3'`, `TXT:3+'`, a single full stop, or a single blank: all four are seen (edifact.md §5). */
export type BlankLine = 'omitted' | 'empty' | 'full-stop' | 'space';

/** TXT.1 is mandatory, so the full stop is what every receiver must take. */
export const DEFAULT_RECEIVER: Receiver = { charset: 'ascii', blankLine: 'full-stop' };

export {
  joinedText,
  type MedvriMessage,
  type MedvriParty,
  type MedvriReading,
  type RegistrationPart,
  readMedvri,
  registrationPart,
} from './from-medvri.ts';
export { LINES_MAX, type MedvriPlan, PARTS_MAX, planMedvri } from './plan.ts';
export { type PostedRegistration, postedJsonSchema, validatePosted } from './posted.ts';
export {
  REFERENCE_PATTERN,
  type Registration,
  registrationJsonSchema,
  registrationSchema,
  TEXT_CHARACTERS_MAX,
  validateRegistration,
} from './schema.ts';
export { type MedvriEnvelope, type MedvriInterchange, writeMedvri } from './to-medvri.ts';
export { LINE_CHARACTERS_MAX } from './wrap.ts';
