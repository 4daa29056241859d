import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foundIn, identityOf, outline, readingShape, scrubbed, viewsOf } from './shapes.ts';

const fixtures = new URL('../../fixtures/', import.meta.url).pathname;
// Not what answers our own mails: `fixture add` is for laboratory messages.
const files = globSync('**/*.{edi,hl7,eml}', { cwd: fixtures, exclude: ['receipts/**'] }).sort();
// A document in it becomes another document; a run of letters that may be an encoded one, other letters and digits.
const REPLACED = [
  ...['pdf-attachment', 'document-retracted', 'document-unreadable'].map((name) => `hl7/${name}.hl7`),
  'medvri/word-over-70.edi',
];
// Over a limit of the tokeniser: there are no spans to replace.
const TOO_LARGE = ['rejected/too-many-components.edi'];
const scrubbable = files.filter((name) => !TOO_LARGE.includes(name));

describe('every fixture, scrubbed', () => {
  it.each(scrubbable)('is read as before, and as nobody it was about: %s', async (name) => {
    const bytes = readFileSync(`${fixtures}${name}`);
    const made = await scrubbed(bytes, name);
    expect(await readingShape(made, name)).toEqual(await readingShape(bytes, name));
    expect(foundIn(await viewsOf(made, name), await identityOf(bytes, name))).toEqual([]);
  });

  it.each(
    scrubbable.filter((name) => !name.endsWith('.eml') && !REPLACED.includes(name)),
  )('keeps its delimiters, line ends, counters and lengths: %s', async (name) => {
    const bytes = readFileSync(`${fixtures}${name}`);
    expect(outline(await scrubbed(bytes, name))).toBe(outline(bytes));
  });

  it.each(TOO_LARGE)('is refused where it is over a limit: %s', async (name) => {
    await expect(scrubbed(readFileSync(`${fixtures}${name}`), name)).rejects.toThrow('too-large');
  });

  it('tells somebody of most of them: the search for who it was about can find', async () => {
    const found = await Promise.all(
      files.map(async (name) => {
        const bytes = readFileSync(`${fixtures}${name}`);
        return foundIn(await viewsOf(bytes, name), await identityOf(bytes, name)).length;
      }),
    );
    expect(found.filter((count) => count >= 4).length).toBeGreaterThan(files.length / 2);
  });
});
