/** The words of the human view of a report, in Dutch (a practice, Customer Care) and English (a developer). */

import type { FlagMeaning, LabPatient, PayloadFormat, PayloadReading, ResultStatus } from '../lab/lab.ts';

export type Language = 'nl' | 'en';

export interface Words {
  readonly outcome: Readonly<Record<PayloadReading['outcome'], string>>;
  readonly status: Readonly<Record<ResultStatus, string>>;
  readonly statusMissing: string;
  readonly flag: Readonly<Record<FlagMeaning, string>>;
  readonly sex: Readonly<Record<LabPatient['sex'], string>>;
  /** Column heads: determination, value, unit, flag, range, status. */
  readonly columns: readonly [string, string, string, string, string, string];
  readonly below: string;
  readonly patient: string;
  readonly born: string;
  readonly bsnInvalid: string;
  readonly bsnMissing: string;
  readonly laboratory: string;
  readonly laboratoryUnknown: string;
  readonly requester: string;
  readonly sent: string;
  readonly copyTo: string;
  readonly copyFrom: string;
  readonly collected: string;
  readonly labNumber: string;
  readonly incomplete: string;
  readonly pending: string;
  /** Before the remarks on a material or a request. */
  readonly ofRequest: string;
  /** One of several parts of a determination, such as an isolate. */
  readonly part: string;
  readonly from: string;
  readonly upTo: string;
  readonly comments: string;
  readonly attachment: string;
  readonly notCarried: string;
  readonly test: string;
  readonly hold: string;
  readonly warning: string;
  readonly segment: string;
  readonly unknown: string;
}

export const WORDS: Readonly<Record<Language, Words>> = {
  nl: {
    outcome: { reports: 'gelezen', 'not-lab': 'geen laboratoriumbericht', quarantined: 'apart gezet' },
    status: {
      final: 'definitief',
      preliminary: 'voorlopig',
      corrected: 'gecorrigeerd',
      retracted: 'ingetrokken',
      cancelled: 'vervallen',
      pending: 'volgt',
      confirmed: 'bevestigd',
    },
    statusMissing: 'status ontbreekt',
    flag: {
      low: 'laag',
      high: 'hoog',
      abnormal: 'afwijkend',
      'critical-low': 'ZEER LAAG',
      'critical-high': 'ZEER HOOG',
    },
    sex: { male: 'man', female: 'vrouw', other: 'anders', unknown: 'geslacht onbekend' },
    columns: ['Bepaling', 'Uitslag', 'Eenheid', 'Vlag', 'Referentie', 'Status'],
    below: '(hieronder)',
    patient: 'Patiënt',
    born: 'geboren',
    bsnInvalid: 'voldoet niet aan de elfproef',
    bsnMissing: 'geen BSN',
    laboratory: 'Laboratorium',
    laboratoryUnknown: 'niet in het register',
    requester: 'Aanvrager',
    sent: 'Verzonden',
    copyTo: 'Kopie aan',
    copyFrom: 'Kopie van',
    collected: 'afgenomen',
    labNumber: 'labnummer',
    incomplete: 'nog niet compleet',
    pending: 'Volgt nog',
    ofRequest: 'Bij deze aanvraag',
    part: 'onderdeel',
    from: 'vanaf',
    upTo: 'tot',
    comments: 'Opmerkingen',
    attachment: 'Bijlage',
    notCarried: 'Niet overgenomen',
    test: 'TESTBERICHT',
    hold: 'Vastgehouden',
    warning: 'Let op',
    segment: 'segment',
    unknown: 'onbekend',
  },
  en: {
    outcome: { reports: 'read', 'not-lab': 'no laboratory message', quarantined: 'quarantined' },
    status: {
      final: 'final',
      preliminary: 'preliminary',
      corrected: 'corrected',
      retracted: 'retracted',
      cancelled: 'cancelled',
      pending: 'pending',
      confirmed: 'confirmed',
    },
    statusMissing: 'status missing',
    flag: {
      low: 'low',
      high: 'high',
      abnormal: 'abnormal',
      'critical-low': 'VERY LOW',
      'critical-high': 'VERY HIGH',
    },
    sex: { male: 'male', female: 'female', other: 'other', unknown: 'sex unknown' },
    columns: ['Determination', 'Value', 'Unit', 'Flag', 'Range', 'Status'],
    below: '(below)',
    patient: 'Patient',
    born: 'born',
    bsnInvalid: 'fails the 11-test',
    bsnMissing: 'no BSN',
    laboratory: 'Laboratory',
    laboratoryUnknown: 'not in the registry',
    requester: 'Requester',
    sent: 'Sent',
    copyTo: 'Copy to',
    copyFrom: 'Copy from',
    collected: 'collected',
    labNumber: 'lab number',
    incomplete: 'not complete yet',
    pending: 'Still to come',
    ofRequest: 'About this request',
    part: 'part',
    from: 'from',
    upTo: 'up to',
    comments: 'Comments',
    attachment: 'Attachment',
    notCarried: 'Not carried',
    test: 'TEST MESSAGE',
    hold: 'Held',
    warning: 'Warning',
    segment: 'segment',
    unknown: 'unknown',
  },
};

export const FORMAT_NAMES: Readonly<Record<Exclude<PayloadFormat, 'unknown'>, string>> = {
  'medlab-1': 'MEDLAB 1',
  'hl7-oru': 'HL7 v2 ORU',
  'medrpt-3.2': 'MEDRPT 3.2',
  'medvri-1': 'MEDVRI 1',
  'medvry-3.1': 'MEDVRY 3.1',
  'medspe-3.1': 'MEDSPE 3.1',
  'medspe-1': 'MEDSPE 1',
  'medrad-1': 'MEDRAD 1',
  'zorgmail-xml': 'ZorgMail XML',
  'hl7-other': 'HL7 v2',
};
