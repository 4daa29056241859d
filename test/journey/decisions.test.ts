/** Decisions that end otherwise than `all checks run again`: a card named, a check passed over knowingly, a laboratory accepted. */

import type { Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardHold, releaseHold, replayMails, settleReplayed } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { runCommand } from '../support/child.ts';
import { KALIUM, KREATININE, type Medlab, mailOf, medlab, practice } from '../support/medlab.ts';
import { type Delivered, deliveries, letTimePass, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_BOARD_WITHIN_MS: '1000' } });
});
afterAll(() => journey.release());

const KAREL = '999911120';
const PETRA = '999990019';
const ELS = '999918606';
const by = { by: 'sanne', reason: 'gebeld met de praktijk', overrideCard: null };
const linde = practice('linde').zorgmail;
const anker = practice('anker').zorgmail;

async function send(key: 'linde' | 'anker', ...payloads: Buffer[]): Promise<Delivered> {
  sent += payloads.length;
  await journey.send(key, ...payloads);
  await untilAtRest(journey, sent);
  return newest('patient-card');
}

async function newest(target: Delivered['target']): Promise<Delivered> {
  const found = (await deliveries(journey)).findLast((one) => one.target === target);
  if (found === undefined) throw new Error('nothing was delivered');
  return found;
}

async function release(id: string, overrideCard: string | null = null): Promise<Delivered | undefined> {
  await releaseHold(journey.courier, id, { ...by, overrideCard });
  await untilAtRest(journey, sent);
  return (await deliveries(journey)).find((one) => one.id === id);
}

function cardId(bsn: string): string {
  const cards = journey.world.ckis.repository.all<Patient>('Patient');
  return cards.find(({ identifier }) => identifier?.[0]?.value === bsn)?.id ?? '';
}

const decided = (id: string) =>
  journey.sql<{ event: string; fields: { was: string; card: string | null } }>(
    `select event, fields from audit where object_id = $1 and actor = 'sanne' order by id`,
    [id],
  );

describe('a board that is no sandbox', () => {
  it('is never written with a replayed file, though the card’s server is one', async () => {
    const board = { ...journey.courier.board, isSandbox: async () => false };
    const mail = mailOf(medlab({ bsn: ELS, labNumber: '26210001', to: anker }), anker);
    const source = { mailboxId: null, mails: [{ raw: mail, internalDate: systemClock.now() }] };
    const courier = { ...journey.courier, board };
    const replayed = await replayMails(courier, source, 'sanne');
    expect(await settleReplayed(courier, replayed, 20_000)).toBe(true);
    const rows = await deliveries(journey);
    expect(rows.map(({ target, state }) => `${target} ${state}`)).toEqual(['patient-card forwarded', 'board shadowed']);
    expect(journey.world.cboards.repository.all<Observation>('Observation')).toEqual([]);
    await journey.startWorker();
  });
});

