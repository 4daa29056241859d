import { beforeAll, describe, expect, it } from 'vitest';
import type { Practice } from '../../src/practice/practice.ts';
import { listRegistrations, registrationCounts } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn } from '../practice/places.ts';
import { type MadeRegistration, registrationIn } from './registration-rows.ts';

const ledgers = useLedgers();
let linde: Practice;
let anker: Practice;
const made: Record<string, MadeRegistration> = {};
beforeAll(async () => {
  [linde, anker] = [await practiceIn(ledgers.worker), await practiceIn(ledgers.worker)];
  made['held'] = await registrationIn(ledgers.owner, linde, 'held', { reason: 'registration.switched-off' });
  made['sent'] = await registrationIn(ledgers.owner, linde, 'sent', { mails: ['sent', 'sent'] });
  made['delivered'] = await registrationIn(ledgers.owner, linde, 'delivered', { mails: ['delivered'], content: null });
  made['bounced'] = await registrationIn(ledgers.owner, anker, 'bounced', { mails: ['superseded', 'bounced'] });
});

const listed = async (
  ...filter: Parameters<typeof listRegistrations> extends [unknown, ...infer Rest] ? Rest : never
) => (await listRegistrations(ledgers.worker, ...filter)).map(({ id }) => id);
const ids = (...names: string[]) => names.map((name) => made[name]?.id);

describe('the office’s list of registrations', () => {
  it('has all of them, oldest first, with ids, codes and moments alone', async () => {
    expect(await listed()).toEqual(ids('held', 'sent', 'delivered', 'bounced'));
    const [held, sent, delivered] = await listRegistrations(ledgers.worker);
    expect(held).toEqual({
      ...{
        id: made['held']?.id,
        practiceId: linde.id,
        practiceAgb: linde.agb,
        source: expect.stringMatching(/^ckis-/),
        origin: 'card',
      },
      ...{
        state: 'held',
        reason: 'registration.switched-off',
        detail: null,
        earlierId: null,
        isParked: false,
        parts: 0,
      },
      ...{
        createdAt: expect.any(Date),
        sentAt: null,
        settledAt: expect.any(Date),
        discardAskedBy: null,
        isErased: false,
      },
    });
    expect(sent).toMatchObject({ parts: 2, sentAt: expect.any(Date), settledAt: null });
    expect(delivered).toMatchObject({ isErased: true });
  });

  it('can be asked for one practice, one state, or what waits for a person', async () => {
    expect(await listed({ practiceId: anker.id })).toEqual(ids('bounced'));
    expect(await listed({ state: 'sent' })).toEqual(ids('sent'));
    expect(await listed({ attention: true })).toEqual(ids('held', 'bounced'));
    expect(await listed({ attention: true, practiceId: linde.id })).toEqual(ids('held'));
    expect(await listed({ attention: true, state: 'sent' })).toEqual([]);
  });

  it('is counted per practice and state', async () => {
    expect(await registrationCounts(ledgers.worker)).toEqual([
      {
        ...{ practiceId: linde.id, practiceAgb: linde.agb, total: 3, attention: 1 },
        states: { held: 1, sent: 1, delivered: 1 },
      },
      { practiceId: anker.id, practiceAgb: anker.agb, total: 1, attention: 1, states: { bounced: 1 } },
    ]);
  });
});
