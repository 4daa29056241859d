/** Keys that rotate while messages come in: what was seen before is found again, and what cannot be opened is held. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeys } from '../../src/keys/keys.ts';
import {
  type Courier,
  enableForwarding,
  pauseForwarding,
  releaseHold,
  replayMails,
  rotate,
  settleReplayed,
} from '../../src/pipeline/pipeline.ts';
import { mailboxesOf } from '../../src/practice/practice.ts';
import { mailOutcomes } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { newId } from '../../src/shared/ids.ts';
import { runCommand, startCommand } from '../support/child.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { type Delivered, deliveries, outcomes, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

const KAREL = '999911120';
const PETRA = '999990019';
const by = { by: 'sanne', reason: 'nagekeken', overrideCard: null };
const linde = practice('linde').zorgmail;
/** Nothing is chosen anew: as it was. */
const RESUME = {
  name: 'forwarding' as const,
  mode: null,
  authorisedBy: null,
  authorisedOn: null,
  determinations: null,
  since: null,
};
const master = () => {
  const { masterKey } = journey.config;
  if (masterKey === null) throw new Error('the journey has a master key');
  return masterKey;
};

async function send(...mails: Buffer[]): Promise<Delivered> {
  sent += mails.length;
  for (const mail of mails) await journey.world.zorgmail.deliverToBoth(linde, mail);
  await untilAtRest(journey, sent);
  return newest();
}
const sendReport = (payload: Buffer) => send(mailOf(payload, linde));

async function newest(): Promise<Delivered> {
  const found = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  if (found === undefined) throw new Error('nothing was delivered');
  return found;
}

const rotateDigests = () =>
  rotate(journey.courier.ledger, master(), { purposes: ['mac-digest'], ownerId: null }, 'sanne');

describe('across a rotation of the digest keys', () => {
  it('a duplicate is still one, by bytes and by content, also of a message that states no time', async () => {
    const stated = medlab({ bsn: KAREL, labNumber: '26310001', to: linde });
    const silent = medlab({ bsn: KAREL, labNumber: '26310002', to: linde, sentAt: '', reference: 'R-stil' });
    for (const payload of [stated, silent]) expect(await sendReport(payload)).toMatchObject({ state: 'forwarded' });
    for (let round = 0; round < 2; round += 1) {
      expect(await rotateDigests()).toHaveLength(1);
      // By the very bytes of the mail; and in another envelope by its content, where it states a time.
      for (const payload of [stated, silent]) await sendReport(payload);
      expect((await outcomes(journey)).slice(-2)).toEqual(['duplicate', 'duplicate']);
      const elsewhere = Buffer.concat([Buffer.from(`X-Round: ${round}\r\n`), mailOf(stated, linde)]);
      expect(await send(elsewhere)).toMatchObject({ state: 'duplicate' });
    }
    const byBytes = await journey.sql('select 1 from mail where verdict = $1 and original_mail_id is not null', [
      'duplicate',
    ]);
    expect(byBytes).toHaveLength(4);
    expect(await journey.sql('select version from report where version is null')).toEqual([]);
  });

  it('a hold is joined', async () => {
    const unknown = medlab({ bsn: KAREL, labNumber: '26310003', to: linde, from: '500099777' });
    const first = await sendReport(unknown);
    expect(first).toMatchObject({ state: 'held', reason: 'lab.unknown-sender', has_content: true });
    await rotateDigests();
    expect(await sendReport(unknown)).toMatchObject({ state: 'held', has_content: false });
    expect(
      await journey.sql('select 1 from delivery where original_id = $1 and state = $2', [first.id, 'held']),
    ).toHaveLength(1);
  });

  it('a reference that comes with other content is held', async () => {
    const same = { bsn: KAREL, labNumber: '26310004', reference: 'R-zelfde', to: linde };
    expect(await sendReport(medlab({ ...same, results: [{ value: '71' }] }))).toMatchObject({ state: 'forwarded' });
    await rotateDigests();
    expect(await sendReport(medlab({ ...same, results: [{ value: '17' }] }))).toMatchObject({
      state: 'held',
      reason: 'lab.reference-conflict',
    });
    expect(await resultsOf(journey.world.ckis, KAREL)).toContain('Kreatinine 71 final');
  });

  it('a laboratory number that another patient had is held', async () => {
    expect(await sendReport(medlab({ bsn: KAREL, labNumber: '26310005', to: linde }))).toMatchObject({
      state: 'forwarded',
    });
    await rotateDigests();
    const other = medlab({ bsn: PETRA, labNumber: '26310005', reference: 'R-ander', to: linde });
    expect(await sendReport(other)).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(await resultsOf(journey.world.ckis, PETRA)).toEqual([]);
  });

  it('a mail that is read again finds its report, and takes it for no other', async () => {
    const good = medlab({ bsn: PETRA, labNumber: '26310006', to: linde });
    const cut = readFileSync(new URL('../../fixtures/rejected/truncated.edi', import.meta.url));
    const rest = await send(twoPayloads(good, cut));
    expect(rest).toMatchObject({ state: 'quarantined', reason: 'edifact.truncated' });
    await rotateDigests();
    await releaseHold(journey.courier, rest.id, by);
    await untilAtRest(journey, sent);
    const ofMail = (await deliveries(journey)).filter(
      ({ mail_id, target }) => mail_id === rest.mail_id && target === 'patient-card',
    );
    expect(ofMail.map(({ state, reason }) => [state, reason])).toEqual([
      ['forwarded', null],
      ['quarantined', 'edifact.truncated'],
    ]);
  });
});

