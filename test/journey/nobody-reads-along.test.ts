import { createHash } from 'node:crypto';
import type { Resource } from '@medplum/fhirtypes';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardHold, releaseHold, sweep } from '../../src/pipeline/pipeline.ts';
import { heldItems } from '../../src/records/records.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { fixtureTraffic, type TrafficMail } from '../../src/sandbox/traffic.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { passwordOf } from '../../src/sandbox/zorgmail/mailboxes.ts';
import { reasonOf } from '../../src/shared/reasons.ts';
import { letTimePass, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

/**
 * Every fixture goes through everything, at trace level, with failures at every corner; then all that was written down
 * anywhere but on a card is searched for what only a card may show.
 */

let journey: Journey;
let traffic: readonly TrafficMail[];
/** Every command that reached Redis, with its arguments. */
const redisTraffic: string[] = [];

const PEOPLE = SANDBOX_PATIENTS.flatMap(({ bsn, family, given }) => [bsn, family, given]).filter(
  (text) => text.length > 4,
);
const CONTENT = [
  'HbA1c',
  'Kreatinine',
  'Kalium',
  'gehemolyseerd',
  '26110001',
  'UNB+',
  'UNH+',
  'PID+1',
  'PID|1',
  'MSH|^',
  'OBX|1',
];
const MAIL = ['Subject:', 'Laboratoriumuitslag', 'uitslagen@', 'Content-Type'];

/** As it stands, in hexadecimal, inside base64 at each of its three places, and as a digest that anybody can make. */
function spellings(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(shift === 0 ? 0 : shift + 1, -1),
  );
  const digests = ['md5', 'sha1', 'sha256'].map((name) => createHash(name).update(text).digest());
  return [
    text,
    bytes.toString('latin1'),
    bytes.toString('hex'),
    ...base64.filter((part) => part.length > 6),
    ...digests.flatMap((digest) => [digest.toString('hex'), digest.toString('latin1'), digest.toString('base64')]),
  ];
}

function found(haystack: string, needles: readonly string[]): readonly string[] {
  return needles.filter((needle) => spellings(needle).some((spelling) => haystack.includes(spelling)));
}

beforeAll(async () => {
  journey = await startJourney({
    settings: { ZORGKOERIER_BOARD_WITHIN_MS: '1000', ZORGKOERIER_MAIL_MAX_BYTES: '20000' },
  });
  const listener = new Redis({ path: journey.redis.redisUrl.replace('unix://', '') });
  const monitor = await listener.monitor();
  monitor.on('monitor', (_time: string, args: readonly string[]) => redisTraffic.push(args.join(' ')));
  traffic = await fixtureTraffic();
  await journey.startWorker();
  await everythingHappens().finally(() => {
    monitor.disconnect();
    listener.disconnect();
  });
}, 120_000);
afterAll(() => journey.release());

async function everythingHappens(): Promise<void> {
  const { ckis, cboards, zorgmail, proxy } = journey.world;
  for (const [index, { account, raw }] of traffic.entries()) {
    // Now and then: in a row they would be an outage, and cKIS left alone for as long.
    if (index % 20 === 3) ckis.faults.next({ kind: 'fail-after-commit', status: 500 }, { skip: 3 });
    if (index % 20 === 7) ckis.faults.next({ kind: 'reset-after-commit' }, { skip: 3 });
    if (index % 20 === 11) ckis.faults.next({ kind: 'refuse', status: 422 }, { skip: 3 });
    if (index % 20 === 15) cboards.faults.next({ kind: 'refuse', status: 400 }, { scope: 'all', skip: 3 });
    if (index % 40 === 19) ckis.faults.next({ kind: 'refuse', status: 401 }, { scope: 'searches', skip: 9 });
    if (index === 50) proxy.cutNextLiteral();
    await zorgmail.deliverToBoth(account, raw);
  }
  await inTheEnd();
  await decideAll();
  await inTheEnd();
  await sweep(journey.courier);
}

