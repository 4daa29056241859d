import { describe, expect, it } from 'vitest';
import { keyInventory } from '../../src/keys/keys.ts';
import {
  disableRegistrations,
  discardRegistration,
  enableRegistrations,
  shredPractice,
} from '../../src/pipeline/pipeline.ts';
import type { Practice } from '../../src/practice/practice.ts';
import { registrationCounts } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { practiceIn, testKeys } from '../practice/places.ts';
import { auditOf, mailStates, REGISTRATIONS, registrationIn, registrationRow } from '../records/registration-rows.ts';

const ledgers = useLedgers();
const act = { by: 'sanne', reason: 'praktijk is gestopt' };
const shred = (practice: Practice) => shredPractice(ledgers.worker, practice, act);

async function registering(): Promise<Practice> {
  const practice = await practiceIn(ledgers.worker);
  await enableRegistrations(ledgers.worker, practice, REGISTRATIONS, 'sanne');
  return practice;
}

describe('shredding a practice with registrations', () => {
  it('is refused while they are not disabled: intake would go on', async () => {
    const practice = await registering();
    const waits = await registrationIn(ledgers.owner, practice, 'accepted');
    await expect(shred(practice)).rejects.toMatchObject({
      code: 'practice.still-registering',
      fields: { agb: practice.agb },
    });
    expect(await registrationRow(ledgers.owner, waits)).toMatchObject({ state: 'accepted', kept: true });
  });

  it.each(['sending', 'uncertain'] as const)('is refused while one is %s: only the relay knows', async (state) => {
    const practice = await registering();
    await disableRegistrations(ledgers.worker, practice, 'sanne');
    const open = await registrationIn(ledgers.owner, practice, state, { mails: ['uncertain'] });
    await expect(shred(practice)).rejects.toMatchObject({ code: 'practice.under-way', fields: { count: 1 } });
    expect(await registrationRow(ledgers.owner, open)).toMatchObject({ state, kept: true });
  });

  it('is refused while a worker has one in its hands', async () => {
    const practice = await registering();
    const open = await registrationIn(ledgers.owner, practice, 'accepted');
    await ledgers.owner.query(
      `update registration set lease_token = gen_random_uuid(), lease_until = now() + interval '30 seconds' where id = $1`,
      [open.id],
    );
    await disableRegistrations(ledgers.worker, practice, 'sanne');
    await expect(shred(practice)).rejects.toMatchObject({ code: 'practice.under-way' });
  });

  it('discards what is open or with a person, erases all, and every one is still accounted for', async () => {
    const practice = await registering();
    const states = ['accepted', 'queued', 'held', 'bounced', 'sent', 'delivered', 'shadowed'] as const;
    const made = [];
    for (const state of states)
      made.push({
        state,
        one: await registrationIn(ledgers.owner, practice, state, {
          mails:
            state === 'accepted'
              ? []
              : [state === 'sent' || state === 'delivered' || state === 'bounced' ? state : 'queued'],
        }),
      });
    const sealed = testKeys(ledgers.worker);
    await sealed.seal(
      { table: 'registration', rowId: practice.id, owner: { purpose: 'practice', id: practice.id } },
      Buffer.from('x'),
    );
    await disableRegistrations(ledgers.worker, practice, 'sanne');
    expect(await shred(practice)).toMatchObject({ keys: 1, discarded: 4 });
    for (const { state, one } of made) {
      const isOver = ['sent', 'delivered', 'shadowed'].includes(state);
      expect(await registrationRow(ledgers.owner, one)).toMatchObject(
        isOver ? { state, kept: false } : { state: 'discarded', reason: 'practice.shredded', kept: false },
      );
      for (const mail of await mailStates(ledgers.owner, one)) expect(mail).toMatch(/ without bytes$/);
      const last = (await auditOf(ledgers.owner, one)).at(-1);
      if (!isOver)
        expect(last).toMatchObject({ event: 'registration.discarded', actor: 'sanne', reason: 'practice.shredded' });
    }
    const counts = (await registrationCounts(ledgers.worker)).find(({ practiceId }) => practiceId === practice.id);
    expect(counts).toMatchObject({
      total: states.length,
      attention: 0,
      states: { discarded: 4, sent: 1, delivered: 1, shadowed: 1 },
    });
    const [first] = made;
    await expect(discardRegistration({ ledger: ledgers.worker }, first?.one.id ?? '', act)).rejects.toMatchObject({
      code: 'decision.not-found',
    });
  });

  it('lets nothing be sealed for it afterwards, until a person enables it again', async () => {
    const practice = await registering();
    await disableRegistrations(ledgers.worker, practice, 'sanne');
    await shred(practice);
    const seal = () =>
      testKeys(ledgers.worker).seal(
        { table: 'registration', rowId: practice.id, owner: { purpose: 'practice', id: practice.id } },
        Buffer.from('x'),
      );
    await expect(seal()).rejects.toMatchObject({ code: 'keys.owner-shredded' });
    await enableRegistrations(ledgers.worker, practice, REGISTRATIONS, 'sanne');
    expect((await seal()).length).toBeGreaterThan(16);
  });
});

describe('the inventory of keys', () => {
  it('counts registrations and their mails under their practice’s key', async () => {
    const practice = await registering();
    const keys = testKeys(ledgers.worker);
    const owner = { purpose: 'practice', id: practice.id } as const;
    const made = await registrationIn(ledgers.owner, practice, 'queued', { mails: ['queued'] });
    const seal = (table: 'registration' | 'outward_mail', rowId: string) =>
      keys.seal({ table, rowId, owner }, Buffer.from('the text of a doctor'));
    await ledgers.owner.query('update registration set content = $2 where id = $1', [
      made.id,
      await seal('registration', made.id),
    ]);
    const mailId = made.mailIds[0] ?? '';
    await ledgers.owner.query('update outward_mail set content = $2 where id = $1', [
      mailId,
      await seal('outward_mail', mailId),
    ]);
    const facts = (await keyInventory(ledgers.worker)).find(({ ownerId }) => ownerId === practice.id);
    expect(facts).toMatchObject({ state: 'current', rows: 2, isDestroyable: false });
  });
});
