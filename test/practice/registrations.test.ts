import { describe, expect, it } from 'vitest';
import {
  addPractice,
  changeIntegration,
  type EnableRequest,
  enableIntegration,
  findPractice,
  integrationOf,
  type NewPractice,
  type Practice,
  registrationReceiver,
} from '../../src/practice/practice.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { newPractice, practiceIn } from './places.ts';

const ledgers = useLedgers();

const SHADOW: EnableRequest = {
  name: 'registrations',
  mode: null,
  authorisedBy: null,
  authorisedOn: null,
  determinations: null,
  since: null,
};
const LIVE: EnableRequest = { ...SHADOW, mode: 'live', authorisedBy: 'dr. A. de Proef', authorisedOn: '2026-11-20' };
const to = (wish: Partial<NonNullable<EnableRequest['receiver']>>): EnableRequest => ({
  ...SHADOW,
  receiver: { account: null, charset: null, blankLine: null, ...wish },
});

const enable = (practice: Practice, request: EnableRequest) =>
  ledgers.worker.transaction((tx) => enableIntegration(tx, practice, request, 'sanne'));
const receiver = (practice: Practice) => registrationReceiver(ledgers.worker, practice.id);
const withAccounts = (...accounts: string[]) => practiceIn(ledgers.worker, { accounts });
const changedAt = async ({ id }: Practice) =>
  (
    await ledgers.owner.query<{ at: Date }>(
      'select changed_at as at from registration_receiver where practice_id = $1',
      [id],
    )
  ).rows[0]?.at;

describe('enabling registrations', () => {
  it('takes the only account, needs no mailbox, and begins in shadow with what every HIS takes', async () => {
    const practice = await practiceIn(ledgers.worker);
    expect(await enable(practice, SHADOW)).toBeNull();
    expect(await integrationOf(ledgers.worker, practice.id, 'registrations')).toMatchObject({
      state: 'enabled',
      mode: 'shadow',
    });
    expect(await receiver(practice)).toEqual({
      account: practice.accounts[0],
      charset: 'ascii',
      blankLine: 'full-stop',
    });
  });

  it('is allowed to a practice with only cBoards', async () => {
    const practice = await practiceIn(ledgers.worker, { products: ['cBoards'], boards: 'none' });
    expect(await enable(practice, LIVE)).toBeNull();
    expect(await integrationOf(ledgers.worker, practice.id, 'registrations')).toMatchObject({ mode: 'live' });
  });

  it('has one of several accounts chosen, and refuses another practice’s', async () => {
    const practice = await withAccounts('510000001', '510000002');
    const other = await withAccounts('510000003');
    expect(await enable(practice, SHADOW)).toBe('choose-account');
    expect(await enable(practice, to({ account: other.accounts[0] ?? '' }))).toBe('other-account');
    expect(await receiver(practice)).toBeNull();
    expect(await integrationOf(ledgers.worker, practice.id, 'registrations')).toBeNull();
    expect(await enable(practice, to({ account: '510000002' }))).toBeNull();
    expect(await receiver(practice)).toMatchObject({ account: '510000002' });
  });

  it('is refused to a practice without an account', async () => {
    const bare: NewPractice = newPractice({ accounts: [] });
    await ledgers.worker.transaction((tx) => addPractice(tx, bare, 'a person'));
    const practice = await findPractice(ledgers.worker, bare.agb);
    if (practice === null) throw new Error('it was added');
    expect(await enable(practice, LIVE)).toBe('no-account');
  });

  it.each([
    { ...LIVE, authorisedBy: null },
    { ...LIVE, authorisedOn: null },
  ])('live needs the practice’s authorisation: %#', async (request) => {
    const practice = await practiceIn(ledgers.worker);
    expect(await enable(practice, request)).toBe('no-authorisation');
    expect(await receiver(practice)).toBeNull();
    await expect(
      ledgers.owner.query(
        `insert into integration (practice_id, name, state, mode, since) values ($1, 'registrations', 'enabled', 'live', now())`,
        [practice.id],
      ),
    ).rejects.toMatchObject({ code: 'ledger.refused', fields: { sqlState: '23514' } });
  });

  it('leaves what is not given as it was, and its moment where nothing changed', async () => {
    const practice = await withAccounts('510000004', '510000005');
    await enable(practice, { ...LIVE, receiver: { account: '510000005', charset: 'latin1', blankLine: 'space' } });
    const before = await changedAt(practice);
    expect(await enable(practice, SHADOW)).toBeNull();
    expect(await receiver(practice)).toEqual({ account: '510000005', charset: 'latin1', blankLine: 'space' });
    expect(await changedAt(practice)).toEqual(before);
    expect(await integrationOf(ledgers.worker, practice.id, 'registrations')).toMatchObject({ mode: 'live' });
    await enable(practice, to({ charset: 'ascii' }));
    expect(await receiver(practice)).toEqual({ account: '510000005', charset: 'ascii', blankLine: 'space' });
    expect(Number(await changedAt(practice))).toBeGreaterThan(Number(before));
  });

  it('has all chosen anew after it was disabled', async () => {
    const practice = await withAccounts('510000006', '510000007');
    await enable(practice, { ...LIVE, receiver: { account: '510000007', charset: 'latin1', blankLine: 'space' } });
    await ledgers.worker.transaction((tx) => changeIntegration(tx, practice, 'registrations', 'disabled', 'sanne'));
    expect(await enable(practice, SHADOW)).toBe('choose-account');
    expect(await enable(practice, to({ account: '510000006' }))).toBeNull();
    expect(await receiver(practice)).toEqual({ account: '510000006', charset: 'ascii', blankLine: 'full-stop' });
    expect(await integrationOf(ledgers.worker, practice.id, 'registrations')).toMatchObject({
      mode: 'shadow',
      authorisedBy: null,
    });
  });

  it('is audited with who authorised it and where registrations go', async () => {
    const practice = await withAccounts('510000008');
    await enable(practice, LIVE);
    const { rows } = await ledgers.owner.query<{ fields: object }>(
      `select fields from audit where object_id = $1 and event = 'integration.enabled'`,
      [practice.id],
    );
    expect(rows).toEqual([
      {
        fields: {
          ...{ integration: 'registrations', mode: 'live', authorisedBy: LIVE.authorisedBy, was: 'none' },
          ...{ account: '510000008', charset: 'ascii', blankLine: 'full-stop' },
        },
      },
    ]);
  });
});
