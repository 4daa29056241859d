import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neighbourhood } from '../../src/api/limits.ts';
import { BODY_BYTES_MAX } from '../../src/api/server.ts';
import { openQueueLate } from '../../src/queue/queue.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { until } from '../support/until.ts';
import { type Intake, newSigner, POSTED, sign, startIntake } from './intake.ts';

/** What is promised to who posts: one registration per key, a place for every fault, and no trace of what was said. */

let intake: Intake;
beforeAll(async () => {
  intake = await startIntake();
});
afterAll(() => intake.release());

const countOf = async (key: string) =>
  (await intake.sql('select 1 from registration where idempotency_key = $1', [key])).length;
const EMOJI = '😀';

describe('a registration that is posted', () => {
  it('is answered with its id, its state and where to ask, and stands in the ledger by then', async () => {
    const { status, headers, body } = await intake.post(POSTED);
    expect(status).toBe(202);
    expect(body).toMatchObject({ state: 'accepted', reason: null, sentAt: null, settledAt: null, parts: [] });
    expect(headers.get('location')).toBe(`/v1/registrations/${body.id}`);
    expect(await intake.sql('select state from registration where id = $1', [body.id])).toEqual([
      { state: 'accepted' },
    ]);
    expect((await intake.get(body.id)).body).toEqual(body);
  });

  it('is one, however often it comes with the same key, also at once', async () => {
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4].map(() => intake.post(POSTED, { key })));
    const later = await intake.post(POSTED, { key: key.toUpperCase() });
    const ids = [...answers, later].map(({ body }) => body.id);
    expect(new Set(ids).size).toBe(1);
    expect([...answers, later].map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(await countOf(key)).toBe(1);
  });

  it('is another under another key, or of another source under the same', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const cboards = await intake.register(newSigner('cboards'));
    const answers = [
      await intake.post(POSTED, { key: one }),
      await intake.post(POSTED, { key: two }),
      await intake.post(POSTED, { key: one, signer: cboards }),
    ];
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
  });

  it('is not to be seen by another source', async () => {
    const other = await intake.register(newSigner('onlooker'));
    const { body } = await intake.post(POSTED);
    const [theirs, nobodys] = [
      await intake.get(body.id, { signer: other }),
      await intake.get(randomUUID(), { signer: other }),
    ];
    expect(theirs.status).toBe(404);
    expect(theirs.body).toEqual(nobodys.body);
  });

  it('shows how far it is, under which references, and why not further', async () => {
    const { body } = await intake.post(POSTED);
    await intake.sql(
      `insert into outward_mail (id, registration_id, part, sender, recipient, control_reference, envelope_id, message_id, state)
       values (gen_random_uuid(), $1, 1, '500066001', '500088001@lms', 'ZK00000000AAAA', $2, $2, 'uncertain')`,
      [body.id, randomUUID()],
    );
    const seen = async (state: string, reason: string | null = null) => {
      await intake.sql('update registration set state = $2, reason = $3 where id = $1', [body.id, state, reason]);
      return (await intake.get(body.id)).body;
    };
    // Queued to whoever asks: that nobody answered yet is our concern.
    for (const state of ['queued', 'sending', 'uncertain']) {
      expect(await seen(state)).toMatchObject({
        state: 'queued',
        parts: [{ part: 1, parts: 1, controlReference: 'ZK00000000AAAA', state: 'queued' }],
      });
    }
    for (const state of ['sent', 'delivered', 'bounced', 'shadowed', 'discarded']) {
      expect(await seen(state)).toMatchObject({ state, reason: null });
    }
    const { reason } = await seen('held', 'registration.earlier-not-sent');
    expect(reason).toEqual({
      code: 'registration.earlier-not-sent',
      nl: expect.stringMatching(/.{20}/),
      en: expect.stringMatching(/.{20}/),
    });
  });
});

