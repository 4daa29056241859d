import { beforeEach, describe, expect, it } from 'vitest';
import { muteAlarm, openAlarms, sayDue, setAlarm, settleAlarms, unmuteAlarm } from '../../src/alarms/alarms.ts';
import { useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();
beforeEach(async () => {
  await ledgers.owner.query('truncate alarm, alarm_mute');
});

const KIND = 'mailbox.not-polled';
const settle = async (...ids: readonly string[]) => {
  const objects = ids.map((objectId) => ({ objectId, practiceId: null }));
  const { opened, closed } = await ledgers.worker.transaction((tx) =>
    settleAlarms(tx, KIND, 'error', async () => objects),
  );
  return [...opened.map(({ objectId }) => `opened ${objectId}`), ...closed.map(({ objectId }) => `closed ${objectId}`)];
};
const mute = (objectId: string | null, kind = KIND) =>
  ledgers.worker.transaction((tx) =>
    muteAlarm(tx, { kind, objectId, until: new Date('2100-01-01'), reason: 'onderhoud', by: 'sanne' }),
  );
/** What time does to a mute. */
const endMutes = () => ledgers.owner.query(`update alarm_mute set until = now() - interval '1 second'`);
const due = async () => (await sayDue(ledgers.worker)).map(({ objectId }) => objectId);

describe('an alarm that is muted', () => {
  it('opens and is listed with its end, and is not said', async () => {
    await mute('a');
    expect(await settle('a', 'b')).toEqual(['opened b']);
    expect(await settle('a', 'b')).toEqual([]);
    expect(await due()).toEqual([]);
    expect(await openAlarms(ledgers.worker)).toMatchObject([
      { objectId: 'a', mutedUntil: new Date('2100-01-01') },
      { objectId: 'b', mutedUntil: null },
    ]);
  });

  it('is said once when the mute has ended and it still stands', async () => {
    await mute('a');
    await settle('a');
    await endMutes();
    expect(await due()).toEqual(['a']);
    expect(await due()).toEqual([]);
    expect(await settle('a')).toEqual([]);
    expect(await settle()).toEqual(['closed a']);
  });

  it('is said again at the end of the mute where it was said before', async () => {
    expect(await settle('a')).toEqual(['opened a']);
    await mute('a');
    expect(await due()).toEqual([]);
    await endMutes();
    expect(await settle('a')).toEqual(['opened a']);
    expect(await due()).toEqual([]);
  });

  it('that nobody heard of ends without a word; one that was said says that it is over', async () => {
    await settle('said');
    await mute(null);
    await settle('said', 'unheard');
    expect(await settle()).toEqual(['closed said']);
    await endMutes();
    expect(await due()).toEqual([]);
  });

  it('is one object, or all of a kind, and never another kind', async () => {
    await mute(null);
    await mute('a', 'mailbox.no-mail');
    expect(await settle('a', 'b')).toEqual([]);
    const other = { kind: 'mailbox.no-mail', level: 'warn', practiceId: null } as const;
    expect(await setAlarm(ledgers.worker, { ...other, objectId: 'a' }, true)).toBe(false);
    expect(await setAlarm(ledgers.worker, { ...other, objectId: 'b' }, true)).toBe(true);
    expect(await setAlarm(ledgers.worker, { ...other, objectId: 'b' }, true)).toBe(false);
    expect(await setAlarm(ledgers.worker, { ...other, objectId: 'a' }, false)).toBe(false);
    expect(await setAlarm(ledgers.worker, { ...other, objectId: 'b' }, false)).toBe(true);
  });

  it('can be unmuted, once, and is then said', async () => {
    await mute('a');
    await settle('a');
    expect(await unmuteAlarm(ledgers.worker, KIND, null)).toBe(false);
    expect(await unmuteAlarm(ledgers.worker, KIND, 'a')).toBe(true);
    expect(await unmuteAlarm(ledgers.worker, KIND, 'a')).toBe(false);
    expect(await due()).toEqual(['a']);
  });

  it('has one mute at a time of the same thing: the last one counts', async () => {
    await mute('a');
    await ledgers.worker.transaction((tx) =>
      muteAlarm(tx, { kind: KIND, objectId: 'a', until: new Date('2099-01-01'), reason: 'korter', by: 'sanne' }),
    );
    await settle('a');
    expect(await openAlarms(ledgers.worker)).toMatchObject([{ mutedUntil: new Date('2099-01-01') }]);
  });

  it('is said once at the end of the mute, whoever of many asks', async () => {
    await mute(null);
    await settle('a', 'b');
    await endMutes();
    expect((await Promise.all(Array.from({ length: 8 }, due))).flat().sort()).toEqual(['a', 'b']);
  });
});
