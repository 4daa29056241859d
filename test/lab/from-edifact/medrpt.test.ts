import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReasonCode } from '../../../src/shared/reasons.ts';
import { reportOf, specimenOf, warningsOf } from './medlab-lines.ts';
import {
  HEAD,
  MATERIAL,
  PATIENT,
  PLAIN,
  PNA,
  RESULT,
  readBody,
  readLines,
  registryOf,
  replaced,
  UNB,
} from './medrpt-lines.ts';

const bodyOf = (...groups: readonly (readonly string[])[]) => [...HEAD, ...groups.flat()];
const holdsOf = (body: readonly string[]) =>
  reportOf(readBody(body)).holds.map(({ code, position }) => `${code} ${position?.tag}`);

describe('MEDRPT of a laboratory that it is enabled for', () => {
  it('is read, with nothing to say about a plain message', () => {
    const reading = readBody(PLAIN);
    expect(reading).toMatchObject({ format: 'medrpt-3.2', outcome: 'reports', code: null, warnings: [] });
    expect(reportOf(reading)).toMatchObject({
      sentAt: '2026-11-16T09:15:00+01:00',
      laboratory: 'noord',
      holds: [],
      notCarried: [],
      sender: { name: 'LAB NOORD', agb: '06099001' },
      requester: { name: 'AB ter Linde', type: null, code: '01099001' },
      copy: null,
    });
    expect(specimenOf(reading)).toMatchObject({ labNumber: '26110301', collectedAt: '2026-11-16T08:10:00+01:00' });
    expect(specimenOf(reading).results).toMatchObject([{ key: 'noord|26110301|2026||KREAB||1', status: 'final' }]);
  });

  it.each([
    ['no patient', replaced(PNA), 'edifact.no-patient', 'UNH'],
    ['two patients', replaced(PNA, PNA, PNA), 'edifact.patient-repeated', 'PNA'],
    ['two BSNs', replaced('PDI+2', 'RFF+LZB:999911120'), 'edifact.patient-repeated', 'RFF'],
    ['the patient behind the results', [...replaced(PNA), PNA], 'edifact.no-patient', 'PNA'],
    ['no birth date', replaced('DTM+329:19801025:102'), 'edifact.birth-date', 'PNA'],
    ['an impossible birth date', replaced('DTM+329:19801025:102', 'DTM+329:19801331:102'), 'edifact.birth-date', 'DTM'],
    [
      'a birth date in another format',
      replaced('DTM+329:19801025:102', 'DTM+329:251080:2'),
      'edifact.birth-date',
      'DTM',
    ],
    ['two birth dates', replaced('PDI+2', 'DTM+329:19801026:102'), 'edifact.birth-date', 'DTM'],
    ['no results', bodyOf(MATERIAL), 'edifact.no-results', 'UNH'],
    ['results without a material', bodyOf(RESULT), 'edifact.no-specimen', 'S18'],
    ['two materials in one group', bodyOf(MATERIAL, ['SPC+TSP'], RESULT), 'edifact.no-specimen', 'SPC'],
    ['two collection times', bodyOf(MATERIAL, MATERIAL.slice(2), RESULT), 'edifact.no-specimen', 'DTM'],
    ['two lab numbers', [...PLAIN, 'RFF+SRI:26110399'], 'edifact.no-specimen', 'RFF'],
    ['a value without its determination', bodyOf(MATERIAL, ['S18+1+G', 'RSL+NV+4']), 'edifact.syntax', 'RSL'],
    ['a second value in one determination', [...PLAIN, 'RSL+NV+4,2++mmol/l'], 'edifact.syntax', 'RSL'],
    ['a second range in one determination', [...PLAIN, 'RND+RU+1+2'], 'edifact.syntax', 'RND'],
  ])('is quarantined with %s', (_name, body, code, tag) => {
    const reading = readBody(body);
    expect([reading.outcome, reading.code, reading.position?.tag]).toEqual(['quarantined', code, tag]);
    expect(reading.reports).toEqual([]);
  });

  it('is quarantined where it was cut off', () => {
    expect(readLines([UNB, 'UNH+1+MEDRPT:D:93A:UN:MRPN32', ...PLAIN])).toMatchObject({ code: 'edifact.truncated' });
  });

  it('is quarantined with its report where it is a test', () => {
    expect(readBody(PLAIN, `${UNB}++++++1`)).toMatchObject({ code: 'lab.test-message', reports: [{ isTest: true }] });
  });

  it.each([
    ['a replacement', replaced('BGM+LRP:MF:ITN+8642097+9+NA', 'BGM+LRP:MF:ITN+8642097+5+NA'), 'BGM'],
    ['no function', replaced('BGM+LRP:MF:ITN+8642097+9+NA'), 'UNH'],
    ['another report status', replaced('STS++G', 'STS++V'), 'STS'],
    ['one status of two', replaced('STS++G', 'STS++G', 'STS++V'), 'STS'],
    ['no report status', replaced('STS++G'), 'UNH'],
    ['another kind of request', replaced('S02+1+N', 'S02+1+C'), 'S02'],
    ['another result status', replaced('S18+1+G', 'S18+1+V'), 'S18'],
    ['no result status', replaced('S18+1+G'), 'INV'],
  ])('never takes a result for final with %s', (_name, body, tag) => {
    expect(holdsOf(body)).toEqual([`hl7.status-missing ${tag}`]);
    expect(specimenOf(readBody(body)).results[0]?.status).toBeNull();
  });

  it.each([
    ['no lab number', replaced('RFF+SRI:26110301', 'RFF+SRI:'), 'lab.no-lab-number RFF'],
    ['no collection date', replaced('DTM+SCO:202611160810:203'), 'lab.no-collection-date SPC'],
    [
      'an impossible collection date',
      replaced('DTM+SCO:202611160810:203', 'DTM+SCO:20261331:102'),
      'lab.no-collection-date DTM',
    ],
    [
      'an element too many',
      replaced('RSL+NV+78+50 100+umol/l', 'RSL+NV+78+50+100+umol/l++x'),
      'edifact.columns-slipped RSL',
    ],
  ])('is held with %s', (_name, body, hold) => {
    expect(holdsOf(body)).toEqual([hold]);
  });
});

