/**
 * The worker as sealer of the audit, every second: seals, then brings the seal file up to the ledger. Whatever fails is a
 * warning once, and is done by a later round or another worker: sealing only ever falls behind.
 */

import { keepSealFile, openSealer, SEAL_KEY_TEXT, type Sealer } from '../audit/audit.ts';
import type { Keys } from '../keys/keys.ts';
import { asFailure } from '../shared/failure.ts';
import type { Courier } from './pipeline.ts';

/** After so many rounds in which rows waited for a transaction that does not end. */
const WAITING_ROUNDS = 60;

export interface AuditSealing {
  /** Never throws. Returns at once where the round before is still at it. */
  round(): Promise<void>;
  /** Waits for the round that runs, no longer than the deadline. */
  release(deadlineMs: number): Promise<void>;
}

/** Made from the card key, which is never retired: seals must be verifiable for as long as the audit is kept. */
export function sealKey(keys: Keys): Promise<Buffer> {
  return keys.mac('card', SEAL_KEY_TEXT);
}

type What = Pick<Courier, 'ledger' | 'keys' | 'logger' | 'clock' | 'limits' | 'mark'>;

export function auditSealing(courier: What): AuditSealing {
  const { logger } = courier;
  const said = { isFailing: false, isDiffering: false };
  let waitingRounds = 0;
  let sealer: Sealer | null = null;
  let running: Promise<void> | null = null;
  const seal = async () => {
    sealer ??= openSealer({ ledger: courier.ledger, key: await sealKey(courier.keys) });
    const tick = await sealer.tick();
    if (tick.seals > 0) courier.mark('audit-sealed');
    waitingRounds = tick.isWaiting ? waitingRounds + 1 : 0;
    if (waitingRounds === WAITING_ROUNDS)
      logger.warn('audit rows wait for a transaction that does not end', { code: 'audit.waiting' });
    if (courier.limits.auditSealFile === null) return;
    const { kind } = await keepSealFile(courier.ledger, courier.limits.auditSealFile);
    if (kind === 'differs' && !said.isDiffering)
      logger.error('the seal file is not the beginning of the ledger’s seals: it is left as it is', {
        code: 'audit.seal-file-differs',
      });
    if (kind !== 'busy') said.isDiffering = kind === 'differs';
  };
  const round = async () => {
    try {
      await seal();
      if (said.isFailing) logger.info('audit is sealed again');
      said.isFailing = false;
    } catch (thrown) {
      if (!said.isFailing)
        logger.warn('audit could not be sealed', { code: asFailure(thrown, 'audit.not-sealed').code });
      said.isFailing = true;
    }
  };
  return {
    round: () => {
      running ??= round().finally(() => {
        running = null;
      });
      return running;
    },
    release: async (deadlineMs) => {
      const late = new AbortController();
      await Promise.race([running ?? Promise.resolve(), courier.clock.wait(deadlineMs, late.signal)]);
      late.abort();
    },
  };
}
