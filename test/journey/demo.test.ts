/** The demo as a newcomer runs it: one process, one document. And that its own judgement can fail. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardDifferences, expectedCards, expectedMails, linesOnCards } from '../../src/sandbox/expectation.ts';
import { fixtureTraffic } from '../../src/sandbox/traffic.ts';
import { runCommand } from '../support/child.ts';

interface Document {
  readonly accounting: Record<string, number>;
  readonly mailboxesUntouched: boolean;
  readonly mails: readonly { fixture: string; outcome: string; milliseconds: number | null }[];
  readonly cards: readonly { patient: { bsn: string }; results: readonly { name: string; value: string | null }[] }[];
  readonly boards: readonly unknown[];
  readonly latencyMs: { p50: number; p99: number };
  readonly failures: readonly string[];
}

describe('the demo', () => {
  let document: Document;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'zk-demo-'));
    const { code, stdout } = await runCommand(['demo', '--json'], { ZORGKOERIER_DATA_DIR: directory });
    document = JSON.parse(stdout) as Document;
    expect(code).toBe(0);
  }, 150_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('closes the books: what was assigned is at rest, and nothing waits', () => {
    const { assigned = 0, seen, waiting, vanished = 0, ...atRest } = document.accounting;
    expect(Object.values(atRest).reduce((sum, count) => sum + count, 0) + vanished).toBe(assigned);
    expect({ seen, waiting }).toEqual({ seen: assigned - vanished, waiting: 0 });
    expect(Object.keys(document.accounting)).toEqual([
      'assigned',
      'seen',
      'waiting',
      'forwarded',
      'noCard',
      'shadowed',
      'duplicate',
      'notLab',
      'receipt',
      'held',
      'quarantined',
      'discarded',
      'vanished',
    ]);
  });

  it('sends every fixture and says what became of it', async () => {
    const sent = (await fixtureTraffic()).map(({ fixture }) => fixture);
    expect(document.mails.map((mail) => mail.fixture)).toEqual(sent);
    expect(document.accounting['assigned']).toBe(sent.length);
  });

  it('leaves the mailboxes untouched, and finds nothing to complain about', () => {
    expect(document.mailboxesUntouched).toBe(true);
    expect(document.failures).toEqual([]);
  });

  it('shows a corrected value on the card, and not the one before it', () => {
    const petra = document.cards.find((card) => card.patient.bsn === '999990019');
    const values = petra?.results.filter((result) => result.name === 'Kalium').map((result) => result.value) ?? [];
    expect(values).toContain('4.8');
  });

  it('measures the way from arrival to card', () => {
    const measured = document.mails.filter((mail) => mail.outcome === 'forwarded').map((mail) => mail.milliseconds);
    expect(measured.every((ms) => ms !== null && ms > 0)).toBe(true);
    expect(document.latencyMs.p50).toBeLessThanOrEqual(document.latencyMs.p99);
    expect(document.boards.length).toBeGreaterThan(0);
  });
});

describe('the demo’s own judgement', () => {
  it('sees a value that is missing, one too many and one that is older', async () => {
    const expected = expectedCards(await expectedMails(await fixtureTraffic()));
    const [bsn, lines] = [...expected][0] ?? ['', []];
    const [first = '', ...others] = lines;
    const older = first.replace(/\d{4}-/, '2001-');
    expect(cardDifferences(expected, expected)).toEqual([]);
    expect(cardDifferences(expected, new Map(expected).set(bsn, others))).toHaveLength(1);
    expect(cardDifferences(expected, new Map(expected).set(bsn, [...lines, first]))).toHaveLength(1);
    expect(cardDifferences(expected, new Map(expected).set(bsn, [older, ...others]))).toHaveLength(2);
    expect(linesOnCards([]).size).toBe(0);
  });
});
