/** The rules across messages (lab-report.md, "Rules that make two readers agree"), from mail to card, each by its name. */

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnosticReport, Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enableForwarding, type ReleaseChoice, releaseHold } from '../../src/pipeline/pipeline.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { runCommand, startDoomedWorker } from '../support/child.ts';
import { KALIUM, type Medlab, type MedlabResult, medlab, practice } from '../support/medlab.ts';
import { cardOf, type Delivered, deliveries, letTimePass, untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

const PETRA = '999990019';
const KAREL = '999911120';
const AYLIN = '999942542';
const HENDRIK = '999954660';
const BRAM = '999916257';
const linde = practice('linde').zorgmail;
const anker = practice('anker').zorgmail;
const UNCODED = { code: '', name: 'Kreatinine', unit: 'umol/l' };

async function send(message: Medlab, key: 'linde' | 'anker' = 'linde'): Promise<Delivered> {
  sent += 1;
  await journey.send(key, medlab(message));
  return atRest();
}

async function atRest(): Promise<Delivered> {
  await untilAtRest(journey, sent);
  const last = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  if (last === undefined) throw new Error('nothing was delivered');
  return last;
}

async function release(id: string, choice: ReleaseChoice | null = null): Promise<Delivered | undefined> {
  await releaseHold(journey.courier, id, {
    by: 'sanne',
    reason: 'gebeld met het laboratorium',
    overrideCard: null,
    choice,
  });
  await untilAtRest(journey, sent);
  return (await deliveries(journey)).find((one) => one.id === id);
}

/** What the card (or board) says of one collection: these tests give each its own lab number, and so its own reports. */
async function rows(labNumber: string, server = journey.world.ckis): Promise<readonly string[]> {
  return server.repository
    .all<Observation>('Observation')
    .filter(({ extension = [] }) => extension.some(({ valueString }) => valueString === labNumber))
    .map(({ code, valueQuantity, status, subject }) => {
      const whose = server.repository.all<Patient>('Patient').find(({ id }) => subject?.reference === `Patient/${id}`);
      return `${whose?.name?.[0]?.given?.[0]} ${code?.text} ${valueQuantity?.value ?? '-'} ${status}`;
    })
    .sort();
}

function reportsOf(bsn: string): readonly DiagnosticReport[] {
  const subject = `Patient/${cardId(bsn)}`;
  return journey.world.ckis.repository
    .all<DiagnosticReport>('DiagnosticReport')
    .filter((one) => one.subject?.reference === subject);
}

function cardId(bsn: string): string {
  const cards = journey.world.ckis.repository.all<Patient>('Patient');
  return cards.find(({ identifier }) => identifier?.[0]?.value === bsn)?.id ?? '';
}

let minute = 0;
/** A later message each time. */
function about(labNumber: string, results: readonly MedlabResult[], bsn = PETRA, to = linde): Medlab {
  minute += 1;
  const sentAt = `261117:${String(Math.floor(minute / 60) + 9).padStart(2, '0')}${String(minute % 60).padStart(2, '0')}`;
  return { bsn, labNumber, to, results, sentAt };
}

describe('lab.key-changed: the same name with a new code under one lab number', () => {
  it('is held; the card stays as it was, and nothing of either stands twice', async () => {
    const number = '26310001';
    expect(await send(about(number, [{ ...UNCODED, value: '78' }]))).toMatchObject({ state: 'forwarded' });
    const held = await send(about(number, [{ value: '80', isCorrected: true }]));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.key-changed' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 78 final']);
  });

  it('takes the earlier one’s place when a person says so: one row, found by both codes afterwards', async () => {
    const number = '26310002';
    await send(about(number, [{ ...UNCODED, value: '78' }]));
    const held = await send(
      about(number, [
        { value: '80', isCorrected: true },
        { ...KALIUM, value: '4.1' },
      ]),
    );
    expect(await release(held.id, 'same-determination')).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toEqual(['Petra Kalium 4.1 final', 'Petra Kreatinine 80 corrected']);
    expect(await send(about(number, [{ value: '81', isCorrected: true }]))).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toContain('Petra Kreatinine 81 corrected');
    expect(await send(about(number, [{ ...UNCODED, value: '82', isCorrected: true }]))).toMatchObject({
      state: 'forwarded',
    });
    expect(await rows(number)).toEqual(['Petra Kalium 4.1 final', 'Petra Kreatinine 82 corrected']);
  });

  it('stands beside the earlier one when a person says that they are two, and is not asked again', async () => {
    const number = '26310003';
    await send(about(number, [{ ...UNCODED, value: '78' }]));
    const held = await send(about(number, [{ value: '12' }]));
    expect(await release(held.id)).toMatchObject({ state: 'forwarded' });
    expect(await send(about(number, [{ value: '13', isCorrected: true }]))).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 13 corrected', 'Petra Kreatinine 78 final']);
  });

  it('is seen when the older message arrives last, by another worker, and with nothing but digests left', async () => {
    const number = '26310004';
    const older = about(number, [{ ...UNCODED, value: '78' }]);
    await send(about(number, [{ value: '80' }]));
    await journey.stopWorkers();
    await journey.sql('update report set content = null');
    await journey.sql('update mail set content = null');
    await journey.startWorker();
    expect(await send(older)).toMatchObject({ state: 'held', reason: 'lab.key-changed' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 80 final']);
  });

  it('is held with another number of equals, and says nothing of which is which', async () => {
    const number = '26310005';
    await send(about(number, [{ value: '78' }]));
    const held = await send(about(number, [{ value: '78' }, { value: '97' }]));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.key-changed' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 78 final']);
    expect(await release(held.id, 'same-determination')).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 78 final', 'Petra Kreatinine 97 final']);
  });

  it('does not hold a partial report that is completed, with fewer or more or other determinations', async () => {
    const number = '26310006';
    const messages = [[{ value: '78' }], [{ value: '78' }, { ...KALIUM, value: '4.1' }], [{ ...KALIUM, value: '4.2' }]];
    for (const results of messages) expect(await send(about(number, results))).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toEqual(['Petra Kalium 4.2 final', 'Petra Kreatinine 78 final']);
  });

  it('remembers nothing of a patient who is not followed', async () => {
    const count = 'select count(*)::int as count from lab_result';
    const before = await journey.sql(count);
    expect(await send(about('26310007', [{ value: '78' }], BRAM))).toMatchObject({ state: 'no-card' });
    expect(await journey.sql(count)).toEqual(before);
  });

  it('cannot be released to a card of choice: whose it is was never in doubt', async () => {
    const number = '26310008';
    await send(about(number, [{ ...UNCODED, value: '78' }]));
    const { id } = await send(about(number, [{ value: '80' }]));
    const decision = { by: 'sanne', reason: 'x', overrideCard: cardId(KAREL), choice: 'same-determination' } as const;
    await expect(releaseHold(journey.courier, id, decision)).rejects.toMatchObject({ code: 'decision.not-allowed' });
    const refused = await runCommand(['held', 'release', id, '--number-reused', '--reason', 'x'], journey.settings);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('lab.key-changed') });
    const flags = ['--same-determination', '--retract-first'];
    expect(await runCommand(['held', 'release', id, ...flags, '--reason', 'x'], journey.settings)).toMatchObject({
      code: 2,
    });
  });
});

