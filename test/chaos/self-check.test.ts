/** The suite must fail where its subject is broken: workers that break a promise on purpose, each of them found out. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilAtRest } from './run.ts';
import type { Sabotage } from './sabotage.ts';
import { type OpenStage, openStage } from './stage.ts';
import { type Verdict, verdictOn } from './verdict.ts';

const MAILS = 40;
/** A result that is on no card comes on no board either: its check must come to an end. */
const SOON = { ZORGKOERIER_BOARD_WITHIN_MS: '2000', ZORGKOERIER_UNCERTAIN_WAIT_MS: '2000' };
const REGISTRATIONS = 6;
const REPLIES_LOST = 3;
const WITHIN_MS = 300_000;
let stage: OpenStage;

beforeAll(async () => {
  stage = await openStage({ seed: 20_262, workers: [6], targetTimeoutMs: 5_000, settings: SOON });
}, WITHIN_MS);
afterAll(() => stage?.release(), WITHIN_MS);

/**
 * What another forty mails and six registrations came to, with a worker of that kind, and a relay of which some replies
 * get lost: `lost`, `doubled` and `mailboxChanges` that are new.
 */
async function broughtAbout(how: Sabotage, before: () => Promise<unknown> = async () => {}) {
  const first = await verdictOn(stage);
  await stage.workers.stopAll();
  stage.workers.sabotage(how);
  await stage.traffic.burst(MAILS, 0.5);
  await stage.source.post(REGISTRATIONS);
  stage.world.relay.fail({ at: 'data', act: 'cut', isDelivered: true }, REPLIES_LOST);
  await before();
  stage.workers.startAll();
  await untilAtRest(stage);
  const last = await verdictOn(stage);
  const more = (count: (verdict: Verdict) => number) => count(last) - count(first);
  return {
    lost: more(({ lost }) => lost),
    doubled: more(({ doubled }) => doubled),
    mailboxChanges: more(({ mailboxChanges }) => mailboxChanges),
    registrationsLost: more(({ registrations }) => registrations.lost),
    registrationsDoubled: more(({ registrations }) => registrations.doubled),
    isFine: last.problems.length === first.problems.length,
  };
}

const FINE = {
  ...{ lost: 0, doubled: 0, mailboxChanges: 0, registrationsLost: 0, registrationsDoubled: 0 },
  isFine: true,
};

it(
  'finds nothing where nothing is broken',
  async () => {
    expect(await broughtAbout('none')).toEqual(FINE);
  },
  WITHIN_MS,
);

it(
  'finds a mail that counts as vanished and was there',
  async () => {
    const found = await broughtAbout('loses-mail');
    expect(found.lost).toBeGreaterThan(0);
    expect(found.isFine).toBe(false);
  },
  WITHIN_MS,
);

it(
  'finds a report that counts as forwarded and is on no card',
  async () => {
    const found = await broughtAbout('loses-report');
    expect(found.lost).toBeGreaterThan(0);
    expect(found.isFine).toBe(false);
  },
  WITHIN_MS,
);

it(
  'finds results that stand twice',
  async () => {
    const found = await broughtAbout('doubles-results');
    expect(found.doubled).toBeGreaterThan(0);
    expect(found.isFine).toBe(false);
  },
  WITHIN_MS,
);

it(
  'finds a registration that arrived twice since its worker sent it without a mark',
  async () => {
    const found = await broughtAbout('sends-unmarked');
    expect(found.registrationsDoubled).toBeGreaterThan(0);
    expect(found.isFine).toBe(false);
  },
  WITHIN_MS,
);

it(
  'finds a mailbox that somebody read',
  async () => {
    const [account = ''] = stage.traffic.sent.keys();
    const found = await broughtAbout('none', () => stage.world.zorgmail.his(account).collect());
    expect(found.mailboxChanges).toBeGreaterThan(0);
    expect(found).toMatchObject({ lost: 0, doubled: 0, isFine: false });
  },
  WITHIN_MS,
);