describe('a card that a person names', () => {
  const message: Medlab = { bsn: KAREL, labNumber: '26210010', to: linde, birthDate: '1959:09:14' };

  it('is never another person’s, nor one that does not exist; the first doubt then comes back', async () => {
    const held = await send('linde', medlab(message));
    expect(held).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    expect(await release(held.id, cardId(PETRA))).toMatchObject({ state: 'held', reason: 'card.override-other-bsn' });
    await expect(release(held.id, cardId(KAREL))).rejects.toMatchObject({ code: 'decision.not-allowed' });
    expect(await release(held.id)).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    expect(await release(held.id, 'no-such-card')).toMatchObject({ state: 'held', reason: 'card.override-unknown' });
    expect(await release(held.id)).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    for (const bsn of [KAREL, PETRA]) expect(await resultsOf(journey.world.ckis, bsn)).toEqual([]);
    expect(await release(held.id, `Patient/${cardId(KAREL)}`)).toMatchObject({ state: 'forwarded' });
    expect(await resultsOf(journey.world.ckis, KAREL)).toEqual(['Kreatinine 78 final']);
    expect(await resultsOf(journey.world.ckis, PETRA)).toEqual([]);
    expect((await decided(held.id)).at(-1)).toMatchObject({
      event: 'report.overridden',
      fields: { was: 'card.birth-date-differs', card: cardId(KAREL) },
    });
  });

  it('is no BSN typed in the wrong place: that is neither kept nor sent', async () => {
    const held = await send('linde', medlab({ ...message, labNumber: '26210011' }));
    for (const typed of [KAREL, '12345678', 'a card', '']) {
      await expect(release(held.id, typed)).rejects.toMatchObject({ code: 'decision.card-invalid' });
    }
    expect(await decided(held.id)).toEqual([]);
    const refused = await runCommand(
      ['held', 'release', held.id, '--reason', 'x', '--override-card', KAREL],
      journey.settings,
    );
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Patient/nummer') });
    expect(refused.stderr).not.toContain(KAREL);
    await discardHold(journey.courier, held.id, by);
  });

  it('stays named while a second doubt about the same report is decided on', async () => {
    const number = '26210012';
    const lastYear = medlab({ bsn: PETRA, labNumber: number, to: linde })
      .toString('latin1')
      .replace('26:11:16', '25:12:16');
    expect(await send('linde', Buffer.from(lastYear, 'latin1'))).toMatchObject({ state: 'forwarded' });
    const held = await send('linde', medlab({ ...message, labNumber: number, reference: 'R-reused' }));
    expect(held).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    const card = cardId(KAREL);
    expect(await release(held.id, card)).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(await release(held.id, card)).toMatchObject({ state: 'forwarded' });
    expect(await resultsOf(journey.world.ckis, PETRA)).toHaveLength(1);
  });

  it('serves a report without a BSN, which names nobody', async () => {
    const nameless = medlab({ bsn: KAREL, labNumber: '26210013', to: linde })
      .toString('latin1')
      .replace(`BSN${KAREL}`, '');
    const held = await send('linde', Buffer.from(nameless, 'latin1'));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.no-bsn' });
    expect(await release(held.id)).toMatchObject({ state: 'held', reason: 'lab.no-bsn' });
    expect(await release(held.id, cardId(PETRA))).toMatchObject({ state: 'held', reason: 'card.birth-date-differs' });
    expect(await release(held.id, cardId(KAREL))).toMatchObject({ state: 'held', reason: 'lab.no-bsn' });
    expect(await release(held.id, cardId(KAREL))).toMatchObject({ state: 'forwarded' });
  });
});

describe('another card that a person names after the first was in doubt', () => {
  it('is compared in full: what was decided was about the first', async () => {
    const born = { bsn: KAREL, labNumber: '26210014', to: linde, birthDate: '1967:03:02' };
    const held = await send('linde', Buffer.from(medlab(born).toString('latin1').replace(`BSN${KAREL}`, ''), 'latin1'));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.no-bsn' });
    expect(await release(held.id, cardId(PETRA))).toMatchObject({ reason: 'card.birth-date-differs' });
    expect(await release(held.id, cardId(KAREL))).toMatchObject({ reason: 'lab.no-bsn' });
    expect(await release(held.id, cardId(KAREL))).toMatchObject({ reason: 'card.birth-date-differs' });
    await discardHold(journey.courier, held.id, by);
  });
});