async function inTheEnd(): Promise<void> {
  for (let round = 0; ; round += 1) {
    await letTimePass(journey);
    const isDone = await untilAtRest(journey, traffic.length, 2_000).catch((thrown) => {
      if (round === 20) throw thrown;
      return null;
    });
    if (isDone !== null) return;
  }
}

async function decideAll(): Promise<void> {
  const decision = { by: 'sanne', reason: 'besloten', overrideCard: null };
  for (const [index, item] of (await heldItems(journey.courier.ledger, null)).entries()) {
    const { actions } = reasonOf(item.reason as Parameters<typeof reasonOf>[0]);
    if (!actions.includes('release') || item.originalId !== null) continue;
    if (index % 3 === 0) await discardHold(journey.courier, item.deliveryId, decision);
    else await releaseHold(journey.courier, item.deliveryId, decision).catch(() => {});
  }
}

describe('what the search looks for', () => {
  it('stands on the cards, and would be found', () => {
    const all = ['Patient', 'Observation', 'Specimen', 'DiagnosticReport'] as const;
    const { repository } = journey.world.ckis;
    const cards = all.map((type) => JSON.stringify(repository.all<Resource>(type))).join('');
    expect(found(cards, PEOPLE).length).toBe(PEOPLE.length - notFollowed());
    expect(found(cards, ['HbA1c', 'Kreatinine', 'Kalium', '26110001'])).toHaveLength(4);
    const mails = Buffer.concat(traffic.map(({ raw }) => raw)).toString('latin1');
    expect(found(mails, MAIL)).toHaveLength(MAIL.length);
    expect(found('..OTk5OTkwMDE5..', ['999990019'])).toHaveLength(1);
    expect(found('..5OTk5OTAwMTk..', ['999990019'])).toHaveLength(1);
  });

  const notFollowed = () =>
    SANDBOX_PATIENTS.filter(({ followedBy }) => followedBy === null)
      .flatMap(({ bsn, family, given }) => [bsn, family, given])
      .filter((text) => text.length > 4).length;
});

describe('nobody reads along', () => {
  const secrets = [...PEOPLE, ...CONTENT, ...MAIL, ...SANDBOX_PRACTICES.map(({ zorgmail }) => passwordOf(zorgmail))];

  it('in the log, at trace level, with failures in it', () => {
    const log = journey.log();
    expect(log.split('\n').length).toBeGreaterThan(traffic.length);
    expect(log).toContain('card.failing');
    expect(found(log, secrets)).toEqual([]);
  });

  it('in Redis, in any command with any argument', () => {
    expect(redisTraffic.length).toBeGreaterThan(traffic.length);
    expect(found(redisTraffic.join('\n'), secrets)).toEqual([]);
    expect(
      found(
        redisTraffic.join('\n'),
        SANDBOX_PRACTICES.flatMap(({ agb, zorgmail }) => [agb, zorgmail]),
      ),
    ).toEqual([]);
  });

  it('in an address of a request to cKIS or cBoards', () => {
    const urls = [...journey.world.ckis.requests, ...journey.world.cboards.requests].map(({ url }) => url);
    expect(urls.length).toBeGreaterThan(traffic.length);
    expect(found(urls.map(decodeURIComponent).join('\n'), secrets)).toEqual([]);
  });

  it('in any column of any table of the ledger', async () => {
    const tables = await journey.sql<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) {
      const rows = await journey.sql<Record<string, unknown>>(`select * from ${name}`);
      expect([name, found(rows.map(asText).join('\n'), secrets)]).toEqual([name, []]);
    }
    const sealed = await journey.sql(`select 1 from report where content is not null`);
    expect(sealed.length).toBeGreaterThan(20);
  });

  it('and our client only ever looked at the mailboxes', async () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
    for (const { zorgmail } of SANDBOX_PRACTICES) {
      expect((await journey.world.zorgmail.compareTwins(zorgmail)).differences).toEqual([]);
    }
  });
});

function asText(row: Record<string, unknown>): string {
  return Object.values(row)
    .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)))
    .join(' ');
}
