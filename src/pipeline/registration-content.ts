/** A registration as the ledger keeps it: what was posted and the mails made of it, under the practice's key. */

import type { Keys, SealedPlace } from '../keys/keys.ts';
import type { RegistrationReceiver } from '../practice/practice.ts';
import type { PostedRegistration, Registration } from '../registration/registration.ts';

export async function sealPosted(keys: Keys, id: string, practiceId: string, posted: PostedRegistration) {
  return keys.seal(place('registration', id, practiceId), Buffer.from(JSON.stringify({ version: 1, posted })));
}

export async function openPosted(
  keys: Keys,
  id: string,
  practiceId: string,
  sealed: Buffer,
): Promise<PostedRegistration> {
  const plain = await keys.open(place('registration', id, practiceId), sealed);
  return (JSON.parse(plain.toString()) as { posted: PostedRegistration }).posted;
}

export async function sealOutward(keys: Keys, mailId: string, practiceId: string, mail: Buffer): Promise<Buffer> {
  return keys.seal(place('outward_mail', mailId, practiceId), mail);
}

export async function openOutward(keys: Keys, mailId: string, practiceId: string, sealed: Buffer): Promise<Buffer> {
  return keys.open(place('outward_mail', mailId, practiceId), sealed);
}

function place(table: 'registration' | 'outward_mail', rowId: string, practiceId: string): SealedPlace {
  return { table, rowId, owner: { purpose: 'practice', id: practiceId } };
}

/** What was posted, with what the ledger knows of the practice's HIS and of the registration that it changes. */
export function registrationOf(
  posted: PostedRegistration,
  practiceName: string,
  { account }: RegistrationReceiver,
  earlier: { readonly writtenAt: Date; readonly references: readonly string[] } | null,
): Registration {
  const { agb } = posted.practice;
  const changed =
    posted.earlier === null || earlier === null
      ? null
      : {
          change: posted.earlier.change,
          writtenAt: earlier.writtenAt.toISOString(),
          references: [...earlier.references],
        };
  return { ...posted, practice: { agb, name: practiceName, account }, earlier: changed };
}

/** Test persons have numbers that no one has: 999… */
export function isTestPerson({ patient }: PostedRegistration): boolean {
  return patient.bsn.startsWith('999');
}

/**
 * By which a body is recognised that comes again under its key. Under the key of the card's identifiers, which never rotates:
 * a digest key that rotated between two tries of a source would make of the same body another one, and the source would be
 * told that its own repetition is a mistake. The prefix keeps it apart from what else is digested under that key.
 */
export async function bodyDigest(keys: Keys, sourceId: string, posted: PostedRegistration): Promise<Buffer> {
  return keys.mac('card', `registration|${sourceId}|${canonicalJson(posted)}`);
}

/** The same for every order in which the fields were written. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${canonicalJson(one)}`);
  return `{${fields.join(',')}}`;
}
