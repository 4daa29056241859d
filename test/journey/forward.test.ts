import { readFileSync } from 'node:fs';
import type { Observation } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enableForwarding } from '../../src/pipeline/pipeline.ts';
import { addMailbox } from '../../src/practice/practice.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { KALIUM, mailOf, medlab, practice } from '../support/medlab.ts';
import { cardOf, deliveries, outcomes, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

async function send(key: 'linde' | 'anker' | 'brug', ...payloads: Buffer[]) {
  sent += payloads.length;
  await journey.send(key, ...payloads);
  return untilAtRest(journey, sent);
}

/** The deliveries of the newest mail. */
async function last(): Promise<readonly string[]> {
  const all = await deliveries(journey);
  const newest = all.at(-1)?.mail_id;
  return all.filter(({ mail_id }) => mail_id === newest).map(({ target, state }) => `${target} ${state}`);
}

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const { ckis, cboards } = { ckis: () => journey.world.ckis, cboards: () => journey.world.cboards };

describe('a laboratory mail in a practice’s mailbox', () => {
  it('becomes results on the card, and on the board that cKIS fills', async () => {
    await send('linde', fixture('edifact/plain.edi'));
    const results = ['HbA1c (IFCC) 53 final', 'Kalium 4.2 final', 'Kreatinine 78 final', 'eGFR (CKD-EPI) >90 final'];
    expect(await resultsOf(ckis(), '999990019')).toEqual(results);
    expect(await resultsOf(cboards(), '999990019')).toEqual(results);
    expect(await last()).toEqual(['patient-card forwarded', 'board forwarded']);
    expect(boardWrites()).toBe(0);
  });

  it('reaches the card from HL7, and the board that we fill ourselves', async () => {
    await send('anker', fixture('hl7/plain.hl7'));
    const results = ['Glucose nuchter 7.10 final', 'HbA1c 48 final'];
    expect(await resultsOf(ckis(), '999918606')).toEqual(results);
    expect(await resultsOf(cboards(), '999918606')).toEqual(results);
    expect(await last()).toEqual(['patient-card forwarded', 'board forwarded']);
    expect(boardWrites()).toBe(1);
  });

  it('of a practice with cKIS only asks nothing of cBoards', async () => {
    const before = cboards().requests.length;
    await send('brug', medlab({ bsn: '999986296', labNumber: '26119001', to: '500088003' }));
    expect(await resultsOf(ckis(), '999986296')).toEqual(['Kreatinine 78 final']);
    expect(await last()).toEqual(['patient-card forwarded']);
    expect(cboards().requests.length).toBe(before);
  });

  it('of a patient who is not followed touches no card and counts as no-card', async () => {
    const sum = await send('linde', fixture('edifact/not-followed.edi'));
    expect(sum.noCard).toBe(1);
    expect(await last()).toEqual(['patient-card no-card']);
  });
});

describe('the same content twice', () => {
  it('in two mails is one report on one card, and the second is a duplicate', async () => {
    const payload = medlab({ bsn: '999911120', labNumber: '26119002', to: '500088001' });
    const { zorgmail } = practice('linde');
    await journey.world.zorgmail.deliverToBoth(zorgmail, mailOf(payload, zorgmail));
    await journey.world.zorgmail.deliverToBoth(zorgmail, mailOf(payload, zorgmail, 'quoted-printable'));
    sent += 2;
    const sum = await untilAtRest(journey, sent);
    expect(sum.duplicate).toBe(1);
    expect((await cardOf(ckis(), '999911120')).results.map(({ name, versions }) => [name, versions])).toEqual([
      ['Kreatinine', 1],
    ]);
    expect((await cardOf(ckis(), '999911120')).reports).toHaveLength(1);
  });

  it('in the practice’s mailbox and in its copy account is one report on one card', async () => {
    const { courier, world } = journey;
    const brug = await journey.practice('brug');
    const copy = { ...world.zorgmail.mailboxAccount('500088003-twin'), name: 'brug copy', kind: 'copy' as const };
    await courier.ledger.transaction((tx) => addMailbox(tx, courier.keys, copy, [brug.id], 'test'));
    const request = { name: 'forwarding', mode: 'live', authorisedBy: 'a', authorisedOn: '2026-11-01' } as const;
    const now = systemClock.now();
    await enableForwarding(courier, brug, { ...request, determinations: 'all', since: now }, false, 'test');
    sent += 1;
    const sum = await send('brug', medlab({ bsn: '999927929', labNumber: '26119003', to: '500088003' }));
    expect(sum.duplicate).toBe(2);
    expect((await cardOf(ckis(), '999927929')).results).toHaveLength(1);
  });
});

describe('a later message about the same determinations', () => {
  it('that is corrected replaces, with a version more; an older one that arrives late changes nothing', async () => {
    await send('linde', fixture('edifact/corrected.edi'));
    const corrected = [
      'HbA1c (IFCC) 53 final',
      'Kalium 4.8 corrected',
      'Kreatinine 78 final',
      'eGFR (CKD-EPI) >90 final',
    ];
    expect(await resultsOf(ckis(), '999990019')).toEqual(corrected);
    await until(
      'the board',
      () => resultsOf(cboards(), '999990019'),
      (seen) => seen.join() === corrected.join(),
    );
    const before = await cardOf(ckis(), '999990019');
    await send('linde', fixture('edifact/older-arriving-late.edi'));
    expect(await last()).toEqual(['patient-card forwarded', 'board forwarded']);
    expect(await cardOf(ckis(), '999990019')).toEqual(before);
  });

  it('goes from preliminary to final, and a late preliminary never comes back', async () => {
    await send('anker', fixture('hl7/preliminary.hl7'));
    expect(await resultsOf(ckis(), '999971384')).toEqual(['Kalium 5.6 preliminary', 'Kreatinine 98 preliminary']);
    await send('anker', fixture('hl7/final-after-preliminary.hl7'));
    const final = ['Kalium 5.0 final', 'Kreatinine 99 final'];
    expect(await resultsOf(ckis(), '999971384')).toEqual(final);
    await send('anker', fixture('hl7/late-preliminary.hl7'));
    expect(await resultsOf(ckis(), '999971384')).toEqual(final);
    expect(await resultsOf(cboards(), '999971384')).toEqual(final);
  });

  it('that retracts makes the result entered-in-error, on card and board', async () => {
    await send('anker', fixture('hl7/retracted.hl7'));
    const glucose = (all: readonly string[]) => all.find((line) => line.startsWith('Glucose'));
    expect(glucose(await resultsOf(ckis(), '999918606'))).toBe('Glucose nuchter null entered-in-error');
    expect(glucose(await resultsOf(cboards(), '999918606'))).toBe('Glucose nuchter null entered-in-error');
  });
});

describe('two results of one patient', () => {
  it('that arrive together reach the card one after the other, each once', async () => {
    const payloads = Array.from({ length: 12 }, (_, index) =>
      medlab({
        bsn: '999954660',
        labNumber: `2611${9100 + index}`,
        to: '500088002',
        results: [{ ...KALIUM, value: '4.1' }],
      }),
    );
    await send('anker', ...payloads);
    expect(await resultsOf(ckis(), '999954660')).toEqual(payloads.map(() => 'Kalium 4.1 final'));
    const keys = ckis()
      .repository.all<Observation>('Observation')
      .map((one) => one.identifier?.[0]?.value);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the practice’s mailbox', () => {
  it('is as its twin, after we copied and the HIS read and deleted on both', async () => {
    for (const key of ['linde', 'anker'] as const) {
      const { zorgmail } = practice(key);
      await journey.world.zorgmail.hisOfBoth(zorgmail).collect();
      expect(await journey.world.zorgmail.compareTwins(zorgmail)).toEqual({ isEqual: true, differences: [] });
      await journey.world.zorgmail.hisOfBoth(zorgmail).collectAndRemove();
      expect(await journey.world.zorgmail.compareTwins(zorgmail)).toEqual({ isEqual: true, differences: [] });
    }
  });

  it('heard no command from us that could change it', () => {
    expect(journey.world.proxy.commands().some((command) => command.startsWith('UID FETCH'))).toBe(true);
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
  });

  it('is accounted for to the last mail, without any difference', async () => {
    expect(await outcomes(journey)).toHaveLength(sent);
    expect((await untilAtRest(journey, sent)).difference).toBe(0);
  });
});

function boardWrites(): number {
  return cboards().requests.filter(({ method, url }) => method === 'POST' && !url.endsWith('_search')).length;
}
