/** `registration` as Customer Care types it, against what a worker, a relay and a mailbox made of what was posted. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addReturnMailbox } from '../../src/pipeline/pipeline.ts';
import { SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import { newId, type SourceId } from '../../src/shared/ids.ts';
import { runCommand } from '../support/child.ts';
import {
  addSource,
  arrived,
  auditOf,
  type Posting,
  post,
  posted,
  registerReceiver,
  seen,
  switchTo,
  textOf,
  untilState,
} from '../support/registrations.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let source: SourceId;
const [PETRA, KAREL, AYLIN] = ['999990019', '999911120', '999942542'];
const SECRETS = /9999|Jansen|medicijnen/;
const TEXT = 'Belde over “haar medicijnen”.\n\nGlucose ≥ 15: bellen?';

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  const account = journey.world.zorgmail.mailboxAccount(SANDBOX_RETURN_ACCOUNT);
  await addReturnMailbox(journey.courier, { ...account, name: 'retour' }, null, 'test');
  source = await addSource(journey);
  await registerReceiver(journey, 'linde');
  await journey.startWorker();
});
afterAll(() => journey.release());

const run = (...args: string[]) => runCommand(['registration', ...args], journey.settings);
const english = (...args: string[]) =>
  runCommand(['registration', ...args], { ...journey.settings, ZORGKOERIER_LANGUAGE: 'en' });
// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every form.
const json = async (...args: string[]): Promise<any> => JSON.parse((await run(...args, '--json')).stdout);
const delivered = async (change: Posting = {}) => {
  const id = await post(journey, source, posted(change));
  await untilState(journey, id, 'delivered');
  return id;
};
async function refused(change: Posting = {}): Promise<string> {
  journey.world.relay.fail({ at: 'rcpt', act: { reply: 550 } });
  const id = await post(journey, source, posted(change));
  await untilState(journey, id, 'held');
  return id;
}
/** Comes back after it was delivered. */
async function bounced(id: string): Promise<void> {
  const [{ controlReference = '' } = {}] = (await seen(journey, id)).parts.slice(-1);
  const mail = journey.world.relay.mails().findLast(({ raw }) => raw.toString('latin1').includes(controlReference));
  if (mail === undefined) throw new Error('the relay has it on record');
  await journey.world.relay.report(mail, { action: 'failed', status: '5.1.1' });
  await untilState(journey, id, 'bounced');
}

