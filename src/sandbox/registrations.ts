/**
 * What the sandbox's doctors and nurses write on cards and boards, with what the HIS must show of it. The second is written
 * down by hand, and not worked out by the code that is judged by it.
 */

import type { PostedRegistration } from '../registration/registration.ts';
import { Failure } from '../shared/failure.ts';
import { SANDBOX_BOARDS_PRACTICE, SANDBOX_PATIENTS, SANDBOX_PRACTICES } from './people.ts';

export interface WrittenText {
  readonly name: 'question' | 'diary' | 'correction';
  readonly practice: { readonly key: string; readonly agb: string; readonly name: string; readonly zorgmail: string };
  readonly bsn: string;
  readonly source: PostedRegistration['source'];
  readonly author: PostedRegistration['author'];
  readonly text: string;
  /** The lines in the HIS, its parts joined: ASCII, at most 70 characters, a blank line as a full stop. */
  readonly shown: readonly string[];
  /** Messages that it needs. */
  readonly parts: number;
  readonly corrects: WrittenText['name'] | null;
}

const DAYS = Array.from({ length: 200 }, (_, day) => day + 1);
const PRESSURES = DAYS.map((day) => `${130 + (day % 17)}/${78 + (day % 9)}`);

/** In the order in which they are written. */
export function writtenTexts(): readonly WrittenText[] {
  const [linde] = SANDBOX_PRACTICES;
  if (linde === undefined) throw new Failure('sandbox.practice-lost', { kind: 'defect' });
  const onCard = {
    practice: linde,
    bsn: '999990019',
    source: { kind: 'card', field: 'Bijzonderheden' },
    author: { name: 'A. de Vries', role: 'praktijkondersteuner' },
    parts: 1,
  } as const;
  return [
    {
      ...onCard,
      name: 'question',
      text: [
        'Mevrouw vroeg: “mag ik naast metformine + gliclazide ook paracetamol?”',
        '’s Ochtends café au lait: één kop. Wat kost de strip? € 12,50',
        '',
        'Afspraak: bij glucose ≥ 15 mmol/l bellen; foliumzuur 500 µg 1+0+0.',
      ].join('\n'),
      shown: [
        'Mevrouw vroeg: "mag ik naast metformine + gliclazide ook paracetamol?"',
        "'s Ochtends cafe au lait: een kop. Wat kost de strip? EUR 12,50",
        '.',
        'Afspraak: bij glucose >= 15 mmol/l bellen; foliumzuur 500 ug 1+0+0.',
      ],
      corrects: null,
    },
    {
      name: 'diary',
      practice: SANDBOX_BOARDS_PRACTICE,
      bsn: '999903573',
      source: { kind: 'board', field: 'Meetdagboek' },
      author: { name: 'J. Peeters', role: 'praktijkverpleegkundige' },
      text: ['Thuis gemeten, vóór het ontbijt:', ...PRESSURES.map((is, at) => `dag ${DAYS[at]}: ${is} mmHg`)].join(
        '\n',
      ),
      shown: ['Thuis gemeten, voor het ontbijt:', ...PRESSURES.map((is, at) => `dag ${DAYS[at]}: ${is} mmHg`)],
      parts: 3,
      corrects: null,
    },
    {
      ...onCard,
      name: 'correction',
      text: [
        'Mevrouw vroeg: “mag ik naast metformine + gliclazide ook paracetamol?”',
        '',
        'Afspraak: bij glucose ≥ 12 mmol/l (niet 15) bellen; foliumzuur 500 µg 1+0+0.',
      ].join('\n'),
      shown: [
        'Mevrouw vroeg: "mag ik naast metformine + gliclazide ook paracetamol?"',
        '.',
        'Afspraak: bij glucose >= 12 mmol/l (niet 15) bellen; foliumzuur 500 ug',
        '1+0+0.',
      ],
      corrects: 'question',
    },
  ];
}

/** As its source posts it. */
export function postedText(written: WrittenText, writtenAt: Date, corrected: string | null): PostedRegistration {
  const person = SANDBOX_PATIENTS.find(({ bsn }) => bsn === written.bsn);
  if (person === undefined) throw new Failure('sandbox.person-lost', { kind: 'defect' });
  const { bsn, birthDate, sex, family, prefix, partnerFamily, partnerPrefix, given, initials } = person;
  return {
    practice: { agb: written.practice.agb },
    patient: { bsn, birthDate, sex, name: { family, prefix, partnerFamily, partnerPrefix, given, initials } },
    author: written.author,
    source: written.source,
    writtenAt: writtenAt.toISOString(),
    text: written.text,
    earlier: corrected === null ? null : { change: 'correction', registration: corrected },
  };
}
