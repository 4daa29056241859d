/** A generated mail through our own readers, put beside what the generator says is in it. */

import type { LabReport, PayloadReading } from '../../src/lab/lab.ts';
import { loadLaboratoryRegistry, readMailContents } from '../../src/lab/lab.ts';
import { unwrapMail } from '../../src/mail/mail.ts';
import type { GeneratedMail } from '../../src/sandbox/generator/generator.ts';

const registry = loadLaboratoryRegistry();

/** What a reading may warn of: bytes in 8859-1 under no declared charset are taken for windows-1252, and that is right. */
const ALLOWED_WARNINGS = ['edifact.charset-assumed'];

export async function readRaw(raw: Buffer): Promise<readonly PayloadReading[]> {
  const contents = await unwrapMail(raw);
  if (contents.quarantine !== null) throw new Error(contents.quarantine);
  return readMailContents(contents, registry, (failure) => {
    throw failure;
  });
}

/** The reading of the only payload. */
export async function readOnly({ raw }: GeneratedMail): Promise<PayloadReading> {
  const [reading, ...others] = await readRaw(raw);
  if (reading === undefined || others.length > 0) throw new Error(`${others.length + 1} readings`);
  return reading;
}

export function reportOf({ reports, outcome, code }: PayloadReading): LabReport {
  const [report, ...others] = reports;
  if (report === undefined || others.length > 0) throw new Error(`${outcome} ${code}, ${reports.length} reports`);
  return report;
}

export function unexpectedWarnings({ warnings }: PayloadReading): readonly string[] {
  return warnings.map(({ code }) => code).filter((code) => !ALLOWED_WARNINGS.includes(code));
}

/** The report in the terms of `expected`, and what must not be there. */
export function foundIn(reading: PayloadReading) {
  const { patient, specimens, holds } = reportOf(reading);
  const results = specimens.flatMap((specimen) => specimen.results).filter(({ kind }) => kind === 'result');
  return {
    outcome: reading.outcome,
    format: reading.format,
    warnings: unexpectedWarnings(reading),
    holds,
    patientBsn: patient.bsn,
    isBsnValid: patient.isBsnValid,
    labNumbers: [...new Set(specimens.map(({ labNumber }) => labNumber))],
    results: results.map(({ name, value, unit, status }) => ({ name, valueText: value.text, unit, status })),
    pending: specimens.flatMap(({ pending }) => pending.map(({ name }) => name)),
  };
}

/** What `foundIn` must be for this mail. */
export function expectedOf({ format, expected }: GeneratedMail): ReturnType<typeof foundIn> {
  return {
    outcome: 'reports',
    format,
    warnings: [],
    holds: [],
    patientBsn: expected.patientBsn,
    isBsnValid: true,
    labNumbers: [expected.labNumber],
    results: [...expected.results],
    pending: [...expected.pending],
  };
}
