import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryState } from '../../src/ledger/ledger.ts';
import { prune, pruneBatches } from '../../src/pipeline/pipeline.ts';
import { accountingOf, countPrunable, findOriginal, type NewReport } from '../../src/records/records.ts';
import { type DeliveryId, type MailId, newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { isUnderOtherPatient, rememberLabNumbers } from './numbers.ts';
import { copiedMails, deliveryIn, digest, newReport, readAs } from './rows.ts';

/** Content leaves when its time has come, by the database's clock. Rows are moved into the past; nothing waits. */

const ledgers = useLedgers();
const RETENTION = { keepDays: 30, dedupeDays: 400 };
let place: WatchedPlace;

beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const pruneAll = () => pruneBatches(ledgers.worker, RETENTION, 'worker');

/** A delivery came to rest this long ago. */
const settledAgo = (deliveryId: string, ago: string) =>
  ledgers.owner.query('update delivery set settled_at = now() - $2::interval where id = $1', [deliveryId, ago]);

const contentOf = async (report: Pick<NewReport, 'id' | 'mailId'>) => {
  const { rows } = await ledgers.owner.query<{ report: boolean; mail: boolean }>(
    `select r.content is not null as report, m.content is not null as mail from report r join mail m on m.id = r.mail_id where r.id = $1`,
    [report.id],
  );
  return rows[0];
};
const KEPT = { report: true, mail: true };
const GONE = { report: false, mail: false };

async function withBoard(report: NewReport, state: DeliveryState, ago: string): Promise<void> {
  await ledgers.owner.query(
    `insert into delivery (id, report_id, target, state, settled_at) values ($1, $2, 'board', $3, now() - $4::interval)`,
    [newId<DeliveryId>(), report.id, state, ago],
  );
}

describe('what was forwarded or shadowed', () => {
  it.each(['forwarded', 'shadowed'] as const)('%s keeps its content for 30 days to the minute', async (state) => {
    const [young, old] = [await deliveryIn(ledgers, place, state), await deliveryIn(ledgers, place, state)];
    await settledAgo(young.deliveryId, '29 days 23:59:00');
    await settledAgo(old.deliveryId, '30 days');
    await pruneAll();
    expect(await contentOf(young)).toEqual(KEPT);
    expect(await contentOf(old)).toEqual(GONE);
  });

  it('is kept as long as the setting says, and not by another', async () => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    await settledAgo(report.deliveryId, '3 days');
    await pruneAll();
    expect(await contentOf(report)).toEqual(KEPT);
    await pruneBatches(ledgers.worker, { ...RETENTION, keepDays: 3 }, 'worker');
    expect(await contentOf(report)).toEqual(GONE);
  });

  it.each([
    'held',
    'ready',
    'uncertain',
  ] as const)('keeps its report while the board is %s, however long', async (state) => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    await settledAgo(report.deliveryId, '300 days');
    await withBoard(report, state, '300 days');
    await pruneAll();
    expect(await contentOf(report)).toEqual({ report: true, mail: false });
  });

  it('counts from the later of card and board', async () => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    await settledAgo(report.deliveryId, '40 days');
    await withBoard(report, 'forwarded', '29 days');
    await pruneAll();
    expect(await contentOf(report)).toMatchObject({ report: true });
  });
});

describe('what is nobody’s', () => {
  // Erased where it was decided; what a step that died half-way left goes with the next round.
  it.each(['no-card', 'duplicate', 'discarded'] as const)('goes at once: %s', async (state) => {
    const report = await deliveryIn(ledgers, place, state);
    expect(await contentOf(report)).toEqual(KEPT);
    await pruneAll();
    expect(await contentOf(report)).toEqual(GONE);
  });

  it('goes at once: a mail whose verdict is that it is no laboratory mail', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    const [mailId = ''] = mails.mailIds;
    await ledgers.owner.query(`update mail set state = 'read', verdict = 'not-lab', read_at = now() where id = $1`, [
      mailId,
    ]);
    await pruneAll();
    const { rows } = await ledgers.owner.query(
      'select content, erased_at is not null as erased from mail where id = $1',
      [mailId],
    );
    expect(rows).toEqual([{ content: null, erased: true }]);
  });
});

