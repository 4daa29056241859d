import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableForwarding, enableForwarding } from '../../src/pipeline/pipeline.ts';
import { addMailbox, addPractice } from '../../src/practice/practice.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { deliveries, resultsOf, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** De Linde and Het Anker share one mailbox (De Linde's account); De Brug has its own. */
const MAILBOXES = { linde: 'gedeeld', anker: 'gedeeld', brug: 'brug' } as const;
type Key = keyof typeof MAILBOXES;

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  for (const key of ['linde', 'anker', 'brug'] as const) await register(key);
  await journey.startWorker();
});
afterAll(() => journey.release());

async function register(key: Key): Promise<void> {
  const { courier, world } = journey;
  const account = world.zorgmail.mailboxAccount(practice(MAILBOXES[key] === 'gedeeld' ? 'linde' : 'brug').zorgmail);
  const mailbox = { ...account, name: MAILBOXES[key], kind: 'practice' as const, port: world.proxy.port };
  await courier.ledger.transaction(async (tx) => {
    const id = await addPractice(tx, { ...practice(key), accounts: [practice(key).zorgmail] }, 'test');
    await addMailbox(tx, courier.keys, mailbox, [id], 'test');
  });
  const request = { name: 'forwarding', mode: 'live', authorisedBy: 'a', authorisedOn: '2026-11-01' } as const;
  const whole = { ...request, determinations: 'all', since: systemClock.now() } as const;
  await enableForwarding(courier, await journey.practice(key), whole, false, 'test');
}

/** A mail with the Delivered-To of choice, into the account of choice. */
async function put(account: string, payload: Buffer, deliveredTo: string | null): Promise<string> {
  const header = deliveredTo === null ? '' : `Delivered-To: ${deliveredTo}@lms.lifeline.nl\r\n`;
  const raw = Buffer.concat([Buffer.from(header), mailOf(payload, account)]);
  await journey.world.zorgmail.append(account, raw, systemClock.now());
  sent += 1;
  await untilAtRest(journey, sent);
  const last = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  return `${last?.state} ${last?.reason ?? ''}`.trim();
}

const SHARED = '500088001';
const [KAREL, HENDRIK, SJOERD] = ['999911120', '999954660', '999986296'];
let labNumber = 26_140_000;
const about = (bsn: string, to: string) => {
  labNumber += 1;
  return medlab({ bsn, labNumber: String(labNumber), to, reference: `R${labNumber}` });
};

describe('a mailbox that two practices share', () => {
  it('gives each practice what UNB says is its own, whatever the mail says', async () => {
    expect(await put(SHARED, about(KAREL, '500088001'), '500088002')).toBe('forwarded');
    expect(await put(SHARED, about(HENDRIK, '500088002'), '500088001')).toBe('forwarded');
    expect(await resultsOf(journey.world.ckis, KAREL)).toHaveLength(1);
    expect(await resultsOf(journey.world.ckis, HENDRIK)).toHaveLength(1);
  });

  it('holds what is for a practice that does not share it', async () => {
    expect(await put(SHARED, about(SJOERD, '500088003'), '500088001')).toBe('held practice.other-recipient');
    expect(await put(SHARED, about(KAREL, '500077777'), '500088001')).toBe('held practice.other-recipient');
    expect(await resultsOf(journey.world.ckis, SJOERD)).toEqual([]);
  });

  it('goes by Delivered-To where UNB names nobody', async () => {
    expect(await put(SHARED, about(HENDRIK, ''), '500088002')).toBe('forwarded');
    expect(await resultsOf(journey.world.ckis, HENDRIK)).toHaveLength(2);
    expect(await put(SHARED, about(HENDRIK, ''), '500077777')).toBe('held practice.other-recipient');
  });

  it('holds what names nobody at all', async () => {
    expect(await put(SHARED, about(KAREL, ''), null)).toBe('held practice.unknown-recipient');
  });

  it('does not give a patient of one practice to the other', async () => {
    expect(await put(SHARED, about(KAREL, '500088002'), '500088002')).toBe('no-card');
  });

  it('goes on for the one when the other is disabled, whose mail is discarded unread by anybody', async () => {
    await disableForwarding(journey.courier, await journey.practice('anker'), 'test');
    expect(await put(SHARED, about(HENDRIK, '500088002'), '500088002')).toBe('discarded practice.disabled');
    expect(await put(SHARED, about(KAREL, '500088001'), '500088001')).toBe('forwarded');
    expect(await resultsOf(journey.world.ckis, HENDRIK)).toHaveLength(2);
    const [kept] = await journey.sql(
      `select r.content from report r join delivery d on d.report_id = r.id where d.state = 'discarded'`,
    );
    expect(kept).toEqual({ content: null });
  });
});

describe('a mailbox of one practice', () => {
  it('gives it what names nobody, and holds what names another', async () => {
    expect(await put('500088003', about(SJOERD, ''), null)).toBe('forwarded');
    expect(await put('500088003', about(SJOERD, '500088001'), null)).toBe('held practice.other-recipient');
    expect(await resultsOf(journey.world.ckis, SJOERD)).toHaveLength(1);
  });
});