describe('a text', () => {
  it('of 10,000 characters passes, and of 10,001 is refused with the field, however it is written', async () => {
    for (const character of ['a', 'ë', '\\u00eb']) {
      const body = (times: number) =>
        JSON.stringify({ ...POSTED, text: '@' }).replace('"@"', `"${character.repeat(times)}"`);
      expect((await intake.post(body(10_000))).status).toBe(202);
      const { status, body: refused } = await intake.post(body(10_001));
      expect({ status, problems: refused.problems }).toMatchObject({
        status: 422,
        problems: [{ field: 'text', code: 'registration.too-long', place: null }],
      });
    }
  });

  it('and all fields at their longest, in the longest spelling that JSON has, are read and not cut off', async () => {
    const line = EMOJI.repeat(70);
    const name = Object.fromEntries(Object.keys(POSTED.patient.name).map((part) => [part, line]));
    const longest = {
      ...POSTED,
      patient: { ...POSTED.patient, name },
      author: { name: line, role: line },
      source: { kind: 'board', field: line },
      text: EMOJI.repeat(10_000),
      earlier: { change: 'correction', registration: randomUUID() },
    };
    const escaped = JSON.stringify(longest).replaceAll(EMOJI, '\\ud83d\\ude00');
    expect(escaped.length).toBeGreaterThan(127_560);
    expect(escaped.length).toBeLessThan(BODY_BYTES_MAX);
    // No HIS can be sent these: that is said of the character, not of the size.
    const { status, body } = await intake.post(escaped);
    expect(status).toBe(422);
    expect(JSON.stringify(body)).not.toContain('too-long');
    expect((await intake.post(escaped.padEnd(BODY_BYTES_MAX, ' '))).status).toBe(422);
    expect((await intake.post(escaped.padEnd(BODY_BYTES_MAX + 1, ' '))).status).toBe(413);
  });

  it('with a character that cannot be sent is refused with its place, and what to do in both languages', async () => {
    const { body } = await intake.post({ ...POSTED, text: 'Regel een.\nDan ☃ en ☃.' });
    expect(body.problems).toEqual([
      {
        field: 'text',
        code: 'registration.character',
        expected: { nl: expect.stringMatching(/.{10}/), en: expect.stringMatching(/.{10}/) },
        place: { character: 16, line: 2, column: 5, codePoint: 'U+2603', times: 2 },
      },
    ]);
  });
});

describe('a body that is broken', () => {
  const problemsOf = async (body: unknown) => {
    const { status, body: answer } = await intake.post(body);
    expect(status).toBe(422);
    return (answer.problems as { field: string; code: string }[]).map(
      ({ field, code }) => `${field} ${code.split('.')[1]}`,
    );
  };

  it('has every fault named by field at once', async () => {
    const patient = { ...POSTED.patient, bsn: '999990018', sex: undefined, name: { family: '', maiden: 'x' } };
    expect(await problemsOf({ ...POSTED, patient, text: 7, more: {}, earlier: { change: 'x' } })).toEqual([
      'patient.bsn not-as-expected',
      'patient.sex missing',
      'patient.name.family not-as-expected',
      'patient.name.maiden unknown-field',
      'text not-as-expected',
      'earlier.change not-as-expected',
      'earlier.registration missing',
      'more unknown-field',
    ]);
    expect(await problemsOf('null')).toEqual([' not-as-expected']);
    expect(await problemsOf('"text"')).toEqual([' not-as-expected']);
    expect(await problemsOf('{"__proto__":{"practice":1}}')).toContain('? unknown-field');
    expect(await problemsOf('{"Jansen 999990019":1}')).toContain('? unknown-field');
    expect(await problemsOf(`${'['.repeat(60_000)}${']'.repeat(60_000)}`)).toEqual([' not-as-expected']);
  });

  it('has an earlier registration that is not there, or is another’s, named', async () => {
    const earlier = { change: 'correction', registration: randomUUID() };
    expect(await problemsOf({ ...POSTED, earlier })).toEqual(['earlier.registration not-as-expected']);
  });

  it('is refused before anything is remembered: the same key is good for the one that is right', async () => {
    const key = randomUUID();
    expect((await intake.post({ ...POSTED, text: '' }, { key })).status).toBe(422);
    expect((await intake.post(POSTED, { key })).status).toBe(202);
  });
});

