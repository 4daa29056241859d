import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Determinations, readCode, readUnit, type SentCode } from '../../../src/lab/codes/codes.ts';
import { BUILT_IN, loadDeterminations, parseDeterminations } from '../../../src/lab/codes/determinations.ts';

const read = (
  sent: Partial<SentCode>,
  unit: string | null,
  laboratory: string | null = null,
  determinations: Determinations = [BUILT_IN],
) =>
  readCode({ raw: null, name: 'n', system: null, alternatives: [], ...sent }, readUnit(unit), {
    laboratory,
    determinations,
  });

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
    const unreadable = BUILT_IN.rows.flatMap(({ units }) => units).filter((ucum) => readUnit(ucum).ucum !== ucum);
    expect(unreadable).toEqual([]);
  });

  it('give one answer for one key, number or LOINC of one laboratory', () => {
    const identities = BUILT_IN.rows.map(({ laboratory, key, nhg }) =>
      JSON.stringify([laboratory, key ?? nhg, key === null ? '' : nhg]),
    );
    expect(identities).toHaveLength(new Set(identities).size);
    const byLoinc = Map.groupBy(BUILT_IN.rows, ({ loinc }) => loinc);
    byLoinc.delete(null);
    expect([...byLoinc.values()].filter((rows) => new Set(rows.map(({ nhg }) => nhg)).size > 1)).toEqual([]);
  });

  it('say which version they are', () => {
    expect(BUILT_IN.version).toMatch(/^\d{4}-\d{2}$/);
  });

  const head = '# version: 7\nlaboratory,memo,material,specification,nhg,loinc,units,unit_optional,description,source';
  const good = '*,HBAC,B,,2816,59261-8,mmol/mol,no,d,s';
  it.each([
    'not a header',
    `${head.replace('# version: 7', '# version:')}\n${good}`,
    `${head.slice('# version: 7\n'.length)}\n${good}`,
    `# version: 7\nlaboratory,memo\n${good}`,
    `${head}\n*,HBAC,B,,2816,59261-8,mmol/mol,no,a comma,too,many`,
    `${head}\n*,HBAC,B,,x,59261-8,mmol/mol,no,d,s`,
    `${head}\n*,HBAC,B,,2816,59261,mmol/mol,no,d,s`,
    `${head}\n*,HBAC,B,,2816,59261-8,,no,d,s`,
    `${head}\n*,HBAC,B,,2816,59261-8,mmol/Mol,no,d,s`,
    `${head}\n*,HBAC,,,2816,59261-8,mmol/mol,no,d,s`,
    `${head}\n*,HBAC,B,,2816,59261-8,mmol/mol,maybe,d,s`,
    `${head}\n${good}\n*,HBAC,B,,3266,,mmol/mol,no,d,s`,
  ])('are refused as a whole where one is broken', (text) => {
    expect(() => parseDeterminations(text)).toThrow('lab.determinations-invalid');
  });

  it('are taken where none is', () => {
    expect(parseDeterminations(`${head}\n${good}\n`)).toMatchObject({ version: '7', rows: [{ nhg: '2816' }] });
  });
});

describe('a mapping of one’s own', () => {
  const head =
    '# version: own-3\nlaboratory,memo,material,specification,nhg,loinc,units,unit_optional,description,source';
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'zk-codes-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const own = (...rows: readonly string[]) => {
    const path = join(directory, 'own.csv');
    writeFileSync(path, [head, ...rows].join('\n'));
    return loadDeterminations(path);
  };

  it('goes over the one that comes with the program, which stays for what it does not name', () => {
    const tables = own('*,VALP,B,SI,1480,,mg/L,no,valproinezuur,own', '*,HBAC,B,,9,,%,no,HbA1c in procenten,own');
    expect(tables.map(({ version }) => version)).toEqual(['own-3', BUILT_IN.version]);
    expect(read({ raw: 'VALPB SI' }, 'mg/l', null, tables).code).toMatchObject({ nhg: '1480', loinc: null });
    expect(read({ raw: 'HBACB' }, '%', null, tables).code.nhg).toBe('9');
    expect(read({ raw: 'HBACB' }, 'mmol/mol', null, tables)).toMatchObject({
      code: { nhg: null },
      isUnitUnexpected: true,
    });
    expect(read({ raw: 'KREAB' }, 'umol/l', null, tables).code.nhg).toBe('523');
  });

  it('may be about one laboratory, and then is about that one only', () => {
    const tables = own(
      'kust,KREA,B,,999,,umol/L,no,kreatinine enzymatisch,own',
      'sandbox-noord,K,B,,8,,mmol/L,no,kalium,own',
    );
    expect(read({ raw: 'KREAB' }, 'umol/l', 'kust', tables).code.nhg).toBe('999');
    expect(read({ raw: 'KREAB' }, 'umol/l', 'zuid', tables).code.nhg).toBe('523');
    expect(read({ raw: 'K   B' }, 'mmol/l', 'sandbox-noord', tables).code.nhg).toBe('8');
  });

  it('for all laboratories does not take a laboratory’s own row away', () => {
    const tables = own('*,K,B,,8,,mmol/L,no,kalium,own');
    expect(read({ raw: 'K   B' }, 'mmol/l', 'sandbox-noord', tables).code.nhg).toBe('513');
    expect(read({ raw: 'K   B' }, 'mmol/l', 'zuid', tables).code.nhg).toBe('8');
  });

  it('that cannot be read, or is broken in a line, stops the program and says where', () => {
    expect(() => own('*,HBAC,B,,x,,%,no,d,s')).toThrow(
      'lab.determinations-invalid (setting=ZORGKOERIER_DETERMINATIONS, line=3)',
    );
    expect(() => loadDeterminations(join(directory, 'none.csv'))).toThrow('lab.determinations-invalid');
  });
});
