import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReasonCode } from '../../../src/shared/reasons.ts';
import { GROUP, HEAD, RESULT, readAll, readBody, readBytes, reportOf, UNB, warningsOf } from './medlab-lines.ts';

const plain = readFileSync(new URL('../../../fixtures/edifact/plain.edi', import.meta.url));
const plainReport = reportOf(readBytes(plain));

function readKind(kind: string) {
  return readBytes(Buffer.from(`${UNB}'UNH+1+${kind}'PID+1980:10:25'UNT+3+1'UNZ+1+R1'`));
}

describe('the kind of a message', () => {
  it.each([
    ['MEDVRI:1', 'medvri-1'],
    ['MEDVRY:3:911:IT:VRY31', 'medvry-3.1'],
    ['MEDSPE:3:911:IT:SPE31+Brief over mevrouw', 'medspe-3.1'],
    ['MEDSPE:1', 'medspe-1'],
    ['MEDRAD:1', 'medrad-1'],
  ])('%s is a letter and no laboratory result', (kind, format) => {
    expect(readKind(kind)).toMatchObject({ format, outcome: 'not-lab', code: null, warnings: [], reports: [] });
  });

  it.each([
    'MEDLAB:2',
    'MEDLAB:1:1:NL',
    'MEDLAB',
    'MEDVRI:3',
    'CONTRL:2:2:UN',
    'MEDREC:1',
    '',
  ])('is never guessed at: %j', (kind) => {
    expect(readKind(kind)).toMatchObject({
      format: 'unknown',
      code: 'edifact.unknown-message',
      position: { segment: 2, tag: 'UNH', element: 2 },
    });
  });

  it('MEDRPT is not delivered unless its laboratory is switched on', () => {
    expect(readKind('MEDRPT:D:93A:UN:MRPN32')).toMatchObject({
      format: 'medrpt-3.2',
      code: 'edifact.medrpt-not-enabled',
      reports: [],
    });
  });
});

describe('a test interchange', () => {
  it.each(['1', '2'])('is quarantined with its reports, UNB.11 = %s', (indicator) => {
    const reading = readBody([...HEAD, ...GROUP, RESULT], `${UNB}++++++${indicator}`);
    expect(reading).toMatchObject({ outcome: 'quarantined', code: 'lab.test-message', reports: [{ isTest: true }] });
    expect(reading.position).toEqual({ segment: 1, tag: 'UNB', element: 11 });
  });

  it('is none where UNB.11 is 0', () => {
    expect(reportOf(readBody([...HEAD, ...GROUP, RESULT], `${UNB}++++++0`)).isTest).toBe(false);
  });
});

describe('the head of a message', () => {
  it('may name who gets a copy', () => {
    const copies = ['KOP+NAAR+A. Arts+B. Arts', 'KOP+van+C. Arts'].map(
      (kop) => reportOf(readBody([...HEAD, kop, ...GROUP, RESULT])).copy,
    );
    expect(copies).toEqual([
      { direction: 'to', names: ['A. Arts', 'B. Arts'] },
      { direction: 'from', names: ['C. Arts'] },
    ]);
  });

  it('names the requester in one line', () => {
    const art = "ART+S+123123+Hek:van ?'t:A.B.:Dr.";
    expect(reportOf(readBody([...HEAD, art, ...GROUP, RESULT])).requester).toEqual({
      name: "Dr. A.B. van 't Hek",
      type: 'S',
      code: '123123',
    });
  });

  it.each([
    ['ZKH', 'edifact.zkh-missing UNH'],
    ['AFD', 'edifact.afd-missing UNH'],
    ['ARA', 'edifact.ara-missing UNH'],
  ])('without %s is read with a warning', (tag, warning) => {
    const reading = readBody([...HEAD.filter((line) => !line.startsWith(tag)), ...GROUP, RESULT]);
    expect(reading.outcome).toBe('reports');
    expect(warningsOf(reading)).toEqual([warning]);
  });

  it.each([
    ['a blood group', 'BLG+A pos', 'edifact.blood-group'],
    ['a segment that we do not know', 'XYZ+1', 'edifact.unknown-segment'],
    ['a second requester', "ART+H+1+Eerste'\nART+H+2+Tweede", 'edifact.segment-repeated'],
    ['a copy in an unknown direction', 'KOP+AAN+Iemand', 'edifact.copy-direction-unknown'],
  ])('that says more than a report can hold counts it: %s', (_name, line, code) => {
    const reading = readBody([...HEAD, ...line.split("'\n"), ...GROUP, RESULT]);
    expect(reportOf(reading).notCarried).toEqual([{ code, count: 1 }]);
    expect(reading.warnings.map((warning) => warning.code)).toEqual([code]);
  });

  it('is not looked for after the results, where the patient is concerned', () => {
    const [zkh = '', pid = '', ...others] = HEAD;
    expect(readBody([zkh, ...others, ...GROUP, RESULT, pid])).toMatchObject({ code: 'edifact.no-patient' });
  });

  it('takes a qualifier for no part of an account', () => {
    const unb = UNB.replace('500099001', '500099001:14');
    expect(reportOf(readBody([...HEAD, ...GROUP, RESULT], unb))).toMatchObject({
      laboratory: 'sandbox-noord',
      sender: { zorgmail: '500099001' },
    });
  });
});

