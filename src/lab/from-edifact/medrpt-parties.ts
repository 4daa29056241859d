/** NAD of MEDRPT: the laboratory (SLA), who asked (PO) and who gets a copy (CCR), with their AGB codes (edifact.md §4). */

import { componentText, type Segment } from '../../edifact/edifact.ts';
import type { LabReport, Party } from '../lab.ts';
import { readAccount } from './parties.ts';

/** SLA's name stands in two components, `LB :NOORD`. */
export function readMedrptSender(interchange: Segment | null, sla: Segment | null): Party {
  const name = [1, 2].map((component) => textOf(sla, 4, component)).filter((part) => part !== null);
  const isAgb = textOf(sla, 2, 3) === 'VEK';
  return {
    name: name.length === 0 ? null : name.join(' '),
    zorgmail: readAccount(interchange, 2),
    agb: isAgb ? textOf(sla, 2, 1) : null,
  };
}

/** The fifth component of SLA's name is no name: the writer puts the receiver's AGB code there. */
export function readMedrptRecipient(interchange: Segment | null, sla: Segment | null): Party {
  const code = textOf(sla, 4, 5);
  const isAgb = code !== null && /^\d{8}$/.test(code);
  return { name: null, zorgmail: readAccount(interchange, 3), agb: isAgb ? code : null };
}

/** PO: the doctor as written. No segment says whether it is a general practitioner or a specialist. */
export function readMedrptRequester(po: Segment | null): LabReport['requester'] {
  return { name: doctorName(po), type: null, code: textOf(po, 2, 1) };
}

/** CCR: who gets a copy too. The writer also sends it empty, for nobody. */
export function readMedrptCopy(ccrs: readonly Segment[]): LabReport['copy'] {
  const names = ccrs.map((ccr) => doctorName(ccr) ?? textOf(ccr, 2, 1)).filter((name) => name !== null);
  return names.length === 0 ? null : { direction: 'to', names };
}

// Surname, initials, prefix: in the order that it is spoken in.
function doctorName(nad: Segment | null): string | null {
  const parts = [2, 3, 1].map((component) => textOf(nad, 4, component)).filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

function textOf(nad: Segment | null, element: number, component: number): string | null {
  return nad === null ? null : (componentText(nad, element, component)?.trim() ?? null);
}
