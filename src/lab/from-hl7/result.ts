/** One OBX with its notes: a result, something that is still to come, or nothing to carry. */

import { fieldOf, type Hl7Segment, repetitionsOf } from '../../hl7/hl7.ts';
import { type CodeList, readCode, type UnitReading } from '../codes/codes.ts';
import type { DeterminationCode, LabResult, ResultStatus } from '../lab.ts';
import type { Encapsulated } from './attachment.ts';
import { type Context, componentOf, positionOf, repetitionsAt, said, textAt, warn, wholeText } from './context.ts';
import type { Observation } from './groups.ts';
import { momentAt } from './moment.ts';
import { flagMeaning, readRange } from './range.ts';
import { unitOf } from './unit.ts';
import { observedValue } from './value.ts';

export interface ObservedResult {
  readonly result: LabResult;
  /** OBX-14 exactly as sent, for the key of cumulative reports. */
  readonly sentMoment: string | null;
  readonly documents: readonly Encapsulated[];
  readonly isDocumentUnreadable: boolean;
}

/** The result of an OBX whose status says that there is one; `status` null when OBX-11 is empty or unknown. */
export function readResult(
  context: Context,
  { obx, notes }: Observation,
  status: ResultStatus | null,
  request: { readonly codes: CodeList; readonly section: string | null },
): ObservedResult {
  const unit = unitOf(context, obx);
  const { code, isUnitOptional } = codeOf(context, obx, unit, request.codes);
  const { value, documents, isDocumentUnreadable } = observedValue(context, obx, unit, isUnitOptional);
  const result: LabResult = {
    kind: 'result',
    key: '',
    subId: textAt(context, obx, 4),
    section: request.section,
    name: observationName(context, obx),
    code,
    value,
    unit: unit.text,
    unitUcum: unit.ucum,
    range: readRange(asSent(context, fieldOf(obx, 7))),
    flag: flagOf(context, obx),
    status,
    observedAt: momentAt(context, obx, 14),
    remarks: noteLines(context, notes),
  };
  return { result, sentMoment: said(fieldOf(obx, 14)), documents, isDocumentUnreadable };
}

/** OBX-3 as a person reads it: its text, else its code. */
export function observationName(context: Context, obx: Hl7Segment): string {
  const names = [2, 5, 9, 1, 4].map((component) => textAt(context, obx, 3, component));
  return names.find((name) => name !== null) ?? '';
}

/** NTE-3 of every note, one entry per line, leading blanks kept. */
export function noteLines(context: Context, notes: readonly Hl7Segment[]): readonly string[] {
  const lines = notes
    .flatMap((nte) => repetitionsOf(fieldOf(nte, 3), context.hl7Message.separators))
    .flatMap((repetition) => (said(repetition) === null ? [''] : wholeText(context, repetition).split('\n')));
  return lines.every((line) => line.trim() === '') ? [] : lines;
}

// Both triplets of OBX-3 are looked at: the code that we know may be the sender's alternative (hl7v2.md, OBX-3).
function codeOf(
  context: Context,
  obx: Hl7Segment,
  unit: UnitReading,
  codes: CodeList,
): { readonly code: DeterminationCode; readonly isUnitOptional: boolean } {
  const alternative = textAt(context, obx, 3, 4);
  const raw = textAt(context, obx, 3);
  if (raw === null && alternative === null) warn(context, 'hl7.code-missing', positionOf(obx, 3));
  const reading = readCode(
    {
      raw,
      name: observationName(context, obx),
      system: textAt(context, obx, 3, 3),
      alternatives:
        alternative === null
          ? []
          : [{ code: alternative, text: textAt(context, obx, 3, 5), system: textAt(context, obx, 3, 6) }],
    },
    unit,
    codes,
  );
  // A row without a value (cancelled, confirmed) needs no unit either.
  if (reading.isUnitUnexpected && said(fieldOf(obx, 5)) !== null)
    warn(context, 'lab.unit-unexpected', positionOf(obx, 6));
  if (reading.isContradictory) warn(context, 'lab.codes-disagree', positionOf(obx, 3));
  return reading;
}

// `""` is how Dutch laboratories say "no flag" in OBX-8: not two quote marks on the card.
function flagOf(context: Context, obx: Hl7Segment): LabResult['flag'] {
  const flags = repetitionsAt(context, obx, 8).map((repetition) => componentOf(context, repetition, 1) ?? '');
  const { meaning, isContradictory } = flagMeaning(flags);
  if (isContradictory) warn(context, 'hl7.flags-contradictory', positionOf(obx, 8));
  return { raw: asSent(context, fieldOf(obx, 8)), meaning };
}

function asSent(context: Context, field: string): string | null {
  return said(field) === null ? null : wholeText(context, field);
}
