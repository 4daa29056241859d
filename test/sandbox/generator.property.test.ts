import fc from 'fast-check';
import { expect, it } from 'vitest';
import { generateTraffic } from '../../src/sandbox/generator/generator.ts';
import { expectedOf, foundIn, readOnly, unexpectedWarnings } from './generator-reading.ts';

// Through all seasons: the days on which the clock is set forward and back, a leap day, the turn of the year.
const startsAt = fc.oneof(
  fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
  fc
    .constantFrom('2026-03-29T00:50:00Z', '2026-10-25T00:50:00Z', '2028-02-29T21:30:00Z', '2026-12-31T22:30:00Z')
    .map((text) => new Date(text)),
);

it('whatever the seed and the season, our readers find exactly what was meant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), startsAt, async (seed, start) => {
      for (const mail of generateTraffic({ seed, mails: 30, startsAt: start, followedShare: 0.5 })) {
        const reading = await readOnly(mail);
        expect(unexpectedWarnings(reading)).toEqual([]);
        if (mail.expected.kind === 'letter') expect(reading).toMatchObject({ format: 'medvri-1', outcome: 'not-lab' });
        else expect(foundIn(reading)).toEqual(expectedOf(mail));
      }
    }),
    { numRuns: 20 },
  );
});
