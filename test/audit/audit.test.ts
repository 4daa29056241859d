import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { appendAudit } from '../../src/audit/audit.ts';
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
