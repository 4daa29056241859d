import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readPayload } from '../../src/lab/lab.ts';
import { unwrapMail } from '../../src/mail/mail.ts';
import { acceptRegistration } from '../../src/pipeline/pipeline.ts';
import type { Practice } from '../../src/practice/practice.ts';
import { type MedvriMessage, readMedvri } from '../../src/registration/registration.ts';
import { transliterate } from '../../src/registration/transliterate.ts';
import type { SourceId } from '../../src/shared/ids.ts';
import { practice as sandboxPractice } from '../support/medlab.ts';
import {
  addSource,
  arrived,
  auditOf,
  hoursLater,
  idOf,
  keepReceipt,
  minutesLater,
  post,
  posted,
  registerReceiver,
  seen,
  switchTo,
  textOf,
  untilState,
} from '../support/registrations.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** What a doctor writes on a card or a board arrives in the mailbox of the practice's HIS: once, whole and in order. */

let journey: Journey;
let source: SourceId;
let anker: Practice;

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  source = await addSource(journey);
  await registerReceiver(journey, 'linde');
  anker = await registerReceiver(journey, 'anker');
  await registerReceiver(journey, 'brug', 'shadow');
  await journey.startWorker();
});
afterAll(() => journey.release());

/** A fault is for who comes next: nobody of an earlier test. */
beforeEach(async () => {
  const open = `select 1 from registration where state in ('accepted', 'queued', 'sending', 'uncertain') and not is_parked`;
  await until(
    'all at rest',
    async () => (await journey.sql(open)).length,
    (count) => count === 0,
  );
});

const KAREL = '999911120';
const AYLIN = '999942542';
const HENDRIK = '999954660';
const ELS = '999918606';

/** How often the relay took the last byte of a mail with one of these control references. */
async function sentCount(id: string): Promise<number> {
  const { parts } = await seen(journey, id);
  const references = new Set(parts.map(({ controlReference }) => controlReference));
  return journey.world.relay
    .mails()
    .filter(({ raw }) => [...references].some((one) => raw.toString('latin1').includes(`Registratie ${one}`))).length;
}

describe('a registration', () => {
  it('arrives readable in the practice’s mailbox, once, and every step of it is audited', async () => {
    const text = 'Patiënte belde over haar medicijnen.\n\nAdvies: bij glucose ≥ 15 mmol/l contact met de praktijk.';
    const id = await post(journey, source, posted({ text }));
    const view = await untilState(journey, id, 'sent');
    expect(view.parts).toMatchObject([{ part: 1, parts: 1, state: 'sent' }]);
    const [message, ...others] = await arrived(journey, 'linde', view);
    expect(others).toEqual([]);
    expect(message?.patient).toMatchObject({ bsn: '999990019', sex: 'V', name: { family: 'Jansen', prefix: 'van' } });
    expect(message).toMatchObject({ from: '500077001', to: '500088001', warnings: [] });
    expect(textOf(message === undefined ? [] : [message])).toBe(
      'Patiente belde over haar medicijnen.\n.\nAdvies: bij glucose >= 15 mmol/l contact met de praktijk.',
    );
    expect(await auditOf(journey, id)).toEqual(['registration.accepted', 'registration.rendered', 'registration.sent']);
  });

  it('leaves nothing of itself in a log, a subject or an envelope', async () => {
    const body = posted({ text: 'Onmiskenbare woorden kwikstaart zevenblad', field: 'Veldnaam hazelworm' });
    const id = await post(journey, source, body);
    await untilState(journey, id, 'sent');
    expect(journey.log()).toContain(id);
    for (const one of ['kwikstaart', 'hazelworm', '999990019', 'Jansen', 'de Vries']) {
      expect(journey.log()).not.toContain(one);
    }
    for (const { raw, from, to, envid } of journey.world.relay.mails()) {
      const [header = ''] = raw.toString('latin1').split('\r\n\r\n');
      expect(`${header}${from}${to.join()}${envid}`).not.toMatch(/kwikstaart|hazelworm|99999001|Jansen|Vries|patient/i);
    }
  });

  it('of 10,000 characters arrives in numbered parts that say the same together, each sent once', async () => {
    const lines = Array.from({ length: 160 }, (_, at) => `Regel ${at + 1}: ${'lang '.repeat(9)}`.trim());
    const text = lines.join('\n');
    const id = await post(journey, source, posted({ text, bsn: AYLIN }));
    const view = await untilState(journey, id, 'sent');
    expect(view.parts.length).toBeGreaterThan(1);
    expect(view.parts.map(({ part, parts, state }) => ({ part, parts, state }))).toEqual(
      view.parts.map((_, at) => ({ part: at + 1, parts: view.parts.length, state: 'sent' })),
    );
    const messages = await arrived(journey, 'linde', view);
    expect(messages).toHaveLength(view.parts.length);
    expect(textOf(messages)).toBe(text);
  });
});

