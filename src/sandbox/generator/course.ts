/** The course of a request: what the laboratory says first, and what it says of the same request later. */

import { amsterdamDay } from '../../shared/amsterdam.ts';
import type { SandboxPatient } from '../people.ts';
import { drawCulture } from './culture.ts';
import { type Derived, determination, isDerived } from './determinations.ts';
import type { DraftResult, DraftSpecimen, DraftVersion, ReportKind } from './draft.ts';
import { type Measurements, measure, remeasure, resultOf, type Subject } from './measurements.ts';
import { PANELS, type PanelName, type PanelPart } from './panels.ts';
import type { Random } from './random.ts';
import type { Sender } from './senders.ts';

export interface Visit {
  readonly sender: Sender;
  readonly person: SandboxPatient;
  readonly panel: PanelName;
  /** When the first report is sent: the samples are from the days before. */
  readonly reportedAt: Date;
}

type Frame = Pick<DraftSpecimen, 'collectedDay' | 'collectedTime' | 'remarks'>;

const DAY_MS = 86_400_000;

/** All that is ever said about one request, in its order; mostly one report, and that is all. */
export function drawCourse(random: Random, visit: Visit): readonly DraftVersion[] {
  const frame = drawFrame(random, visit.reportedAt);
  if (visit.panel === 'culture') return cultureCourse(random, visit.sender, frame);
  const parts = PANELS[visit.panel];
  const isAlone = parts.flatMap(({ ids }) => ids).length === 1;
  if (isAlone && random.isLucky(0.3)) return cumulativeCourse(random, visit, parts, frame);
  return panelCourse(random, visit, parts, frame);
}

function drawFrame(random: Random, reportedAt: Date): Frame {
  const collectedDay = dayBefore(reportedAt, random.int(1, 3));
  const clock = `${String(random.int(7, 11)).padStart(2, '0')}:${String(random.int(0, 59)).padStart(2, '0')}`;
  const remarks = random.isLucky(0.05) ? ['Afgenomen bij de patiënt thuis; klinische gegevens: zie aanvraag'] : [];
  return { collectedDay, collectedTime: random.isLucky(0.1) ? null : clock, remarks };
}

function dayBefore(moment: Date, days: number): string {
  return amsterdamDay(new Date(moment.getTime() - days * DAY_MS));
}

type Course = 'once' | 'resent' | 'corrected' | 'completed' | 'completed-and-corrected';

function panelCourse(random: Random, visit: Visit, parts: readonly PanelPart[], frame: Frame): readonly DraftVersion[] {
  const ids = parts.flatMap((part) => part.ids);
  const subject: Subject = { person: visit.person, year: Number(frame.collectedDay.slice(0, 4)) };
  const measurements = measure(random, ids, subject);
  const write = (kind: ReportKind, values: Measurements, before: Measurements | null, open: ReadonlySet<string>) => ({
    kind,
    specimens: parts.map((part) => specimenOf(visit, part, frame, { kind, values, before, open })),
  });
  const nothing: ReadonlySet<string> = new Set();
  const course = random.pickWeighted<Course>([
    ['once', 78],
    ['resent', 6],
    ['corrected', 6],
    ['completed', ids.length > 2 ? 8 : 0],
    ['completed-and-corrected', ids.length > 2 ? 2 : 0],
  ]);
  const isCompleted = course.startsWith('completed');
  const whole = write(isCompleted ? 'final' : 'new', measurements, null, nothing);
  const first = isCompleted ? [write('preliminary', measurements, null, drawOpen(random, ids)), whole] : [whole];
  if (course === 'resent') return [...first, { ...whole, kind: 'resend' }];
  const corrected = course.endsWith('corrected') ? remeasure(random, measurements, subject) : null;
  return corrected === null ? first : [...first, write('correction', corrected, measurements, nothing)];
}

// What is not done yet, and what is calculated from it; never everything.
function drawOpen(random: Random, ids: readonly string[]): ReadonlySet<string> {
  const all = ids.map(determination);
  const [closed, ...others] = all.filter((one) => !isDerived(one)).map(({ id }) => id);
  const open = random.pick(others.length > 0 ? others : [closed ?? '']);
  return new Set([
    open,
    ...all.filter((one): one is Derived => isDerived(one) && one.from.includes(open)).map(({ id }) => id),
  ]);
}

interface Content {
  readonly kind: ReportKind;
  readonly values: Measurements;
  /** What was reported earlier, where this corrects it. */
  readonly before: Measurements | null;
  readonly open: ReadonlySet<string>;
}

function specimenOf({ sender, person }: Visit, part: PanelPart, frame: Frame, content: Content): DraftSpecimen {
  const { kind, values, before, open } = content;
  const results = part.ids.flatMap((id) => {
    const measurement = values.get(id);
    if (measurement === undefined) return [];
    const result = resultOf(determination(id), measurement, sender, person);
    const earlier = before?.get(id);
    const isCorrected = earlier !== undefined && earlier.text !== measurement.text;
    // What MEDLAB prints is authorised, also in a report that is not complete yet (lab-report.md, "Status").
    const isPreliminary = kind === 'preliminary' && sender.format === 'hl7-oru';
    const status: DraftResult['status'] = isCorrected ? 'corrected' : isPreliminary ? 'preliminary' : 'final';
    const remarks = isCorrected ? [...result.remarks, 'Gecorrigeerde uitslag.'] : result.remarks;
    return [{ id, result: { ...result, status, remarks } }];
  });
  return {
    ...specimenFrame(sender, part, frame),
    results: results.filter(({ id }) => !open.has(id)).map(({ result }) => result),
    pending: results.filter(({ id }) => open.has(id)).map(({ result }) => result),
  };
}

function specimenFrame(sender: Sender, { material, orderCode, orderName }: Omit<PanelPart, 'ids'>, frame: Frame) {
  return { ...frame, material, orderCode, orderName, section: sender.hasSections ? orderName.toUpperCase() : null };
}

// The last few values of one determination under one lab number, oldest first.
function cumulativeCourse(
  random: Random,
  visit: Visit,
  parts: readonly PanelPart[],
  frame: Frame,
): readonly DraftVersion[] {
  const count = random.int(2, 3);
  const specimens = parts.flatMap((part) =>
    Array.from({ length: count }, (_, index) => {
      const daysBefore = 4 + 14 * (count - index);
      const then = { ...frame, collectedDay: dayBefore(visit.reportedAt, daysBefore) };
      const subject: Subject = { person: visit.person, year: Number(then.collectedDay.slice(0, 4)) };
      const content = {
        kind: 'new' as const,
        values: measure(random, part.ids, subject),
        before: null,
        open: new Set<string>(),
      };
      return specimenOf(visit, part, then, content);
    }),
  );
  return [{ kind: 'new', specimens }];
}

function cultureCourse(random: Random, sender: Sender, frame: Frame): readonly DraftVersion[] {
  const { early, final } = drawCulture(random, sender);
  const base = specimenFrame(sender, { material: 'Urine', orderCode: 'URKW', orderName: 'Urinekweek' }, frame);
  const write = (kind: ReportKind, results: readonly DraftResult[], pending: readonly DraftResult[]) => ({
    kind,
    specimens: [{ ...base, results, pending }],
  });
  if (early === null || random.isLucky(0.4)) return [write('new', final, [])];
  const preliminary = early.map((result) => ({ ...result, status: 'preliminary' as const }));
  const open = final.filter(({ code }) => code === 'CONCL');
  return [write('preliminary', preliminary, open), write('final', final, [])];
}
