import { describe, expect, it } from 'vitest';
import { headingLines } from '../../src/registration/heading.ts';
import { checkReadBack } from '../../src/registration/read-back.ts';
import { readMedvri } from '../../src/registration/registration.ts';
import { planned, referencesFor, SENT, written } from './sample.ts';

const plan = planned({ text: 'eerste\n\ntweede' });
const references = referencesFor(plan);
const reference = references[0] ?? '';
const lines = [...headingLines(plan.registration, { reference, part: 1, parts: 1 }), '', ...(plan.parts[0] ?? [])];
const [interchange] = written({ text: 'eerste\n\ntweede' });

function check(change: (text: string) => string): void {
  if (interchange === undefined) throw new Error('nothing was written');
  const bytes = Buffer.from(change(interchange.bytes.toString('latin1')), 'latin1');
  checkReadBack({ ...interchange, bytes }, plan, { ...SENT, references }, lines);
}

describe('reading back', () => {
  it('agrees with what was written', () => {
    expect(() => check((text) => text)).not.toThrow();
  });

  it.each<[string, string, string, string]>([
    ['another sender', '500066001', '500066002', 'from'],
    ['another recipient', '500088001', '500088002', 'to'],
    ['another moment', '261125:1016', '261125:1017', 'sentAt'],
    ['another time of writing', '26:11:25+10:15', '26:11:25+10:16', 'writtenAt'],
    ['another BSN', 'BSN999990019', 'BSN999911120', 'patient'],
    ['another birth date', '1980:10:25', '1980:10:26', 'patient'],
    ['another sex', '25+V+', '25+M+', 'patient'],
    ['another name', ':Jansen:', ':Janssen:', 'patient'],
    ['another author', 'GGA+A.', 'GGA+B.', 'sender'],
    ['another practice', 'GGO+Huis', 'GGO+Thuis', 'recipient'],
    ['another word', 'tweede', 'tweeede', 'lines'],
    ['a mark that was not released', 'Kenmerk?:', 'Kenmerk?+', 'lines'],
    ['another blank line', "TXT:4+.'", "TXT:4+,'", 'lines'],
    ['a line number that is missing', 'TXT:5', 'TXT:6', 'edifact.counter-mismatch'],
    ['a count that is wrong', 'UNT+13', 'UNT+12', 'edifact.segment-count-mismatch'],
    ['a number of messages that is wrong', 'UNZ+1', 'UNZ+2', 'edifact.message-count-mismatch'],
    ['a reference that differs', 'UNH+CS000000000001', 'UNH+CS000000000002', 'edifact.reference-mismatch'],
    ['another type', 'MEDVRI:1', 'MEDLAB:1', 'edifact.unknown-message'],
    ['an end that is missing', 'UNT+', 'TXT+', 'edifact.truncated'],
    ['a line break in a line', 'eerste', 'eer\r\nste', 'edifact.line-break-in-segment'],
    ['a line that is too long', 'eerste', 'e'.repeat(71), 'line-length'],
    ['nothing at all', '', '', 'edifact.no-message'],
  ])('sees %s', (_, from, to, what) => {
    const change = from === '' ? () => '' : (text: string) => text.replace(from, to);
    expect(() => check(change)).toThrow(`registration.read-back (what=${what}`);
  });

  it('repeats nothing of what stands there', () => {
    expect(() => check((text) => text.replace('tweede', 'Jansen'))).toThrow(
      /^registration\.read-back \(what=lines, reference=CS0+1\)$/,
    );
  });
});

describe('reading MEDVRI of others', () => {
  it('takes a bare message without counters, and says what is missing', () => {
    const reading = readMedvri(Buffer.from("UNH+1+MEDVRI:1'GGA+A'DET+21:06:07+12:12'TXT+a:b'TXT'UNT+6+1'"), null);
    expect(reading).toMatchObject({
      kind: 'read',
      messages: [{ from: null, to: null, patient: null, recipient: null, lines: ['a:b', ''], warnings: [] }],
    });
  });

  it('refuses what is no MEDVRI', () => {
    expect(readMedvri(Buffer.from('hallo'), null)).toMatchObject({ kind: 'refused', code: 'edifact.no-message' });
    expect(readMedvri(Buffer.from("PID+1'"), null)).toMatchObject({ kind: 'refused', code: 'edifact.syntax' });
    expect(readMedvri(Buffer.from("UNA''''''"), null)).toMatchObject({ kind: 'refused' });
  });
});