function twoPayloads(...payloads: readonly Buffer[]): Buffer {
  const part = (payload: Buffer) =>
    `--grens\r\nContent-Type: application/EDIFACT\r\nContent-Transfer-Encoding: base64\r\n\r\n${payload.toString('base64')}\r\n`;
  const head = 'From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=grens\r\n\r\n';
  return Buffer.from(`${head}${payloads.map(part).join('')}--grens--\r\n`);
}

describe('two workers, of which one has not heard of the rotation', () => {
  /** A worker whose clock stands still and who hears nothing: what it has in memory stays there until it is refused. */
  async function deafWorker(): Promise<Courier> {
    const at = systemClock.now();
    const clock = { ...systemClock, now: () => at };
    const keys = openKeys({ sql: journey.courier.ledger, master: master(), clock });
    await keys.digestKeys();
    return { ...journey.courier, keys };
  }
  const outcomesOf = async (courier: Courier, mail: Buffer) => {
    const [mailbox] = await mailboxesOf(courier.ledger, (await journey.practice('linde')).id);
    const source = { mailboxId: mailbox?.id ?? null, mails: [{ raw: mail, internalDate: systemClock.now() }] };
    const replayed = await replayMails(courier, source, 'sanne');
    return {
      settle: (worker = courier) => settleReplayed(worker, replayed, 20_000),
      outcome: async () => (await mailOutcomes(courier.ledger, replayed.mailIds))[0]?.outcome,
      reason: async () => (await mailOutcomes(courier.ledger, replayed.mailIds))[0]?.reports[0]?.reason,
    };
  };

  beforeAll(() => journey.stopWorkers());

  it('find each other’s duplicates, the deaf one second', async () => {
    const [deaf, hearing] = [await deafWorker(), journey.courier];
    await rotateDigests();
    hearing.keys.forget();
    const mail = mailOf(medlab({ bsn: KAREL, labNumber: '26310010', to: linde }), linde);
    const [first, second] = [await outcomesOf(hearing, mail), await outcomesOf(deaf, mail)];
    expect(await first.settle()).toBe(true);
    expect(await second.settle()).toBe(true);
    expect([await first.outcome(), await second.outcome()]).toEqual(['forwarded', 'duplicate']);
  });

  it('find each other’s references', async () => {
    const [deaf, hearing] = [await deafWorker(), journey.courier];
    const message = { bsn: KAREL, labNumber: '26310011', reference: 'R-doof', to: linde };
    const conflicting = await outcomesOf(deaf, mailOf(medlab({ ...message, results: [{ value: '17' }] }), linde));
    await rotateDigests();
    hearing.keys.forget();
    const first = await outcomesOf(hearing, mailOf(medlab(message), linde));
    expect(await first.settle()).toBe(true);
    expect(await first.outcome()).toBe('forwarded');
    expect(await conflicting.settle()).toBe(true);
    expect([await conflicting.outcome(), await conflicting.reason()]).toEqual(['held', 'lab.reference-conflict']);
  });

  it('find each other’s laboratory numbers, where the report was read before the rotation', async () => {
    const [where, hearing] = [await journey.practice('linde'), journey.courier];
    await pauseForwarding(hearing, where, 'sanne');
    const number = { labNumber: '26310012', to: linde };
    const waiting = { ...number, bsn: PETRA, reference: 'R-wacht' };
    const read = await outcomesOf(hearing, mailOf(medlab(waiting), linde));
    expect(await read.settle()).toBe(true);
    expect(await read.outcome()).toBe('waiting');
    const deaf = await deafWorker();
    await rotateDigests();
    hearing.keys.forget();
    await enableForwarding(hearing, where, RESUME, false, 'sanne');
    const first = await outcomesOf(hearing, mailOf(medlab({ ...number, bsn: KAREL }), linde));
    expect(await first.settle()).toBe(true);
    expect(await first.outcome()).toBe('forwarded');
    expect(await read.settle(deaf)).toBe(true);
    expect([await read.outcome(), await read.reason()]).toEqual(['held', 'lab.number-other-patient']);
  });

  it('at the same moment put one report on the card, and count the other as its duplicate', async () => {
    for (let round = 0; round < 6; round += 1) {
      const [deaf, hearing] = [await deafWorker(), journey.courier];
      await rotateDigests();
      hearing.keys.forget();
      const mail = mailOf(medlab({ bsn: KAREL, labNumber: `263101${round}0`, to: linde }), linde);
      const both = [await outcomesOf(hearing, mail), await outcomesOf(deaf, mail)];
      expect(await Promise.all(both.map(({ settle }) => settle()))).toEqual([true, true]);
      expect((await Promise.all(both.map(({ outcome }) => outcome()))).sort()).toEqual(['duplicate', 'forwarded']);
    }
  });
});

