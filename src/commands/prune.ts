/** `zorgkoerier prune [--dry-run] [--json]`: erases what has had its time, as every worker does by its own timer. */

import { pruneBatches } from '../pipeline/pipeline.ts';
import { countPrunable } from '../records/records.ts';
import { type Io, say } from './io.ts';
import { withOffice } from './office.ts';

export interface PruneOptions {
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly by: string;
}

export async function runPrune(io: Io, { dryRun, json, by }: PruneOptions): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    const retention = { keepDays: config.keepForwardedDays, dedupeDays: config.dedupeDays };
    const pruned = dryRun ? await countPrunable(ledger, retention) : await pruneBatches(ledger, retention, by);
    if (json) {
      io.out(JSON.stringify({ dryRun, ...retention, ...pruned }));
      return 0;
    }
    const { reports, mails, registrations, outwardMails, bytes, digests, labNumbers, assertions } = pruned;
    io.out(
      say(config, {
        nl: `${dryRun ? 'Dit zou gewist worden' : 'Gewist'}: inhoud van ${reports} uitslagen en ${mails} mails, van ${registrations} registraties en hun ${outwardMails} mails (${bytes} bytes), ${digests} kenmerken van berichten, ${labNumbers} labnummers, ${assertions} verlopen aanmeldingen.`,
        en: `${dryRun ? 'Would be erased' : 'Erased'}: content of ${reports} reports and ${mails} mails, of ${registrations} registrations and their ${outwardMails} mails (${bytes} bytes), digests of ${digests} messages, ${labNumbers} lab numbers, ${assertions} expired assertions.`,
      }),
    );
    return 0;
  });
}
