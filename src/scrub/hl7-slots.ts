/**
 * What stands where in HL7 v2, field by field: a policy for every component, or one for each. What is not named is free
 * text; Z-segments and those that our reader passes over are free text as a whole.
 */

import type { Policy } from './policies.ts';

export type FieldRule = Policy | readonly Policy[];
type Fields = Readonly<Record<number, FieldRule>>;

// HD: `DIAGZUID^2.16.…^ISO`. CX: number, check, scheme, authority, type. XCN: number, names, and who gave the number.
const PARTY: FieldRule = ['account', 'keep', 'keep'];
const RECIPIENT: FieldRule = ['recipient', 'keep', 'keep'];
const ENTITY: FieldRule = ['id', 'account', 'keep', 'keep'];
const IDENTIFIER: FieldRule = ['bsn', 'keep', 'keep', 'account', 'keep', 'account'];
const NAME: FieldRule = ['person', 'person', 'person', 'person', 'person', 'keep', 'keep', 'keep'];
const PERSON: FieldRule = [
  'id',
  'person',
  'person',
  'person',
  'person',
  'person',
  'keep',
  'keep',
  'keep',
  'keep',
  'keep',
  'keep',
  'keep',
];
const DATE: FieldRule = 'compact-date';

const HEADER: Fields = {
  3: 'name',
  4: PARTY,
  5: 'name',
  6: RECIPIENT,
  7: DATE,
  8: 'text',
  9: 'keep',
  10: 'id',
  11: 'keep',
  12: 'keep',
  13: 'id',
  15: 'keep',
  16: 'keep',
  17: 'keep',
  18: 'keep',
  19: 'keep',
  20: 'keep',
  21: 'keep',
};

const FIELDS: Readonly<Record<string, Fields>> = {
  MSH: HEADER,
  FHS: { 3: 'name', 4: PARTY, 5: 'name', 6: RECIPIENT, 7: DATE, 9: 'id', 11: 'id', 12: 'id' },
  BHS: { 3: 'name', 4: PARTY, 5: 'name', 6: RECIPIENT, 7: DATE, 9: 'id', 11: 'id', 12: 'id' },
  BTS: { 1: 'keep' },
  FTS: { 1: 'keep' },
  PID: {
    1: 'keep',
    2: IDENTIFIER,
    3: IDENTIFIER,
    4: IDENTIFIER,
    5: NAME,
    6: NAME,
    7: DATE,
    8: 'keep',
    9: NAME,
    10: 'keep',
    11: 'address',
    12: 'address',
    13: 'phone',
    14: 'phone',
    15: 'keep',
    16: 'keep',
    17: 'keep',
    18: IDENTIFIER,
    19: 'bsn',
    20: 'id',
    21: IDENTIFIER,
    29: DATE,
  },
  ORC: {
    1: 'keep',
    2: ENTITY,
    3: ENTITY,
    4: ENTITY,
    5: 'keep',
    7: DATE,
    9: DATE,
    10: PERSON,
    11: PERSON,
    12: PERSON,
    14: 'phone',
    15: DATE,
  },
  OBR: {
    1: 'keep',
    2: ENTITY,
    3: ENTITY,
    4: 'term',
    5: 'keep',
    6: DATE,
    7: DATE,
    8: DATE,
    10: PERSON,
    11: 'keep',
    14: DATE,
    15: 'term',
    16: PERSON,
    17: 'phone',
    18: 'id',
    19: 'id',
    20: 'id',
    21: 'id',
    22: DATE,
    24: 'keep',
    25: 'keep',
    26: 'term',
    28: PERSON,
    29: ENTITY,
    32: PERSON,
    33: PERSON,
    34: PERSON,
    35: PERSON,
    36: DATE,
  },
  OBX: {
    1: 'keep',
    2: 'keep',
    3: 'term',
    4: 'keep',
    6: 'term',
    7: 'value',
    8: 'keep',
    9: 'keep',
    10: 'keep',
    11: 'keep',
    12: DATE,
    14: DATE,
    15: 'name',
    16: PERSON,
    17: 'term',
    18: 'id',
    19: DATE,
  },
  NTE: { 1: 'keep', 2: 'keep', 4: 'keep' },
  SPM: { 1: 'keep', 2: 'id', 3: 'id', 4: 'term', 12: 'keep', 17: DATE, 18: DATE },
  DSC: { 1: 'id', 2: 'keep' },
};

// OBX-5 by OBX-2, where it is not a value or text.
const VALUES: Readonly<Record<string, FieldRule>> = {
  CE: 'term',
  CWE: 'term',
  CNE: 'term',
  CF: 'term',
  IS: 'term',
  ID: 'term',
  NM: 'value',
  SN: 'value',
  NR: 'value',
  ST: 'value',
  TX: 'value',
  FT: 'value',
  TS: DATE,
  DTM: DATE,
  DT: DATE,
  DR: DATE,
  TM: 'keep',
  XCN: PERSON,
  CN: PERSON,
  XPN: NAME,
  PN: NAME,
  CX: IDENTIFIER,
  EI: ENTITY,
  XTN: 'phone',
  TN: 'phone',
  XAD: 'address',
  AD: 'address',
  XON: 'name',
};

export function fieldRule(segment: string, field: number): FieldRule {
  return FIELDS[segment]?.[field] ?? 'text';
}

export function observedRule(type: string): FieldRule {
  return VALUES[type.trim().toUpperCase()] ?? 'value';
}
