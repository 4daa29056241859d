/** Who sent, who asked and who gets a copy: UNB, ZKH, ART and KOP. */

import { componentText, elementText, type Segment } from '../../edifact/edifact.ts';
import type { LabReport, Party } from '../lab.ts';
import type { Notes } from './notes.ts';

/** UNB.2 and UNB.3 are bare ZorgMail accounts; a qualifier after them (`500000001:14`) is no part of the number. */
export function readAccount(interchange: Segment | null, element: 2 | 3): string | null {
  return interchange === null ? null : (componentText(interchange, element, 1)?.trim() ?? null);
}

export function readSender(interchange: Segment | null, zkh: Segment | null): Party {
  const name = zkh === null ? null : (elementText(zkh, 1)?.trim() ?? null);
  return { name, zorgmail: readAccount(interchange, 2), agb: null };
}

export function readRecipient(interchange: Segment | null): Party {
  return { name: null, zorgmail: readAccount(interchange, 3), agb: null };
}

/** ART: the doctor as written. ART.2 is no AGB code that can be relied on (edifact.md §3.2), so it stays a code. */
export function readRequester(art: Segment | null): LabReport['requester'] {
  if (art === null) return { name: null, type: null, code: null };
  const [surname, prefix, initials, titles] = [1, 2, 3, 4].map((component) => componentText(art, 3, component)?.trim());
  const name = [titles, initials, prefix, surname].filter((part) => part !== undefined).join(' ');
  return {
    name: name === '' ? null : name,
    type: elementText(art, 1)?.trim() ?? null,
    code: elementText(art, 2)?.trim() ?? null,
  };
}

/** KOP: `NAAR` names who gets a copy too, `VAN` whose report this is a copy of. */
export function readCopy(kop: Segment | null, notes: Notes): LabReport['copy'] {
  if (kop === null) return null;
  const word = elementText(kop, 1)?.trim().toUpperCase();
  const direction = word === 'NAAR' ? 'to' : word === 'VAN' ? 'from' : null;
  if (direction === null) {
    notes.leaveOut('edifact.copy-direction-unknown', kop, 1);
    return null;
  }
  const names = kop.elements.slice(1).map((_, index) => elementText(kop, index + 2)?.trim());
  return { direction, names: names.filter((name) => name !== undefined) };
}
