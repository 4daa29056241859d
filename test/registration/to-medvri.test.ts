import { describe, expect, it } from 'vitest';
import { tokenise } from '../../src/edifact/edifact.ts';
import {
  type BlankLine,
  joinedText,
  LINES_MAX,
  planMedvri,
  readMedvri,
  registrationPart,
  writeMedvri,
} from '../../src/registration/registration.ts';
import { planned, REGISTRATION, referencesFor, SENT, written } from './sample.ts';

const linesOf = (bytes: Buffer) => bytes.toString('latin1').split('\r\n');
const texts = (bytes: Buffer) => linesOf(bytes).filter((line) => line.startsWith('TXT'));
const receiver = (blankLine: BlankLine) => ({ charset: 'ascii' as const, blankLine });
const only = (change: Parameters<typeof written>[0], to?: Parameters<typeof written>[1]) => {
  const [first, ...others] = written(change, to);
  if (first === undefined || others.length > 0) throw new Error('one part was expected');
  return first.bytes;
};

describe('the MEDVRI writer', () => {
  it('fills accounts, references, patient, both parties and the counts', () => {
    expect(linesOf(only({}))).toEqual([
      "UNB+UNOA:1+500066001+500088001+261125:1016+CS000000000001'",
      "UNH+CS000000000001+MEDVRI:1'",
      "GGA+A. de Vries+praktijkondersteuner+Caresharing, cKIS'",
      "DET+26:11:25+10:15'",
      "PID+1980:10:25+V+Berg:van de:Jansen:van:Petra:P.++BSN999990019'",
      "TXT:1+Vrije tekst van patientkaart (cKIS), veld?: Bijzonderheden'",
      "TXT:2+Door?: A. de Vries (praktijkondersteuner), 25-11-2026 10?:15'",
      "TXT:3+Kenmerk?: CS000000000001'",
      "TXT:4+.'",
      "TXT:5+Patiente belde over haar medicijnen.'",
      "GGO+Huisartsenpraktijk De Linde++Huisartsenpraktijk De Linde'",
      "UNT+11+CS000000000001'",
      "UNZ+1+CS000000000001'",
      '',
    ]);
  });

  it.each<[BlankLine, string]>([
    ['omitted', "TXT:4'"],
    ['empty', "TXT:4+'"],
    ['full-stop', "TXT:4+.'"],
    ['space', "TXT:4+ '"],
  ])('has a blank line as the receiver has it: %s', (habit, expected) => {
    const lines = texts(only({ text: 'a\n\nb' }, receiver(habit)));
    expect(lines[3]).toBe(expected);
    expect(lines[5]).toBe(expected.replace('4', '6'));
  });

  it('counts 70 characters before it escapes, and never parts a released pair', () => {
    const [line] = texts(only({ text: '?'.repeat(70) })).slice(-1);
    expect(line).toBe(`TXT:5+${'??'.repeat(70)}'`);
  });

  it('writes ISO-8859-1 under UNOC where the receiver takes it, and names the charset', () => {
    const [first] = written({ text: 'Patiënt ≥ 38°' }, { charset: 'latin1', blankLine: 'full-stop' });
    expect(first?.charset).toBe('iso-8859-1');
    expect(linesOf(first?.bytes ?? Buffer.of())).toEqual(
      expect.arrayContaining([expect.stringContaining('UNB+UNOC:3+'), "TXT:5+Patiënt >= 38°'"]),
    );
    expect(written({})[0]?.charset).toBe('us-ascii');
  });

  it('writes moments in Amsterdam time, and what is unknown of a birth date as noughts', () => {
    const patient = { ...REGISTRATION.patient, birthDate: '1980', sex: 'male' as const };
    const lines = linesOf(only({ patient, writtenAt: '2026-07-01T22:30:00Z' }));
    expect(lines).toContain("DET+26:07:02+00:30'");
    expect(lines).toContain("PID+1980:00:00+M+Berg:van de:Jansen:van:Petra:P.++BSN999990019'");
  });

  it('says the same bytes every time', () => {
    expect(written({})).toEqual(written({}));
  });
});

