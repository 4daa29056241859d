import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InspectOptions, inspectFiles } from '../../src/commands/inspect.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const plain = join(fixtures, 'mail/plain.eml');
const letter = join(fixtures, 'mail/free-letter.eml');
const rejected = join(fixtures, 'rejected/text-before-unb.eml');
const JSON_OPTIONS: InspectOptions = { isJson: true, laboratoriesPath: null, language: 'nl' };

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly complaints: string;
}

async function inspected(files: readonly string[], options: InspectOptions, stdin = Buffer.alloc(0)): Promise<Printed> {
  const out: string[] = [];
  const complaints: string[] = [];
  const code = await inspectFiles(
    files,
    options,
    (text) => out.push(`${text}\n`),
    async () => stdin,
    (text) => complaints.push(text),
  );
  return { code, out: out.join(''), complaints: complaints.join('') };
}

describe('inspect --json', () => {
  it('prints one document per file, one per line, in the order given', async () => {
    const { code, out } = await inspected([letter, plain, letter], JSON_OPTIONS);
    const lines = out.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => (JSON.parse(line) as { file: string }).file)).toEqual([
      'free-letter.eml',
      'plain.eml',
      'free-letter.eml',
    ]);
    expect(code).toBe(0);
  });

  it('reads standard input where the file is -', async () => {
    const { code, out } = await inspected(['-'], JSON_OPTIONS, readFileSync(plain));
    expect(JSON.parse(out)).toMatchObject({ file: '-', payloads: [{ outcome: 'reports' }] });
    expect(code).toBe(0);
  });

  it('calls a mail without a payload unknown and not-lab', async () => {
    const { out } = await inspected([letter], JSON_OPTIONS);
    expect(JSON.parse(out)).toEqual({
      file: 'free-letter.eml',
      payloads: [
        {
          source: 'mail',
          format: 'unknown',
          outcome: 'not-lab',
          code: null,
          position: null,
          warnings: [],
          reports: [],
        },
      ],
    });
  });

  it('ends with 3 when something is quarantined, whatever else was read', async () => {
    expect((await inspected([plain, rejected, letter], JSON_OPTIONS)).code).toBe(3);
  });

  it('ends with 2 when a file is not there, says which, and prints the others', async () => {
    const missing = join(fixtures, 'mail/not-there.eml');
    const { code, out, complaints } = await inspected([missing, plain, rejected], JSON_OPTIONS);
    expect(code).toBe(2);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(complaints).toBe(`${missing}: Error ENOENT`);
  });

  it('ends with 2 for a folder', async () => {
    expect((await inspected([fixtures], JSON_OPTIONS)).code).toBe(2);
  });
});

describe('inspect with another registry', () => {
  const folder = mkdtempSync(join(tmpdir(), 'inspect-'));
  const laboratoriesPath = join(folder, 'laboratories.yaml');
  beforeAll(() => writeFileSync(laboratoriesPath, 'laboratories: []\n'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('knows no laboratory of the one that comes with the program', async () => {
    const options = { ...JSON_OPTIONS, laboratoriesPath };
    expect(JSON.parse((await inspected([plain], JSON_OPTIONS)).out)).toMatchObject({
      payloads: [{ reports: [{ laboratory: 'sandbox-noord' }] }],
    });
    expect(JSON.parse((await inspected([plain], options)).out)).toMatchObject({
      payloads: [{ reports: [{ laboratory: null }] }],
    });
  });
});

describe('inspect for people', () => {
  it('shows the patient, the flag in words, the range and the remarks, in aligned columns', async () => {
    const { code, out } = await inspected([plain], { ...JSON_OPTIONS, isJson: false });
    expect(code).toBe(0);
    expect(out).toContain('Petra');
    expect(out).toContain('BSN 999990019');
    const [head = '', hba1c = '', kreatinine = ''] = ['Bepaling', 'HbA1c', 'Kreatinine'].map(
      (name) => out.split('\n').find((line) => line.startsWith(name)) ?? '',
    );
    expect(hba1c).toMatch(/HbA1c\s+53\s+mmol\/mol\s+hoog\s+20 – 42\s+definitief/);
    expect(kreatinine.indexOf('umol/l')).toBe(head.indexOf('Eenheid'));
    expect(hba1c.indexOf('20 – 42')).toBe(head.indexOf('Referentie'));
    expect(out).toContain('    Streefwaarde in overleg');
  });

  it('says in words and by code why something is quarantined', async () => {
    const { code, out } = await inspected([rejected], { ...JSON_OPTIONS, isJson: false, language: 'en' });
    expect(code).toBe(3);
    expect(out).toContain('A part resembles EDIFACT or HL7 but does not start as one. [mail.resembles-laboratory]');
  });
});