describe('MEDRPT of a laboratory that it is not enabled for', () => {
  it.each([
    ['known', registryOf(false), 'noord'],
    ['unknown', { laboratories: [] }, null],
  ])('is quarantined with what it says: a %s one', (_name, registry, laboratory) => {
    const reading = readBody(PLAIN, UNB, registry);
    expect(reading).toMatchObject({
      outcome: 'quarantined',
      code: 'edifact.medrpt-not-enabled',
      position: { segment: 2, tag: 'UNH', element: 2 },
      reports: [{ laboratory, specimens: [{ results: [{ name: 'Kreatinine' }] }] }],
    });
  });

  it('says as a warning what else it would be quarantined for', () => {
    const reading = readBody(replaced(PNA), UNB, registryOf(false));
    expect(reading).toMatchObject({ code: 'edifact.medrpt-not-enabled', reports: [] });
    expect(warningsOf(reading)).toEqual(['edifact.no-patient UNH']);
  });
});

describe('the parts of a MEDRPT', () => {
  it('have the moment of DTM+137 where no interchange tells it', () => {
    expect(readBody(PLAIN, '').reports[0]?.sentAt).toBe('2026-11-16T09:10:00+01:00');
    expect(warningsOf(readBody(PLAIN, 'UNB+UNOA:1+500099001+500088001++R1'))).toEqual([
      'edifact.sent-moment-unreadable UNB 4',
    ]);
  });

  it('name the laboratory by NAD+SLA where no account does', () => {
    expect(readBody(PLAIN, '').reports[0]?.laboratory).toBe('noord');
  });

  it('name everybody who gets a copy', () => {
    const copies = ['S01+3', 'NAD+CCR', 'NAD+CCR+01099002:CGP:VEK++Anker:K:van het', 'NAD+CCR+01099003:CGP:VEK'];
    const reading = readBody([...copies, ...PLAIN]);
    expect(reportOf(reading).copy).toEqual({ direction: 'to', names: ['K van het Anker', '01099003'] });
    expect(reading.warnings).toEqual([]);
  });

  it.each([
    ['XYZ+1', 'edifact.unknown-segment XYZ'],
    ['RFF+ZZZ:1', 'edifact.qualifier-unknown RFF 1'],
    ['DTM+187:20261116:102', 'edifact.qualifier-unknown DTM 1'],
    ['NAD+MR+1', 'edifact.qualifier-unknown NAD 1'],
    ['PDI+1', 'edifact.segment-repeated PDI'],
  ])('that a report cannot hold are counted: %s', (line, warning) => {
    const reading = readBody(replaced('PDI+2', 'PDI+2', line));
    expect(warningsOf(reading)).toEqual([warning]);
    expect(reportOf(reading).notCarried).toEqual([{ code: warning.split(' ')[0], count: 1 }]);
  });

  it('that stand behind the results are read with a warning', () => {
    expect(warningsOf(readBody([...replaced('PDI+2'), 'PDI+2']))).toEqual(['edifact.segment-order PDI']);
  });

  it('have a comment where text stands before the first material', () => {
    const reading = readBody(replaced('STS++G', 'STS++G', 'FTX+UIT+++Bel bij vragen'));
    expect(reportOf(reading).comments).toEqual(['Bel bij vragen']);
  });
});

