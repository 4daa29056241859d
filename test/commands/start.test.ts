import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../src/shared/clock.ts';
import { freePort, startCommand } from '../support/child.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await startJourney();
});
afterAll(() => journey.release());

/** A worker in a process of its own, once it owns the mailboxes. */
async function started() {
  const worker = startCommand(['start'], { ...journey.settings, ZORGKOERIER_SHUTDOWN_MS: '1000' });
  await until(
    'an owner',
    () => journey.sql('select 1 from mailbox m join worker w on w.id = m.owner_id and w.alive_until > now()'),
    (owned) => owned.length === 3,
  );
  return worker;
}

describe('zorgkoerier start', () => {
  it.each([
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const)('ends at %s with %i, and leaves no mailbox owned', async (signal, code) => {
    const worker = await started();
    worker.process.kill(signal);
    const { code: ended, signal: killed, stderr } = await worker.ended;
    expect({ ended, killed }).toEqual({ ended: code, killed: null });
    expect(stderr).toMatch(/stopping/);
    expect(await journey.sql('select 1 from mailbox where owner_id is not null')).toEqual([]);
  });

  it('serves its health where it was told to, and ends with exit code 10 where it cannot', async () => {
    const port = await freePort();
    const settings = { ...journey.settings, ZORGKOERIER_HEALTH_LISTEN: String(port), ZORGKOERIER_SHUTDOWN_MS: '1000' };
    const worker = startCommand(['start'], settings);
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
    await until(
      'health',
      async () => (await ask('/healthz'))?.status,
      (status) => status === 200,
    );
    expect(await (await ask('/metrics'))?.text()).toContain('zorgkoerier_workers_alive 1');
    const second = await startCommand(['start'], settings).ended;
    expect(second).toMatchObject({ code: 10, stderr: expect.stringContaining('ZORGKOERIER_HEALTH_LISTEN') });
    expect((await ask('/healthz'))?.status).toBe(200);
    worker.process.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    expect(await ask('/livez')).toBeNull();
    expect(await journey.sql('select 1 from mailbox where owner_id is not null')).toEqual([]);
  });

  it('that is stopped while it starts leaves no mailbox owned either', async () => {
    const worker = startCommand(['start'], journey.settings);
    const owned = () => journey.sql('select 1 from mailbox where owner_id is not null');
    await until('the first owner', owned, (rows) => rows.length > 0);
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0, signal: null });
    expect(await owned()).toEqual([]);
  });

  it('ends within its time also when Redis hangs, and says so', async () => {
    const worker = await started();
    journey.redis.freeze();
    try {
      const asked = monotonicMs();
      worker.process.kill('SIGTERM');
      expect(await worker.ended).toMatchObject({ code: 0, stderr: expect.stringContaining('not everything') });
      // 1 s for what runs, 2 s to close, and room for a busy machine.
      expect(monotonicMs() - asked).toBeLessThan(8_000);
    } finally {
      worker.process.kill('SIGKILL');
      journey.redis.thaw();
    }
  });
});
