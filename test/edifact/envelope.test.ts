import { describe, expect, it } from 'vitest';
import { type Envelope, readEnvelope, tokenise } from '../../src/edifact/edifact.ts';

function envelopeOf(text: string): Envelope {
  const tokens = tokenise(Buffer.from(text), null);
  if (tokens.kind === 'refused') throw new Error(tokens.code);
  return readEnvelope(tokens.segments);
}

function warningsOf(text: string): readonly string[] {
  const { messages, warnings } = envelopeOf(text);
  return [...messages.flatMap((one) => one.warnings), ...warnings].map(
    ({ code, position }) => `${code} ${position?.segment} ${position?.tag} ${position?.element ?? '-'}`,
  );
}

describe('the envelope', () => {
  it('groups a message with the interchange it stands under', () => {
    const { messages, strays, warnings } = envelopeOf("UNB+U+A+B+C+R'UNH+1+X'BEP'UNT+3+1'UNZ+1+R'");
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ interchange: { number: 1 }, header: { number: 2 }, trailer: { number: 4 } });
    expect(messages[0]?.body.map(({ tag }) => tag)).toEqual(['BEP']);
    expect([strays, warnings, messages[0]?.warnings]).toEqual([[], [], []]);
  });

  it('accepts a bare message', () => {
    expect(envelopeOf("UNH+1+X'UNT+2+1'").messages).toMatchObject([{ interchange: null, warnings: [] }]);
  });

  it('gives each of two interchanges its own messages', () => {
    const { messages } = envelopeOf("UNB+U+A+B+C+R'UNH+1'UNT+2+1'UNZ+1+R'UNB+U+A+B+C+S'UNH+1'UNT+2+1'UNZ+1+S'");
    expect(messages.map(({ interchange }) => interchange?.number)).toEqual([1, 5]);
  });

  it('passes over functional groups', () => {
    const { messages, strays } = envelopeOf("UNB+U+A+B+C+R'UNG+X'UNH+1'UNT+2+1'UNE+1'UNZ+1+R'");
    expect([messages.length, strays.length]).toEqual([1, 0]);
  });

  it.each([
    ["UNB+U+A+B+C+R'UNH+1'UNT+3+1'UNZ+1+R'", ['edifact.segment-count-mismatch 3 UNT 1']],
    ["UNB+U+A+B+C+R'UNH+1'UNT+2+2'UNZ+1+R'", ['edifact.reference-mismatch 3 UNT 2']],
    ["UNB+U+A+B+C+R'UNH+1'UNT+2+1'UNZ+2+R'", ['edifact.message-count-mismatch 4 UNZ 1']],
    ["UNB+U+A+B+C+R'UNH+1'UNT+2+1'UNZ+1+S'", ['edifact.reference-mismatch 4 UNZ 2']],
    ["UNB+U+A+B+C+R'UNH+1'UNT+2+1'", ['edifact.interchange-not-closed 1 UNB -']],
    ["UNH+1'UNT+2+1'UNZ+1+R'", ['edifact.interchange-not-opened 3 UNZ -']],
    ["UNB+U+A+B+C+R'UNH+1'UNT+2+1'UNZ+1+R", ['edifact.terminator-missing 4 UNZ -']],
    ["UNH+1'UNT+x+1'", ['edifact.segment-count-mismatch 2 UNT 1']],
  ])('warns and reads on: %s', (text, expected) => {
    expect(envelopeOf(text).messages).toMatchObject([{ trailer: { tag: 'UNT' } }]);
    expect(warningsOf(text)).toEqual(expected);
  });

  it.each([
    ['the next message', "UNH+1'BEP'UNH+2'UNT+2+2'"],
    ['the end of the interchange', "UNB+U'UNH+1'BEP'UNZ+1'"],
    ['the next interchange', "UNH+1'BEP'UNB+U+A+B+C+R'UNH+1'UNT+2+1'UNZ+1+R'"],
    ['the end of the payload', "UNH+1'BEP'"],
    ['the end of the payload, inside a segment', "UNH+1'BEP'UN"],
  ])('knows a message that ends before its UNT, by %s', (_name, text) => {
    expect(envelopeOf(text).messages[0]).toMatchObject({ header: { tag: 'UNH' }, trailer: null });
  });

  it('names the first of the segments that stand outside any message', () => {
    const { strays } = envelopeOf("ZKH+A'PID+B'UNH+1'UNT+2+1'BEP+C'OPB+D'");
    expect(strays.map(({ number }) => number)).toEqual([1, 5]);
  });

  it('only mentions text after the end, such as the foot of a mail, and never shows it', () => {
    const { messages, strays, warnings } = envelopeOf("UNH+1'UNT+2+1'\r\nGroeten van Jansen+1");
    expect([messages.length, strays]).toEqual([1, []]);
    expect(warnings).toEqual([{ code: 'edifact.text-outside-message', position: { segment: 3, tag: '?' } }]);
  });
});
