/** What became of everything that was sent: cards, boards, mailboxes, books, and of registrations on the way back. */

import { SANDBOX_PRACTICES, type SandboxPatient } from '../../src/sandbox/people.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { type Books, books, takeovers, vanishedUids } from './books.ts';
import { type Comparison, compared, expectedLines, foundLines } from './expectation.ts';
import type { Stage } from './fault.ts';
import { type RegistrationsVerdict, registrationsVerdict } from './registrations.ts';

export interface Verdict {
  readonly mailsIn: number;
  readonly resultsExpected: number;
  readonly resultsFound: number;
  /** Results that should be on a card or board and are not, and mails that are nowhere. */
  readonly lost: number;
  /** Results that stand there and should not: twice, or in an older version. */
  readonly doubled: number;
  readonly mailboxChanges: number;
  readonly mailsVanished: number;
  readonly takeovers: number;
  readonly handoverSecondsMax: number;
  readonly registrations: RegistrationsVerdict;
  readonly problems: readonly string[];
}

/** Within this a mailbox has another owner, after its own is killed or frozen. */
const HANDOVER_MAX_SECONDS = 60;
const SHOWN = 5;

export async function verdictOn(stage: Stage): Promise<Verdict> {
  const gone = await vanishedUids(stage);
  const sent = [...stage.traffic.sent.values()].flat();
  const seen = sent.filter(({ account, uid }) => !gone.has(`${account} ${uid}`));
  const { people } = stage.traffic;
  const cardsFound = foundLines(stage.world.ckis);
  const boardsFound = foundLines(stage.world.cboards);
  const cards = compared(
    expectedLines(seen, people, () => true),
    cardsFound.lines,
  );
  const boards = compared(expectedLines(seen, people, hasBoards), boardsFound.lines);
  const kept = await books(stage);
  const handed = await takeovers(stage, stage.workers.felled);
  const touched = await touches(stage);
  const registrations = await registrationsVerdict(stage);
  return {
    mailsIn: sent.length,
    resultsExpected: cards.expected,
    resultsFound: cards.found,
    lost:
      cards.missing.length + boards.missing.length + kept.uncounted + kept.wronglyVanished + Math.abs(kept.difference),
    doubled: cards.surplus.length + boards.surplus.length + cardsFound.doubles + boardsFound.doubles,
    mailboxChanges: touched.length,
    mailsVanished: kept.vanished,
    takeovers: handed.count,
    handoverSecondsMax: Math.round(handed.longestSeconds * 10) / 10,
    registrations: registrations.counts,
    problems: [
      ...few('on the way back', registrations.problems),
      ...lineProblems('card', cards),
      ...lineProblems('board', boards),
      ...few('in the mailbox', touched),
      ...bookProblems(kept),
      ...(cardsFound.doubles + boardsFound.doubles > 0 ? ['an identifier stands twice on cards or boards'] : []),
      ...(handed.fromTheLiving > 0 ? [`${handed.fromTheLiving} mailboxes were taken from a living worker`] : []),
      ...(handed.longestSeconds > HANDOVER_MAX_SECONDS
        ? [`a mailbox was without a worker for ${Math.round(handed.longestSeconds)} s`]
        : []),
      ...few('worker ended', stage.workers.unforeseen),
    ],
  };
}

function hasBoards({ followedBy }: SandboxPatient): boolean {
  return SANDBOX_PRACTICES.some(({ key, products }) => key === followedBy && products.includes('cBoards'));
}

function lineProblems(where: string, { missing, surplus }: Comparison): readonly string[] {
  return [...few(`missing on a ${where}`, missing), ...few(`not expected on a ${where}`, surplus)];
}

function bookProblems(kept: Books): readonly string[] {
  return [
    ...(kept.difference === 0 ? [] : [`the accounting differs by ${kept.difference}`]),
    ...(kept.waiting === 0 ? [] : [`${kept.waiting} mails still wait`]),
    ...(kept.uncounted === 0 ? [] : [`${kept.uncounted} mails have no row, or rows no mail`]),
    ...(kept.wronglyVanished === 0 ? [] : [`${kept.wronglyVanished} mails count as vanished that nobody removed`]),
    ...(kept.heldBoards === 0 ? [] : [`${kept.heldBoards} boards: ${kept.reasons.join(', ')}`]),
    ...(kept.atRestElsewhere === 0 ? [] : [`${kept.atRestElsewhere} mails: ${kept.reasons.join(', ')}`]),
  ];
}

// The first promise: equal to the twin that only the HIS opens, and nothing but looking on the wire.
async function touches({ world, traffic }: Stage): Promise<readonly string[]> {
  const twins = await Promise.all(
    [...traffic.sent.keys()].map(async (account) => {
      const { differences } = await world.zorgmail.compareTwins(account);
      return differences.map((difference) => `${account}: ${difference}`);
    }),
  );
  const commands = world.proxy.commands();
  return [...twins.flat(), ...forbiddenCommands(commands), ...(commands.length === 0 ? ['no command was seen'] : [])];
}

function few(what: string, lines: readonly string[]): readonly string[] {
  const more = lines.length > SHOWN ? [`${what}: and ${lines.length - SHOWN} more`] : [];
  return [...lines.slice(0, SHOWN).map((line) => `${what}: ${line}`), ...more];
}
