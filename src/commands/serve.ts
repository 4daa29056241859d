/**
 * `zorgkoerier serve`: the HTTP intake of registrations. SIGTERM or SIGINT takes nothing new, answers what was taken, and
 * stops, with a deadline; a second one stops at once. Exit codes as those of `start`, 10 also for an
 * address or a certificate that cannot be used.
 */

import { startApi } from '../api/api.ts';
import { composeApi } from '../compose.ts';
import { ConfigurationError } from '../config/config.ts';
import { apiConfigOf, type Io, say } from './io.ts';
import { CLOSE_MS, exitWhenLate, signalled } from './start.ts';

export async function runServe(io: Io): Promise<number> {
  const config = apiConfigOf(io);
  const stopAsked = signalled();
  void stopAsked.then((code) => exitWhenLate(io, code, config.shutdownMs + CLOSE_MS));
  const { api, release } = await composeApi(config);
  try {
    const running = await startApi(api, config.api).catch(cannotListen);
    io.progress(`${say(config, { nl: 'luistert op', en: 'listening on' })} ${running.url}`);
    const code = await stopAsked;
    io.progress('stopping');
    await running.release();
    return code;
  } finally {
    await release();
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this name has no address',
  EACCES: 'this port needs more rights',
};

// Also a certificate or key that OpenSSL cannot use: its codes begin with ERR_OSSL and ERR_SSL.
function cannotListen(thrown: unknown): never {
  const code = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? '') : '';
  if (/^ERR_(OSSL|SSL|TLS)_/.test(code)) {
    const problem = 'is no certificate (PEM), or not that of the key in ZORGKOERIER_API_TLS_KEY';
    throw new ConfigurationError([{ name: 'ZORGKOERIER_API_TLS_CERT', problem }]);
  }
  const problem = WHY[code];
  if (problem !== undefined) throw new ConfigurationError([{ name: 'ZORGKOERIER_API_LISTEN', problem }]);
  throw thrown;
}