describe('a message that was cut off', () => {
  it('is read in full or not at all, wherever it was cut', () => {
    const trailer = plain.indexOf('UNT+');
    for (let length = 0; length <= plain.length; length += 1) {
      const readings = readAll(plain.subarray(0, length));
      expect(readings).toHaveLength(1);
      const [reading] = readings;
      if (length < trailer + 'UNT'.length) expect(reading?.outcome).toBe('quarantined');
      else expect(reading?.reports[0]).toEqual(plainReport);
      // The last line end may be missing; a missing terminator is the last thing that is forgiven, and said.
      if (length < plain.length - 1)
        expect(reading?.warnings.length === 0 && reading.outcome === 'reports').toBe(false);
    }
  });

  it('does not take its siblings along', () => {
    const bytes = Buffer.from(`${plain.toString()}${UNB}'UNH+1+MEDLAB:1'PID+19`);
    expect(readAll(bytes).map(({ outcome, code }) => [outcome, code])).toEqual([
      ['reports', null],
      ['quarantined', 'edifact.truncated'],
    ]);
  });

  it('never loses a segment in silence', () => {
    const lines = plain.toString().trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.startsWith('UNA')) continue;
      const reading = readBytes(Buffer.from(lines.filter((_, other) => other !== index).join('\n')));
      expect(reading.outcome === 'quarantined' || reading.warnings.length > 0, line).toBe(true);
    }
  });
});

describe('for any bytes', () => {
  const mutated = fc
    .array(fc.tuple(fc.nat(plain.length - 1), fc.constantFrom(...Buffer.from("'+:?\r A1\xff", 'latin1'))), {
      minLength: 1,
      maxLength: 12,
    })
    .map((changes) => {
      const bytes = Buffer.from(plain);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const shuffled = fc
    .shuffledSubarray([...HEAD, ...GROUP, RESULT, 'UNB+1', 'UNH+1+MEDLAB:1', 'UNT+9+1', 'UNZ+1+1', 'OPB+x', 'NUB+y'])
    .map((lines) => Buffer.from(lines.map((line) => `${line}'`).join('')));

  it('nothing is thrown, and every reading has an outcome that somebody can explain', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, shuffled, fc.uint8Array().map(Buffer.from)), (bytes) => {
        const readings = readAll(bytes);
        expect(readings.length).toBeGreaterThan(0);
        for (const { outcome, code, reports } of readings) {
          expect(outcome === 'quarantined').toBe(code !== null);
          if (code !== null) expect(isReasonCode(code)).toBe(true);
          expect(reports).toHaveLength(outcome === 'reports' || code === 'lab.test-message' ? 1 : 0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('no content stands in a warning, a hold or a position', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        const said = readAll(bytes).map(({ code, position, warnings, reports }) => [
          code,
          position,
          warnings,
          reports.flatMap(({ holds }) => holds),
        ]);
        expect(JSON.stringify(said)).not.toMatch(/999|Jansen|Berg|Linde|1980/);
      }),
      { numRuns: 300 },
    );
  });
});