describe('when something is away', () => {
  it('a ledger that is away is 503, and later the same key works, once', async () => {
    const key = randomUUID();
    await intake.ledgerAway();
    try {
      const { status, headers } = await intake.post(POSTED, { key });
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      // Alive all the same: nobody should restart it for that.
      expect((await intake.call('GET', '/healthz', { authorization: null })).status).toBe(200);
    } finally {
      await intake.ledgerBack();
    }
    const answers = [await intake.post(POSTED, { key }), await intake.post(POSTED, { key })];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(await countOf(key)).toBe(1);
  });

  it('a queue that is away is no reason not to take it', async () => {
    await intake.redis.kill();
    try {
      const { status, body } = await intake.post(POSTED);
      expect({ status, state: body.state }).toEqual({ status: 202, state: 'accepted' });
    } finally {
      await intake.redis.start();
    }
  });

  it('also where it is away from the beginning, and it is found once it is back', async () => {
    await intake.redis.kill();
    const { logger } = intake.api;
    const queue = await openQueueLate({ redisUrl: intake.redis.redisUrl, logger, clock: systemClock });
    try {
      const at = await intake.start({ queue });
      expect((await intake.post(POSTED, { at })).status).toBe(202);
      await intake.redis.start();
      const { body } = await intake.post(POSTED, { at });
      const jobs = () => intake.redis.command(`EXISTS zorgkoerier:send:${body.id}-1`);
      expect(await until('the job', jobs, (answer) => answer === ':1')).toBe(':1');
    } finally {
      await queue.release();
    }
  });
});

