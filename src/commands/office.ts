/** What the commands of Customer Care begin with: the office opened for as long as they work, and the practice found. */

import { composeOffice, type Office } from '../compose.ts';
import { findPractice, type Practice } from '../practice/practice.ts';
import { configOf, type Io, UsageError } from './io.ts';

export async function requirePractice(office: Pick<Office, 'ledger'>, agb: string): Promise<Practice> {
  const practice = await findPractice(office.ledger, agb);
  if (practice === null) throw new UsageError(`no practice ${agb}`);
  return practice;
}

export async function withOffice(
  io: Io,
  work: (office: Office, config: ReturnType<typeof configOf>) => Promise<number>,
): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    return await work(office, config);
  } finally {
    await office.release();
  }
}
