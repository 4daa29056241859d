import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { appendAudit } from '../../src/audit/audit.ts';
import { accessPoint } from '../../src/audit/source.ts';
import type { Sql } from '../../src/ledger/ledger.ts';
import { useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();

const rowsOf = async (objectId: string) =>
  (
    await ledgers.owner.query<Record<string, unknown>>('select * from audit where object_id = $1 order by id', [
      objectId,
    ])
  ).rows;

describe('the audit', () => {
  it('keeps who did what to which record, on whose behalf and why', async () => {
    const objectId = randomUUID();
    const practiceId = randomUUID();
    const patientKey = Buffer.alloc(32, 7);
    await appendAudit(ledgers.worker, [
      {
        event: 'report.overridden',
        actor: 'j.devries',
        onBehalfOf: 'practice',
        outcome: 'refused',
        objectKind: 'delivery',
        objectId,
        practiceId,
        patientKey,
        reason: 'birth date confirmed by telephone',
        fields: { card: 'card-1', count: 2, isLate: false, was: null },
      },
    ]);
    const [row] = await rowsOf(objectId);
    expect(row).toMatchObject({
      event: 'report.overridden',
      actor: 'j.devries',
      on_behalf_of: 'practice',
      outcome: 'refused',
      object_kind: 'delivery',
      practice_id: practiceId,
      patient_key: patientKey,
      reason: 'birth date confirmed by telephone',
      fields: { card: 'card-1', count: 2, isLate: false, was: null },
    });
    expect(row?.['at']).toBeInstanceOf(Date);
  });

  it('leaves out what was not said, and takes it for done', async () => {
    const objectId = randomUUID();
    await appendAudit(ledgers.worker, [{ event: 'mails.copied', actor: 'worker', objectKind: 'batch', objectId }]);
    expect(await rowsOf(objectId)).toMatchObject([
      { outcome: 'success', on_behalf_of: null, practice_id: null, patient_key: null, reason: null, fields: {} },
    ]);
  });

  it('keeps entries in the order of the acts, also within one transaction', async () => {
    const objectId = randomUUID();
    const events = ['report.held', 'report.shown', 'report.released'] as const;
    await ledgers.worker.transaction((tx) =>
      appendAudit(
        tx,
        events.map((event) => ({ event, actor: 'worker', objectKind: 'report', objectId })),
      ),
    );
    const rows = await rowsOf(objectId);
    expect(rows.map((row) => row['event'])).toEqual(events);
    const times = rows.map((row) => (row['at'] as Date).getTime());
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('says of each event what kind it is, who answers for it, from where and by which program', async () => {
    const [objectId, practiceId] = [randomUUID(), randomUUID()];
    await appendAudit(ledgers.worker, [
      {
        event: 'report.forwarded',
        actor: 'worker',
        objectKind: 'report',
        objectId,
        practiceId,
        participants: { mail: 'm', report: 'r', delivery: 'd', card: 'c', target: 'patient-card' },
      },
      { event: 'integration.paused', actor: 'sanne', objectKind: 'practice', objectId },
    ]);
    const [transfer, change] = await rowsOf(objectId);
    expect(transfer).toMatchObject({
      event_type: 'transfer',
      action: 'C',
      purpose: 'TREAT',
      role: 'software',
      is_requestor: false,
      on_behalf_of: `practice ${practiceId}`,
      access_point: `${hostname()} process ${process.pid}`,
      participants: { mail: 'm', report: 'r', delivery: 'd', card: 'c', target: 'patient-card' },
    });
    expect(change).toMatchObject({
      event_type: 'authorisation',
      action: 'U',
      purpose: 'HSYSADMIN',
      role: 'staff',
      is_requestor: true,
      on_behalf_of: null,
      participants: {},
    });
    for (const row of [transfer, change])
      expect(row?.['source']).toBe(`zorgkoerier 0.1.0, host ${hostname()}, process ${process.pid}`);
  });

  it('says of a person at which terminal they sat, and where they came from', () => {
    expect(accessPoint('staff', {})).toMatch(new RegExp(`^${hostname()} (no terminal|terminal|/dev/\\S+)$`));
    expect(accessPoint('staff', { SSH_CONNECTION: '10.0.0.7 50022 10.0.0.1 22' })).toMatch(/ from 10\.0\.0\.7$/);
    expect(accessPoint('staff', { SSH_CONNECTION: 'anything at all 22' })).not.toContain('from');
    expect(accessPoint('software', { SSH_CONNECTION: '10.0.0.7 50022 10.0.0.1 22' })).not.toContain('from');
  });

  it('appends many rows in one statement, in their order, and none in none', async () => {
    const objectId = randomUUID();
    let statements = 0;
    const counted: Sql = {
      query: (text, values) => {
        statements += 1;
        return ledgers.worker.query(text, values);
      },
    };
    await appendAudit(counted, []);
    expect(statements).toBe(0);
    const entries = Array.from({ length: 500 }, (_, place) => ({
      event: 'report.read' as const,
      actor: 'worker',
      objectKind: 'report' as const,
      objectId,
      patientKey: place % 2 === 0 ? null : Buffer.alloc(32, place),
      reason: place % 3 === 0 ? null : 'a "reason", with {braces} and \\ in it',
      fields: { place },
    }));
    await appendAudit(counted, entries);
    expect(statements).toBe(1);
    const rows = await rowsOf(objectId);
    expect(rows.map((row) => row['fields'])).toEqual(entries.map(({ fields }) => fields));
    expect(rows.map((row) => row['patient_key'])).toEqual(entries.map(({ patientKey }) => patientKey));
    expect(rows.map((row) => row['reason'])).toEqual(entries.map(({ reason }) => reason));
  });

  it('is given up with the act', async () => {
    const objectId = randomUUID();
    const act = ledgers.worker.transaction(async (tx) => {
      await appendAudit(tx, [{ event: 'report.discarded', actor: 'worker', objectKind: 'report', objectId }]);
      throw new Error('given up');
    });
    await expect(act).rejects.toThrow('given up');
    expect(await rowsOf(objectId)).toEqual([]);
  });

  it('cannot be changed or deleted by a worker, not even the row just written', async () => {
    const objectId = randomUUID();
    const entry = { event: 'report.shown', actor: 'worker', objectKind: 'report', objectId } as const;
    for (const undo of ["update audit set actor = 'nobody'", 'delete from audit']) {
      const act = ledgers.worker.transaction(async (tx) => {
        await appendAudit(tx, [entry]);
        await tx.query(`${undo} where object_id = $1`, [objectId]);
      });
      await expect(act).rejects.toMatchObject({ code: 'ledger.refused', fields: { sqlState: '42501' } });
    }
    expect(await rowsOf(objectId)).toEqual([]);
  });
});
