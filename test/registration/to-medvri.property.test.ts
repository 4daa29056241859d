/** Whatever is written arrives: over random texts, receivers and names. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadLaboratoryRegistry, readPayload } from '../../src/lab/lab.ts';
import {
  type BlankLine,
  type Charset,
  joinedText,
  LINE_CHARACTERS_MAX,
  LINES_MAX,
  type MedvriMessage,
  planMedvri,
  readMedvri,
  registrationPart,
  writeMedvri,
} from '../../src/registration/registration.ts';
import { transliterate } from '../../src/registration/transliterate.ts';
import { REGISTRATION, referencesFor, SENT } from './sample.ts';

const receiver = fc.record({
  charset: fc.constantFrom<Charset>('ascii', 'latin1'),
  blankLine: fc.constantFrom<BlankLine>('omitted', 'empty', 'full-stop', 'space'),
});
const awkward = fc.constantFrom(
  ...[
    '"',
    "'",
    '+',
    '?',
    ':',
    '??',
    "?'",
    '\n',
    '\r\n',
    '\n\n',
    ' ',
    '  ',
    '\t',
    '.',
    '\n.\n',
    '""',
    'Deel 1/3',
    '\nKenmerk: CS1\n',
  ],
  ...[
    'é',
    'ë',
    'ĳ',
    '≥',
    '≤',
    'µ',
    'µg',
    ' € ',
    '½',
    '²',
    '“',
    '”',
    '…',
    '→',
    '°',
    '\u00a0',
    '\u200b',
    'ł',
    'ş',
    'cafe\u0301',
  ],
);
const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789,.-'), maxLength: 12 });
const longWord = fc.integer({ min: 66, max: 300 }).map((length) => 'w'.repeat(length));
const piece = fc.oneof(
  { weight: 6, arbitrary: word },
  { weight: 6, arbitrary: fc.constant(' ') },
  { weight: 4, arbitrary: awkward },
  { weight: 1, arbitrary: longWord },
);
/** Up to 10,000 characters, and often that many. */
const text = fc
  .tuple(fc.array(piece, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 60 }))
  .map(([pieces, times]) => [...pieces.join('').repeat(times)].slice(0, 10_000).join(''))
  .map((written) => `x${written}`.slice(0, 10_000));

const registry = loadLaboratoryRegistry();

function messagesOf(written: string, to: { charset: Charset; blankLine: BlankLine }): readonly MedvriMessage[] {
  const plan = planMedvri({ ...REGISTRATION, text: written }, to);
  if (plan.kind === 'refused') throw new Error(JSON.stringify(plan.problems));
  return writeMedvri(plan, { ...SENT, references: referencesFor(plan) }).map(({ bytes, charset }) => {
    const payload = { source: 'file', kind: 'edifact' as const, bytes, charset, mailSender: null, attachments: [] };
    expect(readPayload(payload, registry)).toMatchObject([{ format: 'medvri-1', outcome: 'not-lab', warnings: [] }]);
    const reading = readMedvri(bytes, charset);
    if (reading.kind === 'refused') throw new Error(reading.code);
    expect(reading.warnings).toEqual([]);
    return reading.messages[0]!;
  });
}

/** Line breaks and runs of blanks are one blank each; a word over 70 characters is cut at 70. */
function asOneLine(written: string, blankLine: BlankLine): string {
  const words = written.split(/\s+/).flatMap((one) => one.match(/.{1,70}/gsu) ?? []);
  // Where a full stop is a blank line, one that stands by itself cannot be told from it.
  return words.filter((one) => blankLine !== 'full-stop' || one !== '.').join(' ');
}

it('a text of up to 10,000 characters arrives as its transliteration', () => {
  fc.assert(
    fc.property(text, receiver, (written, to) => {
      const messages = messagesOf(written, to);
      for (const { lines } of messages) {
        expect(lines.length).toBeLessThanOrEqual(LINES_MAX);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(LINE_CHARACTERS_MAX);
      }
      const arrived = joinedText(messages.map(({ lines }) => registrationPart(lines)));
      const meant = transliterate(written, to.charset).text;
      expect(asOneLine(arrived ?? '', to.blankLine)).toBe(asOneLine(meant, to.blankLine));
    }),
    { numRuns: 200 },
  );
});

it('a paragraph arrives line for line where its lines fit', () => {
  const line = fc
    .string({ unit: fc.constantFrom(...'ab +?:\'".'), minLength: 1, maxLength: 70 })
    .map((one) => `-${one.trimEnd()}`.slice(0, 70).trimEnd());
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 250 }), receiver, (lines, to) => {
      const messages = messagesOf(lines.join('\n'), to);
      expect(joinedText(messages.map((one) => registrationPart(one.lines)))).toBe(lines.join('\n'));
    }),
    { numRuns: 100 },
  );
});

const anything = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'a1 ?µøßα½²₂·°→≠é\u0301\u0336\n'),
    fc.integer({ min: 0, max: 0x24ff }).map((code) => String.fromCodePoint(code)),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
});

it('any text is sent in characters that the receiver has, or refused at a place where that character stands', () => {
  fc.assert(
    fc.property(anything, fc.constantFrom<Charset>('ascii', 'latin1'), (written, charset) => {
      const { text: sent, refused } = transliterate(written, charset);
      expect(sent).toMatch(charset === 'ascii' ? /^[\n\t -~]*$/ : /^[\n\t -~\u00a1-\u00ac\u00ae-\u00ff]*$/);
      const chars = [...written];
      for (const { place } of refused) {
        const code = chars[place.character - 1]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
        expect(`U+${code}`).toBe(place.codePoint);
        const line = written.split(/\r\n|[\r\n\u0085\u2028\u2029]/)[place.line - 1] ?? '';
        expect([...line][place.column - 1] ?? chars[place.character - 1]).toBe(chars[place.character - 1]);
      }
      if (refused.length > 0) return;
      // Every letter, digit and sign of ASCII arrives in its order, and no question mark that was not there.
      expect(sent.split('?').length).toBe(written.split('?').length);
      expect(
        isSubsequence(
          [...written.normalize('NFC')].filter((char) => /^[!-~]$/.test(char)),
          sent,
        ),
      ).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

function isSubsequence(chars: readonly string[], of: string): boolean {
  let from = 0;
  return chars.every((char) => {
    const at = of.indexOf(char, from);
    from = at + 1;
    return at >= 0;
  });
}
