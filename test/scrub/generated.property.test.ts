import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type GeneratedMail, generateTraffic } from '../../src/sandbox/generator/generator.ts';
import { foundIn, identityOf, outline, readingShape, scrubbed, viewsOf } from './shapes.ts';

const startsAt = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });

async function examine({ raw, payload, format }: GeneratedMail, seed: string): Promise<void> {
  const bare = format === 'hl7-oru' ? 'x.hl7' : 'x.edi';
  for (const [bytes, name] of [[raw, 'x.eml'] as const, [payload, bare] as const]) {
    const made = await scrubbed(bytes, name, seed);
    expect(await readingShape(made, name)).toEqual(await readingShape(bytes, name));
    expect(foundIn(await viewsOf(made, name), await identityOf(bytes, name))).toEqual([]);
    expect(await scrubbed(bytes, name, seed)).toEqual(made);
    if (name !== 'x.eml') expect(outline(made)).toBe(outline(bytes));
    if (name !== 'x.eml') expect(await scrubbed(bytes, name, `${seed} other`)).not.toEqual(made);
  }
}

it('whatever a laboratory sends, it is read as before, tells of nobody it was about, and is the same for the same seed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), startsAt, fc.string(), async (traffic, start, seed) => {
      for (const mail of generateTraffic({ seed: traffic, mails: 6, startsAt: start, followedShare: 0.5 }))
        await examine(mail, seed);
    }),
    { numRuns: 12 },
  );
});
