/** 100,000 damaged inputs through the readers; `npm run fuzz -- --runs 1000000` is the long form. */

import { describe, expect, it } from 'vitest';
import { loadLaboratoryRegistry, type PayloadReading, readPayload } from '../../src/lab/lab.ts';
import { loadCorpus } from './corpus.ts';
import { fuzzInput, INPUT_BYTES_MAX } from './input.ts';
import { complaintsAbout, judge } from './judge.ts';
import { MUTATORS } from './mutators.ts';
import { fuzz, RSS_GROWTH_MAX } from './run.ts';

const RUNS = 100_000;
const PATIENCE_MS = 240_000;
const corpus = loadCorpus();

describe('hostile input', () => {
  it(
    'is always answered: no error, no hang, no unknown reason, no content in a code or place, no growing memory',
    async () => {
      const summary = await fuzz({ runs: RUNS, seed: 20_261_127 });
      expect(summary.findings).toEqual([]);
      expect(summary.inputs).toBe(RUNS);
      expect(summary.rss.highest - summary.rss.start).toBeLessThan(RSS_GROWTH_MAX);
      // Damage that always ends in the same answer would test one line of the readers.
      for (const count of Object.values(summary.outcomes)) expect(count).toBeGreaterThan(RUNS / 50);
      expect(Object.keys(summary.reasons).length).toBeGreaterThan(25);
    },
    PATIENCE_MS,
  );
});

describe('the fuzzer', () => {
  it('makes the same input of the same seed and index, and another of another', () => {
    const bytesOf = (seed: number, index: number) => fuzzInput(corpus, seed, index).bytes.toString('latin1');
    const some = Array.from({ length: 200 }, (_, index) => bytesOf(7, index));
    expect(some).toEqual(Array.from({ length: 200 }, (_, index) => bytesOf(7, index)));
    expect(new Set(some).size).toBeGreaterThan(190);
    expect(bytesOf(8, 0)).not.toBe(bytesOf(7, 0));
  });

  it('splits a run over threads without changing it', async () => {
    const runs = { runs: 600, seed: 3 };
    const [alone, shared] = [await fuzz({ ...runs, threads: 1 }), await fuzz({ ...runs, threads: 3 })];
    expect([shared.inputs, shared.outcomes, shared.reasons]).toEqual([alone.inputs, alone.outcomes, alone.reasons]);
  });

  it('damages in every way that it names, and keeps inputs small', () => {
    expect(Object.keys(MUTATORS).length).toBeGreaterThan(30);
    const sizes = Array.from({ length: 2000 }, (_, index) => fuzzInput(corpus, 5, index).bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(INPUT_BYTES_MAX);
  });

  it('finds nothing wrong with an undamaged corpus', async () => {
    for (const item of corpus) {
      expect(await judge({ ...item, isMedrptEnabled: true }, true), item.fileName).toMatchObject({ complaints: [] });
    }
  });
});

describe('what the fuzzer complains about', () => {
  const plain = corpus.find(({ fileName }) => fileName === 'plain.edi');
  const attachments = { charset: null, mailSender: null, attachments: [] };
  const payload = { source: 'file', kind: 'edifact', bytes: plain?.bytes ?? Buffer.alloc(0), ...attachments } as const;
  const [reading] = readPayload(payload, loadLaboratoryRegistry());

  function changed(by: object): readonly string[] {
    expect(reading?.outcome).toBe('reports');
    return complaintsAbout([{ ...reading, ...by } as PayloadReading]);
  }

  it('is nothing of a good reading', () => {
    expect(changed({})).toEqual([]);
  });

  it.each([
    ['a reason that is not listed', { outcome: 'quarantined', code: 'edifact.invented' }],
    ['a reason that only holds', { outcome: 'quarantined', code: 'lab.no-bsn' }],
    ['a quarantine without a reason', { outcome: 'quarantined', code: null }],
    ['a reason without a quarantine', { code: 'edifact.syntax' }],
    ['reports without a report', { reports: [] }],
    ['content as a code', { warnings: [{ code: 'edifact.Jansen 999990019', position: null }] }],
    ['content as a tag', { warnings: [{ code: 'edifact.syntax', position: { segment: 1, tag: 'Jansen' } }] }],
    [
      'content beside a place',
      { warnings: [{ code: 'edifact.syntax', position: { segment: 1, tag: 'PID', name: 'x' } }] },
    ],
    [
      'a place that is no number',
      { warnings: [{ code: 'edifact.syntax', position: { segment: Number.NaN, tag: 'PID' } }] },
    ],
  ])('is %s', (_name, by) => {
    expect(changed(by)).not.toEqual([]);
  });

  it('is no reading at all', () => {
    expect(complaintsAbout([])).not.toEqual([]);
  });
});
