/** The audit of a real journey: what stands in it, who may see it, and that sealing survives what kills a worker. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditRow, Verification } from '../../src/audit/audit.ts';
import { runCommand, startDoomedWorker } from '../support/child.ts';
import { medlab } from '../support/medlab.ts';
import { deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

const PETRA = '999990019';
const KAREL = '999911120';

let journey: Journey;
let directory: string;
const file = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-audit-'));
  journey = await startJourney({ settings: { ZORGKOERIER_AUDIT_SEAL_FILE: file('seals.jsonl') } });
  // With a blank and a line end, as a person saves it.
  await writeFile(file('petra'), `9999 90019\n`);
  await writeFile(file('karel'), KAREL);
  await writeFile(file('wrong'), '99999001');
  await writeFile(file('no-bsn'), `${PETRA} en ${KAREL}`);
});
afterAll(async () => {
  await journey.release();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => runCommand(['audit', ...args], journey.settings);
const unsealed = async () =>
  (await journey.sql('select 1 from audit where id > coalesce((select max(to_id) from audit_seal), 0)')).length;

async function exported(name: string, ...args: string[]): Promise<readonly AuditRow[]> {
  const ran = await run('export', '--patient', '--bsn-file', file(name), '--reason', 'inzageverzoek', ...args);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRow);
}

describe('a worker that is killed between ledger and seal file', () => {
  it('leaves a chain and a file that the next worker goes on with', async () => {
    const doomed = startDoomedWorker('audit-sealed', journey.settings);
    expect(await doomed.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(await journey.sql('select 1 from audit_seal')).toHaveLength(1);
    expect(await readFile(file('seals.jsonl'), 'utf8')).toBe('');
    // The mailboxes of the dead are free, as they are half a minute later.
    await journey.sql(`update worker set alive_until = now() - interval '1 second'`);
    await journey.startWorker();
    await until(
      'the file',
      () => readFile(file('seals.jsonl'), 'utf8'),
      (text) => text.startsWith('{"sequence":1,'),
    );
  });
});

describe('the rows of a journey', () => {
  it('are one per act and patient, with the facts of NEN 7513, and none of them holds a value', async () => {
    await journey.send('linde', medlab({ bsn: PETRA, labNumber: '26190001', to: '500088001' }));
    await untilAtRest(journey, 1);
    await journey.send(
      'linde',
      medlab({ bsn: KAREL, labNumber: '26190002', birthDate: '1959:09:14', to: '500088001' }),
      medlab({ bsn: PETRA, labNumber: '26190003', to: '500088001' }),
    );
    await untilAtRest(journey, 3);

    const petra = await exported('petra');
    const events = (rows: readonly AuditRow[]) =>
      rows
        .filter(({ participants }) => participants['target'] !== 'board')
        .map(({ event, type }) => `${event} ${type}`);
    // One search of the card and one of the board for each.
    expect(petra.filter(({ event }) => event === 'report.looked-up')).toHaveLength(4);
    const toCard = ['report.read create', 'report.looked-up search', 'report.forwarded transfer'];
    expect(
      events(petra)
        .filter((event) => toCard.includes(event))
        .sort(),
    ).toEqual([...toCard, ...toCard].sort());
    expect(events(petra).at(-1)).toBe('audit.exported log-access');
    const transfer = petra.find(({ event }) => event === 'report.forwarded');
    expect(transfer).toMatchObject({
      action: 'C',
      outcome: 'success',
      actor: 'worker',
      role: 'software',
      purpose: 'TREAT',
      isRequestor: false,
      practiceAgb: (await journey.practice('linde')).agb,
      objectKind: 'report',
      onBehalfOf: `practice ${(await journey.practice('linde')).id}`,
    });
    const { mail, report, delivery, card, target } = transfer?.participants ?? {};
    expect(target).toBe('patient-card');
    expect([mail, report, delivery, card].every((id) => id !== undefined && id !== '')).toBe(true);
    expect(report).toBe(transfer?.objectId);

    const karel = await exported('karel');
    expect(events(karel)).toEqual([
      'report.read create',
      'report.looked-up search',
      'report.held processing',
      'audit.exported log-access',
    ]);
    const all = JSON.stringify(await journey.sql('select * from audit'));
    for (const value of [PETRA, KAREL, 'Jansen', 'Kreatinine', '1959', 'KREAB']) expect(all).not.toContain(value);
  });

  it('of a person who looks and decides say who, from where and why', async () => {
    const held = (await deliveries(journey)).find(({ state }) => state === 'held');
    const decide = (...args: string[]) => runCommand(['held', ...args], journey.settings);
    await decide('show', held?.id ?? '', '--content', '--by', 'sanne');
    await decide('discard', held?.id ?? '', '--reason', 'gebeld', '--by', 'sanne');
    const rows = (await exported('karel')).filter(({ actor }) => actor === 'sanne');
    expect(rows).toMatchObject([
      { event: 'report.shown', type: 'read', role: 'staff', isRequestor: true, objectId: held?.id },
      { event: 'report.discarded', type: 'delete', reason: 'gebeld', participants: { mail: held?.mail_id } },
    ]);
    expect(rows.every(({ accessPoint }) => / (no )?terminal|\/dev\//.test(accessPoint ?? ''))).toBe(true);
  });

  it('are sealed within seconds by the worker, into the file too', async () => {
    await until('all sealed', unsealed, (count) => count === 0);
    const ran = await run('verify', '--seals', file('seals.jsonl'), '--json');
    expect(ran.code).toBe(0);
    const { isWhole, findingCount, file: compared } = JSON.parse(ran.stdout) as Verification & { isWhole: boolean };
    expect({ isWhole, findingCount }).toEqual({ isWhole: true, findingCount: 0 });
    expect(compared?.lines).toBeGreaterThan(1);
    const petra = await exported('petra');
    expect(petra.slice(0, 3).every(({ seal }) => seal !== null)).toBe(true);
  });
});

describe('zorgkoerier audit export', () => {
  it('as CSV has a Dutch heading and local times, and nothing that a spreadsheet takes for a formula', async () => {
    const where = ['export', '--patient', '--bsn-file', file('petra'), '--format', 'csv'];
    const ran = await run(...where, '--reason', '=1+1; "inzage"', '--by', 'sanne');
    const [heading = '', ...rows] = ran.stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^tijd;gebeurtenis;soort;.*;reden;bijzonderheden;zegel$/);
    expect(rows.length).toBeGreaterThan(6);
    expect(rows.every((row) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00;/.test(row))).toBe(true);
    expect(rows.at(-1)).toContain(`;"'=1+1; ""inzage""";`);
  });

  it('finds nothing but the asking about a number that nobody has', async () => {
    expect((await exported('wrong')).map(({ event }) => event)).toEqual(['audit.exported']);
  });

  it('of a practice has its rows, also those that are about no patient', async () => {
    const { agb } = await journey.practice('linde');
    const ran = await run('export', '--practice', agb, '--reason', 'controle', '--by', 'sanne');
    const rows = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRow);
    expect(new Set(rows.map((row) => row.practiceAgb))).toEqual(new Set([agb]));
    expect(rows.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['practice.added', 'integration.enabled', 'report.forwarded', 'audit.exported']),
    );
  });

  it('takes no BSN from the command line, nor anything but a BSN, and repeats neither', async () => {
    const reason = ['--reason', 'inzageverzoek'];
    const refused = await Promise.all([
      run('export', '--patient', PETRA, ...reason),
      run('export', '--patient', '--bsn-file', file('no-bsn'), ...reason),
      run('export', '--patient', ...reason),
      run('export', '--patient', '--bsn-file', file('not-there'), ...reason),
      run('export', '--patient', '--practice', '01099001', ...reason),
      run('export', ...reason),
      run('export', '--patient', '--bsn-file', file('petra')),
      run('export', '--patient', '--bsn-file', file('petra'), '--reason', `inzage van ${PETRA}`),
    ]);
    for (const ran of refused) {
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).not.toMatch(/9999/);
    }
    expect(refused[0]?.stderr).toMatch(/takes no value/);
    expect(refused[1]?.stderr).toMatch(/eight or nine digits/);
  });
});

describe('zorgkoerier audit verify', () => {
  it('names the seal and the row that was changed, with exit code 3, and is itself in the audit', async () => {
    await journey.stopWorkers();
    const [row] = await journey.sql<{ id: string; sequence: string }>(
      `select a.id, s.sequence from audit a join audit_seal s on s.from_id < a.id and a.id <= s.to_id where a.event = 'report.shown'`,
    );
    await journey.sql(`update audit set actor = 'iemand anders' where id = $1`, [row?.id]);
    const [text, json] = [await run('verify', '--by', 'sanne'), await run('verify', '--json')];
    expect(text.code).toBe(3);
    expect(text.stdout).toContain(`zegel ${row?.sequence}: regels zijn veranderd: ${row?.id}\n`);
    expect(JSON.parse(json.stdout)).toMatchObject({
      isWhole: false,
      findings: [{ kind: 'row-changed', sequence: Number(row?.sequence), rows: [Number(row?.id)] }],
    });
    expect(await journey.sql(`select 1 from audit where event = 'audit.verified' and actor = 'sanne'`)).toHaveLength(1);
    await journey.sql(`update audit set actor = 'sanne' where id = $1`, [row?.id]);
    expect(await run('verify')).toMatchObject({ code: 0 });
  });

  it('is not content with rows that wait longer than a minute to be sealed', async () => {
    await journey.sql(
      `update audit set at = now() - interval '2 minutes' where id > (select max(to_id) from audit_seal)`,
    );
    const ran = await run('verify');
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/Nog niet verzegeld: \d+ regels, sinds .* draait er een worker/);
    expect(await run('verify', '--seals', file('no-such-file'))).toMatchObject({ code: 2 });
  });
});
