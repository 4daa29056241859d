/** What is asked for together, and what a person's programme makes likely. */

import type { SandboxPatient } from '../people.ts';
import type { Random } from './random.ts';

export type PanelName = 'dm2' | 'cvrm' | 'copd' | 'haematology' | 'thyroid' | 'urine' | 'inr' | 'culture';

export interface PanelPart {
  readonly material: string;
  /** OBR-4. */
  readonly orderCode: string;
  readonly orderName: string;
  readonly ids: readonly string[];
}

const LIPIDS = ['CHOL', 'HDL', 'TRIG', 'NHDL', 'LDL'];
const BLOOD_COUNT = ['HB', 'HT', 'ERY', 'MCV', 'LEUK', 'TROM'];
const ALBUMINURIA: PanelPart = {
  material: 'Urine',
  orderCode: 'URIN',
  orderName: 'Urine chemie',
  ids: ['ALBU', 'KREU', 'ALBK'],
};

/** Every panel but the culture, whose results depend on each other (culture.ts). */
export const PANELS: Readonly<Record<Exclude<PanelName, 'culture'>, readonly PanelPart[]>> = {
  dm2: [chemistry(['HBAC', 'GLUC', 'KREA', 'KREC', ...LIPIDS]), ALBUMINURIA],
  cvrm: [chemistry(['GLUC', 'KREA', 'KREC', 'K', 'NA', ...LIPIDS])],
  copd: [haematology(['HB', 'HT', 'LEUK', 'EOS']), chemistry(['CRP', 'NTPR'])],
  haematology: [haematology([...BLOOD_COUNT, 'BSE'])],
  thyroid: [chemistry(['TSH', 'FT4'])],
  urine: [{ ...ALBUMINURIA, orderName: 'Urine algemeen', ids: ['UPH', 'UGLU', 'UEIW', 'UNIT', 'ULEU'] }],
  inr: [{ material: 'Citraatbloed', orderCode: 'STOL', orderName: 'Stolling', ids: ['INR'] }],
};

/** What this person comes to the laboratory for, this time. */
export function drawPanel(random: Random, { programme }: SandboxPatient): PanelName {
  if (programme !== null && random.isLucky(0.75)) return OF_PROGRAMME[programme];
  return random.pickWeighted<PanelName>([
    ['haematology', 4],
    ['thyroid', 2],
    ['urine', 2],
    ['cvrm', 2],
    ['culture', 2],
    ['inr', 2],
  ]);
}

const OF_PROGRAMME = { DM2: 'dm2', CVRM: 'cvrm', COPD: 'copd' } as const;

function chemistry(ids: readonly string[]): PanelPart {
  return { material: 'Serum', orderCode: 'CHEM', orderName: 'Klinische chemie', ids };
}

function haematology(ids: readonly string[]): PanelPart {
  return { material: 'EDTA-bloed', orderCode: 'HEMA', orderName: 'Hematologie', ids };
}
