/**
 * The readers that are compared. Each goes from the same bytes to the same answer, by the fastest way that its own
 * interface offers, so that the function which is measured is the one that was checked.
 */

import { Hl7Message as MedplumMessage } from '@medplum/core';
import EdifactParser from 'edifact/parser.js';
import HL7 from 'hl7-standard';
import { componentText, elementText, tokenise } from '../../src/edifact/edifact.ts';
import {
  componentsOf,
  fieldOf,
  type Hl7Message,
  type Hl7Segment,
  readHl7,
  repetitionsOf,
  subcomponentsOf,
  unescapeText,
} from '../../src/hl7/hl7.ts';
import { loadLaboratoryRegistry, type PayloadReading, readPayload } from '../../src/lab/lab.ts';
import type { Expected } from './corpus.ts';

/** What a reader found. `segments: null`: not counted. */
export interface Found extends Omit<Expected, 'segments'> {
  readonly segments: number | null;
}

export type Read = (bytes: Buffer) => Found;

type Result = Expected['results'][number];

/** src/edifact on the form without counters behind tags, where everything but the tag is one element further. */
export function ourPlainEdifact(bytes: Buffer): Found {
  return ourEdifact(bytes, 1);
}

/** src/edifact on MEDLAB as it is sent. */
export function ourMedlab(bytes: Buffer): Found {
  return ourEdifact(bytes, 0);
}

function ourEdifact(bytes: Buffer, shift: number): Found {
  const tokens = tokenise(bytes, null);
  if (tokens.kind === 'refused') throw new Error(tokens.code);
  const results: Result[] = [];
  let familyName = '';
  for (const segment of tokens.segments) {
    if (segment.tag === 'PID') familyName = componentText(segment, 3, 3) ?? '';
    if (segment.tag !== 'BEP') continue;
    const text = (element: number) => elementText(segment, element + shift) ?? '';
    results.push([text(9), text(3), text(5)]);
  }
  return { segments: tokens.segments.length, familyName, results };
}

interface PackageSegment {
  readonly name: string;
  readonly elements: string[][];
}

/** The npm package edifact: one parser for all messages, its events collected into segments as its own Reader does. */
export function edifactPackage(): Read {
  const parser = new EdifactParser();
  let segments: PackageSegment[] = [];
  let elements: string[][] = [];
  let components: string[] = [];
  parser.onopensegment = (name) => {
    elements = [];
    segments.push({ name, elements });
  };
  parser.onelement = () => {
    components = [];
    elements.push(components);
  };
  parser.oncomponent = (text) => {
    components.push(text);
  };
  parser.onclosesegment = () => {};
  return (bytes) => {
    segments = [];
    parser.write(bytes.toString('latin1'));
    parser.end();
    const results: Result[] = [];
    let familyName = '';
    for (const segment of segments) {
      if (segment.name === 'PID') familyName = segment.elements[2]?.[2] ?? '';
      if (segment.name !== 'BEP') continue;
      const text = (element: number) => segment.elements[element]?.[0] ?? '';
      results.push([text(9), text(3), text(5)]);
    }
    return { segments: segments.length, familyName, results };
  };
}

/** src/hl7, with what was asked for unescaped. */
export function ourHl7(bytes: Buffer): Found {
  return hl7Found(onlyMessage(bytes));
}

/** The same after every field was split into repetitions and components. */
export function ourHl7Whole(bytes: Buffer): Found {
  const hl7Message = onlyMessage(bytes);
  const { separators } = hl7Message;
  for (const { fields } of hl7Message.segments) {
    for (const field of fields) {
      for (const repetition of repetitionsOf(field, separators)) componentsOf(repetition, separators);
    }
  }
  return hl7Found(hl7Message);
}

function onlyMessage(bytes: Buffer): Hl7Message {
  const [hl7Message] = readHl7(bytes).messages;
  if (hl7Message?.kind !== 'message') throw new Error('refused');
  return hl7Message;
}