describe('the patient of a MEDRPT', () => {
  const patientOf = (...lines: readonly string[]) =>
    readBody([...HEAD.slice(0, -PATIENT.length), 'S07+1', ...lines, 'DTM+329:19801025:102', ...MATERIAL, ...RESULT]);

  it.each([
    ['PNA', ['PNA+PAT+::999990019:PCL:LZB'], '999990019', true, []],
    ['RFF', ['PNA+PAT', 'RFF+LZB:999990019'], '999990019', true, []],
    ['both', ['PNA+PAT+::999990019:PCL:LZB', 'RFF+LZB:999.990.019'], '999990019', true, []],
    ['neither', ['PNA+PAT'], null, null, ['lab.no-bsn PNA 2']],
    ['PNA, and fails the 11-test', ['PNA+PAT+::999990018:PCL:LZB'], '999990018', false, ['lab.bsn-invalid PNA 2']],
    ['RFF, and is none', ['PNA+PAT', 'RFF+LZB:onbekend'], null, null, ['lab.bsn-unreadable RFF 1']],
    ['PNA, but is not said to be one', ['PNA+PAT+999990019'], null, null, ['lab.no-bsn PNA 2']],
  ])('has the BSN that stands in %s', (_name, lines, bsn, isBsnValid, warnings) => {
    const reading = patientOf(...lines);
    expect(reportOf(reading).patient).toMatchObject({ bsn, isBsnValid });
    expect(warningsOf(reading)).toEqual(warnings);
  });

  it.each([
    ['NAN:Jansen+NVV:P.', { family: 'Jansen', initials: 'P.', prefix: null, partnerFamily: null }],
    ['NVV:M*de+NAN:Bakker', { family: 'Bakker', initials: 'M', prefix: 'de' }],
    ['NVV:*de+NVN:Els', { family: null, initials: null, prefix: 'de', given: 'Els' }],
    ['NEA:Smit+NEV:van', { family: null, partnerFamily: 'Smit', partnerPrefix: 'van' }],
  ])('has the names that are said to be theirs, wherever they stand: %s', (names, expected) => {
    expect(reportOf(patientOf(`PNA+PAT+::999990019:PCL:LZB+++${names}`)).patient.name).toMatchObject(expected);
  });

  it('warns of a name that it cannot carry', () => {
    const reading = patientOf('PNA+PAT+::999990019:PCL:LZB+++NAN:Jansen+NAN:Berg+XXX:Jans');
    expect(warningsOf(reading)).toEqual(['edifact.name-repeated PNA 6', 'edifact.qualifier-unknown PNA 7']);
  });

  it.each([
    ['PDI+1', 'male', []],
    ['PDI+2', 'female', []],
    ['PDI+9', 'unknown', ['edifact.sex-unknown PDI 1']],
  ])('has a sex where it is known: %s', (line, sex, warnings) => {
    const reading = patientOf(PNA, line);
    expect(reportOf(reading).patient.sex).toBe(sex);
    expect(warningsOf(reading)).toEqual(warnings);
  });

  it('may have a birth date of which the day is unknown', () => {
    const reading = readBody(replaced('DTM+329:19801025:102', 'DTM+329:19801000:102'));
    expect(reportOf(reading).patient.birthDate).toBe('1980-10');
  });
});

describe('for any MEDRPT', () => {
  const shuffled = fc.shuffledSubarray([...PLAIN, 'RFF+LZB:999911120', 'FTX+UIT+++x:y', 'RSL+NV+1', "S16+2'SPC+TSP"]);

  it('nothing is thrown, and what is quarantined has a reason', () => {
    fc.assert(
      fc.property(shuffled, (body) => {
        const { outcome, code, reports } = readBody(body);
        expect(outcome === 'quarantined').toBe(code !== null && isReasonCode(code));
        expect(reports).toHaveLength(outcome === 'reports' ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });

  it('no segment is lost in silence', () => {
    const bare = [UNB, 'UNH+1+MEDRPT:D:93A:UN:MRPN32', ...PLAIN, `UNT+${PLAIN.length + 2}+1`, 'UNZ+1+R1'];
    for (const [index, line] of bare.entries()) {
      const reading = readLines(bare.filter((_, other) => other !== index));
      expect(reading.outcome === 'quarantined' || reading.warnings.length > 0, line).toBe(true);
    }
  });
});
