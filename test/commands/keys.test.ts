/** `keys` and `prune` as a person types them, beside a worker that runs. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeysShred } from '../../src/commands/keys-shred.ts';
import { runCommand } from '../support/child.ts';
import { medlab, practice } from '../support/medlab.ts';
import { type Delivered, deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_PRUNE_INTERVAL_MS: '1000' } });
  await journey.startWorker();
});
afterAll(() => journey.release());

const KAREL = '999911120';
const { agb, zorgmail } = practice('linde');
const run = (...args: string[]) => runCommand(args, journey.settings);

interface Key {
  readonly id: string;
  readonly state: string;
  readonly rows: number | null;
  readonly isDestroyable: boolean;
}
interface Status {
  readonly owners: readonly {
    readonly purpose: string;
    readonly owner: string | null;
    readonly count: number;
    readonly keys: readonly Key[];
  }[];
}

async function keysOf(purpose: string, owner: string | null): Promise<readonly Key[]> {
  const { stdout, code } = await run('keys', 'status', '--json');
  expect(code).toBe(0);
  return (
    (JSON.parse(stdout) as Status).owners.find((each) => each.purpose === purpose && each.owner === owner)?.keys ?? []
  );
}

async function send(payload: Buffer): Promise<Delivered> {
  sent += 1;
  await journey.send('linde', payload);
  await untilAtRest(journey, sent);
  const found = (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');
  if (found === undefined) throw new Error('nothing was delivered');
  return found;
}

describe('keys status and rotate', () => {
  it('say how many keys there are and what stands under each; a running worker writes with the new one at once', async () => {
    await send(medlab({ bsn: KAREL, labNumber: '26330001', to: zorgmail }));
    // The mail and the password of the mailbox.
    expect(await keysOf('mailbox', 'linde')).toMatchObject([{ state: 'current', rows: 2, isDestroyable: false }]);
    expect(await run('keys', 'rotate', '--mailbox', 'linde')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1 nieuwe/),
    });
    await send(medlab({ bsn: KAREL, labNumber: '26330002', to: zorgmail }));
    expect(await keysOf('mailbox', 'linde')).toMatchObject([
      { state: 'current', rows: 1, isDestroyable: false },
      { state: 'retired', rows: 2, isDestroyable: false },
    ]);
    expect(await keysOf('practice', agb)).toMatchObject([{ state: 'current', rows: 2 }]);
    expect(await run('keys', 'rotate', '--practice', agb)).toMatchObject({ code: 0 });
    expect(await keysOf('practice', agb)).toHaveLength(2);
  });

  it('rotate all that may be rotated, with an audit row for each key and no key in any answer', async () => {
    const { stdout, stderr, code } = await run('keys', 'rotate', '--all', '--by', 'sanne');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const audited = await journey.sql<{ purpose: string }>(
      `select distinct fields ->> 'purpose' as purpose from audit where event = 'keys.rotated' and actor = 'sanne' order by 1`,
    );
    expect(audited.map(({ purpose }) => purpose)).toEqual(['mac-digest', 'mailbox', 'practice']);
    expect(await keysOf('mac-digest', null)).toMatchObject([{ state: 'current' }, { state: 'retired', rows: 4 }]);
    expect(stdout).not.toContain('=');
  });

  it('call a key destroyable once nothing stands under it, and it was retired a day ago', async () => {
    const [, retired] = await keysOf('practice', 'none');
    expect(retired).toBeUndefined();
    const [current] = await keysOf('practice', agb);
    // Rotated twice with nothing sealed between: nothing stands under the middle one.
    await run('keys', 'rotate', '--practice', agb);
    const middle = async () => (await keysOf('practice', agb)).find(({ id }) => id === current?.id);
    expect(await middle()).toMatchObject({ state: 'retired', rows: 0, isDestroyable: false });
    await journey.sql(
      `update data_key set retired_at = now() - interval '25 hours' where purpose = 'practice' and retired_at is not null`,
    );
    expect(await middle()).toMatchObject({ rows: 0, isDestroyable: true });
    const others = (await keysOf('practice', agb)).filter(({ rows }) => rows !== 0);
    expect(others.every(({ isDestroyable }) => !isDestroyable)).toBe(true);
  });

  it('prune destroys what is destroyable and nothing else, audited; what stands under the others stays readable', async () => {
    const destroyable = (await keysOf('practice', agb)).filter(({ isDestroyable }) => isDestroyable);
    const ids = destroyable.map(({ id }) => id).toSorted();
    expect(ids).toHaveLength(2);
    const destroyed = 'select id from data_key where destroyed_at is not null and wrapped is null order by id::text';
    const dryRun = await run('keys', 'prune', '--dry-run');
    expect(dryRun).toMatchObject({ code: 0, stdout: expect.stringContaining(': 2 oude') });
    expect(await journey.sql(destroyed)).toEqual([]);
    const done = await run('keys', 'prune', '--by', 'sanne');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Vernietigd: 2 /) });
    expect(await journey.sql(destroyed)).toEqual(ids.map((id) => ({ id })));
    const audited = await journey.sql(
      `select object_id, actor, practice_id is not null as of_practice from audit where event = 'keys.destroyed' order by 1`,
    );
    expect(audited).toEqual(ids.map((id) => ({ object_id: id, actor: 'sanne', of_practice: true })));
    expect(await run('keys', 'prune')).toMatchObject({ stdout: expect.stringMatching(/^Vernietigd: 0 /) });
    // Both earlier reports stand under other retired keys.
    const [report] = await journey.sql<{ id: string; practice_id: string; content: Buffer }>(
      `select id, practice_id, content from report where content is not null order by created_at limit 1`,
    );
    const place = {
      table: 'report',
      rowId: report?.id ?? '',
      owner: { purpose: 'practice', id: report?.practice_id ?? '' },
    } as const;
    expect((await journey.courier.keys.open(place, report?.content ?? Buffer.of())).toString()).toContain('26330001');
  });

  it('know every sealed table: what they missed would be destroyed', async () => {
    const columns = await journey.sql<{ place: string }>(
      `select table_name || '.' || column_name as place from information_schema.columns
       where table_schema = 'public' and table_name <> 'audit_seal' and data_type = 'bytea' and column_name not like '%digest' and column_name not like '%_key'
         and column_name <> 'wrapped' order by 1`,
    );
    const source = readFileSync(new URL('../../src/keys/inventory.ts', import.meta.url), 'utf8');
    const counted = [...source.matchAll(/KEY_ID\('(\w+)'\)\}.* from (\w+) where/g)].map(
      ([, column, table]) => `${table}.${column}`,
    );
    expect(columns.map(({ place }) => place)).toEqual(counted.toSorted());
    expect(counted).toContain('outward_mail.content');
  });

  it.each(['card', 'patient', 'bsn'])('refuse the %s key with the reason', async (purpose) => {
    const before = await journey.sql('select count(*) from data_key');
    const { code, stderr } = await run('keys', 'rotate', '--purpose', purpose);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('wisselt nooit') });
    expect(await journey.sql('select count(*) from data_key')).toEqual(before);
  });

  it.each([
    [[], /name one of/],
    [['--all', '--practice', agb], /name one of/],
    [['--practice', '01099999'], /no practice/],
    [['--mailbox', 'nergens'], /no mailbox/],
    [['--purpose', 'all'], /Allowed choices/],
    [['--master'], /ZORGKOERIER_MASTER_KEY_NEXT/],
  ])('refuse %j', async (args, says) => {
    const { code, stderr } = await run('keys', 'rotate', ...args);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
  });
});

describe('prune', () => {
  const first = medlab({ bsn: KAREL, labNumber: '26330001', to: zorgmail });
  const age = (id: string) =>
    journey.sql(
      `update delivery set settled_at = now() - interval '31 days' where report_id = (select report_id from delivery where id = $1)`,
      [id],
    );

  it('is done by a worker on its own timer, and what it erased is still known as a duplicate', async () => {
    const [old] = await deliveries(journey);
    await age(old?.id ?? '');
    const look = async () => (await deliveries(journey)).find(({ id }) => id === old?.id);
    await until('pruned', look, (row) => row?.has_content === false && row.has_bytes === false);
    const audited = await journey.sql(`select actor, fields from audit where event = 'content.pruned'`);
    expect(audited).toMatchObject([
      { actor: 'worker', fields: { reports: 1, mails: 1, keepDays: 30, dedupeDays: 400 } },
    ]);
    expect(await send(first)).toMatchObject({ state: 'duplicate' });
    expect((await untilAtRest(journey, sent)).difference).toBe(0);
  });

  it('says of a mail that is to be replayed that its content has gone', async () => {
    const [old] = await deliveries(journey);
    const { code, stderr } = await run('replay', '--mail', old?.mail_id ?? '');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/its content has gone \(erased 20/),
    });
    const unknown = await run('replay', '--mail', '00000000-0000-7000-8000-000000000000');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/^no mail/) });
  });

  it('says of what waits no more what became of it, and that its content has gone', async () => {
    const [old] = await deliveries(journey);
    const { code, stderr } = await run('held', 'show', old?.id ?? '', '--content');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/forwarded; de inhoud is gewist op 20/),
    });
  });

  it('by hand counts first with --dry-run and changes nothing, then erases and audits by name', async () => {
    await journey.stopWorkers();
    const second = (await deliveries(journey))[2];
    expect(second).toMatchObject({ state: 'forwarded', has_content: true, has_bytes: true });
    await age(second?.id ?? '');
    const dry = await run('prune', '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      dryRun: true,
      reports: 1,
      mails: 1,
      digests: 0,
      labNumbers: 0,
      keepDays: 30,
    });
    expect((await deliveries(journey))[2]).toMatchObject({ has_content: true, has_bytes: true });
    const real = await run('prune', '--json', '--by', 'sanne');
    expect(JSON.parse(real.stdout)).toMatchObject({ dryRun: false, reports: 1, mails: 1, runs: 1 });
    expect(await journey.sql(`select 1 from audit where event = 'content.pruned' and actor = 'sanne'`)).toHaveLength(1);
    expect(await run('prune')).toMatchObject({ code: 0, stdout: expect.stringContaining('inhoud van 0 uitslagen') });
    expect((await deliveries(journey))[2]).toMatchObject({ has_content: false, has_bytes: false });
  });
});

describe('keys shred', () => {
  const io = { env: {}, out: () => {}, progress: () => {}, readStdin: async () => Buffer.alloc(0) };
  const typing = (typed: string) => {
    const options = { practice: agb, mailbox: null, reason: 'contract beëindigd', by: 'sanne', yes: false };
    return runKeysShred({ ...io, env: journey.settings }, options, async (question) => {
      expect(question).toContain(`Typ ${agb}`);
      return typed;
    });
  };

  it('goes on only where the very name was typed', async () => {
    for (const typed of ['', 'ja', 'y', agb.slice(1), `${agb}1`])
      await expect(typing(typed)).rejects.toThrow(/Niet bevestigd/);
    // Confirmed: the next that stands in the way is that the practice still forwards.
    await expect(typing(`${agb}\n`)).rejects.toMatchObject({ code: 'practice.still-forwarding' });
  });

  it('needs a reason and one owner, asks for the name where nobody says --yes, and says what it did', async () => {
    const held = readFileSync(new URL('../../fixtures/rejected/truncated.edi', import.meta.url));
    await journey.startWorker();
    await send(held);
    // keys prune, above, destroyed some already.
    const destroyed = 'select id from data_key where destroyed_at is not null order by id';
    const before = await journey.sql(destroyed);
    expect(await run('keys', 'shred', '--practice', agb)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--reason'),
    });
    expect(await run('keys', 'shred', '--reason', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--practice'),
    });
    const shred = ['keys', 'shred', '--practice', agb, '--reason', 'contract beëindigd', '--by', 'sanne'];
    // Nobody types here: the input is at its end.
    expect(await run(...shred)).toMatchObject({ code: 2, stderr: expect.stringContaining('Niet bevestigd') });
    expect(await run(...shred, '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('practice disable'),
    });
    expect(await journey.sql(destroyed)).toEqual(before);
    await run('practice', 'disable', agb, 'forwarding');
    const { code, stdout } = await run(...shred, '--yes');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/sleutels vernietigd; 1 mails.*linde/s),
    });
    expect((await keysOf('practice', agb)).every(({ state }) => state === 'destroyed')).toBe(true);
    expect(await run('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('klopt') });
    expect(await run('held', 'list')).toMatchObject({ stdout: expect.stringContaining('Niets wacht') });
  });
});
