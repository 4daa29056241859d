/**
 * What a bundle must say of its report, and what it may not: nothing is lost between the report and the card, it can be
 * traced back, and it tells nobody who the patient is.
 */

import { createHash } from 'node:crypto';
import type { DiagnosticReport, Extension, Observation, Provenance } from '@medplum/fhirtypes';
import { valueText } from '../../../src/delivery/patient-card/content.ts';
import * as systems from '../../../src/delivery/patient-card/systems.ts';
import type { LabReport, LabResult, Specimen } from '../../../src/lab/lab.ts';
import { type BundleRule, first, leaves, observationsOf, resources } from './bundle-rules.ts';
import { type GoldenBundle, goldenDigest } from './golden-bundles.ts';

interface Carried {
  readonly result: LabResult;
  readonly specimen: Specimen;
  /** None, or more than one, breaks a rule of its own. */
  readonly observations: readonly Observation[];
}

/** Every result of the report with the Observations that are under its digest. */
function carried(golden: GoldenBundle): readonly Carried[] {
  const all = observationsOf(golden);
  return golden.report.specimens.flatMap((specimen) =>
    specimen.results
      .filter(({ kind }) => kind === 'result')
      .map((result) => ({
        result,
        specimen,
        observations: all.filter(({ identifier }) => identifier?.[0]?.value === goldenDigest(result.key)),
      })),
  );
}

function extensionsOf(holder: { readonly extension?: Extension[] }, url: string): readonly Extension[] {
  return (holder.extension ?? []).filter((extension) => extension.url === url);
}

const conclusions = ({ written }: GoldenBundle) =>
  resources<DiagnosticReport>(written, 'DiagnosticReport')
    .map(({ conclusion }) => conclusion)
    .join('\n');

/** Everything that the laboratory said and that is no result. */
function saidBeside({ report }: GoldenBundle): readonly string[] {
  const ofSpecimen = ({ remarks, results, pending }: Specimen) => [
    ...remarks,
    ...results.flatMap(({ kind, name, remarks: lines }) => (kind === 'heading' ? [name, ...lines] : [])),
    ...pending.flatMap(({ name, remarks: lines }) => [name, ...lines]),
  ];
  return [...report.comments, ...report.specimens.flatMap(ofSpecimen)].filter((line) => line.trim() !== '');
}

function asSent({ value, unit }: LabResult): string | null {
  if (value.text === null || value.text.trim() === '') return null;
  return [value.text, unit ?? ''].join(' ').trimEnd();
}

function identities({ patient }: LabReport): readonly string[] {
  const bsn = patient.bsn === null ? [] : [patient.bsn, patient.bsn.replace(/^0+/, '')];
  return [...bsn, ...patient.otherIds.map(({ value }) => value)];
}

function undigested({ report }: GoldenBundle): readonly string[] {
  const keys = report.specimens.flatMap(({ results }) => results.map(({ key }) => key));
  return [...keys, ...keys.map((key) => key.split('|').slice(0, 3).join('|'))];
}