describe('lab.number-other-patient: a lab number under another patient within 90 days', () => {
  it('is held, both cards shown by their ids, and nothing written', async () => {
    const number = '26320001';
    await send(about(number, [{ value: '78' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 78 final']);
    const shown = await runCommand(['held', 'show', held.id, '--json'], journey.settings);
    const agb = practice('linde').agb;
    expect(JSON.parse(shown.stdout)).toMatchObject({
      actions: expect.arrayContaining(['number-reused', 'retract-first']),
      cards: {
        reported: { card: cardId(KAREL), practiceAgb: agb },
        first: [{ card: cardId(PETRA), practiceAgb: agb }],
      },
    });
    for (const secret of [PETRA, KAREL, 'Jansen', 'Groot']) expect(shown.stdout).not.toContain(secret);
    const page = await runCommand(['held', 'show', held.id], journey.settings);
    expect(page.stdout).toContain(`Patient/${cardId(PETRA)} (${agb})`);
  });

  it('--number-reused: each keeps its own results, and later corrections of either find the right one', async () => {
    const number = '26320002';
    await send(about(number, [{ value: '78' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    const said = await runCommand(
      ['held', 'release', held.id, '--number-reused', '--reason', 'hergebruikt', '--by', 'sanne'],
      journey.settings,
    );
    expect(said).toMatchObject({ code: 0 });
    await untilAtRest(journey, sent);
    expect(await rows(number)).toEqual(['Karel Kreatinine 91 final', 'Petra Kreatinine 78 final']);
    for (const [bsn, value] of [
      [PETRA, '79'],
      [KAREL, '92'],
    ] as const) {
      expect(await send(about(number, [{ value, isCorrected: true }], bsn))).toMatchObject({ state: 'forwarded' });
    }
    expect(await rows(number)).toEqual(['Karel Kreatinine 92 corrected', 'Petra Kreatinine 79 corrected']);
    expect(await send(about(number, [{ value: '66' }], AYLIN))).toMatchObject({ reason: 'lab.number-other-patient' });
  });

  it('after 90 days is a number that is used anew, with nobody asked, and never meets the first patient’s results', async () => {
    const number = '26320003';
    await send(about(number, [{ value: '78' }], PETRA));
    await journey.sql(`update lab_number set seen_at = now() - interval '91 days'`);
    expect(await send(about(number, [{ value: '91' }], KAREL))).toMatchObject({ state: 'forwarded' });
    expect(await rows(number)).toEqual(['Karel Kreatinine 91 final', 'Petra Kreatinine 78 final']);
  });

  it('--retract-first: taken back from the first card and board, then delivered; audited', async () => {
    const number = '26320004';
    await send(about(number, [{ value: '78' }, { ...KALIUM, value: '4.1' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    expect(await release(held.id, 'retract-first')).toMatchObject({ state: 'forwarded' });
    const expected = [
      'Karel Kreatinine 91 final',
      'Petra Kalium - entered-in-error',
      'Petra Kreatinine - entered-in-error',
    ];
    expect(await rows(number)).toEqual(expected);
    expect(await rows(number, journey.world.cboards)).toEqual(expected);
    const { results } = await cardOf(journey.world.ckis, PETRA);
    expect(
      results.filter(({ note }) => note?.startsWith('Ingetrokken: het laboratorium heeft dit labnummer')),
    ).toHaveLength(2);
    expect(reportsOf(PETRA).filter(({ status }) => status === 'entered-in-error')).toHaveLength(1);
    const audited = await journey.sql(
      `select event, fields ->> 'card' as card, (fields ->> 'results')::int as results from audit where object_id = $1 and event = 'report.retracted'`,
      [held.id],
    );
    expect(audited).toEqual([{ event: 'report.retracted', card: cardId(PETRA), results: 2 }]);
  });

  it('that was taken back is held for the first patient from then on, until a person says that it is theirs again', async () => {
    const number = '26320004';
    const held = await send(about(number, [{ value: '79' }], PETRA));
    expect(held).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(await send(about(number, [{ value: '92', isCorrected: true }], KAREL))).toMatchObject({
      state: 'forwarded',
    });
    expect(await rows(number)).toContain('Karel Kreatinine 92 corrected');
    expect(await rows(number)).toContain('Petra Kreatinine - entered-in-error');
  });

  it('--retract-first reaches a board that we write ourselves, and one that had not been written yet', async () => {
    const number = '26320005';
    await send(about(number, [{ value: '78' }], HENDRIK, anker), 'anker');
    expect(await rows(number, journey.world.cboards)).toEqual(['Hendrik Kreatinine 78 final']);
    const held = await send(about(number, [{ value: '91' }], KAREL));
    expect(await release(held.id, 'retract-first')).toMatchObject({ state: 'forwarded' });
    const expected = ['Hendrik Kreatinine - entered-in-error', 'Karel Kreatinine 91 final'];
    expect(await rows(number)).toEqual(expected);
    expect(await rows(number, journey.world.cboards)).toEqual(expected);
    // As if the board's own delivery had waited all the time.
    await journey.sql(
      `update delivery set state = 'ready', settled_at = null, next_check_at = now() where target = 'board' and report_id in
         (select report_id from delivery where receipt is not null and id in (select delivery_id from lab_number where card_id = $1 and retracted_at is not null))`,
      [cardId(HENDRIK)],
    );
    await untilAtRest(journey, sent);
    expect(await rows(number, journey.world.cboards)).toEqual(expected);
    expect((await deliveries(journey)).filter(({ reason }) => reason === 'lab.number-retracted')).toHaveLength(1);
  });

  it('--retract-first survives a worker that dies after the retraction: it is finished, once', async () => {
    const number = '26320006';
    await send(about(number, [{ value: '78' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    await journey.stopWorkers();
    await releaseHold(journey.courier, held.id, {
      by: 'sanne',
      reason: 'x',
      overrideCard: null,
      choice: 'retract-first',
    });
    const doomed = startDoomedWorker('retracted', journey.settings);
    expect(await doomed.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await rows(number)).toEqual(['Petra Kreatinine - entered-in-error']);
    await letTimePass(journey);
    await journey.sql(`update worker set alive_until = now() - interval '1 second'`);
    await journey.startWorker();
    await untilAtRest(journey, sent);
    expect(await rows(number)).toEqual(['Karel Kreatinine 91 final', 'Petra Kreatinine - entered-in-error']);
    const retracted = journey.world.ckis.repository
      .all<Observation>('Observation')
      .find(
        ({ status, extension = [] }) =>
          status === 'entered-in-error' && extension.some(({ valueString }) => valueString === number),
      );
    const history = await journey.world.ckis.repository.readHistory('Observation', retracted?.id ?? '');
    expect(history.entry).toHaveLength(2);
  });

  it('--retract-first writes nothing where the write fails, and delivers only after it succeeded', async () => {
    const number = '26320007';
    await send(about(number, [{ value: '78' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    journey.world.ckis.faults.next({ kind: 'refuse', status: 422 });
    expect(await release(held.id, 'retract-first')).toMatchObject({ state: 'held', reason: 'card.refused' });
    expect(await rows(number)).toEqual(['Petra Kreatinine 78 final']);
    // A plain release asks all anew: the number is still the first patient's.
    expect(await release(held.id)).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    journey.world.ckis.faults.next({ kind: 'reset-after-commit' });
    await releaseHold(journey.courier, held.id, {
      by: 'sanne',
      reason: 'x',
      overrideCard: null,
      choice: 'retract-first',
    });
    await untilAtRest(journey, sent);
    expect(await rows(number)).toEqual(['Karel Kreatinine 91 final', 'Petra Kreatinine - entered-in-error']);
  });
});

/** One HL7 message of Diagnostiek Zuid to Het Anker, about Els. */
function oru(controlId: string, number: string, sentAt: string, obx: readonly string[], processing = 'P'): Buffer {
  const lines = [
    `MSH|^~\\&|LABSYSTEEM|DIAGZUID||${anker}|20261120${sentAt}00||ORU^R01^ORU_R01|${controlId}|${processing}|2.5.1|||AL|AL||UNICODE UTF-8`,
    'PID|1||999918606^^^NLMINBIZA^NNNLD||Bakker&&Bakker&&Smit^Els^E.^^^^L||19720618|F',
    `OBR|1||${number}|CHEM^Klinische chemie^L|||20261120080500|||||||||01099002^Anker^H^^^^^^VEKTIS|||||||||F`,
    ...obx,
  ];
  return Buffer.from(`${lines.join('\r')}\r`);
}

function kalium(value: string, status = 'F', at = ''): string {
  return `OBX|1|NM|513^Kalium^NHG45||${value}|mmol/l|3.5 - 5.1||||${status}|||${at}`;
}

async function sendHl7(payload: Buffer): Promise<Delivered> {
  sent += 1;
  await journey.send('anker', payload);
  return atRest();
}

async function potassium(): Promise<readonly string[]> {
  const { results } = await cardOf(journey.world.ckis, '999918606');
  return results.filter(({ name }) => name === 'Kalium').map(({ value, status }) => `${value} ${status}`);
}

describe('held release says what now happens', () => {
  const released = async (id: string, flag: string) => {
    const { stdout, code } = await runCommand(['held', 'release', id, flag, '--reason', 'gebeld'], {
      ...journey.settings,
      ZORGKOERIER_LANGUAGE: 'nl',
    });
    await untilAtRest(journey, sent);
    expect(code).toBe(0);
    return stdout;
  };

  it('for --same-determination', async () => {
    const number = '26350001';
    await send(about(number, [{ ...UNCODED, value: '78' }]));
    const held = await send(about(number, [{ value: '80' }]));
    expect(await released(held.id, '--same-determination')).toContain('op de plaats van de eerdere');
    expect(await rows(number)).toEqual(['Petra Kreatinine 80 final']);
  });

  it.each([
    ['--number-reused', '26350002', 'opnieuw gebruikt', ['Karel Kreatinine 91 final', 'Petra Kreatinine 78 final']],
    [
      '--retract-first',
      '26350003',
      'eerst wordt bij de eerste patiënt alles onder dit labnummer ingetrokken',
      ['Karel Kreatinine 91 final', 'Petra Kreatinine - entered-in-error'],
    ],
  ])('for %s', async (flag, number, words, expected) => {
    await send(about(number, [{ value: '78' }], PETRA));
    const held = await send(about(number, [{ value: '91' }], KAREL));
    expect(await released(held.id, flag)).toContain(words);
    expect(await rows(number)).toEqual(expected);
  });
});

describe('edifact.reference-reused: a reference that a laboratory uses again, at another moment', () => {
  const message = { bsn: KAREL, to: linde, reference: 'HERGEBRUIKT' };
  const first = { ...message, labNumber: '26340001', sentAt: '261118:0901' };
  const other = { ...message, labNumber: '26340002', sentAt: '261118:0902', results: [{ value: '91' }] };

  it('is a new message: delivered, with the warning', async () => {
    expect(await send(first)).toMatchObject({ state: 'forwarded', detail: null });
    expect(await send(other)).toMatchObject({ state: 'forwarded', detail: 'edifact.reference-reused' });
    expect(await rows('26340002')).toEqual(['Karel Kreatinine 91 final']);
  });

  it('is not what is sent again as it was, what came at the same moment, or what another laboratory sent', async () => {
    const shown = (of: Medlab) => ({ ...of, results: [{ value: '92' }] });
    expect(await send(first)).toMatchObject({ state: 'duplicate', detail: null });
    expect(await send(shown(other))).toMatchObject({ state: 'held', reason: 'lab.reference-conflict' });
    const elsewhere = { ...other, labNumber: '26340003', from: '500099002', sentAt: '261118:0904' };
    expect(await send(elsewhere)).toMatchObject({ state: 'forwarded', detail: null });
  });

  it('is noticed when the older message comes last too, by the one that came later', async () => {
    const older = { ...message, labNumber: '26340004', sentAt: '261118:0800' };
    expect(await send(older)).toMatchObject({ state: 'forwarded', detail: 'edifact.reference-reused' });
  });
});

describe('what the consumer of HL7 must get right', () => {
  it('5. the same MSH-10 and bytes is a duplicate, with other content a conflict, the same results anew a resend', async () => {
    const first = oru('A1', 'Z26-3101', '0900', [kalium('4.1')]);
    expect(await sendHl7(first)).toMatchObject({ state: 'forwarded' });
    expect(await sendHl7(first)).toMatchObject({ state: 'duplicate' });
    expect(await sendHl7(oru('A1', 'Z26-3101', '0900', [kalium('4.9')]))).toMatchObject({
      state: 'held',
      reason: 'lab.reference-conflict',
    });
    const resent = await sendHl7(oru('A2', 'Z26-3101', '0930', [kalium('4.1')]));
    expect(resent).toMatchObject({ state: 'forwarded' });
    expect(await potassium()).toEqual(['4.1 final']);
  });

  it('Conflict: neither marked corrected; one that is marked so is taken', async () => {
    expect(await sendHl7(oru('A1', 'Z26-3101', '0900', [kalium('4.8', 'C')]))).toMatchObject({ state: 'forwarded' });
    // It was sent before the resend: older never wins.
    expect(await potassium()).toEqual(['4.1 final']);
  });

  it('7. a cumulative report that comes first, last or in between ends as one row for each collection', async () => {
    const [early, late] = ['20261120080500', '20261120110500'];
    const number = 'Z26-3107';
    await sendHl7(oru('C1', number, '1000', [kalium('4.2')]));
    await sendHl7(oru('C2', number, '1200', [kalium('4.7', 'F', late), kalium('4.2', 'F', early)]));
    await sendHl7(oru('C3', number, '1300', [kalium('4.6', 'C', late)]));
    expect((await potassium()).toSorted()).toEqual(['4.1 final', '4.2 final', '4.6 corrected']);
  });

  it.each(['T', 'D'])('8. MSH-11 = %s reaches no card', async (processing) => {
    const before = await potassium();
    const test = oru(`T${processing}`, 'Z26-3108', '1000', [kalium('9.9')], processing);
    expect(await sendHl7(test)).toMatchObject({ state: 'quarantined', reason: 'lab.test-message' });
    expect(await potassium()).toEqual(before);
  });

  it('9. nothing is ever answered, whatever MSH-15 and MSH-16 ask for: our client only looked', () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
  });
});

describe('D and W: what the laboratory takes back', () => {
  it.each([
    ['D', '26-3110', '11'],
    ['W', '26-3111', '12'],
  ])('%s retracts from card and board, keeps the laboratory’s words, and is said aloud', async (status, number, hour) => {
    await sendHl7(oru(`R1${status}`, number, '1000', ['OBX|1|NM|547^Leukocyten^NHG45||7.1|10*9/l|||||F']));
    const note = 'NTE|1||Monsters verwisseld, andere patient';
    const row = `OBX|1|NM|547^Leukocyten^NHG45|||10*9/l|||||${status}`;
    const noticed = () => journey.log().match(/results retracted by the laboratory/g)?.length ?? 0;
    const before = noticed();
    expect(await sendHl7(oru(`R2${status}`, number, `${hour}00`, [row, note]))).toMatchObject({ state: 'forwarded' });
    expect(noticed()).toBe(before + 1);
    for (const server of [journey.world.ckis, journey.world.cboards]) {
      const retracted = server.repository
        .all<Observation>('Observation')
        .filter((one) => one.code?.text === 'Leukocyten' && one.issued?.startsWith(`2026-11-20T${hour}:00`));
      expect(retracted.map((one) => [one.status, one.note?.[0]?.text, one.valueQuantity])).toEqual([
        ['entered-in-error', 'Ingetrokken door het laboratorium.\nMonsters verwisseld, andere patient', undefined],
      ]);
    }
  });
});

describe('a practice in shadow', () => {
  it('has the same doubts, and a decision that would write is not carried out', async () => {
    const number = '26330001';
    await enableForwarding(
      journey.courier,
      await journey.practice('linde'),
      {
        name: 'forwarding',
        mode: 'shadow',
        authorisedBy: 'a',
        authorisedOn: '2026-11-01',
        determinations: 'all',
        since: systemClock.now(),
      },
      false,
      'test',
    );
    expect(await send(about(number, [{ ...UNCODED, value: '78' }], PETRA))).toMatchObject({ state: 'shadowed' });
    const coded = about(number, [{ value: '80' }], PETRA);
    const file = join(await mkdtemp(join(tmpdir(), 'zk-across-')), 'coded.edi');
    await writeFile(file, medlab(coded));
    const foreseen = await runCommand(['replay', file, '--dry-run', '--json'], journey.settings);
    expect(JSON.parse(foreseen.stdout)).toMatchObject({ reports: [{ would: 'held', reason: 'lab.key-changed' }] });
    const changed = await send(coded);
    expect(changed).toMatchObject({ state: 'held', reason: 'lab.key-changed' });
    expect(await release(changed.id, 'same-determination')).toMatchObject({ state: 'shadowed' });
    const other = await send(about(number, [{ value: '91' }], KAREL));
    expect(other).toMatchObject({ state: 'held', reason: 'lab.number-other-patient' });
    expect(await release(other.id, 'retract-first')).toMatchObject({ reason: 'lab.number-other-patient' });
    expect(await release(other.id, 'number-reused')).toMatchObject({ state: 'shadowed' });
    expect(await rows(number)).toEqual([]);
  });
});
