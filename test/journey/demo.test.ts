/** The demo as a newcomer runs it: one process, one document. And that its own judgement can fail. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receiptDifferences } from '../../src/commands/demo-check.ts';
import { type DemoRegistration, differences } from '../../src/commands/demo-registrations.ts';
import type { MedvriMessage } from '../../src/registration/registration.ts';
import { cardDifferences, expectedCards, expectedMails, linesOnCards } from '../../src/sandbox/expectation.ts';
import { type WrittenText, writtenTexts } from '../../src/sandbox/registrations.ts';
import { fixtureTraffic } from '../../src/sandbox/traffic.ts';
import { runCommand } from '../support/child.ts';

interface Document {
  readonly accounting: Record<string, number>;
  readonly mailboxesUntouched: boolean;
  readonly mails: readonly { fixture: string; outcome: string; milliseconds: number | null }[];
  readonly cards: readonly { patient: { bsn: string }; results: readonly { name: string; value: string | null }[] }[];
  readonly boards: readonly unknown[];
  readonly registrations: readonly DemoRegistration[];
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
    // The way back has mails too: a notification of each part, and the part itself where its mailbox is read.
    const [question, diary, correction] = document.registrations.map(({ parts }) => parts.length);
    expect([question, diary, correction]).toEqual([1, 3, 1]);
    expect(document.accounting).toMatchObject({ assigned: sent.length + 7, receipt: 7 });
  });

  it('brings what was written on cards and boards into the HISes of two practices, whole and once, and is told so', () => {
    const texts = writtenTexts();
    expect(document.registrations.map(({ practice }) => practice)).toEqual(['linde', 'plein', 'linde']);
    for (const [index, registration] of document.registrations.entries()) {
      expect(registration).toMatchObject({ state: 'delivered', reason: null, written: texts[index]?.text });
      expect(registration.shown).toEqual(texts[index]?.shown);
      const kinds = registration.practice === 'linde' ? ['delivered', 'seen'] : ['delivered'];
      for (const { controlReference, state } of registration.parts) {
        const about = registration.receipts.filter((receipt) => receipt.controlReference === controlReference);
        expect(state).toBe('delivered');
        expect(about.map(({ kind }) => kind).sort()).toEqual(kinds);
      }
    }
    const [question, , correction] = document.registrations;
    expect(correction?.corrects).toBe(question?.id);
    expect(correction?.heading.join(' ')).toContain(`(kenmerk ${question?.parts[0]?.controlReference})`);
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

  it('sees a text that did not arrive, not as it was written, at another’s, unanswered, or without what it corrects', () => {
    const [question, , correction] = writtenTexts() as [WrittenText, WrittenText, WrittenText];
    const parts = [{ part: 1, controlReference: 'Z1', state: 'delivered' }];
    const right: DemoRegistration = {
      ...{ id: 'one', practice: 'linde', state: 'delivered', reason: null, corrects: null, parts },
      receipts: [{ controlReference: 'Z1', kind: 'delivered', status: '2.1.5' }],
      ...{ written: question.text, heading: ['Kenmerk: Z1'], shown: question.shown },
    };
    const message = { to: question.practice.zorgmail, patient: { bsn: question.bsn } } as MedvriMessage;
    const of = (change: Partial<DemoRegistration>, messages = [message]) =>
      differences({ ...right, ...change }, question, messages, [right]);
    expect(of({})).toEqual([]);
    expect(of({ state: 'sent' })).toEqual(['sent, expected delivered']);
    expect(of({ parts: [] })).toEqual(['0 parts, expected 1']);
    for (const shown of [null, question.shown.slice(1), question.shown.map((line) => line.replace('>=', '>'))])
      expect(of({ shown })).toEqual(['the HIS does not show what was written']);
    expect(of({ receipts: [{ controlReference: 'Z1', kind: 'seen', status: null }] })).toEqual([
      'part 1 has no receipt of its delivery',
    ]);
    for (const other of [{ to: '500088002' }, { patient: null }])
      expect(of({}, [{ ...message, ...other }])).toEqual(['addressed to another practice, or about another patient']);
    const second = { ...right, id: 'two', corrects: 'one', shown: correction.shown };
    const says = (heading: string[], change: Partial<DemoRegistration> = {}) =>
      differences({ ...second, heading, ...change }, correction, [message], [right]);
    expect(says(['CORRECTIE: … (kenmerk Z1).'])).toEqual([]);
    for (const wrong of [
      says(['Kenmerk: Z1']),
      says(['CORRECTIE: … (kenmerk Z2).']),
      says(['CORRECTIE: Z1'], { corrects: null }),
    ])
      expect(wrong).toEqual(['does not say which text it corrects']);
  });

  it('sees a mail of the way back that is missing, one too many, and one that was taken for something else', () => {
    const arrivals = [{ account: '500088001', uid: 1 }];
    const laboratory = { mailbox: 'linde', uid: 1, outcome: 'forwarded' as const };
    const receipt = { mailbox: 'retour', uid: 1, outcome: 'receipt' as const };
    expect(receiptDifferences([laboratory, receipt], arrivals, 1)).toEqual([]);
    expect(receiptDifferences([laboratory], arrivals, 1)).toEqual(['0 mails of the way back, expected 1']);
    expect(receiptDifferences([laboratory, receipt], [], 1)).toHaveLength(2);
    expect(
      receiptDifferences([laboratory, { ...receipt, mailbox: 'linde', uid: 2, outcome: 'not-lab' }], arrivals, 1),
    ).toEqual(['mail 2 of linde: not-lab, expected receipt']);
  });
});
