import { describe, expect, it } from 'vitest';
import { showDocument, showReading } from '../../src/commands/show-report.ts';
import type { LabReport, LabResult, PayloadReading, Specimen } from '../../src/lab/lab.ts';

function result(changes: Partial<LabResult>): LabResult {
  return {
    kind: 'result',
    key: '',
    subId: null,
    section: null,
    name: 'Kalium',
    code: {
      raw: null,
      memo: null,
      material: null,
      specification: null,
      nhg: null,
      loinc: null,
      system: null,
      alternatives: [],
    },
    value: { text: '4.1', number: 4.1, comparator: null },
    unit: 'mmol/l',
    unitUcum: 'mmol/L',
    range: { low: '3.5', high: '5.0', text: null },
    flag: { raw: null, meaning: null },
    status: 'final',
    observedAt: null,
    remarks: [],
    ...changes,
  };
}

const SPECIMEN: Specimen = {
  collectedAt: '2021-11-15T08:10:00+01:00',
  labNumber: '410100101',
  material: 'bloed',
  volume: null,
  isComplete: true,
  orderCode: null,
  issuedAt: null,
  remarks: [],
  results: [],
  pending: [],
};

const REPORT: LabReport = {
  references: { interchange: '1', message: '1' },
  sentAt: '2021-11-15T09:58:00+01:00',
  isTest: false,
  laboratory: null,
  holds: [],
  sender: { name: 'Laboratorium Noord', zorgmail: '500099001', agb: null },
  recipient: { name: null, zorgmail: '500088001', agb: null },
  requester: { name: null, type: null, code: null },
  copy: null,
  patient: {
    bsn: '999990019',
    isBsnValid: true,
    birthDate: '1980-10',
    sex: 'female',
    name: {
      family: 'Jansen',
      prefix: 'van',
      partnerFamily: 'Berg',
      partnerPrefix: 'van de',
      given: 'Petra',
      initials: 'P.',
    },
    otherIds: [],
  },
  specimens: [],
  comments: [],
  attachments: [],
  notCarried: [],
};

function shown(changes: Partial<LabReport>, payload: Partial<PayloadReading> = {}, isColoured = false): string {
  const reading: PayloadReading = {
    source: 'file',
    format: 'medlab-1',
    outcome: 'reports',
    code: null,
    position: null,
    warnings: [],
    reports: [{ ...REPORT, ...changes }],
    ...payload,
  };
  return showDocument({ file: 'x.edi', payloads: [reading] }, { language: 'nl', isColoured });
}

const withResults = (...results: LabResult[]) => ({ specimens: [{ ...SPECIMEN, results }] });

