import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BYTES_MAX,
  type EdifactTokens,
  elementText,
  rewrite,
  SEGMENTS_MAX,
  type Segment,
  tokenise,
  type WrittenSegment,
  writeSegments,
} from '../../src/edifact/edifact.ts';

function tokensOf(bytes: Buffer | string, charset: string | null = null): EdifactTokens {
  const tokens = tokenise(Buffer.from(bytes), charset);
  if (tokens.kind === 'refused') throw new Error(tokens.code);
  return tokens;
}

function only(bytes: Buffer | string, charset: string | null = null): Segment {
  const { segments } = tokensOf(bytes, charset);
  expect(segments).toHaveLength(1);
  return segments[0] as Segment;
}

// Bytes that are mostly what EDIFACT is made of, so that delimiters meet in every way.
const edifactBytes = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...[":+?'. \r\n\tUNABZHT1é"].flatMap((text) => [...text])) },
      { weight: 2, arbitrary: fc.constantFrom('UNA', "UNA:+.? '", 'UNB+', 'UNH+1+MEDLAB:1', 'UNT+', 'BEP:1:1') },
      { weight: 1, arbitrary: fc.string() },
    ),
  )
  .map((parts) => Buffer.from(parts.join('')));

describe('tokenising', () => {
  it('keeps the repeat counters apart from the elements', () => {
    const segment = only("BEP:1:1:3+0+Ht+0.40'");
    expect(segment).toMatchObject({ tag: 'BEP', counters: ['1', '1', '3'], elements: [['0'], ['Ht'], ['0.40']] });
  });

  it('drops a release character and keeps what it releases, also where none was needed', () => {
    const segment = only("PAD+?'s Sands:??:a?+b?:c:?Amsterdam'");
    expect(segment.elements).toEqual([["'s Sands", '?', 'a+b:c', 'Amsterdam']]);
  });

  it('takes a doubled release before a delimiter as a question mark and a delimiter', () => {
    expect(only("TXT+why??+1'").elements).toEqual([['why?'], ['1']]);
  });

  it('keeps a release character that the payload ends in', () => {
    expect(only('TXT+why?').elements).toEqual([['why?']]);
  });

  it.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['tabs and blanks', '\t  '],
    ['nothing', ''],
  ])('accepts %s between segments', (_name, between) => {
    const { segments, warnings } = tokensOf(`UNB+A'${between}UNH+1'${between}UNT+2+1'${between}`);
    expect(segments.map(({ tag }) => tag)).toEqual(['UNB', 'UNH', 'UNT']);
    expect(warnings).toEqual([]);
  });

  it('skips a byte order mark, a vertical tab and blanks before the first segment', () => {
    expect(only('\ufeff\x0b \r\nUNH+1').tag).toBe('UNH');
  });

  it('warns where a line break stands inside a segment, and keeps it', () => {
    const tokens = tokensOf("TXT+one\r\ntwo'");
    expect(tokens.warnings).toEqual([{ code: 'edifact.line-break-in-segment', position: { segment: 1, tag: 'TXT' } }]);
    expect(tokens.segments[0]?.elements).toEqual([['one\r\ntwo']]);
  });

  it('says of a last segment without a terminator that it has none', () => {
    expect(tokensOf("UNH+1'UNT+2").segments.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });

  it('knows at which bytes a segment stands, also after letters of two bytes', () => {
    const bytes = Buffer.from("TXT+é'UNT+1'");
    const [, second] = tokensOf(bytes).segments;
    expect(bytes.subarray(second?.start, second?.end).toString()).toBe("UNT+1'");
  });

  it('reads absent, empty and the explicitly empty mark alike', () => {
    const segment = only(`PID++""+ +x'`);
    expect([1, 2, 3, 4, 5].map((element) => elementText(segment, element))).toEqual([null, null, null, 'x', null]);
  });

  it('gives a separator back that the sender forgot to release', () => {
    expect(elementText(only("BEP+22:15'"), 1)).toBe('22:15');
  });

  it('refuses what is over its limits instead of reading a part of it', () => {
    expect(tokenise(Buffer.alloc(BYTES_MAX + 1), null)).toMatchObject({ code: 'edifact.too-large' });
    expect(tokenise(Buffer.from("A'".repeat(SEGMENTS_MAX + 1)), null)).toMatchObject({ code: 'edifact.too-large' });
    expect(tokenise(Buffer.from("A'".repeat(SEGMENTS_MAX)), null).kind).toBe('tokens');
  });
});

