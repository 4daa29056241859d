/**
 * What partitions by month would give the ledger and what they would cost: the same mails, reports and deliveries in the
 * schema as it is and in its partitioned copy, and on both the statements that workers really run, in turns. What is
 * compared is compared within a round. docs/past-one-machine.md says what follows from it.
 */

import type { Sql } from '../../src/ledger/ledger.ts';
import { type Bench, columns } from './command.ts';
import { lowestId, type Month, makeCopy, monthsUntil, PLACES, TABLES, type TableName } from './partition-copy.ts';
import { type Filled, fillLedger, type Sizes } from './partition-fill.ts';
import { type Beside, measureBeside, realSizes, redisBytesPerJob } from './partition-sizes.ts';
import { type Cost, openPartitionStage, type Side, type SideName } from './partition-stage.ts';
import { BATCH, type Copied, deleteBefore, type Worker, workerOn } from './partition-work.ts';
import { type Spread, spreadOf } from './rounds.ts';

export interface PartitionOptions {
  /** In the ledger before anything is measured, over a year. */
  readonly mails: number;
  readonly rounds: number;
  /** Of 50 mails, per round and side. */
  readonly batches: number;
  readonly lookUps: number;
  /** Reports whose audit and memory are measured. */
  readonly beside: number;
  /** In Redis. */
  readonly jobs: number;
}

const FULL: PartitionOptions = { mails: 200_000, rounds: 5, batches: 10, lookUps: 200, beside: 4_000, jobs: 20_000 };
const QUICK: PartitionOptions = { mails: 50_000, rounds: 3, batches: 3, lookUps: 50, beside: 500, jobs: 5_000 };
/** As many as the dedupe horizon of 400 days needs, and the one that is being filled. */
const MONTHS = 14;

const ROUND_STEPS = ['copy', 'read', 'deliver', 'sweep', 'look-up'] as const;
const ONCE_STEPS = ['accounting', 'prune', 'vacuum after it', 'remove a month', 'vacuum after that'] as const;
type Step = (typeof ROUND_STEPS)[number] | (typeof ONCE_STEPS)[number];

export interface ComparedStep {
  readonly step: Step;
  readonly per: string;
  readonly cost: Readonly<Record<SideName, readonly Cost[]>>;
  /** How many times the partitioned copy costs what the schema as it is costs, round by round. */
  readonly times: { readonly ms: Spread; readonly cpu: Spread | null; readonly wal: Spread | null };
}

export interface PartitionResult {
  readonly mails: number;
  readonly months: number;
  readonly sizes: Sizes;
  /** Bytes per mail: in the table, content that stands out of line left out, and in its indexes. */
  readonly bytesPerRow: Readonly<Record<SideName, Readonly<Record<string, RowBytes>>>>;
  readonly steps: readonly ComparedStep[];
  readonly beside: Beside;
  readonly redisBytesPerJob: number;
}

export interface RowBytes {
  readonly table: number;
  readonly indexes: number;
}

export const partitionBench: Bench = {
  says: 'the ledger as it is beside a copy that is partitioned by month',
  run: async ({ isQuick, progress }) => {
    const options = isQuick ? QUICK : FULL;
    const result = await comparePartitions(options, progress);
    return { document: { options, ...result }, table: tableOf(result) };
  },
};

/** Throws where the two do not hold the same afterwards. */
export async function comparePartitions(
  options: PartitionOptions,
  progress: (text: string) => void,
): Promise<PartitionResult> {
  const stage = await openPartitionStage();
  try {
    const sizes = await realSizes();
    const now = new Date();
    const months = monthsUntil(now, MONTHS);
    const sides = [stage.plain, stage.months] as const;
    const filled = await fillLedger(stage.plain.ledger, { mails: options.mails, months, now, sizes }, progress);
    progress('making the partitioned copy …');
    await makeCopy(stage.months.ledger, months);
    for (const { ledger } of sides) await ledger.query(`vacuum (analyze) ${[...TABLES, 'read_batch'].join(', ')}`);
    await stage.plain.ledger.query('checkpoint');
    const bytesPerRow = {
      plain: await rowBytes(stage.plain.ledger, [...TABLES, 'read_batch'], filled.mails),
      months: await rowBytes(stage.months.ledger, [...TABLES, ...PLACES], filled.mails),
    };
    const run = new Run(sides, filled, sizes, options, progress);
    await run.rounds();
    await run.once(months);
    const beside = await measureBeside(stage.plain, options.beside, sizes);
    const redis = await redisBytesPerJob(options.jobs);
    return {
      mails: filled.mails,
      months: MONTHS,
      sizes,
      bytesPerRow,
      steps: run.compared(),
      beside,
      redisBytesPerJob: redis,
    };
  } finally {
    await stage.release();
  }
}

