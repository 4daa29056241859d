/** The laboratory registry: which sender account is which laboratory, and what it is allowed to send. */

import { BUILT_IN, type CodeList, type Determinations } from './codes/codes.ts';
import type { Party } from './lab.ts';

export interface Laboratory {
  /** Stable id, part of every result key: never changed once results were delivered under it. */
  readonly id: string;
  readonly name: string;
  /** UNB.2 values (ZorgMail accounts). */
  readonly zorgmail: readonly string[];
  /** MSH-4 (or MSH-4.1) values. */
  readonly hl7Facilities: readonly string[];
  /** Mail sender addresses, lower case; used only where the payload names no sender. */
  readonly mailSenders: readonly string[];
  /** MEDRPT 3.2 is quarantined unless switched on for the laboratory. */
  readonly medrptEnabled: boolean;
}

export interface LaboratoryRegistry {
  readonly laboratories: readonly Laboratory[];
  /** The mapping of determination codes; absent: the one that comes with the program. */
  readonly determinations?: Determinations;
}

/** By which rows the codes of a laboratory are read. */
export function codeListOf(registry: LaboratoryRegistry, laboratory: string | null): CodeList {
  return { laboratory, determinations: registry.determinations ?? [BUILT_IN] };
}

export interface SenderClues {
  /** UNB.2 or MSH-4. */
  readonly account: string | null;
  /** The mail's From address. */
  readonly mailSender: string | null;
  /** ZKH.1. */
  readonly institution: string | null;
}

/** The laboratory that the registry has for the sender of a report that was read already, or null. */
export function laboratoryOfSender(registry: LaboratoryRegistry, { zorgmail, name }: Party): Laboratory | null {
  const found = findLaboratory(registry, { account: zorgmail ?? name, mailSender: null, institution: null });
  return (
    found ??
    (zorgmail === null ? findLaboratory(registry, { account: null, mailSender: null, institution: name }) : null)
  );
}

/**
 * The laboratory of a message: by UNB.2 / MSH-4, else the mail's sender, else the ZKH name (lab-report.md, "laboratory").
 * An account that is present but unknown is an unknown laboratory: the later clues are not tried, they could be another's.
 */
export function findLaboratory(registry: LaboratoryRegistry, clues: SenderClues): Laboratory | null {
  const { account, mailSender, institution } = clues;
  if (account !== null && account !== '') {
    return only(registry, (lab) => lab.zorgmail.includes(account) || lab.hl7Facilities.includes(account));
  }
  if (mailSender !== null && mailSender !== '') {
    return only(registry, (lab) => lab.mailSenders.includes(mailSender.toLowerCase()));
  }
  if (institution === null || institution === '') return null;
  return only(registry, (lab) => lab.name.toLowerCase() === institution.toLowerCase());
}

function only(registry: LaboratoryRegistry, fits: (lab: Laboratory) => boolean): Laboratory | null {
  const found = registry.laboratories.filter(fits);
  return found.length === 1 ? (found[0] ?? null) : null;
}
