/** ZorgMail's relay puts off, is away, does not say what became of a mail, or says long afterwards that it came back. */

import type { RelayFault } from '../../../src/sandbox/zorgmail/relay.ts';
import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS, type Stage } from '../fault.ts';
import { whilePosting } from '../source.ts';

const TIMES = 2;
const AWAY_MS = 5_000;
const WITHOUT_END = Number.POSITIVE_INFINITY;

const FAULTS: readonly (readonly [name: string, fault: RelayFault])[] = [
  ['relay-4xx', { at: 'data', act: { reply: 451 } }],
  // The mail arrives, and we never hear that it was taken.
  ['relay-reply-lost', { at: 'data', act: 'cut', isDelivered: true }],
  // To us the same, but nothing arrives.
  ['relay-mail-lost', { at: 'data', act: 'cut' }],
];

export const RELAY: readonly FaultKind[] = [
  ...FAULTS.map(
    ([name, fault]): FaultKind => ({
      name,
      lane: 'relay',
      strike: (stage) => whilePosting(stage, untilStruck(stage, fault, TIMES)),
    }),
  ),
  {
    name: 'relay-away',
    lane: 'relay',
    strike: (stage) => whilePosting(stage, away(stage)),
  },
  {
    name: 'relay-bounced-later',
    lane: 'relay',
    strike: (stage) => whilePosting(stage, bounced(stage)),
  },
];

async function untilStruck({ world: { relay } }: Stage, fault: RelayFault, times: number): Promise<void> {
  relay.fail(fault, times);
  try {
    await until(
      'struck by the relay',
      () => relay.faultsWaiting(),
      (left) => left === 0,
      STRIKE_WITHIN_MS,
    );
  } finally {
    relay.heal();
  }
}

async function away({ world: { relay }, wait }: Stage): Promise<void> {
  const before = relay.connections();
  relay.fail({ at: 'connect', act: { reply: 421 } }, WITHOUT_END);
  try {
    await until(
      'somebody turned away',
      () => relay.connections(),
      (connections) => connections > before,
      STRIKE_WITHIN_MS,
    );
    await wait(AWAY_MS);
  } finally {
    relay.heal();
  }
}

/** The relay takes a mail that never arrives; once we took it for sent, it says so. */
async function bounced(stage: Stage): Promise<void> {
  const { relay } = stage.world;
  const before = relay.mails().length;
  await untilStruck(stage, { at: 'data', act: 'swallow' }, 1);
  const swallowed = () =>
    relay
      .mails()
      .slice(before)
      .find(({ isDelivered }) => !isDelivered);
  const mail = await until('a mail is swallowed', swallowed, (found) => found !== undefined, STRIKE_WITHIN_MS);
  if (mail === undefined) throw new Error('no mail was swallowed');
  const registration = async () =>
    (
      await stage
        .sql<{ state: string; part: string; key: string }>(
          `select g.state, o.state as part, g.idempotency_key as key from outward_mail o join registration g on g.id = o.registration_id
           where o.envelope_id = $1`,
          [mail.envid],
        )
        .catch(() => [])
    )[0];
  // Also where who sent it died before it was recorded: then it goes again, and comes back all the same.
  const sent = await until(
    'taken for sent',
    registration,
    (row) => row?.part === 'sent' || row?.part === 'delivered',
    STRIKE_WITHIN_MS,
  );
  stage.source.bounced(sent?.key ?? '');
  await relay.report(mail, { action: 'failed', status: '5.1.1' });
  await until('bounced', registration, (row) => row?.state === 'bounced', STRIKE_WITHIN_MS);
}