class Run {
  readonly #costs = new Map<Step, { per: string; cost: Record<SideName, Cost[]> }>();
  readonly #workers: Readonly<Record<SideName, Worker>>;
  readonly #sides: readonly [Side, Side];
  readonly #options: PartitionOptions;
  readonly #progress: (text: string) => void;

  constructor(
    sides: readonly [Side, Side],
    filled: Filled,
    sizes: Sizes,
    options: PartitionOptions,
    progress: (text: string) => void,
  ) {
    this.#sides = sides;
    this.#options = options;
    this.#progress = progress;
    const [plain, months] = sides;
    this.#workers = { plain: workerOn(plain, filled, sizes), months: workerOn(months, filled, sizes) };
  }

  /** The first is not counted: plans and caches are cold then. */
  async rounds(): Promise<void> {
    for (let round = 0; round <= this.#options.rounds; round += 1) {
      this.#progress(`round ${round} of ${this.#options.rounds} …`);
      for (const side of round % 2 === 0 ? this.#sides : this.#sides.toReversed()) await this.#round(side);
      if (round === 0) this.#costs.clear();
    }
  }

  async #round(side: Side): Promise<void> {
    const worker = this.#workers[side.name];
    const { batches, lookUps } = this.#options;
    const mails = batches * BATCH;
    const copied: Copied[] = [];
    const ids: Awaited<ReturnType<Worker['read']>>[number][] = [];
    await this.#note('copy', 'mail', side, mails, async () => {
      for (let batch = 0; batch < batches; batch += 1) copied.push(await worker.copy());
    });
    await this.#note('read', 'mail', side, mails, async () => {
      for (const batch of copied) ids.push(...(await worker.read(batch)));
    });
    if (ids.length !== mails) throw new Error(`${ids.length} of ${mails} mails were read`);
    await this.#note('deliver', 'report', side, mails, () => worker.deliver(ids));
    await this.#note('sweep', 'look', side, 10, () => times(10, worker.sweep));
    await this.#note('look-up', 'mail', side, lookUps, () => times(lookUps, worker.lookUp));
  }

  /** What is done once: to the books, to what is due, to the oldest month. */
  async once(months: readonly Month[]): Promise<void> {
    const counted = { accounting: [] as number[], removed: [] as number[] };
    const oldest = months[0];
    if (oldest === undefined) throw new Error('no months');
    const touched = months.slice(-3).flatMap(({ suffix }) => TABLES.map((table) => `${table}_${suffix}`));
    for (const side of this.#sides) {
      const { ledger, name } = side;
      const worker = this.#workers[name];
      this.#progress(`${name}: the books, retention, vacuum …`);
      await this.#note('accounting', 'look at all mails', side, 1, async () => {
        counted.accounting.push(await worker.account());
      });
      const due = await countDue(ledger);
      let pruned = 0;
      await this.#note('prune', 'mail', side, due, async () => {
        pruned = await worker.prune();
      });
      // More may have become due meanwhile.
      if (pruned < due || due === 0) throw new Error(`${name}: ${pruned} of ${due} were pruned`);
      // As autovacuum does: of a partitioned table only what was changed.
      const vacuumed = name === 'plain' ? TABLES : touched;
      await this.#note('vacuum after it', 'time', side, 1, () =>
        each(vacuumed, (table) => ledger.query(`vacuum ${table}`)),
      );
      this.#progress(`${name}: removing the oldest month …`);
      counted.removed.push(await countBefore(ledger, lowestId(oldest.to)));
      // Without it each mail that goes is looked for in all others.
      await ledger.query('create index mail_original on mail (original_mail_id) where original_mail_id is not null');
      await this.#note('remove a month', 'month', side, 1, () => removeMonth(side, oldest));
      await this.#note('vacuum after that', 'time', side, 1, () =>
        each(name === 'plain' ? TABLES : [], (table) => ledger.query(`vacuum ${table}`)),
      );
      if ((await countBefore(ledger, lowestId(oldest.to))) !== 0) throw new Error(`${name}: the month is still there`);
    }
    for (const [what, [plain, parted]] of Object.entries(counted))
      if (plain !== parted || plain === 0) throw new Error(`${what}: ${plain} in one, ${parted} in the other`);
  }

  async #note(step: Step, per: string, side: Side, count: number, act: () => Promise<unknown>): Promise<void> {
    const known = this.#costs.get(step) ?? { per, cost: { plain: [], months: [] } };
    this.#costs.set(step, known);
    known.cost[side.name].push(await side.measure(count, async () => void (await act())));
  }

  compared(): readonly ComparedStep[] {
    return [...this.#costs].map(([step, { per, cost }]) => {
      const ratios = (of: (cost: Cost) => number | null) =>
        cost.plain.flatMap((plain, round) => {
          const [one, other] = [of(plain), cost.months[round] === undefined ? null : of(cost.months[round])];
          return one === null || other === null || one === 0 ? [] : [other / one];
        });
      const spread = (numbers: readonly number[]) => (numbers.length === 0 ? null : spreadOf(numbers));
      const [ms, cpu, wal] = [ratios((one) => one.ms), ratios((one) => one.cpuUs), ratios((one) => one.walBytes)];
      return { step, per, cost, times: { ms: spreadOf(ms), cpu: spread(cpu), wal: spread(wal) } };
    });
  }
}