function hl7Found(hl7Message: Hl7Message): Found {
  const { segments, separators } = hl7Message;
  const first = (segment: Hl7Segment, field: number) => {
    const [repetition = ''] = repetitionsOf(fieldOf(segment, field), separators);
    return componentsOf(repetition, separators)[0] ?? '';
  };
  const text = (segment: Hl7Segment, field: number) => unescapeText(first(segment, field), hl7Message);
  const results: Result[] = [];
  let familyName = '';
  for (const segment of segments) {
    if (segment.name === 'PID') {
      familyName = unescapeText(subcomponentsOf(first(segment, 5), separators)[2] ?? '', hl7Message);
    }
    if (segment.name === 'OBX') results.push([text(segment, 3), text(segment, 5), text(segment, 6)]);
  }
  return { segments: segments.length, familyName, results };
}

/** @medplum/core, which splits a segment or field when it is asked for: counting them all would be asking. */
export function medplum(bytes: Buffer): Found {
  const parsed = MedplumMessage.parse(bytes.toString('utf8'));
  return { segments: null, ...medplumFound(parsed) };
}

/** @medplum/core with every field of every segment split into repetitions and components. */
export function medplumWhole(bytes: Buffer): Found {
  const parsed = MedplumMessage.parse(bytes.toString('utf8'));
  const { segments } = parsed;
  for (const segment of segments) void segment.fields;
  // What follows the last line end is a segment here too, an empty one.
  const isEnded = segments.at(-1)?.name === '';
  return { segments: isEnded ? segments.length - 1 : segments.length, ...medplumFound(parsed) };
}

function medplumFound(parsed: MedplumMessage): Omit<Found, 'segments'> {
  const results = parsed
    .getAllSegments('OBX')
    .map((obx): Result => [obx.getComponent(3, 1), obx.getComponent(5, 1), obx.getComponent(6, 1)]);
  return { familyName: parsed.getSegment('PID')?.getComponent(5, 1, 2) ?? '', results };
}

/** hl7-standard, whose transform() always splits everything. Its names of the separators are swapped: see its types. */
export function hl7Standard(bytes: Buffer): Found {
  const parsed = new HL7(bytes.toString('utf8'), { lineEndings: '\r' });
  parsed.transform();
  const results = parsed
    .getSegments('OBX')
    .map(
      (_, index): Result => [
        asText(parsed.get('OBX.3.1', index)),
        asText(parsed.get('OBX.5', index)),
        asText(parsed.get('OBX.6', index)),
      ],
    );
  const familyName = asText(parsed.get('PID.5.1', 0, 0, 2));
  return { segments: parsed.getSegments().length, familyName, results };
}

function asText(found: unknown): string {
  return typeof found === 'string' ? found : '';
}

const registry = loadLaboratoryRegistry();

/** A MEDLAB to its LabReport: tokenised, understood, codes and units looked up. */
export function medlabReport(bytes: Buffer): Found {
  return reportFound(readPayload({ ...PAYLOAD, kind: 'edifact', bytes }, registry), (code) => code.raw);
}

/** An ORU to its LabReport. */
export function oruReport(bytes: Buffer): Found {
  return reportFound(readPayload({ ...PAYLOAD, kind: 'hl7', bytes }, registry), (code) => code.raw);
}

const PAYLOAD = { source: 'file', charset: null, mailSender: null, attachments: [] } as const;

type Code = PayloadReading['reports'][number]['specimens'][number]['results'][number]['code'];

function reportFound(readings: readonly PayloadReading[], codeOf: (code: Code) => string | null): Found {
  const [reading, ...others] = readings;
  const [report] = reading?.reports ?? [];
  if (report === undefined || reading?.outcome !== 'reports' || others.length > 0) throw new Error('not one report');
  const results = report.specimens.flatMap((specimen) => specimen.results);
  return {
    segments: null,
    familyName: report.patient.name.family ?? '',
    results: results.map(({ code, value, unit }): Result => [codeOf(code) ?? '', value.text ?? '', unit ?? '']),
  };
}