describe('what waits', () => {
  it.each(['held', 'quarantined', 'ready', 'sending', 'uncertain'] as const)('is never touched: %s', async (state) => {
    const report = await deliveryIn(ledgers, place, state);
    await settledAgo(report.deliveryId, '900 days');
    await ledgers.owner.query(`update mail set copied_at = now() - interval '900 days' where id = $1`, [report.mailId]);
    await ledgers.owner.query(`update report set created_at = now() - interval '900 days' where id = $1`, [report.id]);
    await pruneAll();
    expect(await contentOf(report)).toEqual(KEPT);
    const { rows } = await ledgers.owner.query(
      'select m.digest is not null as mail, r.content_digest is not null as report from report r join mail m on m.id = r.mail_id where r.id = $1',
      [report.id],
    );
    expect(rows).toEqual([{ mail: true, report: true }]);
    // Taken away again, so that no other test counts it.
    await ledgers.owner.query(`update delivery set state = 'discarded' where id = $1`, [report.deliveryId]);
  });

  it('is never touched: a mail that was not read yet', async () => {
    const [mailId = ''] = (await copiedMails(ledgers.worker, place)).mailIds;
    await ledgers.owner.query(`update mail set copied_at = now() - interval '900 days' where id = $1`, [mailId]);
    await pruneAll();
    const { rows } = await ledgers.owner.query('select content is not null as kept from mail where id = $1', [mailId]);
    expect(rows).toEqual([{ kept: true }]);
  });
});

describe('digests', () => {
  const age = async (report: NewReport, interval: string) => {
    await ledgers.owner.query('update mail set copied_at = now() - $2::interval where id = $1', [
      report.mailId,
      interval,
    ]);
    await ledgers.owner.query('update report set created_at = now() - $2::interval where id = $1', [
      report.id,
      interval,
    ]);
    await settledAgo(report.deliveryId, interval);
  };
  const isRecognised = async (report: NewReport) =>
    (await findOriginal(ledgers.worker, place.practice.id, [report.contentDigest ?? digest()])) !== null;

  it('outlive the content: what was pruned is recognised when it comes again', async () => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    await age(report, '399 days');
    await pruneAll();
    expect(await contentOf(report)).toEqual(GONE);
    expect(await isRecognised(report)).toBe(true);
  });

  it('go once the dedupe horizon has passed, with the accounting as it was', async () => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    const books = await accountingOf(ledgers.worker);
    await age(report, '401 days');
    expect((await pruneAll()).digests).toBeGreaterThanOrEqual(2);
    expect(await isRecognised(report)).toBe(false);
    const { rows } = await ledgers.owner.query(
      'select m.digest, r.content_digest, r.reference_digest from report r join mail m on m.id = r.mail_id where r.id = $1',
      [report.id],
    );
    expect(rows).toEqual([{ digest: null, content_digest: null, reference_digest: null }]);
    expect(await accountingOf(ledgers.worker)).toEqual(books);
  });

  it('stay while the same content still comes: a duplicate of last week may have another', async () => {
    const report = await deliveryIn(ledgers, place, 'forwarded');
    await age(report, '401 days');
    await deliveryIn(ledgers, place, 'duplicate', {
      contentDigest: report.contentDigest,
      originalId: report.deliveryId,
      content: null,
    });
    await pruneAll();
    expect(await isRecognised(report)).toBe(true);
  });
});

describe('laboratory numbers', () => {
  const seen = (number: Buffer, ago: string) =>
    ledgers.owner.query('update lab_number set seen_at = now() - $2::interval where number_digest = $1', [number, ago]);
  const kept = async (number: Buffer) =>
    (await ledgers.owner.query('select 1 from lab_number where number_digest = $1', [number])).count;

  it('guard for 90 days, and are kept as long as digests: they say what results are called on the card', async () => {
    const [young, quiet, old] = [digest(), digest(), digest()];
    const [karel, petra] = [digest(), digest()];
    await ledgers.worker.transaction((tx) => rememberLabNumbers(tx, [young, quiet, old], karel, newId()));
    await seen(young, '89 days 23:59:00');
    await seen(quiet, '399 days 23:59:00');
    await seen(old, '400 days 00:01:00');
    expect(await isUnderOtherPatient(ledgers.worker, [young], petra)).toBe(true);
    expect(await isUnderOtherPatient(ledgers.worker, [quiet], petra)).toBe(false);
    expect((await pruneAll()).labNumbers).toBe(1);
    expect([await kept(young), await kept(quiet), await kept(old)]).toEqual([1, 1, 0]);
  });

  it('that a person decided about stay, and what was delivered under them', async () => {
    const number = digest();
    const [karel, petra] = [digest(), digest()];
    await ledgers.worker.transaction((tx) => rememberLabNumbers(tx, [number], karel, newId()));
    await ledgers.worker.transaction((tx) => rememberLabNumbers(tx, [number], petra, newId()));
    for (const patient of [karel, petra]) {
      await ledgers.owner.query(
        `insert into lab_result (number_digest, patient_key, code_digest, name_digest, moment_digest, day_digest, ordinal, identifier, report_identifier, seen_at)
         values ($1, $2, $1, $1, $1, $1, 1, 'x', 'y', now() - interval '401 days')`,
        [number, patient],
      );
    }
    await seen(number, '401 days');
    // Karel's number and result; Petra's number has a scope.
    expect((await pruneAll()).labNumbers).toBe(2);
    const rows = await ledgers.owner.query<{ patient_key: Buffer }>(
      'select patient_key from lab_number where number_digest = $1 union all select patient_key from lab_result where number_digest = $1',
      [number],
    );
    expect(rows.rows.map(({ patient_key }) => patient_key.equals(petra))).toEqual([true, true]);
  });
});

