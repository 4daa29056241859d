import { beforeEach, describe, expect, it } from 'vitest';
import { muteAlarm, openAlarms } from '../../src/alarms/alarms.ts';
import { type SilenceLimits, sameDaysBefore, watchSilence } from '../../src/health/health.ts';
import { countArrivals } from '../../src/records/records.ts';
import { amsterdamDay } from '../../src/shared/amsterdam.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { LogFields, Logger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type FakeClock, fakeClock } from '../mailbox/fake-clock.ts';
import { mailboxIn, type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn } from '../records/rows.ts';

const ledgers = useLedgers();
const owner = (text: string, ...values: readonly string[]) => ledgers.owner.query(text, values);
let place: WatchedPlace;
let clock: FakeClock;
beforeEach(async () => {
  await owner(
    'truncate alarm, alarm_mute, mailbox_day, delivery, report, mail, epoch, mailbox_practice, mailbox cascade',
  );
  clock = fakeClock(new Date('2026-12-07T15:00:00+01:00'));
  place = await watchedPlace(ledgers.worker);
  await owner('update mailbox set last_polled_at = now()');
});

const MINUTE_MS = 60_000;
const LIMITS: SilenceLimits = {
  polledWithinMs: 15 * MINUTE_MS,
  backlogWithinMs: 15 * MINUTE_MS,
  boardWithinMs: 10 * MINUTE_MS,
  passwordDays: 80,
};

/** A worker that looks, and what it said in each round. */
function looking(limits: Partial<SilenceLimits> = {}) {
  const lines: string[] = [];
  const say = (level: string) => (words: string, fields?: LogFields) => {
    const object = fields?.mailboxId ?? fields?.target ?? fields?.practiceId ?? '';
    lines.push(`${level} ${words}: ${fields?.code} ${object}`.trim());
  };
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const courier = { ledger: ledgers.worker, clock, logger };
  const silence = watchSilence(courier, { ...LIMITS, ...limits }, []);
  return {
    round: async () => {
      await silence.round();
      // The one at the start may have been it.
      await silence.round();
      return lines.splice(0);
    },
    minutesLater: async (minutes: number) => {
      await clock.advance(minutes * MINUTE_MS);
    },
  };
}

const open = async () => (await openAlarms(ledgers.worker)).map(({ kind, objectId }) => `${kind} ${objectId}`);

/** A cause, and what ends it. Each must open once, be said once, close once. */
interface Case {
  readonly kind: string;
  readonly level: 'warn' | 'error';
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  readonly object: () => string;
}

const late = (interval: string) => `now() - interval '${interval}'`;
const mailbox = () => place.mailboxId;
const CASES: readonly Case[] = [
  {
    kind: 'mailbox.not-polled',
    level: 'error',
    begin: () => owner(`update mailbox set last_polled_at = ${late('16 minutes')}`),
    end: () => owner('update mailbox set last_polled_at = now()'),
    object: mailbox,
  },
  {
    kind: 'mailbox.login-refused',
    level: 'error',
    begin: () => owner(`update mailbox set trouble = 'mailbox.login-refused'`),
    end: () => owner('update mailbox set trouble = null'),
    object: mailbox,
  },
  {
    kind: 'mailbox.password-old',
    level: 'warn',
    begin: () => owner(`update mailbox set password_set_at = ${late('81 days')}`),
    end: () => owner('update mailbox set password_set_at = now()'),
    object: mailbox,
  },
  {
    kind: 'backlog.too-old',
    level: 'error',
    begin: async () => {
      await copiedMails(ledgers.worker, place);
      await owner(`update mail set copied_at = ${late('16 minutes')}`);
    },
    end: () => owner(`update mail set state = 'read', verdict = 'not-lab'`),
    object: () => 'read',
  },
  {
    kind: 'backlog.too-old',
    level: 'error',
    begin: async () => {
      await deliveryIn(ledgers, place, 'ready');
      await owner(`update delivery set created_at = ${late('16 minutes')}`);
    },
    end: () => owner(`update delivery set state = 'forwarded', settled_at = now()`),
    object: () => 'patient-card',
  },
  {
    kind: 'target.login-refused',
    level: 'error',
    begin: async () => {
      await deliveryIn(ledgers, place, 'ready');
      await owner(`update delivery set reason = 'card.login-refused'`);
    },
    end: () => owner('update delivery set reason = null'),
    object: () => 'patient-card',
  },
  {
    kind: 'board.not-propagated',
    level: 'error',
    begin: async () => {
      await deliveryIn(ledgers, place, 'held');
      await owner(`update delivery set target = 'board', reason = 'board.not-propagated'`);
    },
    end: () => owner(`update delivery set state = 'forwarded', reason = null`),
    object: () => place.practice.id,
  },
];

