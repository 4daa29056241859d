/** What went wrong, as one sentence for the person at the terminal and an exit code for the program that called. */

import { ConfigurationError } from '../config/config.ts';
import { asFailure } from '../shared/failure.ts';
import { type Io, UsageError } from './io.ts';

const HINTS: Readonly<Record<string, string>> = {
  'ledger.schema-missing':
    'the database has no schema: is this the right one? A new one is made with `zorgkoerier migrate --first-run`',
  'ledger.schema-older': 'run `zorgkoerier migrate`',
  'ledger.schema-newer': 'this program is older than the ledger: update it',
  'keys.other-master-key': 'ZORGKOERIER_MASTER_KEY is not the one that this ledger was made with',
  'queue.eviction-policy': 'set `maxmemory-policy noeviction` in Redis',
};

/** Prints to standard error; never content, since a Failure holds none. */
export function exitCodeOf(thrown: unknown, io: Pick<Io, 'progress'>): number {
  if (thrown instanceof UsageError) {
    io.progress(thrown.message);
    return 2;
  }
  if (thrown instanceof ConfigurationError) {
    io.progress(thrown.message);
    return 10;
  }
  const failure = asFailure(thrown);
  const hint = HINTS[failure.code];
  io.progress(`zorgkoerier: ${failure.message}${hint === undefined ? '' : `: ${hint}`}`);
  if (failure.kind === 'defect') io.progress(firstOwnFrame(failure));
  if (failure.code.startsWith('ledger.')) return 11;
  if (failure.code === 'mailbox.login-refused') return 12;
  if (/^(practice|decision)\./.test(failure.code)) return 2;
  return 1;
}

function firstOwnFrame(failure: Error): string {
  let innermost: Error = failure;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return (
    innermost.stack
      ?.split('\n')
      .find((line) => line.includes('.ts:'))
      ?.trim() ?? ''
  );
}