describe('a run', () => {
  it('is one transaction of bounded size with one audit row, and says beforehand what it would do', async () => {
    await pruneAll();
    for (let made = 0; made < 5; made += 1) await deliveryIn(ledgers, place, 'no-card');
    expect(await countPrunable(ledgers.worker, RETENTION)).toMatchObject({
      reports: 5,
      mails: 5,
      digests: 0,
      labNumbers: 0,
    });
    const audited = async () =>
      (
        await ledgers.owner.query<{ fields: object }>(
          `select actor, fields from audit where event = 'content.pruned' order by id`,
        )
      ).rows;
    const before = (await audited()).length;
    const first = await prune(ledgers.worker, RETENTION, 'sanne', 3);
    expect(first).toMatchObject({ reports: 3, mails: 3 });
    const second = await prune(ledgers.worker, RETENTION, 'sanne', 3);
    expect(second).toMatchObject({ reports: 2, mails: 2 });
    await prune(ledgers.worker, RETENTION, 'sanne', 3);
    const rows = (await audited()).slice(before);
    expect(rows).toEqual([first, second].map((went) => ({ actor: 'sanne', fields: { ...went, ...RETENTION } })));
  });

  it('leaves what another has in hand, and several at once take each row once', async () => {
    const reports: NewReport[] = [];
    for (let made = 0; made < 6; made += 1) reports.push(await deliveryIn(ledgers, place, 'no-card'));
    await ledgers.owner.transaction(async (tx) => {
      await tx.query('select 1 from report where id = $1 for update', [reports[0]?.id ?? '']);
      const went = await Promise.all([1, 2, 3].map(() => pruneBatches(ledgers.worker, RETENTION, 'worker')));
      expect(went.reduce((sum, { reports: count }) => sum + count, 0)).toBe(5);
    });
    expect((await pruneAll()).reports).toBe(1);
  });
});

