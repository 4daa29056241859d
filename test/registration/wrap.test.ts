import { describe, expect, it } from 'vitest';
import { textLines, wordsOf, wrapped } from '../../src/registration/wrap.ts';

const x = (count: number) => 'x'.repeat(count);

describe('wrapping', () => {
  it('leaves 70 characters on one line and breaks 71 at the last blank', () => {
    expect(wrapped(`${x(34)} ${x(35)}`)).toEqual([`${x(34)} ${x(35)}`]);
    expect(wrapped(`${x(34)} ${x(36)}`)).toEqual([x(34), x(36)]);
    expect(wrapped(`${x(70)} y`)).toEqual([x(70), 'y']);
  });

  it('cuts a word over 70 characters at 70, from the beginning of a line', () => {
    expect(wrapped(`abc ${x(150)} def`)).toEqual(['abc', x(70), x(70), `${x(10)} def`]);
    expect(wrapped(`  ${x(71)}`)).toEqual([x(70), 'x']);
    expect(wrapped(x(140))).toEqual([x(70), x(70)]);
  });

  it('keeps the blanks inside a line that fits', () => {
    expect(textLines('Kalium   4.2\n  inspringing  ')).toEqual(['Kalium   4.2', '  inspringing']);
  });

  it('sets tabs to columns', () => {
    expect(textLines('a\tb\nlanger dan\tb\n12345678\tb')).toEqual([
      'a       b',
      'langer dan      b',
      '12345678        b',
    ]);
  });

  it('keeps one of several blank lines, and none at the ends', () => {
    expect(textLines('\n \na\n\n\t\n\nb\n\n')).toEqual(['a', '', 'b']);
    expect(textLines(' \n')).toEqual([]);
  });

  it('names the words as they come out of it', () => {
    expect(wordsOf(` a\t\n b  ${x(71)} `)).toEqual(['a', 'b', x(70), 'x']);
  });
});