describe('whatever somebody types', () => {
  it('arrives as its transliteration, with a long word cut at 70, and the HIS reads it without a warning', async () => {
    const signs = `Zei: "'t gaat wel?" + 5 à 6 koppen; é ë ï ç ñ ĳ, ≥ 3,5 ≤ 7 µmol/l, € 12 ½ 2² ?? ?' '? :+ 1:2 ++ `;
    const lines = [signs, '', 'w'.repeat(150), '\t- ingesprongen', "?+:'", signs.repeat(2)].join('\r\n');
    const text = [...`${lines}\n`.repeat(30)].slice(0, 10_000).join('');
    expect([...text]).toHaveLength(10_000);
    const id = await post(journey, source, posted({ text, bsn: ELS }));
    const view = await untilState(journey, id, 'sent');
    const references = new Set(view.parts.map(({ controlReference }) => controlReference));
    const read: MedvriMessage[] = [];
    for (const mail of await journey.world.zorgmail.mailsOf(sandboxPractice('linde').zorgmail)) {
      for (const payload of (await unwrapMail(mail)).payloads) {
        const reading = readMedvri(payload.bytes, payload.charset);
        if (reading.kind !== 'read' || !references.has(reading.messages[0]?.interchangeReference ?? '')) continue;
        expect(reading.warnings).toEqual([]);
        expect(readPayload(payload, journey.courier.registry)).toMatchObject([
          { format: 'medvri-1', outcome: 'not-lab', warnings: [] },
        ]);
        read.push(...reading.messages);
      }
    }
    expect(read).toHaveLength(view.parts.length);
    expect(Math.max(...read.flatMap((message) => message.lines.map((line) => line.length)))).toBe(70);
    const words = transliterate(text, 'ascii')
      .text.split(/\s+/)
      .flatMap((word) => word.match(/.{1,70}/g) ?? []);
    const arrivedWords = (textOf(read) ?? '').split(/\s+/).filter((word) => word !== '.' && word !== '');
    expect(words).toContain('w'.repeat(70));
    expect(words.join(' ')).toContain('>= 3,5 <= 7 umol/l, EUR 12');
    expect(arrivedWords).toEqual(words);
  });
});

describe('an idempotency key', () => {
  it('gives the same answer for the same body, in whatever order its fields are, and refuses another', async () => {
    const key = randomUUID();
    const body = posted({ text: 'Eén keer.' });
    const first = await acceptRegistration(journey.courier, source, key, body);
    const again = await acceptRegistration(journey.courier, source, key, {
      earlier: body.earlier,
      ...Object.fromEntries(Object.entries(body).reverse()),
    } as typeof body);
    expect(first).toMatchObject({ kind: 'accepted', isNew: true });
    expect(again).toMatchObject({ kind: 'accepted', isNew: false, registration: { id: idOf(first) } });
    const other = posted({ text: 'Een ander.' });
    expect(await acceptRegistration(journey.courier, source, key, other)).toEqual({ kind: 'key-reused' });
    const elsewhere = await acceptRegistration(journey.courier, await addSource(journey), key, other);
    expect(elsewhere).toMatchObject({ kind: 'accepted', isNew: true });
  });

  it('that comes ten times at once is one registration, new to one of them', async () => {
    const key = randomUUID();
    const body = posted({ text: 'Tien keer tegelijk.' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => acceptRegistration(journey.courier, source, key, body)),
    );
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers.filter((answer) => answer.kind === 'accepted' && answer.isNew)).toHaveLength(1);
    const id = answers.map(idOf)[0] ?? '';
    const view = await untilState(journey, id, 'sent');
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
  });
});

