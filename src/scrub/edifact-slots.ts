/**
 * What stands where in EDIFACT, element by element (edifact.md §3.2 and §4): a policy for the whole element, or one per
 * component. What is not named is free text, so that an unknown segment is scrubbed and not spared.
 */

import type { Policy } from './policies.ts';

/** `date`: a date over components (`1980:10:25`, `26:11:16`). `moment`: `YYMMDD:HHMM`. `qualified`: DTM's `137:…:203`. */
export type WholePolicy = 'date' | 'moment' | 'qualified';
export type ElementRule = Policy | WholePolicy | readonly Policy[];

export interface SegmentRule {
  readonly elements: readonly ElementRule[];
  /** For elements beyond those; text where it is not said. */
  readonly rest?: Policy;
}

type Table = Readonly<Record<string, SegmentRule>>;

const SERVICE: Table = {
  UNB: { elements: ['keep', ['account', 'keep'], ['recipient', 'keep'], 'moment', 'id', 'id', 'text'], rest: 'keep' },
  UNH: { elements: ['id', 'keep', 'text'] },
  UNT: { elements: ['keep', 'id'] },
  UNZ: { elements: ['keep', 'id'] },
};

const NAMES: readonly Policy[] = ['person', 'person', 'person', 'person', 'person', 'person'];
const DOCTOR: readonly Policy[] = ['person', 'person', 'person', 'name'];

/** MEDLAB version 1, and the letters of its family. */
const MEDLAB: Table = {
  ...SERVICE,
  ZKH: { elements: ['name', 'address', 'phone'], rest: 'text' },
  GGA: { elements: ['name', 'name', 'name', 'address', 'phone'] },
  GGO: { elements: ['name', 'text', 'text', 'address', 'phone'] },
  PID: { elements: ['date', 'keep', NAMES, 'bsn', 'bsn'] },
  PAD: { elements: ['address', 'phone'] },
  BLG: { elements: ['keep'] },
  ART: { elements: ['keep', 'id', DOCTOR, 'name', 'name'], rest: 'name' },
  AFD: { elements: ['term', 'phone'] },
  ARA: { elements: ['name', 'phone'] },
  KOP: { elements: ['keep'], rest: 'name' },
  DET: { elements: ['date', 'keep'] },
  IDE: { elements: ['keep', 'id', 'term', 'value'] },
  SEC: { elements: ['term'] },
  NUB: { elements: ['term'], rest: 'term' },
  BEP: { elements: ['keep', 'term', 'value', 'keep', 'term', 'keep', 'value', 'value', 'term'] },
};

/** MEDRPT 3.2, and the letters that are built alike. */
const MEDRPT: Table = {
  ...SERVICE,
  BGM: { elements: ['keep', 'id', 'keep', 'keep'] },
  DTM: { elements: ['qualified'] },
  NAD: { elements: ['keep', ['id', 'keep', 'keep'], 'name', ['name', 'name', 'name', 'name', 'id']], rest: 'address' },
  ADR: { elements: ['keep', ['keep', 'address', 'address', 'address', 'address']], rest: 'address' },
  COM: { elements: [['phone', 'keep']], rest: 'phone' },
  CTA: { elements: ['keep', 'term'] },
  FCA: { elements: ['keep', ['id', 'keep', 'keep', 'id']] },
  RFF: { elements: [['keep', 'id']] },
  STS: { elements: ['keep', 'keep'] },
  PNA: { elements: ['keep', ['bsn', 'bsn', 'bsn', 'keep', 'keep'], 'name'], rest: 'name' },
  PDI: { elements: ['keep'] },
  SPC: { elements: ['keep', 'term'] },
  INV: { elements: ['keep', ['term', 'keep', 'keep', 'term']] },
  RSL: { elements: ['keep', ['value', 'keep'], 'value', 'term', 'keep'] },
  RND: { elements: ['keep', 'value', 'value'] },
  FTX: { elements: ['keep'] },
};

/** PNA's `NAN:Jansen` and RFF's `LZB:…`: the first component says what the second is. */
export const PNA_NAME: readonly Policy[] = ['keep', 'person', 'person', 'person'];
export const RFF_BSN: readonly Policy[] = ['keep', 'bsn'];

/** The rule for a segment of a message of this kind (UNH.2, or '' before any UNH). */
export function ruleOf(tag: string, messageKind: string): SegmentRule {
  const isLikeMedrpt = /^MED(?:RPT|VRY|SPE:3)/.test(messageKind);
  const table = isLikeMedrpt ? MEDRPT : MEDLAB;
  if (isLikeMedrpt && /^S\d\d$/.test(tag)) return { elements: ['keep', 'keep'] };
  return table[tag] ?? { elements: [] };
}