export const CONTENT_RULES: readonly BundleRule[] = [
  {
    says: 'carries every result once, with value and unit as the laboratory wrote them',
    complaints: (golden) => {
      const all = carried(golden);
      const wrong = all.filter(({ result, observations: [observation, ...more] }) => {
        if (observation === undefined || more.length > 0) return true;
        if (result.status === 'retracted') return valueText(observation) !== null;
        const isNote = result.status === 'cancelled' && result.value.text !== null;
        return isNote
          ? !JSON.stringify(observation.note).includes(`${result.value.text}`)
          : !isValueKept(observation, result);
      });
      const extra = observationsOf(golden).length - all.length;
      return [...wrong.map(({ result }) => result.name), ...(extra === 0 ? [] : [`${extra} more than results`])];
    },
    spoil: (bundle) => Object.assign(first(bundle).valueQuantity ?? {}, { value: 530 }),
  },
  {
    says: 'says of every result what its status is, and never better than the report does',
    complaints: (golden) =>
      carried(golden)
        .filter(({ result, observations }) => observations[0]?.status !== STATUSES[result.status ?? ''])
        .map(({ result }) => `${result.name}: ${result.status}`),
    spoil: (bundle) => Object.assign(first(bundle), { status: 'preliminary' }),
  },
  {
    on: 'edifact/corrected',
    says: 'keeps every remark with its result',
    complaints: (golden) =>
      carried(golden).flatMap(({ result, observations }) => {
        const lines = (observations[0]?.note?.[0]?.text ?? '').split('\n');
        return result.remarks.filter((remark) => remark.trim() !== '' && !lines.includes(remark));
      }),
    spoil: (bundle) => {
      for (const observation of resources<Observation>(bundle, 'Observation')) delete observation.note;
    },
  },
  {
    on: 'edifact/headings-and-sections',
    says: 'keeps every comment, heading and open determination in the text of the report',
    complaints: (golden) => {
      const text = conclusions(golden);
      return saidBeside(golden).filter((line) => !text.includes(line));
    },
    spoil: (bundle) => {
      for (const report of resources<DiagnosticReport>(bundle, 'DiagnosticReport')) delete report.conclusion;
    },
  },
  {
    on: 'hl7/microbiology',
    says: 'tells apart which part (OBX-4) a result belongs to, for machines and, where there are several, for readers',
    complaints: (golden) =>
      carried(golden).flatMap(({ result, specimen, observations: [observation] }) => {
        const isSeveral = new Set(specimen.results.map(({ subId }) => subId).filter((id) => id !== null)).size > 1;
        const said = extensionsOf(observation ?? {}, systems.SUB_ID_EXTENSION)[0]?.extension?.[0]?.valueString ?? null;
        const isShown = `${observation?.note?.[0]?.text}`.startsWith(`Onderdeel: ${result.subId}`);
        return said === result.subId && isShown === (isSeveral && result.subId !== null) ? [] : [result.name];
      }),
    spoil: (bundle) => {
      for (const observation of resources<Observation>(bundle, 'Observation')) delete observation.extension;
    },
  },
  {
    says: 'names IDE.2 as the EDIFACT reference on the results of MEDLAB, and on no other',
    complaints: (golden) =>
      carried(golden).flatMap(({ result, specimen, observations: [observation] }) => {
        const named = extensionsOf(observation ?? {}, systems.EDIFACT_REFERENCE_EXTENSION).map(
          (one) => one.valueString,
        );
        const expected = golden.format === 'medlab-1' && specimen.labNumber !== null ? [specimen.labNumber] : [];
        return named.join() === expected.join() ? [] : [result.name];
      }),
    spoil: (bundle) => Object.assign(first(bundle), { extension: edifactReference('another number') }),
  },
  {
    says: 'says that it is a copy where the report is a copy of somebody else’s, and nowhere else',
    complaints: (golden) =>
      [...observationsOf(golden), ...resources<DiagnosticReport>(golden.written, 'DiagnosticReport')].flatMap((one) => {
        const isMarked = extensionsOf(one, systems.COPY_EXTENSION).some(({ valueBoolean }) => valueBoolean === true);
        return isMarked === (golden.report.copy?.direction === 'from') ? [] : [one.resourceType];
      }),
    spoil: (bundle) => first(bundle).extension?.push({ url: systems.COPY_EXTENSION, valueBoolean: true }),
  },
  {
    says: 'carries every document of the report as it came, once',
    complaints: (golden) => {
      const forms = resources<DiagnosticReport>(golden.written, 'DiagnosticReport').flatMap(
        ({ presentedForm = [] }) => presentedForm,
      );
      const sent = forms.map(({ contentType, data = '', size }) => {
        const bytes = Buffer.from(data, 'base64');
        return `${contentType} ${size === bytes.length ? size : '?'} ${sha256(bytes)}`;
      });
      const meant = golden.report.attachments.map(
        ({ contentType, bytes, sha256: sum }) => `${contentType} ${bytes} ${sum}`,
      );
      return sent.sort().join() === meant.sort().join() ? [] : [`${sent} instead of ${meant}`];
    },
    spoil: (bundle) => {
      const [report] = resources<DiagnosticReport>(bundle, 'DiagnosticReport');
      Object.assign(report ?? {}, { presentedForm: [{ contentType: 'application/pdf', data: 'AAAA', size: 3 }] });
    },
  },
  {
    says: 'is traced back to the mail, our report and the sender’s references',
    complaints: (golden) => {
      const [provenance, ...more] = resources<Provenance>(golden.written, 'Provenance');
      const named = (provenance?.entity ?? []).map(
        ({ what }) => `${what.identifier?.system}|${what.identifier?.value}`,
      );
      const { interchange, message } = golden.report.references;
      const expected = [
        `${systems.MAIL_SYSTEM}|${golden.trace.mailId}`,
        `${systems.LEDGER_REPORT_SYSTEM}|${golden.trace.reportId}`,
        ...[interchange, message].flatMap((name) =>
          name === null ? [] : [`${systems.SENDER_REFERENCE_SYSTEM}|${name}`],
        ),
      ];
      const isAll = expected.every((name) => named.includes(name)) && named.length === new Set(expected).size;
      return isAll && more.length === 0 ? [] : [named.join()];
    },
    spoil: (bundle) => resources<Provenance>(bundle, 'Provenance')[0]?.entity?.pop(),
  },
  {
    says: 'has a Provenance that points at every result and report in it, and at nothing else',
    complaints: ({ written }) => {
      const targets = resources<Provenance>(written, 'Provenance').flatMap(({ target }) => target);
      const meant = (written.entry ?? [])
        .filter(({ resource }) => ['Observation', 'DiagnosticReport'].includes(`${resource?.resourceType}`))
        .map(({ fullUrl }) => `${fullUrl}`);
      const named = targets.map(({ reference }) => `${reference}`);
      return named.sort().join() === meant.sort().join() ? [] : [named.join()];
    },
    spoil: (bundle) => resources<Provenance>(bundle, 'Provenance')[0]?.target.pop(),
  },
  {
    says: 'has the version of the report, its moment of sending, as `issued` on every result and report',
    complaints: (golden) =>
      leaves(golden.written)
        .filter(({ path, value }) => path.endsWith('.issued') && value !== golden.trace.version)
        .map(({ path, value }) => `${path} is ${value}`),
    spoil: (bundle) => Object.assign(first(bundle), { issued: '2026-11-16T10:00:00+01:00' }),
  },
  {
    says: 'binds every Observation to exactly one report',
    complaints: ({ written }) => {
      const bound = resources<DiagnosticReport>(written, 'DiagnosticReport').flatMap(({ result = [] }) => result);
      const names = (written.entry ?? [])
        .filter(({ resource }) => resource?.resourceType === 'Observation')
        .map(({ fullUrl }) => `${fullUrl}`);
      const named = bound.map(({ reference }) => `${reference}`);
      return named.sort().join() === names.sort().join() ? [] : [named.join()];
    },
    spoil: (bundle) => resources<DiagnosticReport>(bundle, 'DiagnosticReport')[0]?.result?.pop(),
  },
  {
    says: 'says nowhere who the patient is: no BSN and no other number of theirs',
    complaints: (golden) => {
      const text = JSON.stringify(golden.written);
      return identities(golden.report).filter((number) => text.includes(number));
    },
    spoil: (bundle) => Object.assign(first(bundle), { note: [{ text: 'van 999990019' }] }),
  },
  {
    says: 'carries no key undigested',
    complaints: (golden) => {
      const text = JSON.stringify(golden.written).replaceAll('%7C', '|');
      return undigested(golden).filter((key) => text.includes(JSON.stringify(key).slice(1, -1)));
    },
    spoil: (bundle) => Object.assign(first(bundle), { note: [{ text: 'sandbox-noord|26110001|2026' }] }),
  },
  {
    says: 'has digests of 64 hexadecimal digits under our identifiers of results, reports and materials',
    complaints: ({ written }) =>
      leaves(written)
        .map(({ path, value }) => ({ path, value: value as { system?: string; value?: string } | null }))
        .filter(({ value }) => DIGESTED.includes(value?.system ?? '') && !/^[0-9a-f]{64}$/.test(value?.value ?? ''))
        .map(({ path }) => path),
    spoil: (bundle) => Object.assign(first(bundle).identifier?.[0] ?? {}, { value: 'KALI' }),
  },
];

const DIGESTED = [systems.RESULT_SYSTEM, systems.REPORT_SYSTEM, systems.SPECIMEN_SYSTEM];

// Once more by hand, so that a change in the mapping cannot pass unseen.
const STATUSES: Readonly<Record<string, Observation['status']>> = {
  final: 'final',
  preliminary: 'preliminary',
  corrected: 'corrected',
  retracted: 'entered-in-error',
  cancelled: 'cancelled',
  pending: 'registered',
};

function isValueKept(observation: Observation, result: LabResult): boolean {
  const { valueQuantity: quantity } = observation;
  const { number, comparator } = result.value;
  const isNumber = quantity?.value === number && (quantity?.comparator ?? null) === comparator;
  return valueText(observation) === asSent(result) && (number === null ? quantity === undefined : isNumber);
}

function edifactReference(valueString: string): Extension[] {
  return [{ url: systems.EDIFACT_REFERENCE_EXTENSION, valueString }];
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