describe('what cannot be sent', () => {
  const accept = (body: ReturnType<typeof posted>, change: Partial<Journey['courier']> = {}) =>
    acceptRegistration({ ...journey.courier, ...change }, source, randomUUID(), body);

  it('for a character is refused with its place, and nothing is kept', async () => {
    const before = await journey.sql('select 1 from registration');
    const answer = await accept(posted({ text: 'Regel een\nWaarde ≠ vorige' }));
    expect(answer).toMatchObject({
      kind: 'refused',
      problems: [{ field: 'text', code: 'registration.character', place: { line: 2, column: 8, codePoint: 'U+2260' } }],
    });
    expect(await journey.sql('select 1 from registration')).toHaveLength(before.length);
  });

  it('of a test person is refused in production', async () => {
    const answer = await accept(posted(), { isProduction: true });
    expect(answer).toMatchObject({ kind: 'refused', problems: [{ field: 'patient.bsn' }] });
  });

  it('to an unknown practice, or one that never took registrations, is refused without saying which', async () => {
    const unknown = { ...posted(), practice: { agb: '01099999' } };
    expect(await accept(unknown)).toEqual({ kind: 'not-enabled' });
    await journey.sql(`update integration set state = 'disabled', disabled_at = now() where practice_id = $1`, [
      anker.id,
    ]);
    expect(await accept(posted({ to: 'anker', text: 'Waarde ≠ vorige' }))).toEqual({ kind: 'not-enabled' });
    await switchTo(journey, anker, { state: 'enabled' });
  });

  it('since it corrects one of another patient, source or practice, or a later one, is refused', async () => {
    const id = await post(journey, source, posted({ text: 'De eerste.' }));
    const earlier = { change: 'correction' as const, registration: id };
    const wrong = { kind: 'refused', problems: [{ field: 'earlier.registration' }] };
    expect(await accept(posted({ bsn: KAREL, earlier }))).toMatchObject(wrong);
    expect(await accept(posted({ to: 'anker', earlier }))).toMatchObject(wrong);
    expect(await accept(posted({ earlier, writtenAt: '2026-11-24T10:15:00+01:00' }))).toMatchObject(wrong);
    const unknown = { change: 'correction' as const, registration: randomUUID() };
    expect(await accept(posted({ earlier: unknown }))).toMatchObject(wrong);
    const other = await addSource(journey);
    expect(await acceptRegistration(journey.courier, other, randomUUID(), posted({ earlier }))).toMatchObject(wrong);
  });
});

describe('a practice', () => {
  it('in shadow has it rendered and kept, and nothing is sent; a correction of that likewise', async () => {
    const body = { to: 'brug', bsn: '999986296' } as const;
    const id = await post(journey, source, posted(body));
    const view = await untilState(journey, id, 'shadowed');
    expect(view.parts).toMatchObject([{ part: 1, state: 'queued' }]);
    const earlier = { change: 'withdrawal' as const, registration: id };
    const second = await post(journey, source, posted({ ...body, text: '', earlier }));
    await untilState(journey, second, 'shadowed');
    await minutesLater(journey);
    expect(await sentCount(id)).toBe(0);
    expect(await sentCount(second)).toBe(0);
    expect(await journey.world.zorgmail.mailsOf(sandboxPractice('brug').zorgmail)).toEqual([]);
  });

  it('that is paused has it parked, and sent once it resumes', async () => {
    await switchTo(journey, anker, { state: 'paused' });
    const id = await post(journey, source, posted({ to: 'anker', bsn: HENDRIK }));
    const isParked = async () =>
      (await journey.sql<{ is_parked: boolean }>('select is_parked from registration where id = $1', [id]))[0]
        ?.is_parked;
    await until('parked', isParked, (parked) => parked === true);
    expect(await seen(journey, id)).toMatchObject({ state: 'accepted', parts: [] });
    await switchTo(journey, anker, { state: 'enabled' });
    await journey.sql('update registration set is_parked = false, next_check_at = now() where id = $1', [id]);
    await untilState(journey, id, 'sent');
  });

  it('that is disabled, or put into shadow, before the relay had it, has it held or shadowed', async () => {
    journey.world.relay.fail({ at: 'rcpt', act: { reply: 450 } }, 2);
    const first = await post(journey, source, posted({ to: 'anker', bsn: ELS }));
    const second = await post(journey, source, posted({ to: 'anker', bsn: HENDRIK }));
    for (const id of [first, second]) await tried(id);
    await switchTo(journey, anker, { state: 'enabled', mode: 'shadow' });
    await journey.sql(`update registration set next_check_at = now() - interval '1 second' where id = $1`, [first]);
    await untilState(journey, first, 'shadowed');
    expect(await auditOf(journey, first)).toEqual([
      'registration.accepted',
      'registration.rendered',
      'registration.shadowed',
    ]);
    await switchTo(journey, anker, { state: 'disabled' });
    await journey.sql(`update registration set next_check_at = now() - interval '1 second' where id = $1`, [second]);
    expect(await untilState(journey, second, 'held')).toMatchObject({ reason: 'registration.switched-off' });
    await switchTo(journey, anker, { state: 'enabled', mode: 'live' });
    expect(await sentCount(first)).toBe(0);
    expect(await sentCount(second)).toBe(0);
  });
});

