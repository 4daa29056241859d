/**
 * `zorgkoerier audit export`: every row about one patient, or of one practice. The BSN is read from standard input or a
 * file, since arguments are seen by others and kept in a shell's history; it is turned into the patient's key and
 * forgotten. Audited before the first row is shown, as a row about this patient.
 */

import { readFile } from 'node:fs/promises';
import { type AuditRow, appendAudit, auditRows, type WhoseRows } from '../audit/audit.ts';
import type { Office } from '../compose.ts';
import { mentionsBsn, readBsn } from '../lab/lab.ts';
import { amsterdamIso } from '../shared/amsterdam.ts';
import { type Io, type Language, UsageError } from './io.ts';
import { requirePractice, withOffice } from './office.ts';

export interface ExportCommand {
  /** For a patient: where the BSN is; `-` is standard input. Else null. */
  readonly bsnFile: string | null;
  readonly practice: string | null;
  readonly format: 'jsonl' | 'csv';
  readonly reason: string;
  readonly by: string;
}

export async function runAuditExport(io: Io, options: ExportCommand): Promise<number> {
  // The reason stays in the audit.
  if (mentionsBsn(options.reason) || mentionsBsn(options.by))
    throw new UsageError('--reason: there is a number in it that may be a BSN; write it without');
  return withOffice(io, async (office, config) => {
    const whose = await whoseRows(io, office, options);
    await appendAudit(office.ledger, [
      {
        event: 'audit.exported',
        actor: options.by,
        objectKind: 'audit',
        objectId: whose.kind,
        ...(whose.kind === 'patient' ? { patientKey: whose.key } : { practiceId: whose.id }),
        reason: options.reason,
        fields: { format: options.format },
      },
    ]);
    if (options.format === 'csv') io.out(csvLine(HEADINGS[config.language]));
    for await (const page of auditRows(office.ledger, whose))
      for (const row of page) io.out(options.format === 'csv' ? csvLine(cellsOf(row)) : JSON.stringify(row));
    return 0;
  });
}

async function whoseRows(io: Io, office: Office, { bsnFile, practice }: ExportCommand): Promise<WhoseRows> {
  if (practice !== null) return { kind: 'practice', id: (await requirePractice(office, practice)).id };
  const bytes =
    bsnFile === null || bsnFile === '-'
      ? await io.readStdin()
      : await readFile(bsnFile).catch(() => {
          throw new UsageError(`--bsn-file: ${bsnFile} cannot be read`);
        });
  const read = readBsn(bytes.toString('utf8'));
  // Never what was read: it may be a number with one digit wrong.
  if (read === null) throw new UsageError('--bsn-file: eight or nine digits are expected, and nothing else');
  return { kind: 'patient', key: await office.keys.mac('patient', read.bsn) };
}

const HEADINGS: Readonly<Record<Language, readonly string[]>> = {
  nl: [
    'tijd',
    'gebeurtenis',
    'soort',
    'actie',
    'uitkomst',
    'wie',
    'rol',
    'namens',
    'verzoeker',
    'doel',
    'vanaf',
    'bron',
    'praktijk',
    'object',
    'objectnummer',
    'betrokken',
    'reden',
    'bijzonderheden',
    'zegel',
  ],
  en: [
    'time',
    'event',
    'type',
    'action',
    'outcome',
    'actor',
    'role',
    'on behalf of',
    'requestor',
    'purpose',
    'access point',
    'source',
    'practice',
    'object',
    'object id',
    'participants',
    'reason',
    'details',
    'seal',
  ],
};

function cellsOf(row: AuditRow): readonly string[] {
  const pairs = (record: Readonly<Record<string, unknown>>) =>
    Object.entries(record)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  const facts = [row.event, row.type, row.action, row.outcome, row.actor, row.role, row.onBehalfOf];
  const where = [row.isRequestor, row.purpose, row.accessPoint, row.source, row.practiceAgb];
  const object = [row.objectKind, row.objectId, pairs(row.participants), row.reason, pairs(row.fields), row.seal];
  return [amsterdamIso(new Date(row.at)), ...[...facts, ...where, ...object].map((value) => String(value ?? ''))];
}

// With semicolons, as a Dutch spreadsheet expects. A reason that a person typed must not become a formula there.
function csvLine(cells: readonly string[]): string {
  return cells
    .map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[";\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(';');
}
