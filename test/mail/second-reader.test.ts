/** mailparser as the second reader: what it hands out as bytes must be what our own walk over the same splitter finds. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { expect, it } from 'vitest';
import { splitMail } from '../../src/mail/parts.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/mail');
const mails = readdirSync(fixtures).filter((name) => name.endsWith('.eml'));

it.each(mails)('%s gives the same attachments as mailparser, byte for byte', async (name) => {
  const raw = readFileSync(join(fixtures, name));
  const [parsed, split] = await Promise.all([simpleParser(raw), splitMail(raw, '', 100)]);
  if (typeof split === 'string') expect.fail(split);
  const ours = split.leaves.map((leaf) => leaf.bytes.toString('base64'));
  const theirs = parsed.attachments.map(({ content }) => content.toString('base64'));
  expect(theirs.filter((content) => !ours.includes(content))).toEqual([]);
  // Every part is there once: mailparser folds the remaining ones into `text` and `html`.
  const bodies = split.leaves.filter(
    ({ disposition, contentType }) => disposition === null && /^text\//.test(contentType),
  );
  expect(ours.length).toBe(theirs.length + bodies.length);
});

it('the sender is the one that mailparser names', async () => {
  for (const name of mails) {
    const raw = readFileSync(join(fixtures, name));
    const [parsed, split] = await Promise.all([simpleParser(raw), splitMail(raw, '', 100)]);
    if (typeof split === 'string') expect.fail(split);
    expect(split.header('from')[0]).toContain(parsed.from?.value[0]?.address);
  }
});