/** Until a try to send it failed and was put back. */
async function tried(id: string): Promise<void> {
  const look = async () =>
    (
      await journey.sql<{ reason: string | null; attempts: number }>(
        'select reason, attempts from registration where id = $1',
        [id],
      )
    )[0];
  await until('tried', look, (row) => row?.reason !== null);
}

describe('what the relay says', () => {
  it('for now (4xx) is tried again, and spends an attempt', async () => {
    // What fails after others that failed is the relay's trouble: one goes well first.
    await untilState(journey, await post(journey, source, posted({ text: 'Eerst een.' })), 'sent');
    journey.world.relay.fail({ at: 'data', act: { reply: 451 } });
    const id = await post(journey, source, posted({ text: 'Later graag.' }));
    const view = await untilState(journey, id, 'sent');
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    expect(await journey.sql('select attempts from registration where id = $1', [id])).toEqual([{ attempts: 1 }]);
  });

  it('for good (5xx) is held under its code, and the patient’s next goes on', async () => {
    journey.world.relay.fail({ at: 'rcpt', act: { reply: 550, text: '5.1.1 not here: BSN 999990019' } });
    const refused = await post(journey, source, posted({ text: 'Geweigerd.' }));
    const view = await untilState(journey, refused, 'held');
    expect(view).toMatchObject({ reason: 'registration.refused-by-relay', parts: [{ state: 'queued' }] });
    const [row] = await journey.sql<{ detail: string }>('select detail from registration where id = $1', [refused]);
    expect(row?.detail).toMatch(/^550( 5\.1\.1)? part 1$/);
    expect(await auditOf(journey, refused)).toContain('registration.held');
    const next = await post(journey, source, posted({ text: 'De volgende.' }));
    await untilState(journey, next, 'sent');
    const earlier = { change: 'correction' as const, registration: refused };
    const correction = await post(journey, source, posted({ text: 'Verbeterd.', earlier }));
    expect(await untilState(journey, correction, 'held')).toMatchObject({ reason: 'registration.earlier-not-sent' });
  });

  it('is nothing, after the last byte: a receipt settles it, and nothing is sent twice', async () => {
    journey.world.relay.fail({ at: 'data', act: 'cut', isDelivered: true });
    const id = await post(journey, source, posted({ text: 'Aangekomen?' }));
    await untilState(journey, id, 'uncertain');
    await keepReceipt(journey, id);
    await minutesLater(journey);
    const view = await untilState(journey, id, 'delivered');
    expect(await sentCount(id)).toBe(1);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
  });

  it('is nothing, and no receipt came for long: the same bytes go again, under the same names', async () => {
    journey.world.relay.fail({ at: 'data', act: 'cut' });
    const id = await post(journey, source, posted({ text: 'Niet aangekomen.' }));
    await untilState(journey, id, 'uncertain');
    // A minute is not long: it is looked after, and not sent.
    await minutesLater(journey);
    const look = async () =>
      (await journey.sql<{ generation: number }>('select generation from registration where id = $1', [id]))[0];
    await until('looked after', look, (row) => (row?.generation ?? 0) > 1);
    expect(await sentCount(id)).toBe(1);
    const younger = await post(journey, source, posted({ text: 'Wacht op de vorige.' }));
    await hoursLater(journey);
    const view = await untilState(journey, id, 'sent');
    await untilState(journey, younger, 'sent');
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    const reference = view.parts[0]?.controlReference;
    const tries = journey.world.relay.mails().filter(({ raw }) => raw.includes(`Registratie ${reference}`));
    expect(tries).toHaveLength(2);
    expect(tries[0]?.raw.equals(tries[1]?.raw ?? Buffer.alloc(0))).toBe(true);
  });

  it('is that nobody is there: all waits, no attempt is spent, and it goes on by itself', async () => {
    journey.world.relay.fail({ at: 'connect', act: { reply: 421 } }, 3);
    const people = ['999990019', KAREL, AYLIN];
    const ids = await Promise.all(people.map((bsn) => post(journey, source, posted({ bsn, text: 'Even geduld.' }))));
    await until(
      'left alone',
      () => journey.log(),
      (log) => log.includes('"target":"zorgmail"'),
    );
    const rows = await journey.sql<{ attempts: number }>('select attempts from registration where id = any($1)', [ids]);
    expect(rows).toEqual(ids.map(() => ({ attempts: 0 })));
    const views = await Promise.all(ids.map((id) => untilState(journey, id, 'sent', 60_000)));
    for (const view of views) expect(await arrived(journey, 'linde', view)).toHaveLength(1);
  }, 90_000);
});

