/** How large things are that pass by: real mails as they are sealed, what the audit and the memory keep of one, a job in Redis. */

import { appendAudit } from '../../src/audit/audit.ts';
import { loadLaboratoryRegistry } from '../../src/lab/lab.ts';
import type { Ledger, Sql } from '../../src/ledger/ledger.ts';
import { type Job, openQueue } from '../../src/queue/queue.ts';
import { readHere } from '../../src/reading/reading.ts';
import { remember } from '../../src/records/records.ts';
import { generateTraffic } from '../../src/sandbox/generator/generator.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type BatchId, newId } from '../../src/shared/ids.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { privateRedis } from '../support/private-redis.ts';
import type { Sizes } from './partition-fill.ts';
import type { Cost, Side } from './partition-stage.ts';

/** Version, key id, iv and tag around a ciphertext (src/keys/cipher.ts). */
const SEAL_BYTES = 1 + 16 + 12 + 16;
const TRAFFIC = { seed: 909, mails: 300, startsAt: new Date('2026-01-05T08:00:00Z'), followedShare: 1 };

/** The mean of generated laboratory mail, read and sealed as the steps do. */
export async function realSizes(): Promise<Sizes> {
  const registry = loadLaboratoryRegistry();
  const sums = { mails: 0, mailBytes: 0, reports: 0, reportBytes: 0, results: 0 };
  for (const { raw } of generateTraffic(TRAFFIC)) {
    const read = await readHere(raw, null, registry);
    if (read.kind !== 'read') continue;
    sums.mails += 1;
    sums.mailBytes += raw.length;
    for (const report of read.readings.flatMap(({ reports }) => reports)) {
      sums.reports += 1;
      sums.reportBytes += Buffer.byteLength(JSON.stringify({ version: 1, report, attachments: [] }));
      sums.results += report.specimens.reduce((sum, { results }) => sum + results.length, 0);
    }
  }
  return {
    mailBytes: Math.round(sums.mailBytes / sums.mails) + SEAL_BYTES,
    reportBytes: Math.round(sums.reportBytes / sums.reports) + SEAL_BYTES,
    // A DiagnosticReport too.
    resources: 1 + Math.round(sums.results / sums.reports),
  };
}

/** What stands beside mail, report and delivery. */
export interface Beside {
  /** Of a mail whose report is delivered: bytes in the tables and their indexes. */
  readonly tableBytes: Readonly<Record<(typeof BESIDE)[number], number>>;
  readonly cost: Cost;
}

const BESIDE = ['audit', 'lab_result', 'lab_number'] as const;

/** The audit rows, the number and the results of `count` delivered reports, as the steps write them. */
export async function measureBeside(side: Side, count: number, { resources }: Sizes): Promise<Beside> {
  const before = await tableBytes(side.ledger);
  const cost = await side.measure(count, async () => {
    for (let index = 0; index < count; index += 1)
      await side.ledger.transaction((tx) => rememberOne(tx, resources - 1));
  });
  const after = await tableBytes(side.ledger);
  const of = (table: (typeof BESIDE)[number]) => (after[table] - before[table]) / count;
  return { tableBytes: { audit: of('audit'), lab_result: of('lab_result'), lab_number: of('lab_number') }, cost };
}

async function rememberOne(tx: Sql, results: number): Promise<void> {
  const [mail, report, delivery, practiceId] = [0, 1, 2, 3].map(() => newId<BatchId>() as string) as [
    string,
    string,
    string,
    string,
  ];
  const patientKey = random();
  const participants = { mail, report, delivery };
  const about = { actor: 'worker', practiceId, patientKey, participants } as const;
  await appendAudit(tx, [
    { ...about, event: 'report.read', objectKind: 'report', objectId: report, fields: { state: 'ready' } },
  ]);
  await appendAudit(tx, [
    { ...about, event: 'report.looked-up', objectKind: 'delivery', objectId: delivery, fields: { state: 'forwarded' } },
    {
      ...about,
      event: 'report.forwarded',
      objectKind: 'report',
      objectId: report,
      fields: { resources: results + 1, withheld: 0 },
    },
  ]);
  const number = random();
  const hex = () => random().toString('hex');
  const one = () => ({
    number: number.toString('hex'),
    code: hex(),
    name: hex(),
    moment: hex(),
    day: hex(),
    ordinal: 1,
    identifier: hex(),
    reportIdentifier: hex(),
  });
  await remember(tx, {
    numbers: [{ number, patientKey, deliveryId: delivery, cardId: newId<BatchId>(), scope: null }],
    reports: [{ patientKey, reportId: report, results: Array.from({ length: results }, one), identifiers: new Map() }],
  });
}

function random(): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
}

async function tableBytes(ledger: Ledger): Promise<Record<(typeof BESIDE)[number], number>> {
  const { rows } = await ledger.query<Record<(typeof BESIDE)[number], number>>(
    `select ${BESIDE.map((table) => `pg_total_relation_size('${table}') as ${table}`).join(', ')}`,
  );
  return rows[0] ?? { audit: 0, lab_result: 0, lab_number: 0 };
}

/** Bytes of a waiting job in a Redis of its own, with an append-only file as in production. */
export async function redisBytesPerJob(count: number): Promise<number> {
  const redis = await privateRedis();
  const used = async () =>
    Number(
      (
        await redis.command(`EVAL "return tonumber(string.match(redis.call('INFO','memory'),'used_memory:(%d+)'))" 0`)
      ).slice(1),
    );
  try {
    const queue = await openQueue({ redisUrl: redis.redisUrl, logger: silentLogger, clock: systemClock });
    const before = await used();
    const jobs = Array.from({ length: count }, (): Job => ({ kind: 'deliver', id: newId<BatchId>(), generation: 1 }));
    await queue.add(jobs);
    const bytes = ((await used()) - before) / count;
    await queue.release();
    return bytes;
  } finally {
    await redis.release();
  }
}