describe('a release', () => {
  it('of two messages under one reference is a decision that both are right, and passes over nothing else', async () => {
    const same = { bsn: KAREL, labNumber: '26210020', reference: 'R-same', to: linde };
    await send('linde', medlab({ ...same, results: [{ value: '71' }] }));
    const held = await send('linde', medlab({ ...same, results: [{ value: '71' }, { ...KALIUM, value: '4.1' }] }));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.reference-conflict' });
    const said = await runCommand(
      ['held', 'release', held.id, '--reason', 'beide kloppen', '--by', 'sanne'],
      journey.settings,
    );
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('behalve die waarover nu besloten is') });
    await untilAtRest(journey, sent);
    expect((await deliveries(journey)).find(({ id }) => id === held.id)).toMatchObject({ state: 'forwarded' });
    expect(await decided(held.id)).toMatchObject([
      { event: 'report.overridden', fields: { was: 'lab.reference-conflict', card: null } },
    ]);
    const other = await send('linde', medlab({ ...same, results: [{ ...KREATININE, value: '17' }] }));
    expect(other).toMatchObject({ reason: 'lab.reference-conflict' });
    expect(await release(other.id)).toMatchObject({ state: 'held', reason: 'lab.same-time-conflict' });
    expect(await resultsOf(journey.world.ckis, KAREL)).toContain('Kreatinine 71 final');
  });

  it('of a retracted document writes the retraction, once the practice took the document off the card', async () => {
    const lines = [
      `MSH|^~\\&|LAB|DIAGZUID||${anker}|20261122090000||ORU^R01^ORU_R01|Z26210025|P|2.5.1||||||UNICODE UTF-8`,
      `PID|1||${ELS}^^^NLMINBIZA^NNNLD||Bakker&&Bakker&&Smit^Els^E.^^^^L||19720618|F`,
      'OBR|1||26210025|FUNC^Fundusfoto^L|||20261122080000||||||||||||||||||C',
      'OBX|1|ED|V1^Verslag^L||||||||W',
    ];
    const held = await send('anker', Buffer.from(lines.join('\r')));
    expect(held).toMatchObject({ state: 'held', reason: 'hl7.document-retracted' });
    expect(await release(held.id)).toMatchObject({ state: 'forwarded' });
    expect(await decided(held.id)).toMatchObject([
      { event: 'report.overridden', fields: { was: 'hl7.document-retracted' } },
    ]);
    expect(await resultsOf(journey.world.ckis, ELS)).toContainEqual(
      expect.stringMatching(/^Verslag .*entered-in-error/),
    );
  });

  it('is refused, with what to do instead, where no check could ever end otherwise', async () => {
    const held = await send('linde', medlab({ bsn: KAREL, labNumber: '', reference: 'R-none', to: linde }));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.no-lab-number' });
    await expect(release(held.id)).rejects.toMatchObject({ code: 'decision.not-allowed' });
    const refused = await runCommand(['held', 'release', held.id, '--reason', 'x'], journey.settings);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/decision.not-allowed \(lab.no-lab-number\): .*Vraag het laboratorium/);
    await discardHold(journey.courier, held.id, by);
  });

  it('that accepts a laboratory releases all that waits for the same, at every practice, each audited', async () => {
    const from = '500099777';
    const first = await send('linde', medlab({ bsn: KAREL, labNumber: '26210030', from, to: linde }));
    const second = await send('linde', medlab({ bsn: PETRA, labNumber: '26210031', from, to: linde }));
    const elsewhere = await send('anker', medlab({ bsn: ELS, labNumber: '26210032', from, to: anker }));
    const stranger = await send('linde', medlab({ bsn: PETRA, labNumber: '26210033', from: '500099778', to: linde }));
    const ids = [first.id, second.id, elsewhere.id];
    const said = await runCommand(
      ['held', 'release', second.id, '--reason', 'bekend', '--by', 'sanne'],
      journey.settings,
    );
    expect(said).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/alle controles[^,]*\.\n.*nog 2 vrijgegeven/),
    });
    await untilAtRest(journey, sent);
    const rows = await deliveries(journey);
    const states = (wanted: readonly string[]) => wanted.map((id) => rows.find((one) => one.id === id)?.state);
    expect(states(ids)).toEqual(['forwarded', 'forwarded', 'forwarded']);
    expect(states([stranger.id])).toEqual(['held']);
    for (const id of ids) expect(await decided(id)).toMatchObject([{ event: 'report.released' }]);
    await discardHold(journey.courier, stranger.id, by);
  });

  it('is refused where the laboratory sent no sender that could be accepted', async () => {
    const held = await send('linde', medlab({ bsn: KAREL, labNumber: '26210034', from: '500099779', to: linde }));
    await journey.sql('update report set sender = null where id = (select report_id from delivery where id = $1)', [
      held.id,
    ]);
    const refused = await runCommand(['held', 'release', held.id, '--reason', 'x'], journey.settings);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('noemt geen afzender') });
    expect(await decided(held.id)).toEqual([]);
    await discardHold(journey.courier, held.id, by);
  });
});