describe('the service string', () => {
  it.each([
    ['the standard one', "UNA:+.? 'UNB+A:B'"],
    ['one without the reserved character', "UNA:+.?'UNB+A:B'"],
    ['one without it, and a line end', "UNA:+.?'\r\nUNB+A:B'"],
    ['one with a repetition separator', "UNA:+.?*'UNB+A:B'"],
    ['a decimal comma', "UNA:+,? 'UNB+A:B'"],
    ['other delimiters', 'UNA^|.? ~UNB|A^B~'],
    ['a line feed as terminator', 'UNA:+.? \nUNB+A:B\n'],
    ['none at all', "UNB+A:B'"],
  ])('is understood: %s', (_name, text) => {
    expect(only(text)).toMatchObject({ number: 1, tag: 'UNB', elements: [['A', 'B']] });
  });

  it('gives up releasing where its release character is a blank', () => {
    expect(only("UNA:+.  'UNB+why?'").elements).toEqual([['why?']]);
  });

  it('holds for its own interchange only', () => {
    const { segments } = tokensOf("UNA^|.? ~UNB|A^B~UNZ|0~UNB+A:B'");
    expect(segments[2]?.elements).toEqual([['A', 'B']]);
  });

  it.each(["UNA++.? '", 'UNAa+.? ~', 'UNA:+.? \xe9'])('that contradicts itself is refused: %s', (text) => {
    expect(tokenise(Buffer.from(`${text}UNB+A'`, 'latin1'), null)).toEqual({
      kind: 'refused',
      code: 'edifact.syntax',
      position: null,
    });
  });
});

describe('the charset', () => {
  const name = (bytes: Buffer, charset: string | null) => elementText(only(bytes, charset), 1);

  it('is strict UTF-8 where the mail names none and the bytes are UTF-8', () => {
    expect(name(Buffer.from("PID+Özdemir'"), null)).toBe('Özdemir');
  });

  it('is windows-1252 where they are not, with a warning', () => {
    const bytes = Buffer.from("PID+\xd6zdemir \x80'", 'latin1');
    expect(name(bytes, null)).toBe('Özdemir €');
    expect(tokensOf(bytes).warnings).toEqual([{ code: 'edifact.charset-assumed', position: null }]);
  });

  it('is what the mail names', () => {
    expect(name(Buffer.from("PID+\xc3\xab'", 'latin1'), 'iso-8859-1')).toBe('Ã«');
    expect(name(Buffer.from("PID+\xa4'", 'latin1'), 'ISO-8859-15')).toBe('€');
  });

  it('is not us-ascii where there are bytes that ASCII does not have', () => {
    expect(name(Buffer.from("PID+Özdemir'"), 'us-ascii')).toBe('Özdemir');
  });

  it.each(['utf-16le', 'ibm850', 'nonsense'])('falls back with a warning where %s cannot be used', (charset) => {
    const tokens = tokensOf(Buffer.from("PID+Özdemir'"), charset);
    expect(tokens.segments[0]?.elements).toEqual([['Özdemir']]);
    expect(tokens.warnings).toEqual([{ code: 'edifact.charset-not-usable', position: null }]);
  });

  it('is not UTF-8 only because the mail says so', () => {
    expect(name(Buffer.from("PID+\xd6zdemir'", 'latin1'), 'utf-8')).toBe('Özdemir');
  });
});

describe('for any bytes', () => {
  it('what was tokenised is written again byte for byte', () => {
    fc.assert(
      fc.property(fc.oneof(edifactBytes, fc.uint8Array().map(Buffer.from)), (bytes) => {
        const tokens = tokenise(bytes, null);
        if (tokens.kind === 'tokens') expect(rewrite(tokens).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('no byte but blanks lies between two segments', () => {
    fc.assert(
      fc.property(edifactBytes, (bytes) => {
        const tokens = tokenise(bytes, null);
        if (tokens.kind === 'refused') return;
        const covered = Buffer.from(bytes);
        for (const { start, end } of tokens.segments) covered.fill(' ', start, end);
        const between = covered
          .toString('latin1')
          .replace(/^\xef\xbb\xbf/, '')
          .replace(/UNA.{5,6}/gs, '');
        expect(between.trim()).toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('what was written is read back the same', () => {
    const text = fc.string({ minLength: 1 }).map((one) => `x${one.replace(/[\r\n]/g, ' ')}x`);
    const element = fc.array(text, { minLength: 1, maxLength: 4 });
    const segment = fc.record({
      tag: fc.constantFrom('BEP', 'TXT', 'PID'),
      counters: fc.array(fc.nat(99).map(String), { maxLength: 4 }),
      elements: fc.array(element, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), fc.constantFrom('', '\r\n'), (segments, lineEnd) => {
        const tokens = tokensOf(writeSegments(segments satisfies WrittenSegment[], lineEnd));
        expect(tokens.segments.map(({ tag, counters, elements }) => ({ tag, counters, elements }))).toEqual(segments);
      }),
    );
  });
});
