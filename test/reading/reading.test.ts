import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadLaboratoryRegistry } from '../../src/lab/lab.ts';
import { openReadingThreads, type ReadingThreads, readHere, readReturnedHere } from '../../src/reading/reading.ts';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { ENVELOPE, mail, multipart } from '../mail/mails.ts';
import { POISON } from '../support/poisonous-thread.ts';

const fixtures = new URL('../../fixtures/', import.meta.url).pathname;
const files = globSync('**/*.{edi,hl7,eml}', { cwd: fixtures }).sort();
const registry = loadLaboratoryRegistry();
const poisonous = new URL('../support/poisonous-thread.ts', import.meta.url);

function open(withinMs: number, module?: URL): ReadingThreads {
  const options = { registry, clock: systemClock, logger: silentLogger, threadsMax: 2, withinMs };
  return openReadingThreads(module === undefined ? options : { ...options, module });
}

const fixture = (name: string) => readFileSync(`${fixtures}${name}`);

/** A MEDLAB beside a picture, together above 1 MB. */
function large(): Buffer {
  const edifact = `Content-Transfer-Encoding: base64\n\n${fixture('edifact/plain.edi').toString('base64')}`;
  const picture = `Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n${'A'.repeat(76)}\n`;
  return mail(ENVELOPE + multipart([edifact, picture + `${'A'.repeat(76)}\n`.repeat(14_000)]));
}

describe('a mail read in a thread', () => {
  let threads: ReadingThreads;
  beforeAll(() => {
    threads = open(60_000);
  });
  afterAll(() => threads.release());

  it.each(files)('gives what reading here gives: %s', async (name) => {
    const raw = fixture(name);
    for (const fileName of name.endsWith('.eml') ? [name, null] : [name]) {
      const here = await readHere(raw, fileName, registry);
      expect(here.kind).toBe('read');
      expect(await threads.read(raw, fileName)).toStrictEqual(here);
    }
  });

  it.each(
    files.filter((name) => name.startsWith('receipts/')),
  )('of a return mailbox gives what reading here gives: %s', async (name) => {
    const here = await readReturnedHere(fixture(name));
    expect(here.kind).toBe('returned');
    expect(await threads.readReturned(fixture(name))).toStrictEqual(here);
  });

  it('brings along the documents that its reports name, byte for byte', async () => {
    const withDocuments: string[] = [];
    for (const name of files) {
      const read = await threads.read(fixture(name), name);
      if (read.kind !== 'read') throw new Error(`${name} was not read`);
      const named = read.readings.flatMap(({ reports }) => reports).flatMap(({ attachments }) => attachments);
      if (named.length > 0) withDocuments.push(name);
      for (const { sha256, bytes } of named) {
        expect(Buffer.isBuffer(read.documents.get(sha256)?.bytes)).toBe(true);
        expect(read.documents.get(sha256)?.bytes.length).toBe(bytes);
      }
    }
    expect(withDocuments.some((name) => name.endsWith('.eml'))).toBe(true);
    expect(withDocuments.some((name) => name.endsWith('.hl7'))).toBe(true);
  });

  it('may be above 1 MB', async () => {
    const raw = large();
    expect(raw.length).toBeGreaterThan(1_000_000);
    const read = await threads.read(raw, null);
    expect(read).toStrictEqual(await readHere(raw, null, registry));
    expect(read).toMatchObject({ kind: 'read', readings: [{ outcome: 'reports' }] });
  });

  it('leaves the bytes with their owner', async () => {
    const raw = fixture('edifact/plain.edi');
    const before = Buffer.from(raw);
    await threads.read(raw, 'plain.edi');
    expect(raw.equals(before)).toBe(true);
  });
});

describe('a reader that fails in a thread', () => {
  it('is a defect with its place and without content, as it is here', async () => {
    const threads = open(60_000, new URL('../support/failing-thread.ts', import.meta.url));
    try {
      const read = await threads.read(fixture('edifact/plain.edi'), 'plain.edi');
      expect(read).toMatchObject({
        kind: 'read',
        readings: [{ outcome: 'quarantined', code: 'mail.reader-failed' }],
        defects: [{ name: 'Failure', code: 'lab.reader-failed', kind: 'defect', fields: { error: 'TypeError' } }],
      });
      const [defect] = read.kind === 'read' ? read.defects : [];
      const told = `${defect?.message} ${defect?.stack} ${(defect?.cause as Error).message} ${(defect?.cause as Error).stack}`;
      expect(told).toContain('failing-thread.ts');
      expect(told).not.toContain('content that must not be shown');
    } finally {
      await threads.release();
    }
  });
});

describe('a reader that', () => {
  it.each([
    ['never ends', POISON.loops, 'time', 5_000],
    ['is lost in a regular expression', POISON.backtracks, 'time', 5_000],
    ['takes all memory', POISON.hungers, 'memory', 60_000],
    ['ends its thread', POISON.exits, 'unknown', 60_000],
  ])('%s is stopped, and the next mail is read', async (_, poison, by, withinMs) => {
    const threads = open(withinMs, poisonous);
    expect(await threads.read(mail(`${poison}: 1\n${ENVELOPE}\nx`), null)).toEqual({ kind: 'stopped', by });
    const next = await threads.read(fixture('edifact/plain.edi'), 'plain.edi');
    expect(next).toMatchObject({ kind: 'read', readings: [{ outcome: 'reports' }] });
    await threads.release();
  });

  it('never ends does not keep another mail from being read meanwhile', async () => {
    const threads = open(60_000, poisonous);
    const endless = threads.read(mail(`${POISON.loops}: 1\n${ENVELOPE}\nx`), null).catch(() => 'released');
    const read = await Promise.race([endless, threads.read(fixture('edifact/plain.edi'), 'plain.edi')]);
    expect(read).toMatchObject({ kind: 'read', readings: [{ outcome: 'reports' }] });
    await threads.release();
    expect(await endless).toBe('released');
  });
});

describe('the threads', () => {
  it('are released at once, also while they read, and that is not the mail’s fault', async () => {
    const threads = open(60_000, poisonous);
    const reading = threads.read(mail(`${POISON.loops}: 1\n${ENVELOPE}\nx`), null);
    const refused = expect(reading).rejects.toMatchObject({
      code: 'reading.released',
      kind: 'transient',
      scope: 'peer',
    });
    const from = monotonicMs();
    await threads.release();
    await refused;
    expect(monotonicMs() - from).toBeLessThan(30_000);
    await expect(threads.read(large(), null)).rejects.toMatchObject({ code: 'reading.released' });
  });

  it('that were never used have nothing to release', async () => {
    await open(60_000).release();
  });
});
