import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { runCommand } from '../support/child.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let mailboxId: string;
beforeAll(async () => {
  journey = await startJourney();
  const [row] = await journey.sql<{ id: string }>(`select id from mailbox where name = 'linde'`);
  mailboxId = row?.id ?? '';
});
afterAll(() => journey.release());
beforeEach(async () => {
  await journey.sql('truncate alarm, alarm_mute');
  await journey.sql(
    `insert into alarm (kind, level, object_id, said_at) values ('mailbox.not-polled', 'error', $1, now())`,
    [mailboxId],
  );
});

const run = (...words: readonly string[]) => runCommand(['alarm', ...words], journey.settings);
const TOMORROW = new Date(systemClock.now().getTime() + 86_400_000).toISOString();
const MUTE = ['--until', TOMORROW, '--reason', 'onderhoud', '--by', 'sanne'] as const;
const audited = () =>
  journey.sql<Record<string, unknown>>(
    `select event, actor, object_id as kind, reason, fields from audit where event like 'alarm.%' order by id desc limit 1`,
  );

describe('zorgkoerier alarm', () => {
  it('lists what is open, with the mailbox’s label, what it means and what to do', async () => {
    const { code, stdout } = await run('list');
    expect(code).toBe(0);
    expect(stdout).toContain(`mailbox.not-polled  ${mailboxId} (linde)  sinds `);
    expect(stdout).toMatch(/te lang niet met goed gevolg bekeken[\s\S]*→ Kijk met/);
    const { alarms } = JSON.parse((await run('list', '--json')).stdout);
    expect(alarms).toMatchObject([
      {
        kind: 'mailbox.not-polled',
        level: 'error',
        objectId: mailboxId,
        mailbox: 'linde',
        owner: 'operations',
        mutedUntil: null,
      },
    ]);
    const status = await runCommand(['status'], journey.settings);
    expect(status.stdout).toMatch(
      /alarm mailbox\.not-polled: 1, het oudste sinds [0-9-]+\nWat te doen: zorgkoerier alarm list/,
    );
  });

  it('mutes one object until a moment, audited by name and reason, and unmutes it', async () => {
    expect((await run('mute', 'mailbox.not-polled', mailboxId, ...MUTE)).code).toBe(0);
    expect(await audited()).toEqual([
      {
        event: 'alarm.muted',
        actor: 'sanne',
        kind: 'mailbox.not-polled',
        reason: 'onderhoud',
        fields: { object: mailboxId, until: TOMORROW },
      },
    ]);
    expect((await run('list')).stdout).toContain(`gedempt tot ${TOMORROW}`);
    expect((await runCommand(['status'], journey.settings)).stdout).toContain(', gedempt: 1');
    expect((await run('unmute', 'mailbox.not-polled', mailboxId, '--by', 'sanne')).code).toBe(0);
    expect(await audited()).toMatchObject([{ event: 'alarm.unmuted', actor: 'sanne', fields: { object: mailboxId } }]);
    expect((await run('list')).stdout).not.toContain('gedempt');
    expect((await run('unmute', 'mailbox.not-polled', mailboxId)).code).toBe(3);
  });

  it('mutes a kind of which nothing is open', async () => {
    expect((await run('mute', 'mailbox.no-mail', ...MUTE)).code).toBe(0);
    expect(await journey.sql('select kind, object_id from alarm_mute')).toEqual([
      { kind: 'mailbox.no-mail', object_id: null },
    ]);
  });

  it.each([
    ['a kind that does not exist', ['mailbox.nonsense'], MUTE],
    ['an object that no alarm was about', ['mailbox.not-polled', '999990019'], MUTE],
    ['a moment that has passed', ['mailbox.not-polled'], ['--until', '2020-01-01', '--reason', 'x']],
    ['a mute without end', ['mailbox.not-polled'], ['--until', '2099-01-01', '--reason', 'x']],
    ['no reason', ['mailbox.not-polled'], ['--until', TOMORROW, '--reason', ' ']],
    ['a reason with a BSN in it', ['mailbox.not-polled'], ['--until', TOMORROW, '--reason', 'mevrouw 999990019']],
  ])('refuses %s, and repeats nothing that was typed', async (_, what, options) => {
    const { code, stdout, stderr } = await run('mute', ...what, ...options);
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain('999990019');
    expect(await journey.sql('select 1 from alarm_mute')).toEqual([]);
  });

  it('says that nothing is open where nothing is', async () => {
    await journey.sql('truncate alarm');
    expect((await run('list')).stdout).toBe('Er staat geen alarm open.\n');
  });
});
