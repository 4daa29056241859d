/**
 * The MEDVRI writer (edifact.md §5): a plan and its control references to interchanges of one message each. What it hands
 * out was read back by our own reader and says the same.
 */

import { type WrittenSegment, writeSegments } from '../edifact/edifact.ts';
import { Failure } from '../shared/failure.ts';
import { addresseeOf, authorOf, BLANK_TEXT, institutionOf } from './conventions.ts';
import { headingLines } from './heading.ts';
import { wireBirthDate, wireMoment } from './moments.ts';
import type { MedvriPlan } from './plan.ts';
import { checkReadBack } from './read-back.ts';
import type { BlankLine } from './registration.ts';
import { REFERENCE_PATTERN, type Registration } from './schema.ts';

export interface MedvriEnvelope {
  /** UNB.2: Caresharing's own ZorgMail account. */
  readonly from: string;
  /** UNB.4. A repetition of the same sending takes the same moment. */
  readonly sentAt: Date;
  /** One for each part, in their order: UNB.5 and UNH.1. Never used before by this sender. */
  readonly references: readonly string[];
}

export interface MedvriInterchange {
  readonly reference: string;
  readonly part: number;
  readonly parts: number;
  readonly bytes: Buffer;
  /** For the mail that carries it; a reader is not asked to guess. */
  readonly charset: 'us-ascii' | 'iso-8859-1';
}

/** PID.3 in its order (edifact.md §3.2). Its nominal lengths are exceeded by real senders, and a name is never cut. */
const PATIENT_NAME = ['partnerFamily', 'partnerPrefix', 'family', 'prefix', 'given', 'initials'] as const;

/** Writes every part. Throws where references are missing or unusable, and where reading back says something else. */
export function writeMedvri(plan: MedvriPlan, envelope: MedvriEnvelope): readonly MedvriInterchange[] {
  checkEnvelope(plan, envelope);
  return plan.parts.map((lines, index) => {
    const reference = envelope.references[index] ?? '';
    const heading = headingLines(plan.registration, { reference, part: index + 1, parts: plan.parts.length });
    const all = lines.length === 0 ? heading : [...heading, '', ...lines];
    const segments = enveloped(plan, envelope, reference, [
      ...partySegments(plan.registration),
      ...all.map((line, at) => textSegment(line, at + 1, plan.receiver.blankLine)),
      recipientSegment(plan.registration),
    ]);
    const isLatin1 = plan.receiver.charset === 'latin1';
    const interchange: MedvriInterchange = {
      reference,
      part: index + 1,
      parts: plan.parts.length,
      bytes: Buffer.from(writeSegments(segments, '\r\n'), 'latin1'),
      charset: isLatin1 ? 'iso-8859-1' : 'us-ascii',
    };
    checkReadBack(interchange, plan, envelope, all);
    return interchange;
  });
}

function checkEnvelope({ parts }: MedvriPlan, { from, references }: MedvriEnvelope): void {
  const refuse = (code: string, fields = {}) => new Failure(`registration.${code}`, { kind: 'defect', fields });
  if (!/^\d{8,10}$/.test(from)) throw refuse('sender-account');
  if (references.length !== parts.length) {
    throw refuse('references-count', { needed: parts.length, given: references.length });
  }
  if (!references.every((reference) => REFERENCE_PATTERN.test(reference))) throw refuse('reference-form');
  if (new Set(references).size !== references.length) throw refuse('reference-twice');
}

function enveloped(
  { registration, receiver }: MedvriPlan,
  { from, sentAt }: MedvriEnvelope,
  reference: string,
  body: readonly WrittenSegment[],
): readonly WrittenSegment[] {
  const { date, time } = wireMoment(sentAt);
  const syntax = receiver.charset === 'latin1' ? ['UNOC', '3'] : ['UNOA', '1'];
  const moment = [date.join(''), time.join('')];
  return [
    { tag: 'UNB', elements: [syntax, from, registration.practice.account, moment, reference] },
    { tag: 'UNH', elements: [reference, ['MEDVRI', '1']] },
    ...body,
    // UNT.1 counts UNH and UNT too.
    { tag: 'UNT', elements: [String(body.length + 2), reference] },
    { tag: 'UNZ', elements: ['1', reference] },
  ];
}

function partySegments({ author, source, patient, writtenAt }: Registration): readonly WrittenSegment[] {
  const { date, time } = wireMoment(new Date(writtenAt));
  return [
    { tag: 'GGA', elements: [authorOf(author.name), author.role, institutionOf(source)] },
    { tag: 'DET', elements: [date, time] },
    {
      tag: 'PID',
      elements: [
        wireBirthDate(patient.birthDate),
        patient.sex === 'male' ? 'M' : 'V',
        PATIENT_NAME.map((part) => patient.name[part]),
        null,
        `BSN${patient.bsn}`,
      ],
    },
  ];
}

function recipientSegment({ practice }: Registration): WrittenSegment {
  return { tag: 'GGO', elements: [addresseeOf(practice.name), null, practice.name] };
}

function textSegment(line: string, number: number, blankLine: BlankLine): WrittenSegment {
  const segment = { tag: 'TXT', counters: [number], isOpen: line === '' && blankLine === 'empty' };
  return { ...segment, elements: [line === '' ? BLANK_TEXT[blankLine] : line] };
}
