/** Every .eml of fixtures/receipts is read as the .json beside it says: a file that is dropped in is a test. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFile, unwrapMail } from '../../src/mail/mail.ts';
import { readReceipt } from '../../src/receipt/receipt.ts';
import { fixtureTraffic } from '../../src/sandbox/traffic.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/receipts');
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.eml'));
const bytesOf = (name: string) => readFileSync(join(FOLDER, name));

describe('a mail of the return mailbox says what the document beside it says', () => {
  it.each(names)('%s', async (name) => {
    const expected: unknown = JSON.parse(readFileSync(join(FOLDER, name.replace(/\.eml$/, '.json')), 'utf8'));
    expect(await readReceipt(bytesOf(name))).toEqual(expected);
  });

  it('and nothing but codes and references: no word of a diagnostic text gets out', async () => {
    expect(bytesOf('notification-failed.eml').toString()).toContain('BSN 999990019');
    expect(JSON.stringify(await readReceipt(bytesOf('notification-failed.eml')))).not.toMatch(
      /999990019|Jansen|rejected/,
    );
  });

  it.each(names)('%s says the same when its lines end in LF only', async (name) => {
    const lines = Buffer.from(bytesOf(name).toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    expect(await readReceipt(lines)).toEqual(await readReceipt(bytesOf(name)));
  });
});

describe('receipts are not laboratory mail', () => {
  it('none of them is in the traffic of the demo', async () => {
    expect((await fixtureTraffic()).filter(({ fixture }) => fixture.startsWith('receipts/'))).toEqual([]);
  });

  it('and each can be unwrapped as any other mail', async () => {
    for (const name of names) expect(await unwrapMail(bytesOf(name))).toEqual(await openFile(bytesOf(name), name));
  });
});
