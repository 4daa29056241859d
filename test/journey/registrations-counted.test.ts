import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Composition, compose } from '../../src/compose.ts';
import { addReturnMailbox, type RunningWorker, retryRegistration, startWorker } from '../../src/pipeline/pipeline.ts';
import { SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import type { SourceId } from '../../src/shared/ids.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { figureOf } from '../health/scraped.ts';
import { addSource, post, posted, registerReceiver, switchTo, untilState } from '../support/registrations.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** Registrations in the metrics: counted where they move, and timed unless a person had them sent again. */

let journey: Journey;
let composition: Composition;
let worker: RunningWorker;
let source: SourceId;
let first: string;

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  source = await addSource(journey);
  await registerReceiver(journey, 'linde');
  await registerReceiver(journey, 'brug', 'shadow');
  composition = await compose(journey.config, { random: () => 0, logger: silentLogger });
  worker = await startWorker(composition.courier);
});
afterAll(async () => {
  await worker?.release(5_000);
  await composition?.release();
  await journey?.release();
});

const figure = async (name: string, labels: Record<string, string>) =>
  figureOf(await composition.metrics.registry.metrics(), name, labels) ?? 0;
const counted = (outcome: string, reason = 'none') => figure('zorgkoerier_registrations_total', { outcome, reason });
const timed = (outcome: string) => figure('zorgkoerier_registration_seconds_count', { outcome });
/** The commit is seen before it is counted. */
const untilCounted = async (count: number, outcome: string, reason?: string) =>
  expect(
    await until(
      `${count} ${outcome}`,
      () => counted(outcome, reason),
      (value) => value >= count,
    ),
  ).toBe(count);

describe('registrations in the metrics', () => {
  it('are counted when they are rendered and when the relay has them, with how long that took', async () => {
    first = await post(journey, source, posted());
    await untilState(journey, first, 'sent');
    await untilCounted(1, 'queued');
    await untilCounted(1, 'sent');
    expect(await timed('sent')).toBe(1);
    const seconds = await figure('zorgkoerier_registration_seconds_sum', { outcome: 'sent' });
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(30);
  });

  it('are counted when they are only rendered, or held, with the reason', async () => {
    await post(journey, source, posted({ bsn: '999986296', to: 'brug' }));
    await untilCounted(1, 'shadowed');
    const anker = await registerReceiver(journey, 'anker');
    await switchTo(journey, anker, { state: 'paused' });
    const id = await post(journey, source, posted({ bsn: '999954660', to: 'anker' }));
    await switchTo(journey, anker, { state: 'disabled' });
    await untilState(journey, id, 'held');
    await untilCounted(1, 'held', 'registration.switched-off');
  });

  it('are counted when they come back, and are not timed when a person had them sent again', async () => {
    await journey.sql(
      `with said as (insert into mail (id, source, day, state, verdict, copied_at)
         values (gen_random_uuid(), 'replay', current_date, 'read', 'receipt', now()) returning id)
       insert into outward_receipt (outward_mail_id, mail_id, kind, matched_by)
       select o.id, said.id, 'failed', 'message-id' from outward_mail o, said where o.registration_id = $1`,
      [first],
    );
    await untilState(journey, first, 'bounced');
    await untilCounted(1, 'bounced', 'registration.bounced');
    await retryRegistration(journey.courier, first, { by: 'sanne', reason: 'gebeld', anew: true });
    await untilState(journey, first, 'sent');
    await untilCounted(2, 'sent');
    await untilCounted(2, 'queued');
    expect(await timed('sent')).toBe(1);
  });

  it('are counted and timed when a receipt says that they arrived', async () => {
    const account = { ...journey.world.zorgmail.mailboxAccount(SANDBOX_RETURN_ACCOUNT), name: 'retour' };
    await addReturnMailbox(journey.courier, account, null, 'test');
    const second = await post(journey, source, posted({ bsn: '999911120' }));
    await untilState(journey, second, 'delivered', 30_000);
    await untilCounted(3, 'sent');
    await until(
      'delivered',
      () => timed('delivered'),
      (value) => value === 1,
    );
    expect(await timed('sent')).toBe(2);
  }, 60_000);
});
