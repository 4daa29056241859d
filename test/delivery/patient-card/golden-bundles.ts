/**
 * The golden bundles: for every report of fixtures/ that may be delivered, what write() sends for it to an empty card.
 * They stand beside the fixture as <case>.bundle.json, one entry per report, in the order of the report.json; a case of
 * which nothing may be delivered says so by an empty list.
 */

import { createHmac } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import type { Bundle } from '@medplum/fhirtypes';
import type { FhirClient } from '../../../src/delivery/patient-card/fhir-client.ts';
import type { ReportContent, ReportTrace } from '../../../src/delivery/patient-card/patient-card.ts';
import { writeReport } from '../../../src/delivery/patient-card/write-report.ts';
import {
  type LabReport,
  type PayloadFormat,
  type PayloadReading,
  readPayloadAttachments,
} from '../../../src/lab/lab.ts';
import { type MailContents, openFile } from '../../../src/mail/mail.ts';

const FIXTURES = new URL('../../../fixtures/', import.meta.url).pathname;
export const PATIENT_ID = 'example';
/** When the mail of every fixture came in: the version of a report that does not say when it was sent. */
const ARRIVED_AT = '2026-11-16T09:30:00+01:00';
const RECORDED_AT = '2026-11-16T10:00:00+01:00';

/** A report that may be delivered, and what became of it: a bundle, or the reason why a person must decide first. */
export interface Golden {
  readonly report: LabReport;
  readonly format: PayloadFormat;
  readonly trace: ReportTrace;
  readonly written: Bundle | { readonly held: string };
}

export interface GoldenBundle extends Golden {
  readonly written: Bundle;
}

/** Stands in for the ledger's keyed digest: the same form, under a key that is no secret. */
export function goldenDigest(key: string): string {
  return createHmac('sha256', 'the key of the golden bundles').update(key).digest('hex');
}

/** What we write to a HIS ourselves never comes near a card. */
const OUTWARD = ['medvri/**'];

/** `edifact/plain` for fixtures/edifact/plain.edi: every case. */
export function goldenCases(): readonly string[] {
  return globSync('**/*.report.json', { cwd: FIXTURES, exclude: OUTWARD })
    .map((path) => path.replace(/\.report\.json$/, ''))
    .sort();
}

/** Cases with a golden, whether there is a report.json beside it or not. */
export function writtenCases(): readonly string[] {
  return globSync('**/*.bundle.json', { cwd: FIXTURES })
    .map((path) => path.replace(/\.bundle\.json$/, ''))
    .sort();
}

/** What the file says, or null where there is none. */
export function readGolden(name: string): unknown {
  const path = `${FIXTURES}${name}.bundle.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

export function writeGolden(name: string, goldens: readonly Golden[]): void {
  writeFileSync(`${FIXTURES}${name}.bundle.json`, `${JSON.stringify(expectedOf(goldens), null, 2)}\n`);
}

/** What the file should say: through JSON, since that is what goes over the wire. */
export function expectedOf(goldens: readonly Golden[]): unknown {
  return JSON.parse(JSON.stringify(goldens.map(({ written }) => written)));
}

export function isBundle(golden: Golden): golden is GoldenBundle {
  return 'resourceType' in golden.written;
}

/** Everything that write() sends for the reports of a case to a card on which nothing stands yet. */
export async function goldensOf(name: string): Promise<readonly Golden[]> {
  const documents = await documentsOf(name);
  const goldens: Golden[] = [];
  for (const [index, { report, format }] of deliverable(name).entries()) {
    const trace = traceOf(report, index + 1);
    const content = { report, format, attachments: documents, withheldCount: 0 };
    goldens.push({ report, format, trace, written: await send(content, trace) });
  }
  return goldens;
}

/** One write to an empty card, with names that are the same in every run. */
export async function send(content: ReportContent, trace: ReportTrace): Promise<Golden['written']> {
  const sent: Bundle[] = [];
  let uuids = 0;
  const context = {
    client: emptyCard(sent),
    digest: goldenDigest,
    now: () => new Date(RECORDED_AT),
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  };
  const answer = await writeReport(context, { patientId: PATIENT_ID }, content, trace);
  if (answer.kind === 'held') return { held: answer.code };
  const [bundle, ...more] = sent;
  if (bundle === undefined || more.length > 0) throw new Error(`${sent.length} transactions for one report`);
  return bundle;
}

// A server on which every search finds nothing and every transaction is taken.
function emptyCard(sent: Bundle[]): FhirClient {
  return {
    target: 'card',
    search: async () => [],
    async transaction(bundle) {
      sent.push(bundle);
      const entries = (bundle.entry ?? []).map(({ resource }, index) => ({
        response: { status: '201', location: `${resource?.resourceType}/${index}/_history/1` },
      }));
      return { kind: 'done', entries };
    },
    metadata: async () => ({}),
    release: async () => {},
  };
}

function traceOf(report: LabReport, ordinal: number): ReportTrace {
  return {
    reportId: `00000000-0000-7000-8000-00000000010${ordinal}`,
    mailId: '00000000-0000-7000-8000-000000000001',
    version: report.sentAt ?? ARRIVED_AT,
    practiceAgb: '01099001',
  };
}

/** Held and quarantined reports never come to a write; without a lab number a person decides first. */
function deliverable(name: string): readonly { readonly report: LabReport; readonly format: PayloadFormat }[] {
  const document = JSON.parse(readFileSync(`${FIXTURES}${name}.report.json`, 'utf8')) as {
    payloads: readonly PayloadReading[];
  };
  return document.payloads
    .filter(({ outcome }) => outcome === 'reports')
    .flatMap(({ reports, format }) => reports.map((report) => ({ report, format })))
    .filter(({ report }) => report.holds.length === 0)
    .filter(({ report }) => report.specimens.some(({ labNumber }) => labNumber !== null && labNumber.trim() !== ''));
}

async function documentsOf(name: string): Promise<ReportContent['attachments']> {
  const contents = await fixtureContents(name);
  return new Map(contents.payloads.flatMap((payload) => [...readPayloadAttachments(payload)]));
}

function fixtureContents(name: string): Promise<MailContents> {
  const extension = ['edi', 'hl7', 'eml'].find((candidate) => existsSync(`${FIXTURES}${name}.${candidate}`));
  if (extension === undefined) throw new Error(`fixtures/${name}.report.json has no message beside it`);
  return openFile(readFileSync(`${FIXTURES}${name}.${extension}`), `${name}.${extension}`);
}
