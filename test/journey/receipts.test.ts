import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAlarms } from '../../src/alarms/alarms.ts';
import { openZorgmail } from '../../src/delivery/zorgmail/zorgmail.ts';
import {
  addMailboxTo,
  addReturnMailbox,
  discardHold,
  type Moment,
  releaseHold,
  removeReturnMailbox,
  replaceReturnPassword,
  retryRegistration,
  shredMailbox,
  sweep,
} from '../../src/pipeline/pipeline.ts';
import { findMailbox, returnMailboxes } from '../../src/practice/practice.ts';
import { heldItems } from '../../src/records/records.ts';
import { SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import type { DeliveryReport } from '../../src/sandbox/zorgmail/bounce.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import type { RelayedMail } from '../../src/sandbox/zorgmail/relay.ts';
import { mail as mailWith } from '../mail/mails.ts';
import { runCommand, startDoomedWorker } from '../support/child.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, deliveries, letTimePass } from '../support/observe.ts';
import { registrationIn, type SentOptions, type SentRegistration } from '../support/outward.ts';
import { POISON } from '../support/poisonous-thread.ts';
import {
  addSource,
  arrived,
  auditOf,
  hoursLater,
  post,
  posted,
  untilState as untilView,
} from '../support/registrations.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** What comes back about our mails: over a real relay and a real mailbox, to the state of the registration. */

const FIXTURES = join(import.meta.dirname, '../../fixtures/receipts');
const OURS = SANDBOX_RETURN_ACCOUNT;
const LINDE = practice('linde').zorgmail;
const DAY_MS = 86_400_000;

let journey: Journey;
beforeAll(async () => {
  journey = await startJourney();
  await addReturnMailbox(journey.courier, account(), null, 'test');
  const { id } = await journey.practice('linde');
  await journey.sql(
    `insert into registration_receiver (practice_id, account, charset, blank_line) values ($1, $2, 'ascii', 'full-stop')`,
    [id, LINDE],
  );
  await journey.sql(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, since) values ($1, 'registrations', 'enabled', 'live', 'P. Praktijkhouder', '2026-11-20', now())
     on conflict (practice_id, name) do update set state = 'enabled', mode = 'live'`,
    [id],
  );
  await journey.startWorker();
});
afterAll(() => journey.release());

/** As the product reaches it: past the proxy that records what is said. */
const account = () => ({
  ...journey.world.zorgmail.mailboxAccount(OURS),
  port: journey.world.proxy.port,
  name: 'retour',
});

const registration = async (options: SentOptions = {}): Promise<SentRegistration> =>
  registrationIn((text, values) => journey.sql(text, values), (await journey.practice('linde')).id, options);

interface Row {
  readonly state: string;
  readonly reason: string | null;
  readonly detail: string | null;
}

async function rowOf({ id }: SentRegistration): Promise<Row> {
  const [row] = await journey.sql<Row>('select state, reason, detail from registration where id = $1', [id]);
  if (row === undefined) throw new Error('the registration is there');
  return row;
}

const untilState = (sent: SentRegistration, state: string) =>
  until(
    `registration ${state}`,
    () => rowOf(sent),
    (row) => row.state === state,
  );

const kindsOf = async ({ parts }: SentRegistration) =>
  (
    await journey.sql<{ kind: string }>(
      'select r.kind from outward_receipt r join outward_mail o on o.id = r.outward_mail_id where o.id = any($1) order by r.at, r.kind',
      [parts.map(({ id }) => id)],
    )
  ).map(({ kind }) => kind);

/** Over the relay, as it stands; answers what the relay has on record. */
async function relayed(sent: SentRegistration): Promise<RelayedMail> {
  const { smtp } = journey.config;
  if (smtp === null) throw new Error('the relay is set');
  const relay = openZorgmail(smtp);
  const [{ mail, raw, envelopeId }] = sent.parts;
  await relay.send(raw, { from: mail.from, to: mail.to, envelopeId });
  await relay.release();
  const found = journey.world.relay.mails().find(({ envid }) => envid === envelopeId);
  if (found === undefined) throw new Error('the relay has it on record');
  return found;
}

/** Into the return mailbox and its twin. */
const back = (raw: Buffer) => journey.world.zorgmail.deliverToBoth(OURS, raw, '');

/** A fixture about this registration's first mail. */
function fixture(name: string, { parts: [part] }: SentRegistration): Buffer {
  const text = readFileSync(join(FIXTURES, name), 'latin1');
  const about = text
    .replaceAll('0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b.1', part.envelopeId)
    .replaceAll('ZK1001', part.controlReference);
  return Buffer.from(about, 'latin1');
}

/** The outcomes of the return mailbox, by how many. */
async function counted(): Promise<Readonly<Record<string, number>>> {
  const rows = await journey.sql<{ outcome: string; n: string }>(
    `select o.outcome, count(*) as n from mail_outcome o join mailbox b on b.id = o.mailbox_id where b.purpose = 'return' group by 1`,
  );
  return Object.fromEntries(rows.map(({ outcome, n }) => [outcome, Number(n)]));
}

/** The same, once everything that came so far has come to rest: notifications of earlier tests may be on their way. */
async function countedAtRest(): Promise<Readonly<Record<string, number>>> {
  const there = (await journey.world.zorgmail.mailsOf(OURS)).length;
  return until(
    `${there} mails at rest`,
    counted,
    (now) => (now['waiting'] ?? 0) === 0 && Object.values(now).reduce((sum, n) => sum + n, 0) === there,
  );
}

/** Until so many more of the return mailbox have this outcome, and nothing waits. */
async function untilMore(outcome: string, before: Readonly<Record<string, number>>, more = 1) {
  return until(
    `${more} more ${outcome}`,
    counted,
    (now) => (now[outcome] ?? 0) === (before[outcome] ?? 0) + more && (now['waiting'] ?? 0) === 0,
    60_000,
  );
}

describe('a registration that was sent', () => {
  it('is delivered when the relay says so: by its notification, through the return mailbox', async () => {
    const sent = await registration();
    await relayed(sent);
    expect(await untilState(sent, 'delivered')).toMatchObject({ reason: null });
    // The mail is in the practice's mailbox too, and may be seen there first.
    await until(
      'the notification',
      () => kindsOf(sent),
      (kinds) => kinds.includes('delivered'),
    );
    const [row] = await journey.sql<{ verdict: string; has_bytes: boolean; matched_by: string }>(
      `select m.verdict, m.content is not null as has_bytes, r.matched_by from outward_receipt r join mail m on m.id = r.mail_id
       where r.outward_mail_id = $1 and r.kind = 'delivered'`,
      [sent.parts[0].id],
    );
    expect(row).toEqual({ verdict: 'receipt', has_bytes: false, matched_by: 'envelope-id' });
    const audited = await journey.sql('select actor, fields from audit where event = $1 and object_id = $2', [
      'registration.answered',
      sent.id,
    ]);
    expect(audited).toEqual([{ actor: 'worker', fields: { was: 'sent', state: 'delivered', detail: null } }]);
  });

  it('is seen in the practice’s own mailbox, where no notification comes', async () => {
    const sent = await registration();
    await journey.world.zorgmail.deliverToBoth(LINDE, sent.parts[0].raw);
    await untilState(sent, 'delivered');
    expect(await kindsOf(sent)).toEqual(['seen']);
  });

  it('comes back an hour later: the notification of failure is the truth that a person sees', async () => {
    const sent = await registration();
    const onRecord = await relayed(sent);
    await untilState(sent, 'delivered');
    await journey.sql(`update registration set sent_at = now() - interval '1 hour' where id = $1`, [sent.id]);
    const failed: DeliveryReport = { action: 'failed', status: '5.1.1' };
    await journey.world.relay.report(onRecord, failed);
    const row = await untilState(sent, 'bounced');
    expect(row).toMatchObject({ reason: 'registration.bounced', detail: '5.1.1' });
    expect(journey.log()).toContain(`"registrationId":"${sent.id}"`);
  });

  it('is not moved by a notification that it is late', async () => {
    const sent = await registration();
    const before = await countedAtRest();
    await back(fixture('notification-delayed.eml', sent));
    await untilMore('receipt', before);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
    expect(await kindsOf(sent)).toEqual(['delayed']);
  });
});

describe('what a doctor wrote', () => {
  it('goes all the way: posted, sent, delivered by receipt, each of it audited', async () => {
    const id = await post(journey, await addSource(journey), posted({ text: 'Gebeld, alles goed.' }));
    const view = await untilView(journey, id, 'delivered');
    expect(view.parts).toMatchObject([{ state: 'delivered' }]);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    const events = await auditOf(journey, id);
    expect(events.slice(0, 3)).toEqual(['registration.accepted', 'registration.rendered', 'registration.sent']);
    expect(events.slice(3)).toEqual(['registration.answered']);
  });

  it('is delivered, and sent once, where the relay took it and its reply was lost', async () => {
    journey.world.relay.fail({ at: 'data', act: 'cut', isDelivered: true });
    const id = await post(
      journey,
      await addSource(journey),
      posted({ text: 'De verbinding viel weg.', bsn: '999911120' }),
    );
    const view = await untilView(journey, id, 'delivered');
    await hoursLater(journey);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
  });

  it('in parts is delivered when all of them are', async () => {
    const text = Array.from({ length: 160 }, (_, at) => `Regel ${at + 1}: ${'lang '.repeat(9)}`.trim()).join('\n');
    const id = await post(journey, await addSource(journey), posted({ text, bsn: '999942542' }));
    const view = await untilView(journey, id, 'delivered');
    expect(view.parts.length).toBeGreaterThan(1);
    expect(new Set(view.parts.map(({ state }) => state))).toEqual(new Set(['delivered']));
  });
});

describe('a registration that came back', () => {
  const DECISION = { by: 'sanne', reason: 'mailbox was vol' };
  const swallowed = async (bsn: string): Promise<string> => {
    journey.world.relay.fail({ at: 'data', act: 'swallow' });
    const id = await post(journey, await addSource(journey), posted({ text: 'Komt dit aan?', bsn }));
    await untilView(journey, id, 'sent');
    const lost = journey.world.relay.mails().findLast(({ isDelivered }) => !isDelivered);
    if (lost === undefined) throw new Error('the relay swallowed it');
    await journey.world.relay.report(lost, { action: 'failed', status: '5.2.2' });
    await untilView(journey, id, 'bounced');
    return id;
  };

  it.each([
    [false, 'by the same bytes', '999954660'],
    [true, 'rendered anew', '999918606'],
  ])('goes again when a person says so (anew: %s), and its own receipt counts then', async (anew, _, bsn) => {
    const id = await swallowed(bsn);
    const [before] = (await untilView(journey, id, 'bounced')).parts;
    await retryRegistration(journey.courier, id, { ...DECISION, anew });
    const view = await untilView(journey, id, 'delivered');
    expect(view.parts.map(({ controlReference }) => controlReference === before?.controlReference)).toEqual([!anew]);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    expect(await auditOf(journey, id)).toEqual(
      [
        ...['accepted', 'rendered', 'sent', 'answered', 'retried'],
        ...(anew ? ['rendered'] : []),
        ...['sent', 'answered'],
      ].map((event) => `registration.${event}`),
    );
    expect(await accounting(journey)).toMatchObject({ difference: 0 });
  });
});

describe('every receipt of the fixtures', () => {
  const says = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, expected: JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) }));
  const STATES: Readonly<Record<string, string>> = {
    delivered: 'delivered',
    displayed: 'delivered',
    acknowledged: 'delivered',
    failed: 'bounced',
    rejected: 'bounced',
    delayed: 'sent',
    relayed: 'sent',
  };

  it('does to the registration that it is about what the document beside it says, and the books close', async () => {
    const all = [];
    const before = await countedAtRest();
    for (const { name, expected } of says) {
      const sent = await registration();
      await back(fixture(name.replace('.json', '.eml'), sent));
      all.push({ name, expected, sent });
    }
    const total = Object.values(before).reduce((sum, n) => sum + n, 0) + says.length;
    const after = await until(
      'all at rest',
      counted,
      (now) => (now['waiting'] ?? 0) === 0 && Object.values(now).reduce((sum, n) => sum + n, 0) === total,
      60_000,
    );
    const kinds = (kind: string) => says.filter(({ expected }) => expected.kind === kind).length;
    const more = (outcome: string) => (after[outcome] ?? 0) - (before[outcome] ?? 0);
    expect({ receipt: more('receipt'), quarantined: more('quarantined'), notLab: more('not-lab') }).toEqual({
      receipt: kinds('receipts'),
      quarantined: kinds('unclear'),
      notLab: kinds('none'),
    });
    for (const { name, expected, sent } of all) {
      const said: { kind: string }[] = expected.receipts ?? [];
      const states = said.map(({ kind }) => STATES[kind]);
      const state = states.includes('bounced') ? 'bounced' : (states[0] ?? 'sent');
      expect({ name, ...(await rowOf(sent)) }).toMatchObject({ name, state });
    }
    expect(await accounting(journey)).toMatchObject({ waiting: 0, difference: 0 });
  }, 90_000);

  it('that is unclear waits for a person with its reason and the registration that it names; both decisions end it', async () => {
    const sent = await registration();
    const before = await countedAtRest();
    await back(fixture('contrl-cut-off.eml', sent));
    await untilMore('quarantined', before);
    const held = await heldItems(journey.courier.ledger, null);
    const item = held.find(({ detail }) => detail === sent.id);
    expect(item).toMatchObject({
      state: 'quarantined',
      reason: 'receipt.unknown',
      practiceId: null,
      mailbox: 'retour',
    });
    const decision = { by: 'sanne', reason: 'nog eens lezen', overrideCard: null };
    await releaseHold(journey.courier, item?.deliveryId ?? '', decision);
    const again = await until(
      'held again',
      () => heldItems(journey.courier.ledger, null),
      (items) => items.some(({ detail, deliveryId }) => detail === sent.id && deliveryId !== item?.deliveryId),
    );
    const id = again.find(({ detail }) => detail === sent.id)?.deliveryId ?? '';
    await discardHold(journey.courier, id, { ...decision, reason: 'HIS gebeld' });
    expect(await counted()).toMatchObject({ discarded: 1 });
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
  });
});

describe('what somebody wrote back', () => {
  const show = async (id: string, ...more: string[]) =>
    runCommand(['held', 'show', id, '--content', '--by', 'sanne', ...more], journey.settings);

  it('waits for a person with the registration that it answers, and is shown as a mail, which is audited', async () => {
    const sent = await registration();
    const before = await countedAtRest();
    const text = Buffer.from('Dit is niet onze patiënt; belt u even?\u001b[2J\n\nAssistente De Linde').toString(
      'base64',
    );
    await back(
      Buffer.from(
        `From: =?utf-8?Q?Assistente_Andr=C3=A9?= <${LINDE}@lms.lifeline.nl>\r\nTo: <${OURS}@lms.lifeline.nl>\r\nSubject: Re: Registratie\r\n` +
          `Date: Mon, 16 Nov 2026 10:15:09 +0100\r\nIn-Reply-To: ${sent.parts[0].messageId}\r\nMIME-Version: 1.0\r\n` +
          `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${text}\r\n`,
      ),
    );
    await untilMore('quarantined', before);
    const held = await heldItems(journey.courier.ledger, null);
    const item = held.find(({ detail }) => detail === sent.id);
    expect(item).toMatchObject({ state: 'quarantined', reason: 'receipt.letter', mailbox: 'retour' });
    const id = item?.deliveryId ?? '';
    const { code, stdout } = await show(id);
    expect(code).toBe(0);
    expect(stdout).toContain(`From: Assistente André <${LINDE}@lms.lifeline.nl>`);
    expect(stdout).toContain('Subject: Re: Registratie');
    expect(stdout).toContain('Dit is niet onze patiënt; belt u even? [2J\n\nAssistente De Linde');
    expect(JSON.parse((await show(id, '--json')).stdout)).toMatchObject({
      content: { parts: [{ path: '1', contentType: 'text/plain' }] },
    });
    const shown = await journey.sql('select actor from audit where event = $1 and object_id = $2', [
      'report.shown',
      id,
    ]);
    expect(shown).toEqual([{ actor: 'sanne' }, { actor: 'sanne' }]);
    expect(journey.log()).not.toContain('onze patiënt');
    const decision = { by: 'sanne', reason: 'praktijk gebeld', overrideCard: null };
    await expect(releaseHold(journey.courier, id, decision)).rejects.toMatchObject({ code: 'decision.not-allowed' });
    await discardHold(journey.courier, id, decision);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
  }, 60_000);

  it('is erased where a machine wrote it, and kept where a laboratory did', async () => {
    const before = await countedAtRest();
    const [away, result] = [await registration(), await registration()];
    await back(fixture('absence-assistant.eml', away));
    await back(fixture('laboratory-result.eml', result));
    await untilMore('quarantined', before);
    expect((await counted())['not-lab'] ?? 0).toBe((before['not-lab'] ?? 0) + 1);
    const held = (await heldItems(journey.courier.ledger, null)).filter(({ reason }) => reason === 'receipt.message');
    const { stdout } = await show(held.at(-1)?.deliveryId ?? '');
    expect(stdout).toContain("UNH+1+MEDLAB:1'");
    expect(await accounting(journey)).toMatchObject({ waiting: 0, difference: 0 });
  }, 60_000);
});

describe('a receipt that proves nothing', () => {
  it('moves nothing where it was made up: it is counted, and the log says its code', async () => {
    const sent = await registration();
    const before = await countedAtRest();
    const forged = fixture('notification-failed.eml', sent)
      .toString('latin1')
      .replaceAll(sent.id.slice(0, 8), '00000000');
    const [part] = sent.parts;
    await back(Buffer.from(forged.replaceAll(part.envelopeId, 'made-up.1'), 'latin1'));
    await back(
      Buffer.from(fixture('contrl-rejected.eml', sent).toString().replaceAll(part.controlReference, 'ZK1'), 'latin1'),
    );
    await untilMore('receipt', before, 2);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
    expect(await kindsOf(sent)).toEqual([]);
    const reasons = await journey.sql<{ n: string }>(
      `select count(*) as n from mail where reason = 'receipt.not-ours'`,
    );
    expect(Number(reasons[0]?.n)).toBe(2);
    expect(journey.log()).toContain('"code":"receipt.not-ours"');
  });

  it('changes nothing more where it comes twice', async () => {
    const sent = await registration();
    const before = await countedAtRest();
    await back(fixture('read-displayed.eml', sent));
    await back(fixture('read-displayed.eml', sent));
    await untilMore('receipt', before, 2);
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered' });
    const audited = await journey.sql('select 1 from audit where object_id = $1', [sent.id]);
    expect(audited).toHaveLength(1);
  });
});

describe('our own mail in a practice’s mailbox', () => {
  it('never takes a laboratory’s mail with it: one under a Message-ID of ours is read as laboratory mail', async () => {
    const sent = await registration();
    const payload = medlab({ bsn: '999990019', labNumber: '26990001', to: LINDE, results: [{ value: '71' }] });
    const raw = mailOf(payload, LINDE)
      .toString('latin1')
      .replace(/^message-id:.*\r?\n/im, '');
    const before = (await deliveries(journey)).length;
    await journey.world.zorgmail.deliverToBoth(
      LINDE,
      Buffer.from(`Message-ID: ${sent.parts[0].messageId}\r\n${raw}`, 'latin1'),
    );
    await until(
      'read',
      () => deliveries(journey),
      (all) => all.length > before && all.every(({ state }) => state !== 'ready' && state !== 'sending'),
    );
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
    expect(await kindsOf(sent)).toEqual([]);
  });

  it('is none where it is only quoted, attached, or in the mailbox of another practice', async () => {
    const sent = await registration();
    const { zorgmail } = journey.world;
    const [{ raw, messageId }] = sent.parts;
    const quoting = `From: <a@b.example>\r\nMessage-ID: <other@b.example>\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n`;
    const attached = `${quoting}Content-Type: message/rfc822\r\n\r\n${raw.toString('latin1')}`;
    const quoted = `${quoting}Content-Type: text/plain\r\n\r\n> Message-ID: ${messageId}\r\nMessage-ID: ${messageId}\r\n`;
    const letters = async () =>
      (await journey.sql<{ n: string }>(`select count(*) as n from mail where verdict = 'not-lab'`))[0]?.n;
    const before = Number(await letters());
    await zorgmail.deliverToBoth(LINDE, Buffer.from(attached, 'latin1'));
    await zorgmail.deliverToBoth(LINDE, Buffer.from(quoted, 'latin1'));
    await zorgmail.deliverToBoth(practice('anker').zorgmail, raw);
    await until('three letters', letters, (n) => Number(n) === before + 3);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
    expect(await kindsOf(sent)).toEqual([]);
  });
});

describe('a registration that nothing is heard of', () => {
  it('is an alarm after a day, and no change of state; a receipt closes it', async () => {
    await journey.sql(`update registration set state = 'discarded' where state = 'sent'`);
    const sent = await registration();
    const alarms = async () =>
      (await openAlarms(journey.courier.ledger)).filter(({ kind }) => kind === 'registration.no-receipt');
    await sweep(journey.courier);
    expect(await alarms()).toEqual([]);
    await journey.sql('update registration set sent_at = $2 where id = $1', [
      sent.id,
      new Date(journey.courier.clock.now().getTime() - DAY_MS - 1_000),
    ]);
    await until('alarm', alarms, (open) => open.length === 1);
    expect(await alarms()).toMatchObject([{ objectId: sent.id, level: 'error' }]);
    expect(await rowOf(sent)).toMatchObject({ state: 'sent', reason: null });
    await back(fixture('contrl-acknowledged.eml', sent));
    await untilState(sent, 'delivered');
    await until('no alarm', alarms, (open) => open.length === 0);
  });
});

describe('a mail that could take a reader down', () => {
  it('is read in a thread, and quarantined by itself where it never ends', async () => {
    const before = await countedAtRest();
    await journey.stopWorkers();
    const sent = await registration();
    const large = Buffer.concat([
      fixture('bounce-exim.eml', sent),
      Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(15_000)),
    ]);
    expect(large.length).toBeGreaterThan(1_000_000);
    await back(large);
    await back(
      mailWith(`${POISON.exits}: 1\nFrom: <a@b.example>\nSubject: x\n\n${`${'y'.repeat(70)}\n`.repeat(15_000)}`),
    );
    await journey.startWorker({ readingModule: new URL('../support/poisonous-thread.ts', import.meta.url) });
    await untilMore('quarantined', before);
    expect(await untilState(sent, 'bounced')).toMatchObject({ detail: '550' });
    const reasons = (await heldItems(journey.courier.ledger, null)).map(({ reason }) => reason);
    expect(reasons).toContain('mail.poisonous');
  }, 90_000);
});

describe('a worker that is killed', () => {
  it.each([
    'copy-committed',
    'batch-added',
    'read-committed',
  ] satisfies Moment[])('at the moment "%s" leaves one receipt and one answer once another has taken over', async (moment) => {
    const before = await countedAtRest();
    await journey.stopWorkers();
    const sent = await registration();
    const doomed = startDoomedWorker(moment, journey.settings);
    await back(fixture('notification-failed.eml', sent));
    expect(await doomed.ended).toMatchObject({ signal: 'SIGKILL' });
    await letTimePass(journey);
    await journey.sql(`update worker set alive_until = now() - interval '1 second'`);
    await journey.startWorker();
    await untilMore('receipt', before);
    expect(await untilState(sent, 'bounced')).toMatchObject({ reason: 'registration.bounced', detail: '5.1.1' });
    expect(await kindsOf(sent)).toEqual(['failed']);
    expect(await journey.sql('select 1 from audit where object_id = $1', [sent.id])).toHaveLength(1);
  }, 60_000);
});

describe('the return mailbox', () => {
  it('was never touched, nor were the practices’, and the books close', async () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
    for (const name of [OURS, LINDE])
      expect(await journey.world.zorgmail.compareTwins(name)).toMatchObject({ differences: [] });
    expect(await accounting(journey)).toMatchObject({ waiting: 0, difference: 0 });
  });

  it('never becomes a practice’s, nor a practice’s mailbox the return mailbox', async () => {
    const linde = await journey.practice('linde');
    const { courier } = journey;
    const refused = { code: 'practice.mailbox-other-purpose' };
    const as = (name: string) => ({ ...account(), name, kind: 'practice' as const });
    await expect(addMailboxTo(courier, linde, as('retour'), 'test')).rejects.toMatchObject(refused);
    await expect(addMailboxTo(courier, linde, as('iets anders'), 'test')).rejects.toMatchObject(refused);
    const theirs = { ...journey.world.zorgmail.mailboxAccount(LINDE), port: journey.world.proxy.port };
    for (const name of ['linde', 'retour 2'])
      await expect(addReturnMailbox(courier, { ...theirs, name }, null, 'test')).rejects.toMatchObject(refused);
    expect((await returnMailboxes(courier.ledger)).map(({ name }) => name)).toEqual(['retour']);
  });

  it('is read with a new password once the server takes it, and keeps the old one where it does not', async () => {
    const refused = replaceReturnPassword(journey.courier, 'retour', 'a wrong one', 'test');
    await expect(refused).rejects.toMatchObject({ code: 'mailbox.login-refused' });
    await replaceReturnPassword(journey.courier, 'retour', account().password, 'test');
    const sent = await registration();
    await back(fixture('read-processed.eml', sent));
    await untilState(sent, 'delivered');
  });

  it('that is numbered anew is read again from the beginning: nothing is lost and nothing counts twice', async () => {
    const sent = await registration();
    await back(fixture('read-processed.eml', sent));
    await untilState(sent, 'delivered');
    await journey.stopWorkers();
    await journey.world.zorgmail.recreateMailbox(OURS);
    const late = await registration();
    await journey.world.zorgmail.deliver(OURS, fixture('notification-failed.eml', late));
    await journey.world.zorgmail.deliver(OURS, fixture('read-processed.eml', sent));
    await journey.startWorker();
    await untilState(late, 'bounced');
    await until(
      'twice kept',
      () => kindsOf(sent),
      (kinds) => kinds.length === 2,
    );
    expect(await rowOf(sent)).toMatchObject({ state: 'delivered' });
    expect(await journey.sql('select 1 from audit where object_id = $1', [sent.id])).toHaveLength(1);
    expect(await accounting(journey)).toMatchObject({ difference: 0 });
  });

  it('that is numbered anew says nothing of what was sent again since: an old bounce is about the earlier try', async () => {
    const sent = await registration();
    await back(fixture('notification-failed.eml', sent));
    await untilState(sent, 'bounced');
    await journey.stopWorkers();
    await journey.sql(`update outward_mail set content = 'its bytes' where id = $1`, [sent.parts[0].id]);
    const retry = { by: 'sanne', reason: 'account hersteld', anew: false };
    await retryRegistration(journey.courier, sent.id, retry);
    await journey.sql(`update registration set state = 'sent', sent_at = now() where id = $1`, [sent.id]);
    await journey.sql(`update outward_mail set state = 'sent', tried_at = now(), sent_at = now() where id = $1`, [
      sent.parts[0].id,
    ]);
    await journey.world.zorgmail.recreateMailbox(OURS);
    const askedAgain = (moment: string) =>
      journey.sql(`update outward_receipt_aside set set_aside_at = ${moment} where outward_mail_id = $1`, [
        sent.parts[0].id,
      ]);
    await askedAgain(`now() + interval '1 hour'`);
    await journey.world.zorgmail.deliver(OURS, fixture('notification-failed.eml', sent));
    const late = await registration();
    await journey.world.zorgmail.deliver(OURS, fixture('notification-failed.eml', late));
    await journey.startWorker();
    await untilState(late, 'bounced');
    expect(await rowOf(sent)).toMatchObject({ state: 'sent' });
    expect(await kindsOf(sent)).toEqual([]);
    await askedAgain(`now() - interval '1 hour'`);
    await back(fixture('notification-failed.eml', sent));
    await untilState(sent, 'bounced');
  });

  it('is removed and added again without losing what came in between, and shredded only when it is not read', async () => {
    const mailbox = await findMailbox(journey.courier.ledger, 'retour');
    if (mailbox === null) throw new Error('it is there');
    const act = { by: 'test', reason: 'test' };
    await expect(shredMailbox(journey.courier.ledger, mailbox, act)).rejects.toMatchObject({
      code: 'practice.still-returning',
    });
    await journey.stopWorkers();
    const sent = await registration();
    await back(fixture('read-processed.eml', sent));
    await removeReturnMailbox(journey.courier, 'retour', 'test');
    await journey.startWorker();
    expect(await journey.sql(`select 1 from mailbox where purpose = 'return' and owner_id is not null`)).toEqual([]);
    await addReturnMailbox(journey.courier, account(), null, 'test');
    await untilState(sent, 'delivered');
    expect(await accounting(journey)).toMatchObject({ difference: 0 });
    await removeReturnMailbox(journey.courier, 'retour', 'test');
    expect((await shredMailbox(journey.courier.ledger, mailbox, act)).keys).toBeGreaterThan(0);
    expect(await accounting(journey)).toMatchObject({ waiting: 0, difference: 0 });
  });
});