async function removeMonth(side: Side, { suffix, to }: Month): Promise<void> {
  if (side.name === 'plain') return void (await deleteBefore(side, lowestId(to)));
  // The places of what goes are kept: a uid that was there stays one that was there.
  await side.ledger.transaction(async (tx) => {
    for (const table of TABLES.toReversed()) {
      await tx.query(`alter table ${table} detach partition ${table}_${suffix}`);
      await tx.query(`drop table ${table}_${suffix}`);
    }
  });
}

async function countBefore(sql: Sql, id: string): Promise<number> {
  return (await sql.query<{ n: number }>('select count(*) as n from mail where id < $1', [id])).rows[0]?.n ?? 0;
}

async function countDue(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    "select count(*) as n from mail where content is not null and copied_at < now() - interval '30 days'",
  );
  return rows[0]?.n ?? 0;
}

async function rowBytes(sql: Sql, tables: readonly (TableName | string)[], mails: number) {
  const entries = await each(tables, async (table): Promise<[string, RowBytes]> => {
    const { rows } = await sql.query<{ heap: number; indexes: number }>(
      `select sum(pg_relation_size(relid::regclass))::bigint as heap, sum(pg_indexes_size(relid::regclass))::bigint as indexes from (select relid::oid as relid from pg_partition_tree($1::regclass) union select $1::regclass::oid) t`,
      [table],
    );
    return [table, { table: (rows[0]?.heap ?? 0) / mails, indexes: (rows[0]?.indexes ?? 0) / mails }];
  });
  return Object.fromEntries(entries);
}

async function times(count: number, act: () => Promise<void>): Promise<void> {
  for (let index = 0; index < count; index += 1) await act();
}

async function each<Item, Answer>(items: readonly Item[], act: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const item of items) answers.push(await act(item));
  return answers;
}

function tableOf({ mails, months, sizes, bytesPerRow, steps, beside, redisBytesPerJob: job }: PartitionResult): string {
  const number = (value: number, digits = 0) =>
    value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const middle = (costs: readonly Cost[], of: (cost: Cost) => number | null, digits: number) => {
    const known = costs.flatMap((cost) => of(cost) ?? []);
    return known.length === 0 ? '' : number(spreadOf(known).median, digits);
  };
  const ratio = (spread: Spread | null) =>
    spread === null ? '' : `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)})`;
  const rows = steps.map(({ step, per, cost, times: { ms, cpu, wal } }) => [
    `${step}, per ${per}`,
    middle(cost.plain, (one) => one.ms, 3),
    middle(cost.months, (one) => one.ms, 3),
    ratio(ms),
    middle(cost.plain, (one) => one.cpuUs, 0),
    middle(cost.months, (one) => one.cpuUs, 0),
    ratio(cpu),
    middle(cost.plain, (one) => one.walBytes, 0),
    middle(cost.months, (one) => one.walBytes, 0),
    ratio(wal),
  ]);
  const head = ['', 'ms', 'by month', '×', 'cpu µs', 'by month', '×', 'WAL bytes', 'by month', '×'];
  const bytes = (['plain', 'months'] as const).flatMap((side) =>
    Object.entries(bytesPerRow[side]).map(([table, { table: heap, indexes }]) => [
      `${side === 'plain' ? 'as it is' : 'by month'}: ${table}`,
      number(heap),
      number(indexes),
    ]),
  );
  const { audit, lab_result: results, lab_number: numbers } = beside.tableBytes;
  return [
    `${number(mails)} mails with a report and a delivery each, ${months} months; a sealed mail has ${number(sizes.mailBytes)} bytes, a report ${number(sizes.reportBytes)}, ${sizes.resources} resources on the card`,
    columns([head, ...rows]),
    columns([['bytes per mail', 'table', 'indexes'], ...bytes]),
    `beside, per delivered mail: audit ${number(audit)} bytes, results ${number(results)}, numbers ${number(numbers)}, WAL ${number(beside.cost.walBytes)}; a job in Redis ${number(job)}`,
  ].join('\n\n');
}
