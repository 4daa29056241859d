/** The demo's way back begins: the intake on a port of this machine, and a system that signs and posts what was written. */

import { startApi } from '../api/api.ts';
import { composeApi } from '../compose.ts';
import type { Config } from '../config/config.ts';
import type { Courier } from '../pipeline/pipeline.ts';
import { listRegistrations } from '../records/records.ts';
import { SANDBOX_PRACTICES } from '../sandbox/people.ts';
import { registerSource } from '../sandbox/register.ts';
import { postedText, type WrittenText, writtenTexts } from '../sandbox/registrations.ts';
import { newSourceSystem } from '../sandbox/source-system.ts';
import type { World } from '../sandbox/world.ts';
import type { Io } from './io.ts';

export interface PostedText {
  readonly id: string;
  readonly written: WrittenText;
}

const SOURCE = 'demo';
const AT_REST: readonly string[] = ['delivered', 'bounced', 'held', 'shadowed', 'discarded'];
const ANSWERED_DEADLINE_MS = 60_000;
const LOOK_MS = 100;

/** Starts the intake, adds a source with a key of its own, and posts everything in the order in which it was written. */
export async function postRegistrations(
  io: Io,
  config: Config,
  courier: Courier,
  undo: (() => Promise<unknown>)[],
): Promise<readonly PostedText[]> {
  const { api, release } = await composeApi(config);
  undo.push(release);
  const running = await startApi(api, config.api);
  undo.push(running.release);
  let kid = '';
  const system = newSourceSystem(() => ({ url: running.url, audience: api.audience, source: SOURCE, kid }));
  kid = await registerSource(courier, SOURCE, system.publicKey);
  const texts = writtenTexts();
  io.progress(`doctors and nurses write ${texts.length} texts on cards and boards`);
  const posted: PostedText[] = [];
  for (const written of texts) {
    const corrected = posted.find(({ written: { name } }) => name === written.corrects)?.id ?? null;
    posted.push({ id: await system.post(postedText(written, courier.clock.now(), corrected)), written });
  }
  return posted;
}

/** Waits until all of them are at rest. Where one is not in time, the check says so. */
export async function registrationsAtRest({ ledger, clock }: Courier, posted: readonly PostedText[]): Promise<void> {
  const endsAt = clock.now().getTime() + ANSWERED_DEADLINE_MS;
  while (clock.now().getTime() < endsAt) {
    const states = (await listRegistrations(ledger)).filter(({ id }) => posted.some((text) => text.id === id));
    if (states.every(({ state }) => AT_REST.includes(state))) return;
    await clock.wait(LOOK_MS);
  }
}

/**
 * Mails that the way back brought into mailboxes that are read: a notification for each of ours, and ours itself where the
 * practice's own mailbox is read too. By what the relay has on record.
 */
export function mailsOfWayBack({ relay }: World): number {
  const read = SANDBOX_PRACTICES.map(({ zorgmail }) => relay.address(zorgmail));
  const mails = relay.mails();
  return mails.length + mails.filter(({ to }) => to.some((address) => read.includes(address))).length;
}
