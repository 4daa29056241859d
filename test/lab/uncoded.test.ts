import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeListOf, type LabReport, loadLaboratoryRegistry, uncodedOf } from '../../src/lab/lab.ts';
import { report, result, specimen } from '../delivery/sample.ts';

const registry = loadLaboratoryRegistry();

function fixtureReport(name: string): LabReport {
  const path = new URL(`../../fixtures/${name}.report.json`, import.meta.url);
  const [payload] = (JSON.parse(readFileSync(path, 'utf8')) as { payloads: { reports: LabReport[] }[] }).payloads;
  const [first] = payload?.reports ?? [];
  if (first === undefined) throw new Error('no report');
  return first;
}

const uncoded = (sent: LabReport) => uncodedOf(sent, codeListOf(registry, sent.laboratory));
const raw = (text: string | null) => ({ ...result().code, raw: text, nhg: null, loinc: null });

describe('results without a code', () => {
  it('are counted by the code as sent, with the reason why', () => {
    expect(uncoded(fixtureReport('edifact/codes-of-many-kinds'))).toEqual([
      { code: 'HT  B', why: 'unknown-code', count: 1 },
      { code: 'HBACB', why: 'other-unit', count: 1 },
      { code: 'QUET', why: 'unknown-code', count: 1 },
      { code: 'DINN10', why: 'unknown-code', count: 1 },
      { code: null, why: 'unknown-code', count: 1 },
    ]);
    expect(uncoded(fixtureReport('hl7/codes'))).toEqual([
      { code: '523', why: 'other-unit', count: 1 },
      { code: '413', why: 'unknown-code', count: 1 },
      { code: null, why: 'unknown-code', count: 1 },
      { code: '99999', why: 'unknown-code', count: 1 },
      { code: '2816', why: 'other-unit', count: 1 },
      { code: '513', why: 'codes-disagree', count: 1 },
    ]);
    expect(uncoded(fixtureReport('edifact/determination-repeated'))).toEqual([
      { code: 'GLUCB', why: 'unknown-code', count: 3 },
    ]);
  });

  it('are none where everything has its code', () => {
    expect(uncoded(fixtureReport('edifact/plain'))).toEqual([]);
  });

  it('are results with a value: a heading, a retraction, a confirmation and a cancelled one are not counted', () => {
    const nothing = { text: null, number: null, comparator: null };
    const rows = [
      result({ kind: 'heading', code: raw('KOP'), value: nothing }),
      ...(['retracted', 'confirmed', 'cancelled'] as const).map((status) => result({ status, code: raw('ABC') })),
      result({ code: raw('ABC'), value: nothing }),
    ];
    expect(uncoded(report([specimen(rows)]))).toEqual([]);
  });

  it.each([
    'Jansen',
    'jansen',
    '999990019',
    '19801025',
    '240208',
    'VAN DE BERG-JANSEN',
    'A.B. ter Linde',
    '7,1',
    '',
    ' ',
  ])('never show what has not the shape of a code: %j', (sent) => {
    expect(uncoded(report([specimen([result({ code: raw(sent) })])]))).toEqual([
      { code: null, why: 'unknown-code', count: 1 },
    ]);
  });
});
