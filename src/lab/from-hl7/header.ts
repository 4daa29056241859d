/** MSH: from whom, to whom, when, and whether it is a test. */

import { fieldOf, type Hl7Segment } from '../../hl7/hl7.ts';
import type { CodeList } from '../codes/codes.ts';
import type { Party } from '../lab.ts';
import { codeListOf, findLaboratory, type Laboratory, type LaboratoryRegistry } from '../laboratories.ts';
import { type Context, positionOf, said, textAt, warn, wholeText } from './context.ts';
import { momentAt } from './moment.ts';

export interface Header {
  readonly controlId: string | null;
  readonly sentAt: string | null;
  readonly isTest: boolean;
  readonly laboratory: Laboratory | null;
  /** What stands for the laboratory in a result key: its registry id, else MSH-4 as sent. */
  readonly laboratoryKey: string;
  readonly codes: CodeList;
  readonly sender: Party;
  readonly recipient: Party;
}

// HD: the authority of an AGB number, which has eight digits too and is no ZorgMail account.
const AGB_AUTHORITIES = new Set(['VEKTIS', '2.16.840.1.113883.2.4.6.1']);

/** What MSH says. */
export function readHeader(
  context: Context,
  msh: Hl7Segment,
  registry: LaboratoryRegistry,
  mailSender: string | null,
): Header {
  const controlId = textAt(context, msh, 10);
  if (controlId === null) warn(context, 'hl7.control-id-missing', positionOf(msh, 10));
  const facility = said(wholeText(context, fieldOf(msh, 4)));
  const laboratory =
    findLaboratory(registry, { account: facility, mailSender, institution: null }) ??
    findLaboratory(registry, { account: textAt(context, msh, 4), mailSender: null, institution: null });
  const processing = textAt(context, msh, 11);
  if (processing !== null && !['P', 'T', 'D'].includes(processing)) {
    warn(context, 'hl7.processing-id-unknown', positionOf(msh, 11));
  }
  return {
    controlId,
    sentAt: momentAt(context, msh, 7),
    isTest: processing === 'T' || processing === 'D',
    laboratory,
    laboratoryKey: laboratory?.id ?? facility ?? '',
    codes: codeListOf(registry, laboratory?.id ?? null),
    sender: partyOf(context, msh, 4),
    recipient: partyOf(context, msh, 6),
  };
}

/** The party in MSH-4 or MSH-6: a ZorgMail account is eight to ten digits, anything else is its name. */
function partyOf(context: Context, msh: Hl7Segment, field: number): Party {
  const [id, universalId, type] = [1, 2, 3].map((component) => textAt(context, msh, field, component));
  const isAgb = [universalId, type].some((authority) => AGB_AUTHORITIES.has(authority?.toUpperCase() ?? ''));
  if (id !== null && id !== undefined && isAgb) return { name: null, zorgmail: null, agb: id };
  const isAccount = /^\d{8,10}$/.test(id ?? '');
  return { name: isAccount ? null : (id ?? null), zorgmail: isAccount ? (id ?? null) : null, agb: null };
}
