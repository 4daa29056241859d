/** Whether what was written on cards and boards arrived: once each, whole, in the right HIS, and answered. */

import { isDeepStrictEqual } from 'node:util';
import { unwrapMail } from '../mail/mail.ts';
import type { Courier } from '../pipeline/pipeline.ts';
import { registrationShown, type ShownRegistration } from '../records/records.ts';
import { joinedText, type MedvriMessage, readMedvri, registrationPart } from '../registration/registration.ts';
import { SANDBOX_BOARDS_PRACTICE, SANDBOX_PRACTICES } from '../sandbox/people.ts';
import type { WrittenText } from '../sandbox/registrations.ts';
import type { World } from '../sandbox/world.ts';
import type { PostedText } from './demo-post.ts';

export interface DemoRegistration {
  readonly id: string;
  /** Its key in the sandbox. */
  readonly practice: string;
  readonly state: string;
  readonly reason: string | null;
  /** The id of the one that it corrects. */
  readonly corrects: string | null;
  readonly parts: readonly { readonly part: number; readonly controlReference: string; readonly state: string }[];
  readonly receipts: readonly {
    readonly controlReference: string;
    readonly kind: string;
    readonly status: string | null;
  }[];
  readonly written: string;
  /** What the HIS has of it: what stands above the text in its first part, and the text of all parts; null where one is missing. */
  readonly heading: readonly string[];
  readonly shown: readonly string[] | null;
}

export interface CheckedRegistrations {
  readonly registrations: readonly DemoRegistration[];
  readonly failures: readonly string[];
}

/** Reads the practices' mailboxes as their HISes do, so before anything is removed there. */
export async function checkRegistrations(
  { ledger }: Courier,
  world: World,
  posted: readonly PostedText[],
): Promise<CheckedRegistrations> {
  const inHis = await messagesInHis(world);
  const registrations: DemoRegistration[] = [];
  const failures: string[] = [];
  for (const { id, written } of posted) {
    const row = await registrationShown(ledger, id);
    const messages = messagesOf(row, inHis.get(written.practice.zorgmail) ?? []);
    const found = asFound(id, written, row, messages);
    registrations.push(found);
    failures.push(...differences(found, written, messages, registrations).map((text) => `${written.name}: ${text}`));
  }
  return { registrations, failures: [...failures, ...countDifferences(registrations, world, inHis)] };
}

/** Everything once: as many mails at the relay, and messages in all the mailboxes together, as there are parts. */
function countDifferences(
  registrations: readonly DemoRegistration[],
  { relay }: World,
  inHis: ReadonlyMap<string, readonly MedvriMessage[]>,
): readonly string[] {
  const references = new Set(
    registrations.flatMap(({ parts }) => parts).map(({ controlReference }) => controlReference),
  );
  const there = [...inHis.values()].flat().filter((message) => references.has(message.interchangeReference ?? ''));
  return [
    ...(relay.mails().length === references.size
      ? []
      : [`${relay.mails().length} mails sent, expected ${references.size}`]),
    ...(there.length === references.size ? [] : [`${there.length} messages in the HISes, expected ${references.size}`]),
  ];
}

async function messagesInHis(world: World): Promise<ReadonlyMap<string, readonly MedvriMessage[]>> {
  const accounts = [...SANDBOX_PRACTICES, SANDBOX_BOARDS_PRACTICE].map(({ zorgmail }) => zorgmail);
  const read = accounts.map(async (account) => {
    const messages = await Promise.all((await world.zorgmail.mailsOf(account)).map(messagesIn));
    return [account, messages.flat()] as const;
  });
  return new Map(await Promise.all(read));
}

async function messagesIn(mail: Buffer): Promise<readonly MedvriMessage[]> {
  const { payloads } = await unwrapMail(mail);
  return payloads.flatMap(({ kind, bytes, charset }) => {
    const reading = kind === 'edifact' ? readMedvri(bytes, charset) : null;
    return reading?.kind === 'read' ? reading.messages : [];
  });
}

function messagesOf(row: ShownRegistration | null, messages: readonly MedvriMessage[]): readonly MedvriMessage[] {
  const references = (row?.mails ?? []).map(({ controlReference }) => controlReference);
  return messages.filter(({ interchangeReference }) => references.includes(interchangeReference ?? ''));
}

function asFound(
  id: string,
  { practice, text }: WrittenText,
  row: ShownRegistration | null,
  messages: readonly MedvriMessage[],
): DemoRegistration {
  const mails = row?.mails ?? [];
  const parts = messages.map(({ lines }) => registrationPart(lines));
  return {
    id,
    practice: practice.key,
    state: row?.state ?? 'missing',
    reason: row?.reason ?? null,
    corrects: row?.earlierId ?? null,
    parts: mails.map(({ part, controlReference, state }) => ({ part, controlReference, state })),
    receipts: mails.flatMap(({ controlReference, receipts }) =>
      receipts.map(({ kind, status }) => ({ controlReference, kind, status })),
    ),
    written: text,
    heading: parts.find(({ part }) => part === 1)?.heading ?? [],
    shown: joinedText(parts)?.split('\n') ?? null,
  };
}

/** In words; empty where it arrived as it was written. */
export function differences(
  found: DemoRegistration,
  written: WrittenText,
  messages: readonly MedvriMessage[],
  all: readonly DemoRegistration[],
): readonly string[] {
  const { state, parts, receipts } = found;
  const unanswered = parts.filter(
    ({ controlReference }) =>
      !receipts.some((receipt) => receipt.controlReference === controlReference && receipt.kind === 'delivered'),
  );
  const isToOthers = messages.some(
    ({ to, patient }) => to !== written.practice.zorgmail || patient?.bsn !== written.bsn,
  );
  return [
    ...(state === 'delivered' ? [] : [`${state}, expected delivered`]),
    ...(parts.length === written.parts ? [] : [`${parts.length} parts, expected ${written.parts}`]),
    ...(isDeepStrictEqual(found.shown, written.shown) ? [] : ['the HIS does not show what was written']),
    ...unanswered.map(({ part }) => `part ${part} has no receipt of its delivery`),
    ...(isToOthers ? ['addressed to another practice, or about another patient'] : []),
    ...(saysWhatItCorrects(found, written, all) ? [] : ['does not say which text it corrects']),
  ];
}

/** By the control references of the former text; one that corrects nothing says nothing of the kind. */
function saysWhatItCorrects(
  { heading, corrects }: DemoRegistration,
  written: WrittenText,
  all: readonly DemoRegistration[],
): boolean {
  const said = heading.join(' ');
  if (written.corrects === null) return corrects === null && !said.includes('CORRECTIE');
  const former = all.find(({ id }) => id === corrects)?.parts ?? [];
  return (
    former.length > 0 &&
    said.startsWith('CORRECTIE') &&
    former.every(({ controlReference }) => said.includes(controlReference))
  );
}
