import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FixtureAddOptions, runFixtureAdd } from '../../src/commands/fixture.ts';
import { readDocument } from '../../src/commands/inspect.ts';
import { loadLaboratoryRegistry } from '../../src/lab/lab.ts';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const NOTHING_OF_IT = /Jansen|999990019|Lindelaan|1980:10:25|26110001/;

let root: string;
let asked: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zk-fixture-'));
  for (const folder of ['fixtures/edifact', 'fixtures/hl7', 'fixtures/mail', 'fixtures/rejected', 'test'])
    await mkdir(join(root, folder), { recursive: true });
  asked = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function add(changes: Partial<FixtureAddOptions> = {}, answer = true) {
  const [out, progress]: [string[], string[]] = [[], []];
  const io = {
    env: { ZORGKOERIER_LANGUAGE: 'en' },
    out: (text: string) => void out.push(text),
    progress: (text: string) => void progress.push(text),
    readStdin: async () => Buffer.alloc(0),
  };
  const standard: FixtureAddOptions = {
    file: fixture('edifact/plain.edi'),
    name: 'case-of-a-test',
    yes: false,
    seed: 'seed',
    root,
    isTerminal: true,
    ask: async (question) => {
      asked.push(question);
      return answer;
    },
  };
  const code = await runFixtureAdd(io, { ...standard, ...changes });
  return { code, out: out.join('\n'), progress: progress.join('\n') };
}

const written = async () =>
  (await readdir(join(root, 'fixtures'), { recursive: true })).filter((name) => name.includes('.'));

describe('fixture add', () => {
  it('shows on a terminal what becomes of each segment, asks, and writes the message with what inspect says of it', async () => {
    const { code, out, progress } = await add();
    expect(code).toBe(0);
    expect(out).toMatch(/^- PID\+1980:10:25\+V\+Berg:van de:Jansen:van::P\.\+N10001\+BSN999990019'\n\+ PID\+/m);
    expect(out).not.toMatch(/^[-+] BEP:1:1:2/m);
    expect(asked).toEqual([`Write ${join(root, 'fixtures/edifact/case-of-a-test.edi')}?`]);
    expect(await written()).toEqual(['edifact/case-of-a-test.edi', 'edifact/case-of-a-test.report.json']);
    const bytes = await readFile(join(root, 'fixtures/edifact/case-of-a-test.edi'));
    const report = await readFile(join(root, 'fixtures/edifact/case-of-a-test.report.json'), 'utf8');
    const document = await readDocument(bytes, 'case-of-a-test.edi', loadLaboratoryRegistry());
    expect(JSON.parse(report)).toEqual(JSON.parse(JSON.stringify(document)));
    expect(`${bytes.toString('latin1')}${report}`).not.toMatch(NOTHING_OF_IT);
    expect(progress).toContain('Read that critically');
  });

  it('writes nothing when the answer is no', async () => {
    expect((await add({}, false)).progress).toBe('Nothing was written.');
    expect(await written()).toEqual([]);
  });

  it('shows nothing of the original where standard output may be a file', async () => {
    const { out } = await add({ isTerminal: false, yes: true });
    expect(out).toContain('BEP:1:1:2+0+Kreatinine+78');
    expect(out).not.toMatch(NOTHING_OF_IT);
    expect(asked).toEqual([]);
  });

  it('finds the folder by what the readers make of it', async () => {
    await add({ file: fixture('hl7/plain.hl7'), yes: true });
    await add({ file: fixture('mail/base64-attachment.eml'), yes: true });
    await add({ file: fixture('rejected/no-patient.edi'), yes: true });
    const messages = (await written()).filter((name) => !name.endsWith('.json')).sort();
    expect(messages).toEqual(['hl7/case-of-a-test.hl7', 'mail/case-of-a-test.eml', 'rejected/case-of-a-test.edi']);
  });

  it('shows the parts of a mail decoded', async () => {
    const { out } = await add({ file: fixture('mail/base64-attachment.eml') }, false);
    expect(out).toMatch(/^- PID\+.*\n\+ PID\+/m);
  });

  it('names a fixture after its own bytes where no name is given: that of the file may be somebody’s', async () => {
    const named = join(root, 'jansen-999990019.edi');
    await writeFile(named, await readFile(fixture('edifact/plain.edi')));
    await add({ file: named, name: null, yes: true });
    expect((await written()).filter((name) => name.startsWith('edifact/'))).toEqual([
      expect.stringMatching(/^edifact\/scrubbed-[0-9a-f]{10}\.edi$/),
      expect.stringMatching(/^edifact\/scrubbed-[0-9a-f]{10}\.report\.json$/),
    ]);
  });

  it('refuses a name that is taken or is none, what is no message, and a place that is no checkout', async () => {
    await add({ yes: true });
    await expect(add({ yes: true })).rejects.toThrow('exists already');
    await expect(add({ name: '../x' })).rejects.toThrow('--name');
    await writeFile(join(root, 'x.txt'), 'zomaar iets');
    await expect(add({ file: join(root, 'x.txt'), name: 'other' })).rejects.toThrow('no mail, EDIFACT or HL7');
    await expect(add({ file: join(root, 'none.edi') })).rejects.toThrow('ENOENT');
    await expect(add({ root: join(root, 'fixtures') })).rejects.toThrow('checkout');
  });
});
