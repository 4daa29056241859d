/** The benchmark that README quotes: it runs, every reader in it really reads, and its document says what it measured. */

import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type Bench, runBench } from '../bench/command.ts';
import { messagesOf } from '../bench/corpus.ts';
import { compareReaders, verify } from '../bench/parse.ts';
import { medplumWhole, ourHl7, ourMedlab } from '../bench/readers.ts';
import { spreadOf, takeTurns } from '../bench/rounds.ts';

const FEW = { messages: 4, rounds: 3, slices: 1, sliceMs: 1 };
const { edifact, 'hl7-standard': hl7Standard, '@medplum/core': medplum } = manifest.devDependencies;
const HL7_PEERS = [`@medplum/core ${medplum} Hl7Message`, `hl7-standard ${hl7Standard}`];

async function ran(args: readonly string[], bench: Partial<Bench> = {}) {
  const said = { out: '', progress: '' };
  const benches = new Map([['one', { says: 'something', run: async () => ({ document: {}, table: '' }), ...bench }]]);
  const code = await runBench(args, benches, {
    out: (text) => {
      said.out += text;
    },
    progress: (text) => {
      said.progress += text;
    },
  });
  return { code, ...said };
}

describe('the comparison of readers', () => {
  const measured = compareReaders(FEW, () => {});

  it('has every peer beside ours, at both sizes, each verified before it is measured', () => {
    const peers = measured.map(({ input, bytes, ratios }) => [input, bytes, Object.keys(ratios)]);
    const atSize = (bytes: number) => [
      ['plain-edifact', bytes, [`edifact ${edifact}`]],
      ['medlab', bytes, []],
      ['oru', bytes, HL7_PEERS],
      ['oru', bytes, HL7_PEERS],
    ];
    expect(peers).toEqual([...atSize(1024), ...atSize(5120)]);
    const contenders = measured.flatMap((one) => one.contenders);
    expect(contenders.filter(({ isVerified }) => isVerified)).toHaveLength(22);
  });

  it('shows what it takes to go on to a LabReport beside the syntax of MEDLAB and ORU', () => {
    const withReport = measured.filter(({ contenders }) => contenders.some(({ name }) => name.includes('LabReport')));
    expect(withReport.map(({ input, bytes }) => [input, bytes])).toEqual([
      ['medlab', 1024],
      ['oru', 1024],
      ['medlab', 5120],
      ['oru', 5120],
    ]);
  });

  it('gives a rate to every contender and a ratio to every peer', () => {
    const spreads = measured.flatMap(({ contenders, ratios }) => [
      ...contenders.map(({ messagesPerSecond }) => messagesPerSecond),
      ...Object.values(ratios),
    ]);
    for (const { median, min, max } of spreads) {
      expect(min).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(max).toBeGreaterThanOrEqual(median);
    }
  });

  it.each([
    ['a reader that overlooks a segment', { segments: -1 }],
    ['a reader that finds another name', { familyName: 'x' }],
    ['a reader that finds no results', { results: [] }],
  ])('refuses to measure %s', (_name, wrong) => {
    const messages = messagesOf('oru', 1024, 2);
    expect(() => verify({ name: 'ours', read: ourHl7 }, messages)).not.toThrow();
    expect(() => verify({ name: 'x', read: (bytes) => ({ ...medplumWhole(bytes), ...wrong }) }, messages)).toThrow();
  });
});

describe('the messages that are read', () => {
  it.each(['medlab', 'plain-edifact', 'oru'] as const)('are of exactly the size asked for: %s', (input) => {
    for (const size of [1024, 5120]) {
      const messages = messagesOf(input, size, 5);
      expect(messages.map(({ bytes }) => bytes.length)).toEqual([size, size, size, size, size]);
      expect(new Set(messages.map(({ bytes }) => bytes.toString('latin1'))).size).toBe(5);
    }
  });

  it('are the same in every run', () => {
    expect(messagesOf('medlab', 1024, 3)).toEqual(messagesOf('medlab', 1024, 3));
    expect(ourMedlab((messagesOf('medlab', 1024, 1)[0] as { bytes: Buffer }).bytes).results.length).toBeGreaterThan(5);
  });
});

describe('taking turns', () => {
  it('gives every contender a number a round, and runs each at least once a slice', () => {
    const counts = [0, 0];
    const runs = [0, 1].map((index) => () => {
      counts[index] = (counts[index] ?? 0) + 1;
    });
    const rates = takeTurns(runs, 10, { rounds: 3, slices: 2, sliceMs: 0 });
    expect(rates.map((rate) => rate.length)).toEqual([3, 3]);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(7);
  });

  it('is told by median, lowest and highest', () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  });
});

describe('the command', () => {
  it.each([
    [[]],
    [['nothing']],
    [['one', 'two']],
    [['one', '--slow']],
  ])('explains itself at %j, with 2', async (args) => {
    const { code, out, progress } = await ran(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(progress).toContain('usage: npm run bench -- NAME [--quick] [--json]');
    expect(progress).toContain('one        something');
  });

  it('prints one document with --json: what was measured, when, and on what', async () => {
    const { code, out, progress } = await ran(['one', '--json', '--quick'], {
      run: async ({ isQuick, progress: say }) => {
        say('measuring');
        return { document: { wasQuick: isQuick }, table: 'a table' };
      },
    });
    expect(code).toBe(0);
    expect(progress).toBe('measuring\n');
    expect(JSON.parse(out)).toEqual({
      bench: 'one',
      isQuick: true,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      node: process.version,
      hardware: { cores: expect.any(Number), model: expect.any(String) },
      wasQuick: true,
    });
  });

  it('prints a table without it', async () => {
    const { out } = await ran(['one'], { run: async () => ({ document: {}, table: 'a table' }) });
    expect(out).toContain('\n\na table\n');
  });
});
