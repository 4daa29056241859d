/**
 * CONTRL, the syntax acknowledgement of EDIFACT: `UCI+<our UNB.5>+<sender>+<recipient>+<action>[+<error>]`, and a UCM for
 * each message of the interchange that has something to be said of it.
 */

import {
  componentText,
  type EdifactMessage,
  elementText,
  readEnvelope,
  type Segment,
  tokenise,
} from '../edifact/edifact.ts';
import type { Payload } from '../mail/mail.ts';
import type { Statements } from './notifications.ts';
import type { ReceiptKind, Reference } from './receipt.ts';
import { receiptsOf } from './references.ts';

/** The data element 0083: 4 rejected, 7 acknowledged, 8 received (and not judged yet). */
const ACTIONS: Readonly<Record<string, ReceiptKind>> = { 4: 'rejected', 7: 'acknowledged', 8: 'delivered' };

/** What the CONTRL messages among the payloads say; null where there are none. */
export function readAcknowledgements(payloads: readonly Payload[]): Statements | null {
  const read = payloads.flatMap(messagesOf).filter(isContrl).map(statements);
  if (read.length === 0) return null;
  // A result that came in the same mail must not go with it.
  const isAlone = payloads.every((payload) => {
    const messages = messagesOf(payload);
    return messages.length > 0 && messages.every(isContrl);
  });
  return {
    receipts: read.flatMap(({ receipts }) => receipts),
    references: read.flatMap(({ references }) => references),
    isUnknown: !isAlone || read.some(({ isUnknown }) => isUnknown),
  };
}

function messagesOf(payload: Payload): readonly EdifactMessage[] {
  if (payload.kind !== 'edifact') return [];
  const tokens = tokenise(payload.bytes, payload.charset);
  return tokens.kind === 'refused' ? [] : readEnvelope(tokens.segments).messages;
}

function isContrl({ header }: EdifactMessage): boolean {
  return componentText(header, 2, 1) === 'CONTRL';
}

function statements({ body, trailer }: EdifactMessage): Statements {
  const answer = body.find(({ tag }) => tag === 'UCI');
  const reference = answer === undefined ? null : componentText(answer, 1, 1);
  const references: readonly Reference[] =
    reference !== null && /^[\x21-\x7e]{1,35}$/.test(reference) ? [{ by: 'control-reference', reference }] : [];
  const judged = body.filter(({ tag }) => tag === 'UCI' || tag === 'UCM');
  // One message goes out per interchange: who refuses that message refuses the interchange, whatever its UCI says.
  const decisive = judged.find((segment) => actionOf(segment) === '4') ?? answer;
  const kind = decisive === undefined ? undefined : ACTIONS[actionOf(decisive)];
  const isKnown = judged.every((segment) => ACTIONS[actionOf(segment)] !== undefined);
  // An acknowledgement that lost its end may have lost the refusal in it.
  if (decisive === undefined || kind === undefined || !isKnown || trailer === null) {
    return { receipts: [], references, isUnknown: true };
  }
  const accounts = accountsOf(answer);
  const receipts = receiptsOf(kind, statusOf(decisive), references).map((receipt) =>
    accounts.length === 0 ? receipt : { ...receipt, accounts },
  );
  return { receipts, references, isUnknown: false };
}

// Sender and recipient of the interchange that is answered. Some write names or other numbers there: those say nothing.
function accountsOf(answer: Segment | undefined): readonly string[] {
  if (answer === undefined) return [];
  return [2, 3].map((place) => componentText(answer, place, 1) ?? '').filter((text) => /^[0-9]{8,10}$/.test(text));
}

// UCI says its action in the fourth element, UCM (reference, type, action) in the third.
function placeOf({ tag }: Segment): number {
  return tag === 'UCI' ? 4 : 3;
}

function actionOf(segment: Segment): string {
  return elementText(segment, placeOf(segment)) ?? '';
}

function statusOf(segment: Segment): string {
  const error = elementText(segment, placeOf(segment) + 1) ?? '';
  return /^[0-9]{1,3}$/.test(error) ? `${actionOf(segment)}/${error}` : actionOf(segment);
}