describe('silence', () => {
  it('is no alarm where all is well', async () => {
    expect(await looking().round()).toEqual([]);
    expect(await open()).toEqual([]);
  });

  it.each(CASES)('as $kind ($level) opens once, is said once, and closes once', async ({
    kind,
    level,
    begin,
    end,
    object,
  }) => {
    const { round } = looking();
    await begin();
    expect(await round()).toEqual([`${level} an alarm: ${kind} ${object()}`]);
    expect(await round()).toEqual([]);
    expect(await open()).toEqual([`${kind} ${object()}`]);
    await end();
    expect(await round()).toEqual([`info an alarm is over: ${kind} ${object()}`]);
    expect(await round()).toEqual([]);
    expect(await open()).toEqual([]);
  });

  it('is said by one of several workers that look at the same time', async () => {
    await owner(`update mailbox set last_polled_at = ${late('1 hour')}`);
    const workers = Array.from({ length: 4 }, () => looking());
    const said = (await Promise.all(workers.map(({ round }) => round()))).flat();
    expect(said).toEqual([`error an alarm: mailbox.not-polled ${mailbox()}`]);
  });

  it('of a mailbox that nobody wants watched any more is over', async () => {
    const { round } = looking();
    await owner(`update mailbox set last_polled_at = ${late('1 hour')}`);
    await round();
    await owner(`update integration set state = 'disabled', disabled_at = now()`);
    expect(await round()).toEqual([`info an alarm is over: mailbox.not-polled ${mailbox()}`]);
    await owner(`update integration set state = 'enabled', disabled_at = null`);
  });

  it('of a mailbox that was never looked at counts from when it was to be watched', async () => {
    await owner('update mailbox set last_polled_at = null');
    const { round } = looking();
    expect(await round()).toEqual([]);
    await owner(`update epoch set opened_at = ${late('16 minutes')}`);
    expect(await round()).toEqual([`error an alarm: mailbox.not-polled ${mailbox()}`]);
  });

  it('leaves alone what waits rightly: parked, under retry, or behind another of its patient', async () => {
    const first = await deliveryIn(ledgers, place, 'sending');
    const behind = await deliveryIn(ledgers, place, 'ready');
    await deliveryIn(ledgers, place, 'ready');
    await owner(`update delivery set created_at = ${late('1 hour')}`);
    await owner(
      'update delivery set patient_key = (select patient_key from delivery where id = $1) where id = $2',
      first.deliveryId,
      behind.deliveryId,
    );
    await owner(`update delivery set is_parked = true where id not in ($1, $2)`, first.deliveryId, behind.deliveryId);
    const { round } = looking();
    expect(await round()).toEqual([]);
    await owner(
      `update delivery set is_parked = false, attempts = 3 where id not in ($1, $2)`,
      first.deliveryId,
      behind.deliveryId,
    );
    expect(await round()).toEqual([]);
    await owner('update delivery set attempts = 0');
    expect(await round()).toEqual(['error an alarm: backlog.too-old patient-card']);
  });

  it('of old passwords is nobody’s where no age is set', async () => {
    await owner(`update mailbox set password_set_at = ${late('3000 days')}`);
    expect(await looking({ passwordDays: null }).round()).toEqual([]);
  });

  it('that cannot be looked for while the ledger is away is said so once, and nothing is concluded', async () => {
    const said: string[] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      error: (words) => void said.push(words),
      warn: (_, fields) => void said.push(fields?.code ?? ''),
    };
    const away = () => Promise.reject(new Error('away'));
    const silence = watchSilence(
      { ledger: { ...ledgers.worker, transaction: away, query: away }, clock, logger },
      LIMITS,
      [],
    );
    for (let turn = 0; turn < 3; turn += 1) await silence.round();
    expect(said).toEqual(['shared.unexpected']);
  });
});