describe('what cannot be opened', () => {
  const UNKNOWN_KEY = "overlay(content placing decode('00112233445566778899aabbccddeeff', 'hex') from 2)";
  const switcher = () => journey.courier;
  const alarms = () =>
    journey
      .log()
      .split('\n')
      .filter((line) => line.includes('"level":50') && line.includes('keys.cannot-open'));

  it('of a mail is quarantined with an alarm, the others of its batch go on, and it can be released once it opens', async () => {
    const [mailbox] = await mailboxesOf(journey.courier.ledger, (await journey.practice('linde')).id);
    const mails = ['26310201', '26310202'].map((labNumber) => ({
      raw: mailOf(medlab({ bsn: KAREL, labNumber, to: linde }), linde),
      internalDate: systemClock.now(),
    }));
    const replayed = await replayMails(journey.courier, { mailboxId: mailbox?.id ?? null, mails }, 'sanne');
    const [id = ''] = replayed.mailIds;
    const [{ content } = { content: Buffer.alloc(0) }] = await journey.sql<{ content: Buffer }>(
      'select content from mail where id = $1',
      [id],
    );
    await journey.sql(`update mail set content = ${UNKNOWN_KEY} where id = $1`, [id]);
    expect(await settleReplayed(journey.courier, replayed, 20_000)).toBe(true);
    const outcomes = await mailOutcomes(journey.courier.ledger, replayed.mailIds);
    expect(new Map(outcomes.map((each) => [each.id, [each.outcome, each.reports[0]?.reason ?? null]]))).toEqual(
      new Map([
        [replayed.mailIds[0], ['quarantined', 'ledger.cannot-decrypt']],
        [replayed.mailIds[1], ['forwarded', null]],
      ]),
    );
    expect(alarms().filter((line) => line.includes(id))).toHaveLength(1);

    await journey.sql('update mail set content = $2 where id = $1', [id, content]);
    const [held] = await journey.sql<{ id: string }>(
      'select d.id from delivery d join report r on r.id = d.report_id where r.mail_id = $1',
      [id],
    );
    await releaseHold(journey.courier, held?.id ?? '', by);
    await journey.startWorker();
    const outcome = async () =>
      (await mailOutcomes(journey.courier.ledger, [replayed.mailIds[0] ?? newId()]))[0]?.outcome;
    expect(await until('forwarded', outcome, (seen) => seen === 'forwarded')).toBe('forwarded');
  });

  it('of a report is held with an alarm, and goes to the card once it opens', async () => {
    const where = await journey.practice('linde');
    await pauseForwarding(switcher(), where, 'sanne');
    await journey.send('linde', medlab({ bsn: KAREL, labNumber: '26310203', to: linde }));
    sent += 1;
    const parked = await until(
      'the report',
      () =>
        journey.sql<{ id: string; content: Buffer }>(
          `select r.id, r.content from report r join delivery d on d.report_id = r.id where d.is_parked`,
        ),
      (rows) => rows.length === 1,
    );
    const [report = { id: '', content: Buffer.alloc(0) }] = parked;
    await journey.sql(`update report set content = ${UNKNOWN_KEY} where id = $1`, [report.id]);
    await enableForwarding(switcher(), where, RESUME, false, 'sanne');
    await untilAtRest(journey, sent);
    const held = await newest();
    expect(held).toMatchObject({ state: 'held', reason: 'ledger.cannot-decrypt', has_content: true });
    expect(alarms().some((line) => line.includes(held.id))).toBe(true);

    await journey.sql('update report set content = $2 where id = $1', [report.id, report.content]);
    await releaseHold(journey.courier, held.id, by);
    await untilAtRest(journey, sent);
    expect(await newest()).toMatchObject({ id: held.id, state: 'forwarded' });
  });

  it('of a mailbox, its password, is trouble of that mailbox with an alarm; the others are read', async () => {
    await journey.stopWorkers();
    const [{ password } = { password: Buffer.alloc(0) }] = await journey.sql<{ password: Buffer }>(
      `select password from mailbox where name = 'anker'`,
    );
    await journey.sql(
      `update mailbox set password = ${UNKNOWN_KEY.replace('content', 'password')} where name = 'anker'`,
    );
    const before = alarms().length;
    await journey.startWorker();
    expect(await sendReport(medlab({ bsn: KAREL, labNumber: '26310204', to: linde }))).toMatchObject({
      state: 'forwarded',
    });
    const { stdout } = await runCommand(['status', '--json'], journey.settings);
    expect(JSON.parse(stdout)).toMatchObject({ trouble: [{ mailbox: 'anker', code: 'keys.cannot-open' }] });
    expect(alarms().length).toBeGreaterThan(before);
    await journey.sql(`update mailbox set password = $1 where name = 'anker'`, [password]);
  });
});

