/** What was written is read by our own reader and compared with what was meant, before anybody gets it. */

import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../shared/failure.ts';
import { addresseeOf, authorOf, BLANK_TEXT, institutionOf } from './conventions.ts';
import { type MedvriMessage, readMedvri } from './from-medvri.ts';
import { wireBirthDate, wireMoment } from './moments.ts';
import type { MedvriPlan } from './plan.ts';
import type { MedvriEnvelope, MedvriInterchange } from './to-medvri.ts';
import { LINE_CHARACTERS_MAX } from './wrap.ts';

/** Throws `registration.read-back` (a defect of ours) with what differs: a name of ours, never what stands there. */
export function checkReadBack(
  { bytes, charset, reference }: MedvriInterchange,
  plan: MedvriPlan,
  envelope: MedvriEnvelope,
  lines: readonly string[],
): void {
  const differs = (what: string) =>
    new Failure('registration.read-back', { kind: 'defect', fields: { what, reference } });
  const reading = readMedvri(bytes, charset);
  if (reading.kind === 'refused') throw differs(reading.code);
  const [message, second] = reading.messages;
  if (message === undefined || second !== undefined) throw differs('messages');
  const [warning] = [...reading.warnings, ...message.warnings];
  if (warning !== undefined) throw differs(warning.code);
  if (message.lines.some((line) => line.length > LINE_CHARACTERS_MAX)) throw differs('line-length');
  const meant = { ...meantOf(plan, envelope, reference, lines), warnings: [] };
  const wrong = (Object.keys(meant) as (keyof MedvriMessage)[]).find(
    (name) => !isDeepStrictEqual(message[name], meant[name]),
  );
  if (wrong !== undefined) throw differs(wrong);
}

function meantOf(
  { registration, receiver }: MedvriPlan,
  { from, sentAt }: MedvriEnvelope,
  reference: string,
  lines: readonly string[],
): Omit<MedvriMessage, 'warnings'> {
  const { practice, patient, author, source } = registration;
  const sent = wireMoment(sentAt);
  const written = wireMoment(new Date(registration.writtenAt));
  return {
    from,
    to: practice.account,
    interchangeReference: reference,
    messageReference: reference,
    sentAt: `${sent.date.join('')}:${sent.time.join('')}`,
    writtenAt: `${written.date.join(':')} ${written.time.join(':')}`,
    sender: { person: authorOf(author.name), department: author.role, institution: institutionOf(source) },
    recipient: { person: addresseeOf(practice.name), department: null, institution: practice.name },
    patient: {
      bsn: patient.bsn,
      birthDate: wireBirthDate(patient.birthDate).join(':'),
      sex: patient.sex === 'male' ? 'M' : 'V',
      name: patient.name,
    },
    lines: lines.map((line) => (line === '' ? BLANK_TEXT[receiver.blankLine] : line)),
  };
}