describe('the server', () => {
  it('says nothing of itself, and lets nothing be kept or framed', async () => {
    for (const path of ['/healthz', '/openapi.json', '/v1/registrations', '/nowhere?bsn=999990019', '/%zz']) {
      const { headers } = await fetch(`${intake.usual.url}${path}`);
      expect(headers.get('server') ?? headers.get('x-powered-by')).toBeNull();
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('answers what is no HTTP without repeating it', async () => {
    const { port, hostname } = new URL(intake.usual.url);
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write('BSN 999990019\r\n\r\n'));
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(said).not.toContain('999990019');
  });

  it('answers headers that are too long, and does not read them', async () => {
    const { status } = await fetch(`${intake.usual.url}/healthz`, { headers: { authorization: 'a'.repeat(9_000) } });
    expect(status).toBe(431);
  });

  it('forgets assertions that had their time', async () => {
    const jti = 'of-yesterday-or-before';
    await intake.sql(`insert into source_assertion select id, $1, now() - interval '1 day' from source limit 1`, [jti]);
    await intake.start();
    const left = () => intake.sql('select 1 from source_assertion where jti = $1', [jti]);
    expect(await until('gone', left, (rows) => rows.length === 0)).toEqual([]);
  });

  it('counts a source by itself, whatever address it comes from', async () => {
    const at = await intake.start({ perSource: 2 });
    const other = await intake.register(newSigner('counted'));
    const statuses = [];
    for (const signer of [intake.ckis, intake.ckis, intake.ckis, other]) {
      statuses.push((await intake.get(randomUUID(), { at, signer })).status);
    }
    expect(statuses).toEqual([404, 404, 429, 404]);
  });

  it('counts an address as the proxy names it, and not as the asker does', async () => {
    const at = await intake.start({ perAddress: 1 }, { isBehindProxy: true });
    const from = async (forwarded: string) =>
      (
        await intake.call('GET', '/openapi.json', {
          at,
          authorization: null,
          headers: { 'x-forwarded-for': forwarded },
        })
      ).status;
    expect(await from('192.0.2.1')).toBe(200);
    expect(await from('198.51.100.7, 192.0.2.1')).toBe(429);
    expect(await from('192.0.2.2')).toBe(200);
    const straight = await intake.start({ perAddress: 1 });
    const asked = async (forwarded: string) =>
      (
        await intake.call('GET', '/openapi.json', {
          at: straight,
          authorization: null,
          headers: { 'x-forwarded-for': forwarded },
        })
      ).status;
    expect([await asked('192.0.2.1'), await asked('192.0.2.2')]).toEqual([200, 429]);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['what the proxy said', 'what the proxy said'],
  ])('takes the addresses of one network for one: %s', (ip, expected) => {
    expect(neighbourhood(ip)).toBe(expected);
  });

  it('answers what it took when it is stopped, and takes nothing new', async () => {
    const at = await intake.start();
    const key = randomUUID();
    const blocker = await intake.api.ledger.transaction(async (tx) => {
      await tx.query('lock table source_assertion in access exclusive mode');
      const asked = intake.post(POSTED, { at, key });
      await until(
        'a request that waits',
        () =>
          intake.sql(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like 'insert into source_assertion%'`,
          ),
        (rows) => rows.length > 0,
      );
      return { asked, stopped: at.release() };
    });
    expect((await blocker.asked).status).toBe(202);
    await blocker.stopped;
    expect(await countOf(key)).toBe(1);
    await expect(fetch(`${at.url}/healthz`)).rejects.toThrow();
  });
});

describe('the log', () => {
  it('has a line for each request, with its route, status, source and time, and nothing of what was said', async () => {
    const marks = ['Kwikstaart', 'Zonnebloemlaan', 'bijzonder-teken-7261', '999990019'];
    const [name = '', field = '', text = '', bsn = ''] = marks;
    const author = { name, role: 'huisarts' };
    const marked = { ...POSTED, author, source: { kind: 'card', field }, text, patient: { ...POSTED.patient, bsn } };
    const jti = `assertion-${randomUUID()}`;
    const token = await sign(intake.ckis, { claims: { jti } });
    const before = intake.log().length;
    const { body } = await intake.post(marked, { authorization: `Bearer ${token}` });
    await intake.post(marked, { authorization: `Bearer ${token}` });
    await intake.post({ ...marked, [name]: bsn, text: `${text} ☃` });
    await intake.post(`{"${text}": ${bsn}`);
    await intake.post({ ...marked, text: 7, patient: bsn });
    await intake.get(`${bsn}?bsn=${bsn}&name=${name}`);
    await fetch(`${intake.usual.url}/${name}/${bsn}?text=${text}`, { method: 'PUT' });
    await intake.ledgerAway();
    await intake.post(marked).finally(() => intake.ledgerBack());
    await intake.sql('alter table registration rename to registration_elsewhere');
    await intake.post(marked).finally(() => intake.sql('alter table registration_elsewhere rename to registration'));

    const log = intake.log().slice(before);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const requests = lines.filter(({ msg }) => msg === 'request');
    const source = (await intake.sql<{ id: string }>(`select id from source where name = 'ckis'`))[0]?.id;
    expect(requests[0]).toEqual({
      level: 30,
      time: expect.any(String),
      msg: 'request',
      route: 'POST /v1/registrations',
      status: 202,
      ms: expect.any(Number),
      sourceId: source,
    });
    expect(requests.map(({ route, status }) => `${route} ${status}`)).toEqual([
      ...['202', '401', '422', '400', '422'].map((status) => `POST /v1/registrations ${status}`),
      'GET /v1/registrations/:id 404',
      'PUT unknown 404',
      ...['503', '500'].map((status) => `POST /v1/registrations ${status}`),
    ]);
    const secrets = [...marks, token, ...token.split('.'), jti, intake.ckis.kid, Buffer.from(bsn).toString('base64')];
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
    expect(log).toContain(body.id);
  });

  it('and the tables have none of it in clear either', async () => {
    const tables = await intake.sql<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables) {
      const text = JSON.stringify(await intake.sql(`select * from ${name}`));
      for (const mark of ['Kwikstaart', 'Zonnebloemlaan', 'bijzonder-teken-7261', '999990019'])
        expect(text).not.toContain(mark);
    }
  });
});