describe('a long text', () => {
  const text = Array.from({ length: 200 }, (_, index) => `regel ${index + 1}`).join('\n');

  it('is split over messages of at most 99 lines, each with its part mark and its own reference', () => {
    const parts = written({ text });
    expect(parts.map(({ part, parts: count }) => `${part}/${count}`)).toEqual(['1/3', '2/3', '3/3']);
    expect(parts.map(({ bytes }) => texts(bytes)[0])).toEqual([
      "TXT:1+Deel 1/3'",
      "TXT:1+Deel 2/3'",
      "TXT:1+Deel 3/3'",
    ]);
    expect(parts.map(({ bytes }) => texts(bytes).length)).toEqual([LINES_MAX, LINES_MAX, 200 - 2 * 94 + 5]);
    expect(parts.map(({ bytes }) => texts(bytes)[3])).toEqual(
      parts.map(({ reference }) => `TXT:4+Kenmerk?: ${reference}'`),
    );
  });

  it('is not split at 99 lines, and is at 100', () => {
    const lines = (count: number) => Array.from({ length: count }, () => 'a').join('\n');
    expect(planned({ text: lines(LINES_MAX - 4) }).parts).toHaveLength(1);
    expect(planned({ text: lines(LINES_MAX - 3) }).parts).toHaveLength(2);
  });

  it('is whole again when its parts are read, in whatever order', () => {
    const parts = written({ text }).map(({ bytes, charset }) => {
      const reading = readMedvri(bytes, charset);
      return registrationPart(reading.kind === 'read' ? (reading.messages[0]?.lines ?? []) : []);
    });
    expect(joinedText([...parts].reverse())).toBe(text);
    expect(joinedText(parts.slice(1))).toBeNull();
    expect(joinedText([])).toBeNull();
  });

  it('has no blank line where a part begins or ends', () => {
    const paragraphs = Array.from({ length: 120 }, (_, index) => `alinea ${index}`).join('\n\n');
    for (const part of planned({ text: paragraphs }).parts) {
      expect([part[0], part.at(-1)]).not.toContain('');
    }
  });

  it('of 10,000 characters fits, whatever its lines and however long its heading', () => {
    const long = { text: 'a\n'.repeat(5000), author: { name: 'x'.repeat(70), role: 'y'.repeat(70) } };
    const references = Array.from({ length: 99 }, (_, index) => `CS${String(index).padStart(12, '0')}`);
    const earlier = { change: 'correction' as const, writtenAt: REGISTRATION.writtenAt, references };
    const parts = written({ ...long, earlier });
    expect(parts.length).toBeLessThanOrEqual(99);
    expect(Math.max(...parts.map(({ bytes }) => texts(bytes).length))).toBe(LINES_MAX);
  });
});

describe('a correction and a withdrawal', () => {
  const earlier = { writtenAt: '2026-11-24T16:40:00+01:00', references: ['CS000000000001'] };
  const words = (change: 'correction' | 'withdrawal', text: string) =>
    texts(only({ text, earlier: { ...earlier, change } })).map((line) => line.replace(/^TXT:\d+\+(.*)'$/, '$1'));

  it('say in words which registration they are about, and what becomes of it', () => {
    expect(words('correction', 'nieuw').slice(0, 2).join(' ')).toBe(
      'CORRECTIE?: deze tekst vervangt de registratie van 24-11-2026 16?:40 (kenmerk CS000000000001). Die tekst geldt niet meer.',
    );
    expect(words('withdrawal', '').slice(0, 2).join(' ')).toBe(
      'INTREKKING van de registratie van 24-11-2026 16?:40 (kenmerk CS000000000001). Die tekst geldt niet meer.',
    );
  });

  it('end with the heading where a withdrawal has no text', () => {
    expect(words('withdrawal', '').at(-1)).toBe('Kenmerk?: CS000000000001');
    expect(words('withdrawal', 'Vergissing.').at(-1)).toBe('Vergissing.');
  });
});

describe('what cannot be written', () => {
  const problemsOf = (change: Partial<typeof REGISTRATION>) => {
    const plan = planMedvri({ ...REGISTRATION, ...change }, receiver('omitted'));
    return plan.kind === 'planned'
      ? []
      : plan.problems.map(({ field, code, place }) => [field, code, place?.character]);
  };

  it('is refused by field, with the place of the character', () => {
    const { practice, author, source } = REGISTRATION;
    expect(
      problemsOf({
        practice: { ...practice, name: 'Практика' },
        author: { ...author, role: 'poh\nggz' },
        source: { ...source, field: '\u200b' },
        text: 'CRP ≠ 5',
      }).filter(([field], index, all) => all.findIndex(([other]) => other === field) === index),
    ).toEqual([
      ['practice.name', 'registration.character', 1],
      ['author.role', 'registration.character', 4],
      ['source.field', 'registration.not-as-expected', undefined],
      ['text', 'registration.character', 5],
    ]);
  });

  it('is refused where a field grows too long, or says nothing', () => {
    const { author } = REGISTRATION;
    expect(problemsOf({ author: { ...author, name: 'Œ'.repeat(36) } })).toEqual([
      ['author.name', 'registration.too-long', undefined],
    ]);
    expect(problemsOf({ author: { ...author, name: '""' } })).toEqual([
      ['author.name', 'registration.not-as-expected', undefined],
    ]);
    expect(problemsOf({ text: '\u200b' })).toEqual([['text', 'registration.not-as-expected', undefined]]);
  });

  it('is a defect where references or account are not usable', () => {
    const plan = planned({});
    const write = (change: object) => () => writeMedvri(plan, { ...SENT, references: referencesFor(plan), ...change });
    expect(write({ references: [] })).toThrow('registration.references-count (needed=1, given=0)');
    expect(write({ references: ['CS1', 'CS2'] })).toThrow('registration.references-count');
    expect(write({ references: ["CS'1"] })).toThrow('registration.reference-form');
    expect(write({ references: ['A'.repeat(15)] })).toThrow('registration.reference-form');
    expect(write({ from: 'caresharing' })).toThrow('registration.sender-account');
    const two = planned({ text: 'a\n'.repeat(120) });
    expect(() => writeMedvri(two, { ...SENT, references: ['CS1', 'CS1'] })).toThrow('registration.reference-twice');
  });
});

it('the syntax that is written has no byte but printable ASCII and line ends', () => {
  const tokens = tokenise(only({ text: 'Patiënte: ½ tablet µg € “goed”' }), null);
  expect(
    tokens.kind === 'tokens' &&
      tokens.bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 13 || byte === 10),
  ).toBe(true);
});
