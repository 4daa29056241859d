/**
 * The invented country of the sandbox: practices, laboratories and patients. Every person is made up; every BSN starts
 * with 999 and passes the 11-test, so that production (which refuses 999…) can never meet one of them.
 */

import type { BoardMode } from '../delivery/board/board.ts';

export interface SandboxPractice {
  readonly key: 'linde' | 'anker' | 'brug';
  readonly name: string;
  readonly agb: string;
  readonly zorgmail: string;
  readonly his: string;
  readonly products: readonly ('cKIS' | 'cBoards')[];
  readonly boards: BoardMode;
}

export const SANDBOX_PRACTICES: readonly SandboxPractice[] = [
  {
    key: 'linde',
    name: 'Huisartsenpraktijk De Linde',
    agb: '01099001',
    zorgmail: '500088001',
    his: 'Medicom',
    products: ['cKIS', 'cBoards'],
    boards: 'by-ckis',
  },
  {
    key: 'anker',
    name: 'Huisartsenpraktijk Het Anker',
    agb: '01099002',
    zorgmail: '500088002',
    his: 'Promedico',
    products: ['cKIS', 'cBoards'],
    boards: 'by-us',
  },
  {
    key: 'brug',
    name: 'Gezondheidscentrum De Brug',
    agb: '01099003',
    zorgmail: '500088003',
    his: 'Bricks',
    products: ['cKIS'],
    boards: 'none',
  },
];

/** A practice with only cBoards: it has no card to forward to, so its mailbox is not read; what is written on its boards goes to it. */
export const SANDBOX_BOARDS_PRACTICE = {
  key: 'plein',
  name: 'Huisartsenpraktijk Het Plein',
  agb: '01099004',
  zorgmail: '500088004',
  his: 'OmniHis',
  products: ['cBoards'],
  boards: 'none',
} as const;

/** Caresharing's own ZorgMail account: free texts go out from it, and receipts come back to it. */
export const SANDBOX_RETURN_ACCOUNT = '500077001';

export interface SandboxLaboratory {
  /** The id in src/lab/laboratories.yaml. */
  readonly id: string;
  readonly name: string;
  readonly zorgmail: string;
  /** MSH-4, for the laboratories that send HL7. */
  readonly hl7Facility: string | null;
}

export const SANDBOX_LABORATORIES: readonly SandboxLaboratory[] = [
  { id: 'sandbox-noord', name: 'Laboratorium Noord', zorgmail: '500099001', hl7Facility: null },
  { id: 'sandbox-zuid', name: 'Diagnostiek Zuid', zorgmail: '500099002', hl7Facility: 'DIAGZUID' },
  { id: 'sandbox-kust', name: 'Kustlab', zorgmail: '500099003', hl7Facility: 'KUSTLAB' },
];

export interface SandboxPatient {
  readonly bsn: string;
  readonly family: string;
  readonly prefix: string | null;
  readonly partnerFamily: string | null;
  readonly partnerPrefix: string | null;
  readonly given: string;
  readonly initials: string;
  readonly birthDate: string;
  readonly sex: 'male' | 'female';
  /** The practice whose card the patient has; null: known to a practice's HIS, but followed nowhere. */
  readonly followedBy: SandboxPractice['key'] | null;
  readonly programme: 'DM2' | 'COPD' | 'CVRM' | null;
}

function patient(
  bsn: string,
  name: readonly [
    family: string,
    prefix: string | null,
    partnerFamily: string | null,
    partnerPrefix: string | null,
    given: string,
    initials: string,
  ],
  birthDate: string,
  sex: SandboxPatient['sex'],
  followedBy: SandboxPatient['followedBy'],
  programme: SandboxPatient['programme'],
): SandboxPatient {
  const [family, prefix, partnerFamily, partnerPrefix, given, initials] = name;
  return { bsn, family, prefix, partnerFamily, partnerPrefix, given, initials, birthDate, sex, followedBy, programme };
}

export const SANDBOX_PATIENTS: readonly SandboxPatient[] = [
  patient('999990019', ['Jansen', 'van', 'Berg', 'van de', 'Petra', 'P.'], '1980-10-25', 'female', 'linde', 'DM2'),
  patient('999911120', ['Groot', 'de', null, null, 'Karel', 'K.M.'], '1959-09-13', 'male', 'linde', 'CVRM'),
  patient('999942542', ['Özdemir', null, null, null, 'Aylin', 'A.'], '1967-03-02', 'female', 'linde', 'DM2'),
  patient('999954660', ['Vermeer', null, null, null, 'Hendrik', 'H.'], '1948-12-31', 'male', 'anker', 'COPD'),
  patient('999918606', ['Bakker', null, 'Smit', null, 'Els', 'E.'], '1972-06-18', 'female', 'anker', 'DM2'),
  patient('999971384', ['Dijk', 'van', null, null, 'Joost', 'J.'], '1955-01-07', 'male', 'anker', 'CVRM'),
  patient('999986296', ['Hek', "van 't", null, null, 'Sjoerd', 'S.'], '1963-08-20', 'male', 'brug', 'DM2'),
  patient('999927929', ['Noë', null, null, null, 'Renée', 'R.'], '1977-11-11', 'female', 'brug', 'CVRM'),
  // Known to a practice, but not followed in cKIS: most laboratory mail is about people like these.
  patient('999916257', ['Visser', null, null, null, 'Bram', 'B.'], '1990-02-14', 'male', null, null),
  patient('999911995', ['Mulder', null, null, null, 'Iris', 'I.'], '2001-05-30', 'female', null, null),
  patient('999903573', ['Koning', 'de', null, null, 'Fatima', 'F.'], '1985-07-04', 'female', null, null),
];
