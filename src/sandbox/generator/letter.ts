/** MEDVRI version 1 (edifact.md §5): the letters that lie between the results, and are none. */

import { type WrittenSegment, writeSegments } from '../../edifact/edifact.ts';
import { amsterdamIso } from '../../shared/amsterdam.ts';
import type { SandboxPatient, SandboxPractice } from '../people.ts';
import { enveloped, personSegment } from './medlab.ts';

export interface Letter {
  readonly practice: SandboxPractice;
  readonly person: SandboxPatient;
  readonly sentAt: Date;
  readonly reference: string;
  readonly lines: readonly string[];
}

// An out-of-hours service, as in the fixtures; no laboratory.
const ACCOUNT = '500077001';

/** The interchange, in bytes. */
export function writeLetter({ practice, person, sentAt, reference, lines }: Letter): Buffer {
  const [day = '', time = ''] = amsterdamIso(sentAt).split('T');
  const body: readonly WrittenSegment[] = [
    { tag: 'GGA', elements: ['Huisartsenpost Noord', 'Avonddienst', 'Huisartsenpost Noord'] },
    { tag: 'DET', elements: [day.slice(2).split('-'), time.slice(0, 5).split(':')] },
    personSegment(person, 'third'),
    ...lines.map((line, index) => ({ tag: 'TXT', counters: [index + 1], elements: [line] })),
    { tag: 'GGO', elements: [practice.name] },
  ];
  const segments = enveloped('MEDVRI', body, { from: ACCOUNT, to: practice.zorgmail, sentAt, reference });
  return Buffer.from(writeSegments(segments, '\r\n'), 'latin1');
}
