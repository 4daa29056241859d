/** What Customer Care sees of a hold that grows old: in the list, in status, and when it is discarded. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/child.ts';
import { medlab } from '../support/medlab.ts';
import { deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let id: string;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
  const birthDate = '1959:09:14';
  await journey.send('linde', medlab({ bsn: '999911120', labNumber: '26200001', birthDate, to: '500088001' }));
  await untilAtRest(journey, 1);
  id = (await deliveries(journey)).find(({ state }) => state === 'held')?.id ?? '';
});
afterAll(() => journey.release());

const run = (...args: string[]) => runCommand(args, journey.settings);
const alarms = () => journey.sql<{ kind: string }>('select kind from alarm where closed_at is null order by kind');
const discard = (by: string) => run('held', 'discard', id, '--reason', 'gebeld', '--by', by);

interface Listed {
  readonly workingDays: number;
  readonly alarmed: readonly string[];
  readonly needsTwoToDiscard: boolean;
  readonly discardAskedBy: string | null;
}
async function listed(): Promise<Listed | undefined> {
  return (JSON.parse((await run('held', 'list', '--json')).stdout) as Listed[])[0];
}

describe('a hold of today', () => {
  it('is listed without an alarm', async () => {
    expect(await listed()).toMatchObject({ workingDays: 0, alarmed: [], needsTwoToDiscard: false });
    expect(await alarms()).toEqual([]);
    expect((await run('status')).stdout).not.toContain('alarm');
  });
});

describe('a hold of a hundred days', () => {
  it('is alarmed by the worker, once, and says so in list and status', async () => {
    await journey.sql(`update delivery set settled_at = now() - interval '100 days'`);
    await journey.sql(`update mail set copied_at = now() - interval '100 days'`);
    await until('both alarms', alarms, (open) => open.length === 2);
    const item = await listed();
    expect(item).toMatchObject({ alarmed: ['owner', 'customer-care'], needsTwoToDiscard: true, discardAskedBy: null });
    expect(item?.workingDays).toBeGreaterThan(60);
    expect((await run('held', 'list')).stdout).toMatch(/werkdagen +gealarmeerd[\s\S]* wie aan zet is, Customer Care /);
    const [text, json] = [await run('status'), await run('status', '--json')];
    expect(text.stdout).toMatch(/alarm hold\.customer-care: 1, het oudste sinds \d{4}-\d\d-\d\d\nalarm hold\.owner: 1/);
    expect(JSON.parse(json.stdout)).toMatchObject({ alarms: [{ kind: 'hold.customer-care', objectId: id }, {}] });
    const lines = journey
      .log()
      .split('\n')
      .filter((line) => line.includes('a hold waits for a decision'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { code: 'hold.owner', deliveryId: id, reason: 'card.birth-date-differs', owner: 'practice' },
      { code: 'hold.customer-care', deliveryId: id },
    ]);
  });

  it('is discarded by two persons, and not by one who asks twice', async () => {
    const asked = await discard('sanne');
    expect(asked.code).toBe(3);
    expect(asked.stdout).toMatch(/nog niet afgewezen[\s\S]*twee personen/);
    expect(await listed()).toMatchObject({ discardAskedBy: 'sanne' });
    expect((await run('held', 'list')).stdout).toContain('Afwijzen gevraagd door sanne.');
    const again = await discard('sanne');
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toMatch(/decision\.same-person: .*iemand anders moet het bevestigen/);
    expect(await discard('pieter')).toMatchObject({ code: 0, stdout: 'Afgewezen.\n' });
    await until('no alarm', alarms, (open) => open.length === 0);
    expect(await listed()).toBeUndefined();
  });
});
