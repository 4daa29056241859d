import { describe, expect, it } from 'vitest';
import { readCode, readUnit, type SentCode } from '../../../src/lab/codes/codes.ts';
import { DETERMINATIONS, parseDeterminations } from '../../../src/lab/codes/determinations.ts';

const read = (sent: Partial<SentCode>, unit: string | null, laboratory: string | null = null) =>
  readCode({ raw: null, name: 'n', system: null, alternatives: [], ...sent }, readUnit(unit), laboratory);

describe('a determination key', () => {
  it.each([
    ['HT  B', 'HT', 'B', null],
    ['ERY B MT', 'ERY', 'B', 'MT'],
    ['VALPB SI', 'VALP', 'B', 'SI'],
    ['HALPB', 'HALP', 'B', null],
    ['ALBKU MI', 'ALBK', 'U', 'MI'],
    ['KRECO FB', 'KREC', 'O', 'FB'],
    ['K   B   ', 'K', 'B', null],
  ])('is sliced in fixed width before its blanks go: %j', (raw, memo, material, specification) => {
    expect(read({ raw }, null).code).toMatchObject({ raw, memo, material, specification });
  });

  it.each(['DINN10', 'TAFN10', 'GEW', 'LNGP', '12345', 'HT B', 'ALBKU MI2', 'hbacb', ''])('is not %j', (raw) => {
    const { code } = read({ raw }, 'mmol/mol');
    expect(code).toMatchObject({ raw, memo: null, material: null, specification: null, nhg: null, loinc: null });
  });

  it('is not looked for in a code of another system', () => {
    expect(read({ raw: 'HBACB', system: 'L' }, 'mmol/mol').code).toMatchObject({ memo: null, nhg: null });
  });
});

describe('a code', () => {
  it('is believed with its unit', () => {
    expect(read({ raw: 'HBACB' }, 'mmol/mol')).toMatchObject({
      code: { nhg: '2816', loinc: '59261-8' },
      isUnitUnexpected: false,
    });
  });

  it.each([['%'], [null], ['mmol/l'], ['punten']])('is left uncoded with the unit %j', (unit) => {
    expect(read({ raw: 'HBACB' }, unit)).toMatchObject({
      code: { raw: 'HBACB', memo: 'HBAC', nhg: null, loinc: null },
      isUnitUnexpected: true,
    });
  });

  it('that nobody knows is left uncoded without a warning', () => {
    expect(read({ raw: 'VALPB SI' }, 'mg/l')).toMatchObject({ code: { nhg: null }, isUnitUnexpected: false });
  });

  it('is never found by the name of the determination', () => {
    expect(read({ name: 'HbA1c (IFCC)' }, 'mmol/mol').code).toMatchObject({ nhg: null, loinc: null });
  });

  it('of a laboratory is known for that laboratory only', () => {
    expect(read({ raw: 'K   B' }, 'mmol/l', 'sandbox-noord').code).toMatchObject({ nhg: '513', loinc: '2823-3' });
    expect(read({ raw: 'K   B' }, 'mmol/l', 'sandbox-zuid').code.nhg).toBeNull();
    expect(read({ raw: 'K   B' }, 'mmol/l').code.nhg).toBeNull();
  });

  it('may need no unit', () => {
    const reading = read({ raw: '508', system: 'NHG45' }, null);
    expect(reading).toMatchObject({ code: { nhg: '508' }, isUnitOptional: true, isUnitUnexpected: false });
  });

  it.each(['NHG', 'NHG45', 'nhg-45', 'NHG tabel 45'])('is an NHG number where the system is %s', (system) => {
    expect(read({ raw: '513', system }, 'mmol/l').code).toMatchObject({ nhg: '513', loinc: '2823-3', system });
  });

  it.each([null, 'L', '99LAB', 'NHG14'])('is no NHG number where the system is %j', (system) => {
    expect(read({ raw: '513', system }, 'mmol/l').code).toMatchObject({ raw: '513', nhg: null });
  });

  it('with an NHG number that we have no row for is not passed on as one', () => {
    expect(read({ raw: '9999', system: 'NHG' }, 'mmol/l').code).toMatchObject({ raw: '9999', nhg: null });
  });

  it('is found by the LOINC among its alternatives', () => {
    const alternatives = [{ code: '2823-3', text: 'K', system: 'LN' }];
    const reading = read({ raw: '413', system: 'L', alternatives }, 'mmol/l');
    expect(reading.code).toMatchObject({ raw: '413', system: 'L', nhg: '513', loinc: '2823-3', alternatives });
  });

  it('is left uncoded where its alternative means another determination', () => {
    const alternatives = [{ code: '2951-2', text: 'Na', system: 'LN' }];
    expect(read({ raw: '513', system: 'NHG', alternatives }, 'mmol/l')).toMatchObject({
      code: { nhg: null, loinc: null },
      isContradictory: true,
    });
  });

  it('is left uncoded where its alternative has another unit', () => {
    const alternatives = [{ code: '59261-8', text: null, system: 'LN' }];
    expect(read({ raw: '513', system: 'NHG', alternatives }, 'mmol/l')).toMatchObject({
      code: { nhg: null },
      isUnitUnexpected: true,
    });
  });
});

describe('the mapping rows', () => {
  it('name units that can be read from a message', () => {
    const unreadable = DETERMINATIONS.flatMap(({ units }) => units).filter((ucum) => readUnit(ucum).ucum !== ucum);
    expect(unreadable).toEqual([]);
  });

  it('give one answer for one key, number or LOINC of one laboratory', () => {
    const identities = DETERMINATIONS.map(({ laboratory, key, nhg }) =>
      JSON.stringify([laboratory, key ?? nhg, key === null ? '' : nhg]),
    );
    expect(identities).toHaveLength(new Set(identities).size);
    const byLoinc = Map.groupBy(DETERMINATIONS, ({ loinc }) => loinc);
    byLoinc.delete(null);
    expect([...byLoinc.values()].filter((rows) => new Set(rows.map(({ nhg }) => nhg)).size > 1)).toEqual([]);
  });

  const header = 'laboratory,memo,material,specification,nhg,loinc,units,unit_optional,description,source';
  it.each([
    'not a header',
    `${header}\n*,HBAC,B,,2816,59261-8,mmol/mol,no,a comma, too many`.replace('too many', 'too,many'),
    `${header}\n*,HBAC,B,,x,59261-8,mmol/mol,no,d,s`,
    `${header}\n*,HBAC,B,,2816,59261,mmol/mol,no,d,s`,
    `${header}\n*,HBAC,B,,2816,59261-8,,no,d,s`,
    `${header}\n*,HBAC,,,2816,59261-8,mmol/mol,no,d,s`,
    `${header}\n*,HBAC,B,,2816,59261-8,mmol/mol,maybe,d,s`,
  ])('are refused as a whole where one is broken', (text) => {
    expect(() => parseDeterminations(text)).toThrow('lab.determinations-invalid');
  });
});