describe('registration list and show', () => {
  let arrives: string;
  let waits: string;

  it('say that there is nothing', async () => {
    expect((await run('list')).stdout).toBe('Er zijn geen registraties.\n');
    arrives = await delivered({ text: TEXT });
    expect((await run('list', '--attention')).stdout).toBe('Geen registratie wacht op een besluit.\n');
    waits = await refused({ bsn: KAREL });
  });

  it('list where each is, and why it waits, in Dutch and English', async () => {
    expect(await json('list')).toMatchObject([
      { id: arrives, state: 'delivered', reason: null, owner: null, parts: 1, workingDays: null },
      { id: waits, state: 'held', reason: 'registration.refused-by-relay', owner: 'us', practiceAgb: '01099001' },
    ]);
    for (const args of [['--attention'], ['--state', 'held'], ['--practice', '01099001', '--state', 'held']])
      expect((await json('list', ...args)).map(({ id }: { id: string }) => id)).toEqual([waits]);
    const [dutch, anglais] = [await run('list'), await english('list')];
    expect(dutch.stdout).toMatch(
      new RegExp(`nummer .*werkdagen[\\s\\S]*${arrives} .* bezorgd [\\s\\S]*${waits} .* vastgehouden `),
    );
    expect(dutch.stdout).toContain('ZorgMail weigert de mail met deze registratie; registration show noemt de code.');
    expect(anglais.stdout).toMatch(/id .*working days[\s\S]* delivered [\s\S]* held [\s\S]*The relay refused the mail/);
    for (const text of [dutch, anglais]) expect(text.stdout).not.toMatch(SECRETS);
  });

  it('show what may be done with what waits, in Dutch and English', async () => {
    const shown = await run('show', waits);
    expect(shown.stdout).toMatch(/staat +vastgehouden\nreden +registration\.refused-by-relay\nbijzonderheid +550/);
    expect(shown.stdout).toContain(`registration retry ${waits} --reason …`);
    expect(shown.stdout).toContain(`registration retry ${waits} --anew --reason …`);
    expect(shown.stdout).toContain(`registration discard ${waits} --reason …`);
    expect((await english('show', waits)).stdout).toMatch(
      /state +held\n[\s\S]*owner +us\n[\s\S]*send again: the same mails/,
    );
    expect(await json('show', waits)).toMatchObject({ actions: ['retry', 'retry-anew', 'discard'] });
    expect(shown.stdout).not.toMatch(SECRETS);
  });

  it('show each part with its control reference and what came back about it', async () => {
    const [{ controlReference = '' } = {}] = (await seen(journey, arrives)).parts;
    const settled = await run('show', arrives);
    expect(settled.stdout).toMatch(
      new RegExp(`deel +kenmerk [\\s\\S]*1 +${controlReference} +500088001@\\S+ +bezorgd +250 `),
    );
    expect(settled.stdout).toMatch(new RegExp(`kenmerk +ontvangst [\\s\\S]*${controlReference} +bezorgd +2\\.1\\.5 `));
    expect(settled.stdout).not.toContain('registration retry');
    expect(await json('show', arrives)).toMatchObject({
      actions: [],
      mails: [{ part: 1, controlReference, state: 'delivered', receipts: [{ kind: 'delivered', isSetAside: false }] }],
    });
    expect(settled.stdout).not.toMatch(SECRETS);
  });

  it('show patient and text only where that is asked for, and audited before', async () => {
    expect(await auditOf(journey, arrives)).not.toContain('registration.shown');
    const content = await run('show', arrives, '--content', '--by', 'sanne');
    expect(content.stdout).toContain('Patiënt');
    expect(content.stdout).toContain(`van de Berg - van Jansen P. (Petra) · geboren 1980-10-25 · BSN ${PETRA}`);
    expect(content.stdout.endsWith(`\n\n${TEXT}\n`)).toBe(true);
    expect((await json('show', arrives, '--content', '--by', 'sanne')).content).toMatchObject({ text: TEXT });
    expect((await english('show', arrives, '--content')).stdout).toMatch(/Author +A\. de Vries/);
    const looks = await journey.sql<{ actor: string }>(
      `select actor from audit where event = 'registration.shown' and object_id = $1 and patient_key is not null order by id`,
      [arrives],
    );
    expect(looks.slice(0, 2)).toEqual([{ actor: 'sanne' }, { actor: 'sanne' }]);
    expect(looks).toHaveLength(3);
  });

  it('refuse what is not there', async () => {
    for (const id of ['no-id', newId<string>()]) {
      expect(await run('show', id)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: `Er is geen registratie met nummer ${id}\n`,
      });
    }
    expect(await run('list', '--practice', '1')).toMatchObject({ code: 2, stdout: '' });
    expect(await run('list', '--state', 'weg')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('registration retry and discard', () => {
  const says = async (text: RegExp, ...args: string[]) =>
    expect(await run(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(text) });
  let again: string;

  it('send the same mails again', async () => {
    const id = await refused({ bsn: AYLIN, text: TEXT });
    expect((await run('retry', id)).stderr).toContain('--reason');
    const before = (await seen(journey, id)).parts.map(({ controlReference }) => controlReference);
    expect(await run('retry', id, '--reason', 'account hersteld')).toMatchObject({
      code: 0,
      stdout: 'Gaat opnieuw: dezelfde mails, behalve wat al is aangekomen.\n',
    });
    const view = await untilState(journey, id, 'delivered');
    expect(view.parts.map(({ controlReference }) => controlReference)).toEqual(before);
    expect(textOf(await arrived(journey, 'linde', view))).toBe(
      'Belde over "haar medicijnen".\n.\nGlucose >= 15: bellen?',
    );
    again = id;
  });

  it('keep apart what was said of an earlier try, and go anew under other references', async () => {
    const before = (await seen(journey, again)).parts.map(({ controlReference }) => controlReference);
    const id = again;
    await bounced(id);
    expect((await run('list', '--attention')).stdout).toContain('teruggekomen');
    await run('retry', id, '--reason', 'nog eens');
    await untilState(journey, id, 'delivered');
    expect((await run('show', id)).stdout).toMatch(/niet bezorgd +5\.1\.1 .* over een eerdere poging/);

    await bounced(id);
    expect(await english('retry', id, '--anew', '--reason', 'nieuw')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Is rendered and sent anew, under new control references/),
    });
    const anew = await untilState(journey, id, 'delivered');
    expect(anew.parts.map(({ controlReference }) => controlReference)).not.toEqual(before);
    expect((await run('show', id)).stdout).toMatch(/1 \(2\) /);
  });

  it('discard for good, and say so in words where nothing waits any more', async () => {
    const young = await refused({ bsn: KAREL });
    expect(await run('discard', young, '--reason', 'gebeld')).toMatchObject({
      code: 0,
      stdout: 'Afgewezen: dit gaat niet naar het HIS, en de tekst is gewist. Laat de auteur het weten.\n',
    });
    expect(await json('show', young)).toMatchObject({ state: 'discarded', isErased: true, actions: [] });
    const gone = await run('show', young, '--content');
    expect(gone).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('pipeline.content-erased') });
    for (const args of [
      ['retry', young, '--reason', 'x'],
      ['discard', young, '--reason', 'x'],
      ['retry', 'x', '--reason', 'x'],
    ])
      expect(await run(...args)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^decision\.not-found: Onder dit nummer/),
      });
  });

  it('discard by two persons after 90 days', async () => {
    const old = await refused({ bsn: AYLIN });
    await journey.sql(`update registration set created_at = now() - interval '91 days' where id = $1`, [old]);
    expect((await run('show', old)).stdout).toContain('(door twee personen)');
    const asked = await run('discard', old, '--reason', 'gebeld', '--by', 'sanne');
    expect(asked).toMatchObject({ code: 3, stdout: expect.stringContaining('nog niet afgewezen') });
    expect((await run('list', '--attention')).stdout).toContain('Afwijzen gevraagd door sanne.');
    expect(await english('discard', old, '--reason', 'gebeld', '--by', 'sanne')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('decision.same-person: This has waited'),
    });
    expect((await run('discard', old, '--reason', 'gebeld', '--by', 'pieter')).code).toBe(0);
  });

  it('name what stands in the way: a reason with a BSN, a practice that is off, a receiver that is another', async () => {
    const id = await refused({ bsn: KAREL });
    const linde = await journey.practice('linde');
    await says(/^decision\.reason-bsn: De reden bevat/, 'retry', id, '--reason', `van ${PETRA}`);
    await switchTo(journey, linde, { state: 'disabled' });
    await says(/^decision\.switched-off: .*practice enable/, 'retry', id, '--reason', 'x');
    expect(await json('show', id)).toMatchObject({ actions: ['discard'] });
    await switchTo(journey, linde, { state: 'enabled' });
    await journey.sql(`update registration_receiver set charset = 'latin1', changed_at = now()`);
    await says(/^decision\.receiver-changed: .*--anew/, 'retry', id, '--reason', 'x');
    expect(await json('show', id)).toMatchObject({ actions: ['retry-anew', 'discard'] });
  });

  it('name it where nothing is left to send, or the reason does not allow it', async () => {
    const id = await refused({ bsn: KAREL });
    await journey.sql('update registration set content = null, erased_at = now() where id = $1', [id]);
    await says(/^decision\.nothing-to-send: .*registration show/, 'retry', id, '--anew', '--reason', 'x');
    await journey.sql(`update registration set reason = 'of.another-version' where id = $1`, [id]);
    await says(/^decision\.not-allowed: Dit kan bij deze reden niet/, 'discard', id, '--reason', 'x');
    await journey.sql(`update registration set reason = 'registration.test-person' where id = $1`, [id]);
    await says(/^decision\.not-allowed \(registration\.test-person\): Een testpersoon/, 'retry', id, '--reason', 'x');
  });
});
