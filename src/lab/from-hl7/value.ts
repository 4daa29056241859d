/**
 * OBX-5 by the type that OBX-2 names. A type that is not known, or is missing, is shown as the text it was and never
 * becomes a number; nothing is dropped because of its type.
 */

import { componentsOf, fieldOf, type Hl7Segment, repetitionsOf } from '../../hl7/hl7.ts';
import type { UnitReading } from '../codes/codes.ts';
import type { ResultValue } from '../lab.ts';
import { readValue } from '../value.ts';
import { type Encapsulated, readEncapsulated } from './attachment.ts';
import { type Context, componentOf, positionOf, said, textAt, warn, wholeText } from './context.ts';

export interface ObservedValue {
  readonly value: ResultValue;
  readonly documents: readonly Encapsulated[];
  /** A document was sent whose data cannot be decoded. */
  readonly isDocumentUnreadable: boolean;
}

// A number is looked for in these only: a date or a code that resembles one is none.
const MAY_BE_NUMBER = new Set(['NM', 'SN', 'ST', 'TX', 'FT']);
const CODED = new Set(['CE', 'CWE', 'CNE', 'CF', 'IS', 'ID']);
const INTERVAL = new Set(['NR', 'DR']);
const AS_TEXT = new Set('DT TM TS DTM RP EI CX XCN XPN XON XAD XTN PN CN AD TN CP MO CQ MA NA HD SI VR'.split(' '));

/** The value of an OBX, and the documents in it. */
export function observedValue(
  context: Context,
  obx: Hl7Segment,
  unit: UnitReading,
  isUnitOptional: boolean,
): ObservedValue {
  const type = textAt(context, obx, 2) ?? '';
  if (type === 'ED') return encapsulatedValue(context, obx);
  if (fieldOf(obx, 5).trim() === '""') warn(context, 'hl7.value-deleted', positionOf(obx, 5));
  const text = linesOf(context, obx, type);
  if (text === null) return withoutDocument(plain(null));
  if (type === '') warn(context, 'hl7.value-type-missing', positionOf(obx, 2));
  else if (!isKnown(type)) warn(context, 'hl7.value-type-unknown', positionOf(obx, 2));
  if (!MAY_BE_NUMBER.has(type)) return withoutDocument(plain(text));
  // Blanks around a number are padding (v2 §2.A.75, trailing blanks of ST are optional); the text stays as sent.
  const value = { ...readValue(text.trim(), unit, isUnitOptional), text };
  if (type === 'NM' && !/^\s*-?\d+(?:\.\d+)?\s*$/.test(text))
    warn(context, 'hl7.value-not-numeric', positionOf(obx, 5));
  return withoutDocument(value);
}

function withoutDocument(value: ResultValue): ObservedValue {
  return { value, documents: [], isDocumentUnreadable: false };
}

function isKnown(type: string): boolean {
  return MAY_BE_NUMBER.has(type) || CODED.has(type) || INTERVAL.has(type) || AS_TEXT.has(type);
}

function plain(text: string | null): ResultValue {
  return { text, number: null, comparator: null };
}

// Repetitions of OBX-5 are the lines of a text (hl7v2.md, OBX-5); blank lines inside stay, those at the end say nothing.
function linesOf(context: Context, obx: Hl7Segment, type: string): string | null {
  const lines = repetitionsOf(fieldOf(obx, 5), context.hl7Message.separators).map((repetition) =>
    said(repetition) === null ? '' : textOf(context, obx, repetition, type),
  );
  while (lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? null : lines.join('\n');
}

function textOf(context: Context, obx: Hl7Segment, repetition: string, type: string): string {
  if (CODED.has(type)) return codedText(context, repetition);
  if (type === 'SN') return structuredNumber(context, obx, repetition);
  if (INTERVAL.has(type)) {
    const [from, to] = [componentOf(context, repetition, 1), componentOf(context, repetition, 2)];
    return `${from ?? ''} - ${to ?? ''}`.trim();
  }
  // Trailing empty components are no part of a number; in a text every ^ and & is a character that somebody wrote.
  return wholeText(context, type === 'NM' ? trimmedComponents(context, repetition) : repetition);
}

function trimmedComponents(context: Context, repetition: string): string {
  const components = [...componentsOf(repetition, context.hl7Message.separators)];
  while (components.length > 1 && components.at(-1) === '') components.pop();
  return components.join(context.hl7Message.separators.component);
}

// code^text^system^alternative code^alternative text^system, and in CWE.9 what the author wrote.
function codedText(context: Context, repetition: string): string {
  const [code, text, , otherCode, otherText, , , , original] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((component) =>
    componentOf(context, repetition, component),
  );
  return text ?? original ?? otherText ?? code ?? otherCode ?? wholeText(context, repetition);
}

/**
 * `<^5` is <5, `^1^:^128` is 1:128, `^2^+` is 2+. Senders slip a column (`^<^5`), which still has one reading; but two
 * numbers without a separator (`^10^^5`) would become 105: such a value is shown as it was sent.
 */
function structuredNumber(context: Context, obx: Hl7Segment, repetition: string): string {
  const components = componentsOf(repetition, context.hl7Message.separators).map((raw) =>
    wholeText(context, raw).trim(),
  );
  const joined = components.join('');
  const [comparator = '', first = '', separator = '', second = ''] = components;
  const isInOrder =
    components.length <= 4 &&
    /^(?:[<>]=?|=|<>)?$/.test(comparator) &&
    isNumber(first) &&
    /^[-+/.:]?$/.test(separator) &&
    (second === '' || (separator !== '' && isNumber(second)));
  if (isInOrder) return joined;
  warn(context, 'hl7.value-malformed', positionOf(obx, 5));
  return components.filter(isNumber).length <= 1 && /^[<>]?=?-?\d+(?:[.,]\d+)?$/.test(joined)
    ? joined
    : wholeText(context, repetition);
}

// Leniently: a decimal comma occurs against the standard.
function isNumber(text: string): boolean {
  return /^-?\d+(?:[.,]\d+)?$/.test(text);
}

// The row of a document stays, without a value: its name, status and notes are about the attachment.
function encapsulatedValue(context: Context, obx: Hl7Segment): ObservedValue {
  const readings = readEncapsulated(context, obx);
  const isDocumentUnreadable = readings.some(({ kind }) => kind === 'unreadable');
  if (isDocumentUnreadable) warn(context, 'hl7.attachment-unreadable', positionOf(obx, 5));
  const texts = readings.flatMap((reading) => (reading.kind === 'text' ? [reading.text] : []));
  const documents = readings.flatMap((reading) => (reading.kind === 'document' ? [reading.document] : []));
  return { value: plain(texts.length === 0 ? null : texts.join('\n')), documents, isDocumentUnreadable };
}
