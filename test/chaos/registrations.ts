/**
 * What became of every registration that was taken: in the mailbox of its practice's HIS, whole, readable and once. Worked
 * out from what the source posted and what the HIS shows; the ledger is asked only for how it says that each ended, and
 * for how often a part went again since nobody knew whether it had arrived.
 */

import { SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import { lettersOf } from '../../src/sandbox/zorgmail/his-view.ts';
import type { Stage } from './fault.ts';
import type { Posting } from './source.ts';

/** Notes every time that a part goes again whose outcome is unknown. */
const WATCHING = `
  create table chaos_resent (control_reference text not null);
  create function chaos_note_resent() returns trigger language plpgsql security definer set search_path = public as $$
  begin
    insert into chaos_resent values (new.control_reference);
    return new;
  end $$;
  create trigger chaos_note_resent after update of tried_at on outward_mail for each row
    when (old.state = 'uncertain' and new.state = 'uncertain' and new.tried_at > old.tried_at) execute function chaos_note_resent();`;

export async function watchResent(stage: Pick<Stage, 'sql'>): Promise<void> {
  await stage.sql(WATCHING);
}

export interface RegistrationsVerdict {
  /** Taken: answered with 202. */
  readonly posted: number;
  readonly delivered: number;
  readonly bounced: number;
  /** Taken, and not whole in the mailbox of the HIS, nor known to have come back. */
  readonly lost: number;
  /** There twice without a reason, under another reference, or though nobody was promised it. */
  readonly doubled: number;
  /** There once more, the same bytes under the same reference, since nobody knew whether they had arrived. */
  readonly resent: number;
}

/** How many are not at rest yet. */
export async function registrationsWaiting({ sql }: Pick<Stage, 'sql'>): Promise<number> {
  const open = `select 1 from registration where state in ('accepted', 'queued', 'sending', 'uncertain', 'sent')`;
  return (await sql(open)).length;
}

export async function registrationsVerdict(
  stage: Stage,
): Promise<{ readonly counts: RegistrationsVerdict; readonly problems: readonly string[] }> {
  const { source } = stage;
  const taken = source.postings.filter(({ id }) => id !== null);
  const states = await statesOf(stage);
  const arrivals = await arrivalsOf(stage);
  const again = await againByReference(stage);
  const problems: string[] = [
    ...source.complaints,
    ...stage.intake.unforeseen.map((end) => `the intake ended: ${end}`),
  ];
  let [lost, doubled, resent] = [0, 0, 0];
  for (const posting of taken) {
    const mine = arrivals.filter(({ numbers }) => numbers.has(posting.number));
    if (!posting.isBounced && !isWhole(posting, mine)) {
      lost += 1;
      problems.push(`registration ${posting.number} is not whole at its HIS, and ${states.get(posting.id ?? '')}`);
    }
    if (isUnderTwoReferences(mine)) {
      doubled += 1;
      problems.push(`registration ${posting.number} has lines under two control references`);
    }
    const state = states.get(posting.id ?? '');
    if (state !== (posting.isBounced ? 'bounced' : 'delivered'))
      problems.push(`registration ${posting.number}: ${state}`);
  }
  for (const [reference, several] of Map.groupBy(arrivals, (arrival) => arrival.reference)) {
    const more = several.length - 1;
    const isSame = several.every(({ raw, account }) => raw === several[0]?.raw && account === several[0]?.account);
    const isExcused = isSame && more <= (again.get(reference) ?? 0);
    if (isExcused) resent += more;
    else {
      doubled += more;
      problems.push(
        `${reference} arrived ${several.length} times, ${isSame ? 'without a reason' : 'with other bytes'}`,
      );
    }
  }
  const promised = new Set(taken.map(({ number }) => number));
  const strangers = arrivals.filter(
    ({ numbers }) => numbers.size !== 1 || ![...numbers].every((one) => promised.has(one)),
  );
  if (strangers.length > 0)
    problems.push(`${strangers.length} messages are of no registration, or of one that nobody was promised`);
  const surplus = states.size - taken.length;
  if (surplus !== 0) problems.push(`the ledger has ${surplus} registrations more than were taken`);
  const inState = (state: string) => [...states.values()].filter((one) => one === state).length;
  const [delivered, bounced] = [inState('delivered'), inState('bounced')];
  const counts = { posted: taken.length, delivered, bounced, lost, doubled: doubled + strangers.length, resent };
  return { counts, problems };
}

interface Arrival {
  readonly account: string;
  readonly reference: string;
  /** As it went over the relay. */
  readonly raw: string;
  /** Of the postings that its lines are of. */
  readonly numbers: ReadonlySet<number>;
  readonly lines: readonly string[];
}

/** `R12.3: …` */
const OURS = /^R(\d+)\.\d+: /;

async function arrivalsOf({ world }: Stage): Promise<readonly Arrival[]> {
  const all: Arrival[] = [];
  for (const { zorgmail: account } of SANDBOX_PRACTICES) {
    for (const mail of await world.zorgmail.mailsOf(account)) {
      // Laboratories send many more: of those the letters are of no matter.
      if (!mail.includes(`From: <${SANDBOX_RETURN_ACCOUNT}@`)) continue;
      for (const { controlReference, lines } of await lettersOf(mail)) {
        const own = lines.filter((line) => OURS.test(line));
        const numbers = new Set(own.map((line) => Number(OURS.exec(line)?.[1])));
        all.push({ account, reference: controlReference ?? '', raw: withoutTrace(mail), numbers, lines: own });
      }
    }
  }
  return all;
}

// Two lines that the servers on its way put before it.
function withoutTrace(mail: Buffer): string {
  return mail.toString('latin1').replace(/^(?:(?:Return-Path|Delivered-To):[^\r\n]*\r?\n)+/, '');
}

function isWhole({ lines, account }: Posting, mine: readonly Arrival[]): boolean {
  const parts = new Map(mine.map((arrival) => [arrival.reference, arrival]));
  const there = [...parts.values()].flatMap((arrival) => (arrival.account === account ? arrival.lines : []));
  return there.length === lines.length && lines.every((line) => there.includes(line));
}

function isUnderTwoReferences(mine: readonly Arrival[]): boolean {
  const referenceOf = new Map<string, string>();
  return mine.some(({ lines, reference }) =>
    lines.some((line) => {
      const earlier = referenceOf.get(line) ?? reference;
      referenceOf.set(line, earlier);
      return earlier !== reference;
    }),
  );
}

async function statesOf({ sql }: Stage): Promise<ReadonlyMap<string, string>> {
  const rows = await sql<{ id: string; state: string }>(
    `select id, state || coalesce(' ' || reason, '') as state from registration where state <> 'bounced'
     union all select id, state from registration where state = 'bounced'`,
  );
  return new Map(rows.map(({ id, state }) => [id, state]));
}

async function againByReference({ sql }: Stage): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ reference: string; times: number }>(
    'select control_reference as reference, count(*)::int as times from chaos_resent group by 1',
  );
  return new Map(rows.map(({ reference, times }) => [reference, times]));
}
