/** A draft as MEDLAB version 1 (edifact.md §3), in the sender's habits. */

import { type WrittenSegment, writeSegments } from '../../edifact/edifact.ts';
import { amsterdamIso } from '../../shared/amsterdam.ts';
import type { SandboxPatient, SandboxPractice } from '../people.ts';
import type { DraftReport, DraftResult, DraftSpecimen } from './draft.ts';
import type { Sender } from './senders.ts';

/** The interchange, in bytes. */
export function writeMedlab(report: DraftReport): Buffer {
  const { sender, practice, person, copyTo } = report.request;
  const body: readonly WrittenSegment[] = [
    { tag: 'ZKH', elements: [sender.laboratory.name, ['Zeeweg', '12', '', 'Noordhaven', '9901AA'], '0599-123456'] },
    personSegment(person, sender.placeOfMansName),
    ...(sender.hasSections
      ? [{ tag: 'PAD', elements: [['Lindelaan', '3', '', 'Lindedorp', '9902BB'], '+31599654321'] }]
      : []),
    doctorSegment(practice),
    { tag: 'AFD', elements: ['Klinische chemie'] },
    { tag: 'ARA', counters: [1], elements: ['Dr. C. Chemicus'] },
    ...(copyTo === null ? [] : [{ tag: 'KOP', elements: ['NAAR', copyTo] }]),
    ...report.version.specimens.flatMap((specimen, index) => specimenSegments(report, specimen, index + 1)),
  ];
  const { laboratory, lineEnd, hasServiceString, charset } = sender;
  const envelope = {
    from: laboratory.zorgmail,
    to: practice.zorgmail,
    sentAt: report.sentAt,
    reference: report.reference,
  };
  const text = writeSegments(enveloped('MEDLAB', body, envelope), lineEnd);
  return Buffer.from(`${hasServiceString ? `UNA:+.? '${lineEnd}` : ''}${text}`, charset);
}

export interface EnvelopeNames {
  readonly from: string;
  readonly to: string;
  readonly sentAt: Date;
  readonly reference: string;
}

/** UNB..UNZ around one message of version 1. */
export function enveloped(
  type: string,
  body: readonly WrittenSegment[],
  names: EnvelopeNames,
): readonly WrittenSegment[] {
  // `2026-11-16T09:15:00+01:00` as `261116` and `0915`.
  const [, year = '', month = '', day = '', hour = '', minute = ''] =
    /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(amsterdamIso(names.sentAt)) ?? [];
  const moment = [`${year}${month}${day}`, `${hour}${minute}`];
  return [
    { tag: 'UNB', elements: [['UNOA', '1'], names.from, names.to, moment, names.reference] },
    { tag: 'UNH', elements: ['1', [type, '1']] },
    ...body,
    { tag: 'UNT', elements: [String(body.length + 2), '1'] },
    { tag: 'UNZ', elements: ['1', names.reference] },
  ];
}

/** PID: `placeOfMansName` is where a name stands that is nobody's married name. */
export function personSegment(person: SandboxPatient, placeOfMansName: Sender['placeOfMansName']): WrittenSegment {
  const { bsn, family, prefix, partnerFamily, partnerPrefix, given, initials, birthDate, sex } = person;
  const own = [family, prefix];
  const isFirst = sex === 'male' && placeOfMansName === 'first';
  const surname = isFirst ? [...own, '', ''] : [partnerFamily, partnerPrefix, ...own];
  return {
    tag: 'PID',
    elements: [birthDate.split('-'), sex === 'male' ? 'M' : 'V', [...surname, given, initials], '', `BSN${bsn}`],
  };
}

function doctorSegment({ agb, name }: SandboxPractice): WrittenSegment {
  // Six digits: without the kind of care provider in front (edifact.md §3.2, ART.2).
  return { tag: 'ART', elements: ['H', agb.slice(2), [name.split(' ').at(-1) ?? name, '', 'A.B.']] };
}

function specimenSegments(report: DraftReport, specimen: DraftSpecimen, m: number): readonly WrittenSegment[] {
  const { request } = report;
  const { collectedDay, collectedTime, material, section, remarks, results, pending } = specimen;
  const isComplete = pending.length === 0;
  const isLong = results.length > 5;
  const heading = { tag: 'BEP', counters: [m, 1, 1], elements: ['1', specimen.orderName.toUpperCase()] };
  return [
    { tag: 'DET', counters: [m], elements: [collectedDay.slice(2).split('-'), collectedTime?.split(':') ?? null] },
    { tag: 'IDE', counters: [m], elements: [isComplete ? 'J' : 'N', request.labNumber, material] },
    ...remarks.map((line, index) => ({ tag: 'OPM', counters: [m, index + 1], elements: [line] })),
    ...(section === null ? [] : [{ tag: 'SEC', counters: [m, 1], elements: [section] }]),
    ...(isLong ? [heading] : []),
    ...results.flatMap((result, index) => resultSegments(request.sender, result, [m, 1, index + (isLong ? 2 : 1)])),
    ...pending.map(({ name }, index) => ({ tag: 'NUB', counters: [m, index + 1], elements: [name] })),
  ];
}

function resultSegments(sender: Sender, result: DraftResult, counters: readonly number[]): readonly WrittenSegment[] {
  const { name, text, unit, flag, low, high, code, status, remarks } = result;
  const mark = status === 'corrected' ? sender.correctionMark : '';
  const sign = flag === null ? '' : flag === 'low' ? '<' : '>';
  return [
    { tag: 'BEP', counters, elements: ['0', name, text, mark, unit, sign, low, high, code] },
    ...remarks.map((line, index) => ({ tag: 'OPB', counters: [...counters, index + 1], elements: [line] })),
  ];
}
