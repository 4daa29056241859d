/** What went wrong, as one sentence for the person at the terminal and an exit code for the program that called. */

import { ConfigurationError } from '../config/config.ts';
import { asFailure } from '../shared/failure.ts';
import { type Io, UsageError } from './io.ts';

const HINTS: Readonly<Record<string, string>> = {
  'ledger.schema-missing':
    'the database has no schema: is this the right one? A new one is made with `zorgkoerier migrate --first-run`',
  'ledger.schema-older': 'run `zorgkoerier migrate`',
  'ledger.schema-newer': 'this program is older than the ledger: update it',
  'keys.other-master-key': 'ZORGKOERIER_MASTER_KEY is not the one that this ledger’s keys are wrapped by',
  'practice.mailbox-differs':
    'a mailbox of this name exists, and is not the same in what `differs` names: choose another --mailbox-name',
  'practice.mailbox-password-differs':
    'the mailbox of this name has another password: change that with `zorgkoerier practice set-password`, or `return-mailbox set-password`',
  'practice.mailbox-shredded':
    'the keys of the mailbox of this name were destroyed: choose another --mailbox-name, for the same mailbox too',
  'practice.unknown-mailbox': 'the practice has no mailbox of this name, or there is no return mailbox of it',
  'practice.mailbox-other-purpose':
    'this mailbox, or one of this name, is there for another purpose: laboratory mail and what comes back to us never share one',
  'practice.still-returning': 'remove it first: `zorgkoerier return-mailbox remove NAME`',
  'pipeline.switched-meanwhile': 'somebody else switched at the same moment: nothing was changed, ask again',
  'practice.still-forwarding': 'disable forwarding first: `zorgkoerier practice disable AGB forwarding`',
  'practice.still-registering': 'disable registrations first: `zorgkoerier practice disable AGB registrations`',
  'practice.under-way':
    'these are on their way, or the card may have taken them: ask again once cKIS has answered (`zorgkoerier status`)',
  'pipeline.content-erased': 'its content has gone from the ledger; only digests and the outcome are kept',
  'lab.determinations-invalid': 'the file of determination codes cannot be read, or breaks its form in this line',
  'lab.registry-invalid': 'the file in ZORGKOERIER_LABORATORIES cannot be read, or names an account twice',
  'source.name': 'a name has 2 to 40 small letters, digits and hyphens, and begins with a letter',
  'source.exists':
    'there is, or was, a source of this name: give it another key with `zorgkoerier source rotate`, or choose another name',
  'source.unknown': 'there is no source of this name: `zorgkoerier source list` shows which there are',
  'source.revoked': 'this source was revoked as a whole, for good: add it under another name',
  'source.key-unknown': 'this source has no such key that is still good: `zorgkoerier source list` shows which it has',
  'source.key-used': 'this key is or was in use already, and a key comes only once: have the source make a new one',
  'source.key-private':
    'this is a private key: consider it given away, have the source make a new pair and send the public half (`openssl pkey -in private.pem -pubout`)',
  'source.key-symmetric': 'this is a shared secret: have the source make a key pair and send the public half',
  'source.key-not-allowed': 'allowed for signing: EC P-256 or P-384, RSA of 2048 bits or more, Ed25519',
  'source.key-unreadable': 'a public key is expected, as PEM (`-----BEGIN PUBLIC KEY-----`) or as one JWK',
  'health.cannot-listen': 'the address in ZORGKOERIER_HEALTH_LISTEN is taken, or is not one of this machine',
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
  return EXIT_CODES.find(([codes]) => codes.test(failure.code))?.[1] ?? 1;
}

const EXIT_CODES: readonly (readonly [RegExp, number])[] = [
  // A statement that was refused or rolled back is no ledger that is away: 11 would send someone to the network.
  [/^ledger\.(unreachable$|schema-)/, 11],
  [
    /^(keys\.other-master-key|health\.cannot-listen|queue\.eviction-policy|lab\.(registry|determinations)-invalid)$/,
    10,
  ],
  [/^mailbox\.login-refused$/, 12],
  [/^(practice|source|decision)\./, 2],
];

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
