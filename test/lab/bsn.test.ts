import { describe, expect, it } from 'vitest';
import { mentionsBsn, readBsn } from '../../src/lab/bsn.ts';

describe('a BSN', () => {
  it.each(['999990019', '999911120', '999942542'])('that passes the 11-test is valid: %s', (bsn) => {
    expect(readBsn(bsn)).toEqual({ bsn, isBsnValid: true });
  });

  it('that fails the 11-test is kept and said to be invalid', () => {
    expect(readBsn('999990018')).toEqual({ bsn: '999990018', isBsnValid: false });
  });

  it('of zeros passes the sum and is invalid', () => {
    expect(readBsn('000000000')).toEqual({ bsn: '000000000', isBsnValid: false });
  });

  it('of eight digits gets its leading zero', () => {
    expect(readBsn('12345672')).toEqual({ bsn: '012345672', isBsnValid: true });
  });

  it('may be written with dots and blanks', () => {
    expect(readBsn(' 9999.90.019 ')).toEqual({ bsn: '999990019', isBsnValid: true });
  });

  it.each(['', '1234567', '1234567890', '99999001X', '999-990-019', '٩٩٩٩٩٠٠١٩'])('is not made of: %j', (text) => {
    expect(readBsn(text)).toBeNull();
  });

  it('is invalid after any single digit is changed', () => {
    const changes = [...'999990019'].flatMap((digit, index) =>
      [...'0123456789']
        .filter((other) => other !== digit)
        .map((other) => `${'999990019'.slice(0, index)}${other}${'999990019'.slice(index + 1)}`),
    );
    expect(changes.map((bsn) => readBsn(bsn)?.isBsnValid)).toEqual(changes.map(() => false));
  });
});

describe('a text that a person typed', () => {
  it.each([
    '999990019',
    'van 999990019, gebeld',
    '(9999.90.019)',
    'bsn 9999 90 019',
    'BSN=999990019;',
  ])('may mention a BSN: %s', (text) => {
    expect(mentionsBsn(text)).toBe(true);
  });

  it.each([
    '',
    'gebeld op 24-11-2026 om 15.30',
    '020-5551234',
    '0612345678',
    '999990018',
    '1999990019',
    'labnummer 26110001',
  ])('mentions none: %s', (text) => {
    expect(mentionsBsn(text)).toBe(false);
  });
});
