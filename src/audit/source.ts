/** Where an act came from: the facts of this process that NEN 7513 asks for. None of them says anything of a patient. */

import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import manifest from '../../package.json' with { type: 'json' };
import { type Environment, processEnvironment } from '../config/config.ts';

/** The program and its process: `zorgkoerier 0.1.0, host worker-1, process 42`. */
export function auditSource(): string {
  return `zorgkoerier ${manifest.version}, host ${hostname()}, process ${process.pid}`;
}

/**
 * The network access point of an actor. A worker sits in its process; a person at a terminal, and where they came over
 * SSH at the address that it says.
 */
export function accessPoint(role: 'software' | 'staff', env: Environment = processEnvironment()): string {
  if (role === 'software') return `${hostname()} process ${process.pid}`;
  const address = /^([0-9A-Fa-f.:]+(?:%\w+)?) \d+ /.exec(env['SSH_CONNECTION'] ?? '')?.[1];
  return [hostname(), terminal() ?? 'no terminal', ...(address === undefined ? [] : [`from ${address}`])].join(' ');
}

// Standard output and input are often a file: any of the three says which terminal it is.
function terminal(): string | null {
  const descriptor = [0, 1, 2].find((each) => isatty(each));
  if (descriptor === undefined) return null;
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return 'terminal';
  }
}