describe('registrations of one patient', () => {
  it('go in the order in which they came in, each once, and a correction names the references of the earlier', async () => {
    journey.world.relay.fail({ at: 'mail', act: { reply: 451 } });
    const first = await post(journey, source, posted({ bsn: KAREL, text: 'Dosis 10 mg.' }));
    const earlier = { change: 'correction' as const, registration: first };
    const second = await post(journey, source, posted({ bsn: KAREL, text: 'Dosis 5 mg.', earlier }));
    const third = await post(journey, source, posted({ bsn: KAREL, text: 'Iets anders.' }));
    const views = [];
    for (const id of [first, second, third]) views.push(await untilState(journey, id, 'sent'));
    const references = views.flatMap(({ parts }) => parts.map(({ controlReference }) => controlReference));
    const order = journey.world.relay
      .mails()
      .flatMap(({ raw, isDelivered }) =>
        isDelivered ? [/Subject: Registratie (\w+)/.exec(raw.toString('latin1'))?.[1]] : [],
      )
      .filter((reference) => references.includes(reference ?? ''));
    expect(order).toEqual(references);
    const [correction] = await arrived(journey, 'linde', await seen(journey, second));
    const heading = (correction?.lines ?? []).join(' ');
    expect(heading).toContain('CORRECTIE: deze tekst vervangt de registratie van 25-11-2026 10:15');
    expect(heading).toContain(`kenmerk ${references[0]}`);
  });

  it('are sent once each by two workers under jobs that come twice', async () => {
    const other = await journey.startWorker();
    const people = ['999990019', KAREL, AYLIN];
    const ids: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (const bsn of people) ids.push(await post(journey, source, posted({ bsn, text: `Ronde ${round}.` })));
      const jobs = ids.flatMap((id) => [2, 3].map((generation) => ({ kind: 'send' as const, id, generation })));
      await journey.sql('update registration set generation = 3 where id = any($1)', [ids]);
      await journey.courier.queue.add(jobs);
    }
    for (const id of ids) {
      const view = await untilState(journey, id, 'sent', 60_000);
      expect(await sentCount(id)).toBe(1);
      expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    }
    await other.release(5_000);
  }, 90_000);
});

describe('while Redis is away', () => {
  it('a registration is accepted all the same, and sent when it is back', async () => {
    await journey.redis.kill();
    const id = await post(journey, source, posted({ text: 'Zonder rij.' }));
    expect(await seen(journey, id)).toMatchObject({ state: 'accepted' });
    await journey.redis.start();
    await minutesLater(journey);
    const view = await untilState(journey, id, 'sent', 60_000);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
  }, 90_000);
});