describe('what joined a hold', () => {
  it('is shown with the content of the hold, as one document, and discarded with it, each audited', async () => {
    const payload = medlab({ bsn: PETRA, labNumber: '26210040', birthDate: '1980:10:26', to: linde });
    const original = await send('linde', payload);
    const joined = await send('linde', payload);
    expect(joined).toMatchObject({ state: 'held', has_content: false });
    const shown = await runCommand(
      ['held', 'show', joined.id, '--json', '--content', '--by', 'sanne'],
      journey.settings,
    );
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      id: joined.id,
      joined: original.id,
      content: [{ outcome: 'reports', reports: [{ patient: { bsn: PETRA } }] }],
    });
    await discardHold(journey.courier, joined.id, by);
    for (const { id } of [original, joined]) {
      expect((await decided(id)).map(({ event }) => event)).toContain('report.discarded');
      expect((await deliveries(journey)).find((one) => one.id === id)).toMatchObject({
        state: 'discarded',
        has_bytes: false,
      });
    }
  });
});

describe('a result that does not appear on the board', () => {
  it('is held; a release looks and waits again, and a discard leaves it on the card', async () => {
    const { propagation } = journey.world.ckis;
    propagation.enabled = false;
    const card = await send('linde', medlab({ bsn: KAREL, labNumber: '26210050', to: linde }));
    expect(card).toMatchObject({ state: 'forwarded' });
    const board = await newest('board');
    expect(board).toMatchObject({ state: 'held', reason: 'board.not-propagated' });
    expect(await release(board.id)).toMatchObject({ state: 'held', reason: 'board.not-propagated' });
    await propagation.catchUp();
    expect(await release(board.id)).toMatchObject({ state: 'forwarded' });

    propagation.enabled = false;
    await send('linde', medlab({ bsn: KAREL, labNumber: '26210051', to: linde }));
    const other = await newest('board');
    await discardHold(journey.courier, other.id, by);
    expect(await newest('board')).toMatchObject({ id: other.id, state: 'discarded', has_content: true });
    expect(await newest('patient-card')).toMatchObject({ state: 'forwarded' });
    await propagation.catchUp();
  });
});

describe('a practice that goes into shadow', () => {
  it('has nothing written to its board any more, though the card was written before', async () => {
    const { cboards } = journey.world;
    const before = cboards.repository.all<Observation>('Observation').length;
    cboards.faults.outage(true);
    sent += 1;
    await journey.send('anker', medlab({ bsn: ELS, labNumber: '26210060', to: anker }));
    await until(
      'the board is tried',
      () => newest('board'),
      ({ reason }) => reason === 'board.busy',
    );
    await journey.sql(`update integration set mode = 'shadow' where practice_id = $1`, [
      (await journey.practice('anker')).id,
    ]);
    cboards.faults.outage(false);
    const board = await until(
      'the board is settled',
      async () => {
        await letTimePass(journey);
        return newest('board');
      },
      ({ state }) => state === 'shadowed',
    );
    expect(board).toMatchObject({ state: 'shadowed' });
    expect(await newest('patient-card')).toMatchObject({ state: 'forwarded' });
    expect(cboards.repository.all<Observation>('Observation')).toHaveLength(before);
  });
});
