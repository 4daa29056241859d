/** The laboratories' systems and their habits: the sandbox's laboratories, one of them with two systems. */

import { Failure } from '../../shared/failure.ts';
import type { MailShape } from '../laboratory.ts';
import { SANDBOX_LABORATORIES, type SandboxLaboratory } from '../people.ts';
import type { PanelName } from './panels.ts';

export interface Sender {
  readonly laboratory: SandboxLaboratory;
  readonly format: 'medlab-1' | 'hl7-oru';
  /** How much of the traffic comes from it, beside the others that do the same panel. */
  readonly weight: number;
  readonly panels: readonly PanelName[];
  /** `memo`: the NHG's keys in fixed width; `number`: its numbers, with LOINC beside them; `local`: the sender's own. */
  readonly codes: 'memo' | 'number' | 'local';
  readonly decimal: '.' | ',';
  readonly charset: 'latin1' | 'utf8';
  readonly lineEnd: '' | '\r' | '\r\n';
  readonly hasServiceString: boolean;
  readonly hasSections: boolean;
  /** BEP.4 of a changed result: any filled one but 0 says so (edifact.md §3.2). */
  readonly correctionMark: '1' | 'C';
  /** Some put a man's own name where a woman's married name stands, others where her maiden name does (§3.2, ART). */
  readonly placeOfMansName: 'first' | 'third';
  /** OBX-8 where there is no flag (hl7v2.md, "Null vs empty"). */
  readonly noFlag: '' | '""';
  /** How the catalogue's units are spelt here, where differently. */
  readonly units: Readonly<Record<string, string>>;
  readonly shapes: readonly MailShape[];
  /** In front of a serial number: unlike those of the fixtures, so that both can be sent to one ledger. */
  readonly labNumberPrefix: string;
  readonly referencePrefix: string;
}

const SHAPES: readonly MailShape[] = ['attachment-base64', 'body-8bit', 'quoted-printable', 'mixed-with-text'];

const CHEMISTRY: readonly PanelName[] = ['dm2', 'cvrm', 'copd', 'haematology', 'thyroid', 'urine', 'inr'];

const BASE = {
  decimal: '.',
  lineEnd: '\r\n',
  hasServiceString: false,
  hasSections: false,
  correctionMark: '1',
  placeOfMansName: 'third',
  noFlag: '',
  units: {},
  shapes: SHAPES,
} as const;

export const SENDERS: readonly Sender[] = [
  {
    ...BASE,
    laboratory: laboratory('sandbox-noord'),
    format: 'medlab-1',
    weight: 5,
    panels: [...CHEMISTRY, 'culture'],
    codes: 'memo',
    charset: 'latin1',
    hasServiceString: true,
    hasSections: true,
    labNumberPrefix: 'N',
    referencePrefix: 'NG',
  },
  {
    ...BASE,
    laboratory: laboratory('sandbox-zuid'),
    format: 'hl7-oru',
    weight: 3,
    panels: CHEMISTRY,
    codes: 'number',
    charset: 'utf8',
    lineEnd: '\r',
    units: { '10E9/l': '10*9/l', '10E12/l': '10^12/l', 'mm/uur': 'mm/h' },
    labNumberPrefix: 'GZ',
    referencePrefix: 'ZG',
  },
  {
    ...BASE,
    laboratory: laboratory('sandbox-kust'),
    format: 'medlab-1',
    weight: 2,
    panels: CHEMISTRY,
    codes: 'local',
    decimal: ',',
    charset: 'utf8',
    lineEnd: '',
    correctionMark: 'C',
    placeOfMansName: 'first',
    units: { 'umol/l': 'µmol/l', '10E9/l': '10^9/l', '10E12/l': '10^12/l', 'ml/min/1.73m2': 'ml/min/1,73m2' },
    // All on one line: longer than a line of a mail's body may be (RFC 5322 §2.1.1).
    shapes: SHAPES.filter((shape) => shape !== 'body-8bit'),
    labNumberPrefix: 'KC',
    referencePrefix: 'KG',
  },
  {
    ...BASE,
    laboratory: laboratory('sandbox-kust'),
    format: 'hl7-oru',
    weight: 2,
    panels: ['culture', 'inr'],
    codes: 'local',
    charset: 'latin1',
    noFlag: '""',
    labNumberPrefix: 'KM',
    referencePrefix: 'KG',
  },
];

function laboratory(id: string): SandboxLaboratory {
  const found = SANDBOX_LABORATORIES.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Failure('sandbox.no-laboratory', { kind: 'defect', fields: { id } });
  return found;
}