describe('at any time, of any mail', () => {
  const CARD: readonly DeliveryState[] = [
    ...(['ready', 'sending', 'uncertain', 'forwarded', 'no-card'] as const),
    ...(['shadowed', 'duplicate', 'held', 'quarantined', 'discarded'] as const),
  ];
  const WAITS: readonly DeliveryState[] = ['ready', 'sending', 'uncertain', 'held', 'quarantined'];
  const STAYS_A_WHILE: readonly DeliveryState[] = ['forwarded', 'shadowed'];

  interface Piece {
    readonly card: DeliveryState;
    readonly board: DeliveryState | null;
    readonly ageDays: number;
    /** Not understood, or nobody’s yet: it has nothing but the bytes of its mail. */
    readonly isPayload: boolean;
  }
  const piece: fc.Arbitrary<Piece> = fc
    .record({
      card: fc.constantFrom(...CARD),
      board: fc.option(fc.constantFrom('ready' as const, 'forwarded' as const, 'held' as const, 'discarded' as const), {
        freq: 3,
      }),
      ageDays: fc.integer({ min: 0, max: 70 }),
      isPayload: fc.boolean(),
    })
    .map((made) => {
      const isPayload = made.card === 'quarantined' || (made.isPayload && ['held', 'discarded'].includes(made.card));
      return { ...made, isPayload, board: made.card === 'forwarded' ? made.board : null };
    });
  const mail = fc.record({ pieces: fc.array(piece, { minLength: 1, maxLength: 3 }), isRead: fc.boolean() });

  type Mail = typeof mail extends fc.Arbitrary<infer Made> ? Made : never;
  interface Made extends Mail {
    readonly mailId: MailId;
    readonly reports: readonly NewReport[];
  }

  async function make(where: WatchedPlace, wanted: Mail): Promise<Made> {
    const mails = await copiedMails(ledgers.worker, where);
    const mailId = mails.mailIds[0] ?? newId<MailId>();
    const reports = wanted.pieces.map((one, index) =>
      newReport(mailId, one.isPayload ? null : where.practice.id, {
        kind: one.card === 'quarantined' ? 'payload' : 'report',
        payloadOrdinal: index + 1,
        ...(one.isPayload ? { content: null, contentDigest: null, referenceDigest: null } : {}),
      }),
    );
    await readAs(ledgers.worker, mails, reports);
    // Not read: a mail that a person had read again, with what was made of it the first time.
    if (!wanted.isRead)
      await ledgers.owner.query(`update mail set state = 'copied', read_at = null where id = $1`, [mailId]);
    for (const [index, one] of wanted.pieces.entries()) {
      const report = reports[index];
      if (report === undefined) continue;
      const ago = `${one.ageDays} days`;
      await ledgers.owner.query(
        `update delivery set state = $2, patient_key = null, settled_at = case when $2 in ('ready', 'sending', 'uncertain') then null else now() - $3::interval end where id = $1`,
        [report.deliveryId, one.card, ago],
      );
      if (one.board !== null) await withBoard(report, one.board, ago);
    }
    return { ...wanted, mailId, reports };
  }

  /** What is to be said of a report, from the words of the README and not from the statement. */
  function wanted(one: Piece, daysLater: number): 'kept' | 'gone' {
    const states = [one.card, ...(one.board === null ? [] : [one.board])];
    if (states.some((state) => WAITS.includes(state))) return 'kept';
    const isYoung = one.ageDays + daysLater < 30;
    return states.some((state) => STAYS_A_WHILE.includes(state)) && isYoung ? 'kept' : 'gone';
  }

  function wantedOfMail({ pieces, isRead }: Mail, daysLater: number): 'kept' | 'gone' {
    const isNeeded = pieces.some(({ card, isPayload }) => card === 'quarantined' || (card === 'held' && isPayload));
    if (!isRead || isNeeded) return 'kept';
    if (pieces.some(({ card }) => card === 'no-card')) return 'gone';
    return pieces.every((one) => wanted({ ...one, board: null }, daysLater) === 'gone') ? 'gone' : 'kept';
  }

  async function check(made: readonly Made[], daysLater: number): Promise<void> {
    const { rows } = await ledgers.owner.query<{ id: string; kept: boolean }>(
      `select id, content is not null as kept from report where mail_id = any($1::uuid[]) union all select id, content is not null from mail where id = any($1::uuid[])`,
      [made.map(({ mailId }) => mailId)],
    );
    const kept = new Map(rows.map((row) => [row.id, row.kept ? 'kept' : 'gone']));
    for (const one of made) {
      expect(kept.get(one.mailId), `the bytes of ${JSON.stringify(one.pieces)} read=${one.isRead}`).toBe(
        wantedOfMail(one, daysLater),
      );
      for (const [index, each] of one.pieces.entries()) {
        if (each.isPayload) continue;
        expect(kept.get(one.reports[index]?.id ?? ''), JSON.stringify(each)).toBe(wanted(each, daysLater));
      }
    }
  }

  it('nothing that waits loses its content, what had its time has none, and the accounting adds up', {
    timeout: 120_000,
  }, async () => {
    const where = await watchedPlace(ledgers.worker);
    await fc.assert(
      fc.asyncProperty(
        fc.array(mail, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 3 }),
        async (mails, steps) => {
          const made: Made[] = [];
          for (const one of mails) made.push(await make(where, one));
          await pruneAll();
          await check(made, 0);
          let daysLater = 0;
          for (const days of steps) {
            daysLater += days;
            await ledgers.owner.query(
              `update delivery d set settled_at = settled_at - make_interval(days => $2::int) from report r where r.id = d.report_id and r.mail_id = any($1::uuid[])`,
              [made.map(({ mailId }) => mailId), days],
            );
            await pruneAll();
            await check(made, daysLater);
          }
          for (const books of await accountingOf(ledgers.worker)) expect(books.difference).toBe(0);
          // What is left waiting would be counted by the next.
          await ledgers.owner.query(
            `update delivery d set state = 'discarded' from report r where r.id = d.report_id and r.mail_id = any($1::uuid[])`,
            [made.map(({ mailId }) => mailId)],
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