// Last: from here on the settings' own master key opens nothing.
describe('the master key', () => {
  const next = Buffer.alloc(32, 9).toString('base64');

  it('rotates under a running worker, which stops with a clear word and loses nothing; with the next key all goes on', async () => {
    const rotated = await runCommand(['keys', 'rotate', '--master', '--by', 'sanne'], {
      ...journey.settings,
      ZORGKOERIER_MASTER_KEY_NEXT: next,
    });
    expect(rotated).toMatchObject({ code: 0, stderr: '' });
    await journey.send('linde', medlab({ bsn: KAREL, labNumber: '26310301', to: linde }));
    sent += 1;
    const trouble = () => journey.sql<{ trouble: string | null }>(`select trouble from mailbox where name = 'linde'`);
    await until('trouble', trouble, ([row]) => row?.trouble === 'keys.other-master-key');
    expect(await runCommand(['start'], journey.settings)).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('ZORGKOERIER_MASTER_KEY'),
    });
    await journey.stopWorkers();
    const settings = { ...journey.settings, ZORGKOERIER_MASTER_KEY: next };
    const worker = startCommand(['start'], settings);
    expect(await untilAtRest(journey, sent)).toMatchObject({ difference: 0 });
    expect(await newest()).toMatchObject({ state: 'forwarded' });
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0 });
    const audited = await journey.sql(
      `select actor, object_kind, fields from audit where event = 'keys.master-rotated'`,
    );
    expect(audited).toMatchObject([{ actor: 'sanne', object_kind: 'key', fields: { from: master().id } }]);
  });
});
