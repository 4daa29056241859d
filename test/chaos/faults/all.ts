/** Every kind of fault that the suite knows. */

import type { FaultKind } from '../fault.ts';
import { CKIS } from './ckis.ts';
import { CLOCK } from './clock.ts';
import { FROZEN } from './frozen.ts';
import { IMAP } from './imap.ts';
import { INTAKE } from './intake.ts';
import { KILLED } from './killed.ts';
import { MAIL } from './mail.ts';
import { POSTGRES } from './postgres.ts';
import { REDIS } from './redis.ts';
import { RELAY } from './relay.ts';

export const FAULT_KINDS: readonly FaultKind[] = [
  ...KILLED,
  FROZEN,
  ...CLOCK,
  ...REDIS,
  ...POSTGRES,
  ...IMAP,
  ...CKIS,
  ...MAIL,
  ...RELAY,
  ...INTAKE,
];