describe('the human view', () => {
  it('loses no part of a long text result: it stands below its row in full', () => {
    const lines = ['Kweek: Escherichia coli, meer dan 100.000 kve/ml, gevoelig', 'voor nitrofurantoïne'];
    const text = shown(withResults(result({ value: { text: lines.join('\n'), number: null, comparator: null } })));
    expect(text).toContain(`    ${lines[0]}\n    ${lines[1]}`);
    expect(text).toMatch(/Kalium\s+\(hieronder\)\s+mmol\/l/);
  });

  it('shows every kind of doubt: hold, invalid BSN, missing status, raw flag, warning, pending, not carried', () => {
    const text = shown(
      {
        ...withResults(result({ status: null, flag: { raw: '*', meaning: null } })),
        holds: [{ code: 'hl7.status-missing', position: { segment: 4, tag: 'OBX', field: 11 } }],
        patient: { ...REPORT.patient, isBsnValid: false },
        notCarried: [{ code: 'hl7.order-only', count: 2 }],
      },
      { warnings: [{ code: 'edifact.segment-count-mismatch', position: { segment: 25, tag: 'UNT' } }] },
    );
    expect(text).toContain('[hl7.status-missing, segment 4 OBX-11]');
    expect(text).toContain('voldoet niet aan de elfproef');
    expect(text).toMatch(/4\.1\s+mmol\/l\s+\*\s+3\.5 – 5\.0\s+status ontbreekt/);
    expect(text).toContain('Let op: aantal segmenten klopt niet [edifact.segment-count-mismatch, segment 25 UNT]');
    expect(text).toContain('Niet overgenomen: 2 × alleen aangevraagd [hl7.order-only]');
  });

  it('shows headings, sections, pending determinations, comments and attachments', () => {
    const specimen: Specimen = {
      ...SPECIMEN,
      isComplete: false,
      results: [
        result({ kind: 'heading', name: 'MEDICIJNEN', section: 'KLINISCHE CHEMIE' }),
        result({ section: 'KLINISCHE CHEMIE' }),
      ],
      pending: [{ name: 'Vitamine D', remarks: ['morgen'] }],
    };
    const attachments = [{ contentType: 'application/pdf', bytes: 12, sha256: 'a'.repeat(64) }];
    const text = shown({ specimens: [specimen], comments: ['Nuchter'], attachments });
    expect(text.match(/\[KLINISCHE CHEMIE\]/g)).toHaveLength(1);
    for (const part of [
      'MEDICIJNEN',
      'nog niet compleet',
      'Volgt nog: Vitamine D',
      '    morgen',
      '  Nuchter',
      'application/pdf',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('names people as the Dutch do and shows dates as precise as they were sent', () => {
    const text = shown({});
    expect(text).toContain('van de Berg - van Jansen, Petra · geboren 10-1980 · vrouw · BSN 999990019');
    expect(text).toContain('15-11-2021 09:58');
    expect(text).toContain('niet in het register');
  });

  it('shows one reading without a file name, for what is held', () => {
    const reading: PayloadReading = {
      source: 'part 2 text/plain',
      format: 'unknown',
      outcome: 'quarantined',
      code: 'mail.encrypted',
      position: null,
      warnings: [],
      reports: [],
    };
    expect(showReading(reading, 'en').split('\n')).toEqual([
      'part 2 text/plain · quarantined',
      expect.stringMatching(/^═+$/),
      '! The mail is encrypted; its content cannot be read. [mail.encrypted]',
    ]);
  });

  it('names a determination by its code where it has no name, and the part that it is about where there are several', () => {
    const isolates = [result({ name: 'Amoxicilline', subId: '1' }), result({ name: 'Amoxicilline', subId: '2' })];
    const code = { ...result({}).code, raw: 'KREAB' };
    const text = shown(withResults(...isolates, result({ name: '', code })));
    expect(text).toMatch(
      /Amoxicilline \(onderdeel 1\) +4\.1[\s\S]*Amoxicilline \(onderdeel 2\) +4\.1[\s\S]*\nKREAB +4\.1/,
    );
    expect(shown(withResults(result({ subId: '1' })))).not.toContain('onderdeel');
  });

  it('shows a limit that stands alone in words, and what was retracted as no value', () => {
    const text = shown(
      withResults(
        result({ name: 'eGFR', range: { low: '60', high: null, text: null } }),
        result({ name: 'CRP', range: { low: null, high: '10', text: null } }),
        result({ name: 'Nitriet', range: { low: 'negatief', high: null, text: null } }),
        result({ name: 'Natrium', status: 'retracted' }),
      ),
    );
    expect(text).toMatch(/eGFR .*vanaf 60 +definitief/);
    expect(text).toMatch(/CRP .*tot 10 +definitief/);
    expect(text).toMatch(/Nitriet .* {2}negatief +definitief/);
    expect(text).toMatch(/Natrium +\(4\.1\) .*ingetrokken/);
  });

  it('says of a row when it was collected where that differs, as a Dutch clock has it', () => {
    const text = shown(
      withResults(
        result({ name: 'Kalium', observedAt: '2021-10-01T06:00:00+00:00' }),
        result({ name: 'Natrium', observedAt: SPECIMEN.collectedAt }),
      ),
    );
    expect(text).toMatch(/Kalium .*\n {4}afgenomen 01-10-2021 08:00\nNatrium/);
    expect(text.match(/afgenomen/g)).toHaveLength(2);
  });

  it('tells remarks on the request from those on its last result', () => {
    const results = [result({ remarks: ['bij kalium'] })];
    const text = shown({ specimens: [{ ...SPECIMEN, results, remarks: ['niet nuchter'] }] });
    expect(text).toContain('    bij kalium\nBij deze aanvraag:\n    niet nuchter');
  });

  it('marks what was corrected on a terminal, as it does what is flagged', () => {
    const text = shown(withResults(result({ status: 'corrected' }), result({ name: 'Natrium' })), {}, true);
    expect(text).toContain('\u001b[1;33mKalium');
    expect(text).not.toContain('\u001b[1;33mNatrium');
  });

  it('lets nothing of the sender steer the terminal', () => {
    const text = shown(withResults(result({ name: 'Kal\u001b[2Jium\u202e', remarks: ['\u0007\r\u009b31m'] })));
    expect(text).not.toMatch(/[\u202a-\u202e]/);
    expect([...text].filter((char) => char !== '\n' && /\p{Cc}/u.test(char))).toEqual([]);
  });

  it('uses emphasis on a terminal only, for flagged rows and for what must be decided', () => {
    const flagged = withResults(result({ flag: { raw: '<', meaning: 'low' } }), result({ name: 'Natrium' }));
    expect(shown(flagged)).not.toContain('\u001b');
    const emphasised = shown(flagged, {}, true)
      .split('\n')
      .filter((line) => line.includes('\u001b[1;33m'));
    expect(emphasised).toHaveLength(1);
    expect(emphasised[0]).toContain('laag');
  });

  it('keeps columns aligned under names with characters of every length in UTF-16', () => {
    const lines = shown(withResults(result({ name: '𝛽-hCG' }), result({ name: 'Kalium' }))).split('\n');
    const at = (name: string) => [...(lines.find((line) => line.startsWith(name)) ?? '')].indexOf('4');
    expect(at('𝛽-hCG')).toBe(at('Kalium'));
    expect(at('Kalium')).toBeGreaterThan(0);
  });
});
