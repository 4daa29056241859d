import type { DiagnosticReport } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { toDiagnosticReport } from '../../../src/delivery/patient-card/diagnostic-report.ts';
import { report, result, specimen } from '../sample.ts';

/** The DiagnosticReport of materials that were collected at these moments. */
function collectedAt(...moments: readonly (string | null)[]): DiagnosticReport {
  const specimens = moments.map((moment) => specimen([result()], { collectedAt: moment }));
  return toDiagnosticReport({
    identifier: 'digest',
    version: '2026-03-02T14:00:00+01:00',
    subject: 'Patient/petra',
    report: report(specimens),
    specimens,
    results: [{ reference: 'Observation/1', status: 'final' }],
    specimenReferences: [],
    performerReference: null,
    performerName: null,
    presentedForm: [],
    withheldCount: 0,
  });
}

describe('the moment that a report is about', () => {
  it('is that of its material, where that is one moment', () => {
    const one = collectedAt(null, '2026-03-02T08:50:00+01:00', '2026-03-02T08:50:00+01:00');
    expect(one.effectiveDateTime).toBe('2026-03-02T08:50:00+01:00');
    expect(one).not.toHaveProperty('effectivePeriod');
  });

  it('is from the first to the last collection of a cumulative report, in whatever order they were sent', () => {
    const several = collectedAt('2026-03-02T08:50:00+01:00', '2025-10-05T08:05:00+02:00', '2025-12-01');
    expect(several.effectivePeriod).toEqual({ start: '2025-10-05T08:05:00+02:00', end: '2026-03-02T08:50:00+01:00' });
    expect(several).not.toHaveProperty('effectiveDateTime');
  });

  it('is not invented where the laboratory did not say it', () => {
    const unsaid = collectedAt(null);
    expect(unsaid).not.toHaveProperty('effectiveDateTime');
    expect(unsaid).not.toHaveProperty('effectivePeriod');
  });
});

describe('a request that was cancelled before it had results', () => {
  it('is a cancelled report, and its neighbour is not', () => {
    const notCarried = [{ code: 'hl7.request-cancelled', count: 1 }];
    const of = (specimens: readonly ReturnType<typeof specimen>[]) =>
      toDiagnosticReport({
        identifier: 'digest',
        version: '2026-03-02T14:00:00+01:00',
        subject: 'Patient/petra',
        report: report(specimens, { notCarried }),
        specimens,
        results: specimens.flatMap(({ results }) =>
          results.map(() => ({ reference: 'Observation/1', status: 'final' as const })),
        ),
        specimenReferences: [],
        performerReference: null,
        performerName: null,
        presentedForm: [],
        withheldCount: 0,
      });
    expect(of([specimen([], { isComplete: false })])).toMatchObject({
      status: 'cancelled',
      conclusion: expect.stringContaining('Niet als uitslag overgenomen: 1 (aanvraag vervallen)'),
    });
    expect(of([specimen([result()])]).status).toBe('final');
  });
});