describe('no mail where mail is usual', () => {
  const MONDAY = '2026-12-07';
  /** Mail at half past seven on these days. */
  const mailOn = async (days: readonly string[]) => {
    const arrivals = days.map((day) => ({
      mailboxId: mailbox(),
      day,
      internalDate: new Date(`${day}T07:30:00+0${day < '2026-10-25' ? 2 : 1}:00`),
    }));
    await countArrivals(ledgers.worker, arrivals);
  };
  const silent = () => `warn an alarm: mailbox.no-mail ${mailbox()}`;
  const over = () => `info an alarm is over: mailbox.no-mail ${mailbox()}`;

  beforeEach(async () => {
    await mailOn(sameDaysBefore(MONDAY));
    await owner(`update epoch set opened_at = '2026-01-01'`);
    clock = fakeClock(new Date(`${MONDAY}T08:00:00+01:00`));
  });

  it('is an alarm once the time has passed, once, and over when mail comes', async () => {
    const { round, minutesLater } = looking();
    expect(await round()).toEqual([]);
    await minutesLater(120);
    expect(await round()).toEqual([silent()]);
    await minutesLater(60);
    expect(await round()).toEqual([]);
    // By the ledger's time the alarm began today; by the clock of this test a Monday in December is.
    await owner(`update alarm set opened_at = '${MONDAY}T10:00:00+01:00'`);
    await mailOn([MONDAY]);
    await minutesLater(5);
    expect(await round()).toEqual([over()]);
    expect(await open()).toEqual([]);
  });

  it('stays one when a new day begins without mail', async () => {
    const { round, minutesLater } = looking();
    await minutesLater(120);
    await round();
    await owner(`update alarm set opened_at = '${MONDAY}T10:00:00+01:00'`);
    await minutesLater(24 * 60);
    expect(await round()).toEqual([]);
    expect(await open()).toEqual([`mailbox.no-mail ${mailbox()}`]);
    await mailOn(['2026-12-08']);
    await minutesLater(5);
    expect(await round()).toEqual([over()]);
  });

  it('is none where mail came today, or of a mailbox that nothing is known of', async () => {
    await mailOn([MONDAY]);
    const { round, minutesLater } = looking();
    await minutesLater(10 * 60);
    expect(await round()).toEqual([]);
    const other = await mailboxIn(ledgers.worker, [place.practice]);
    expect(other).not.toBe(mailbox());
    await minutesLater(5);
    expect(await round()).toEqual([]);
  });

  it('is known from what is copied: each copy counts the mails of its days', async () => {
    await owner('truncate mailbox_day');
    const moments = ['2026-12-07T08:00:00+01:00', '2026-12-07T07:00:00+01:00', '2026-12-06T23:30:00+01:00'].map(
      (text) => new Date(text),
    );
    const rows = moments.map((internalDate) => ({
      mailboxId: mailbox(),
      internalDate,
      day: amsterdamDay(internalDate),
    }));
    await countArrivals(ledgers.worker, rows);
    await countArrivals(ledgers.worker, [
      { mailboxId: mailbox(), internalDate: new Date('2026-12-07T09:00:00+01:00'), day: '2026-12-07' },
    ]);
    await countArrivals(ledgers.worker, []);
    const { rows: days } = await ledgers.owner.query(
      'select day, mail_count, first_at, last_at from mailbox_day order by day',
    );
    expect(days).toEqual([
      { day: '2026-12-06', mail_count: 1, first_at: moments[2], last_at: moments[2] },
      { day: '2026-12-07', mail_count: 3, first_at: moments[1], last_at: new Date('2026-12-07T09:00:00+01:00') },
    ]);
  });

  it('forgets what is too old to say what is usual', async () => {
    await mailOn(['2026-08-31', '2026-09-14']);
    await looking().round();
    const { rows } = await ledgers.owner.query<{ day: string }>('select min(day) as day from mailbox_day');
    expect(rows).toEqual([{ day: '2026-09-14' }]);
  });
});

describe('a mute', () => {
  it('keeps an alarm quiet until it ends by itself; then the alarm that still stands is said', async () => {
    const { round } = looking();
    await ledgers.worker.transaction((tx) =>
      muteAlarm(tx, {
        kind: 'mailbox.not-polled',
        objectId: null,
        until: new Date(systemClock.now().getTime() + 3_600_000),
        reason: 'onderhoud',
        by: 'sanne',
      }),
    );
    await owner(`update mailbox set last_polled_at = ${late('1 hour')}`);
    expect(await round()).toEqual([]);
    expect(await open()).toHaveLength(1);
    await owner(`update alarm_mute set until = now() - interval '1 second'`);
    expect(await round()).toEqual([`error an alarm: mailbox.not-polled ${mailbox()}`]);
    expect(await round()).toEqual([]);
  });

  it('of a kind that somebody else looks at is said too when it ends', async () => {
    const { round } = looking();
    await owner(`insert into alarm (kind, level, object_id) values ('accounting.difference', 'error', $1)`, mailbox());
    expect(await round()).toEqual([`error an alarm: accounting.difference ${mailbox()}`]);
    expect(await round()).toEqual([]);
  });
});
