/** Workers that break a promise on purpose: the suite must find each out, or it proves nothing. */

import type { CopiedMail } from '../../src/mailbox/mailbox.ts';
import type { Courier } from '../../src/pipeline/pipeline.ts';

export type Sabotage = 'loses-mail' | 'loses-report' | 'doubles-results' | 'sends-unmarked' | 'none';

/** The courier, broken in this way; as it is for any other word. */
export function sabotaged(courier: Courier, how: string): Courier {
  if (how === 'loses-mail') return { ...courier, openMailbox: losingMail(courier) };
  if (how === 'loses-report') return { ...courier, card: losingReports(courier) };
  if (how === 'doubles-results') return { ...courier, card: doublingResults(courier) };
  if (how === 'sends-unmarked') return { ...courier, ledger: unmarking(courier) };
  return courier;
}

// Every fifth mail is said to have been gone already. Not what a server says of a registration: without its receipt that one would
// wait for ever, in every check that comes after.
function losingMail(courier: Courier): Courier['openMailbox'] {
  return async (...args) => {
    const connection = await courier.openMailbox(...args);
    return {
      ...connection,
      fetch: async (uids, maxBytes) => {
        const fetched = await connection.fetch(uids, maxBytes);
        const isLost = ({ uid, raw }: CopiedMail) =>
          uid % 5 === 0 && !/^content-type: multipart\/report/im.test(raw.toString('latin1'));
        const lost = fetched.mails.filter(isLost).map(({ uid }) => uid);
        return {
          ...fetched,
          mails: fetched.mails.filter((mail) => !isLost(mail)),
          vanished: [...fetched.vanished, ...lost].sort((a, b) => a - b),
        };
      },
    };
  };
}

// Every fifth report counts as written and was not.
function losingReports(courier: Courier): Courier['card'] {
  let written = 0;
  return {
    ...courier.card,
    write: (card, content, trace) => {
      written += 1;
      if (written % 5 === 0) return Promise.resolve({ kind: 'written', resources: [] });
      return courier.card.write(card, content, trace);
    },
  };
}

// The bytes of a registration go without the mark that nobody knows yet whether they arrive.
function unmarking({ ledger }: Courier): Courier['ledger'] {
  return {
    ...ledger,
    query: (text, values) => {
      const isMark = /update outward_mail .* set state = 'uncertain', tried_at = now\(\)/.test(text);
      return isMark ? Promise.resolve({ rows: [], count: 1 }) : ledger.query(text, values);
    },
  };
}

// Every report is written once more as if it were another laboratory's: its results get other identifiers.
function doublingResults(courier: Courier): Courier['card'] {
  return {
    ...courier.card,
    write: async (card, content, trace) => {
      const answer = await courier.card.write(card, content, trace);
      const specimens = content.report.specimens.map((specimen) => ({
        ...specimen,
        results: specimen.results.map((result) => ({ ...result, key: `x${result.key}` })),
      }));
      await courier.card.write(card, { ...content, report: { ...content.report, specimens } }, trace);
      return answer;
    },
  };
}
