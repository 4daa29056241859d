/**
 * Raw mail → payloads. Every leaf part is looked at, in nested mails too; what is left over afterwards (text outside
 * any part) is counted, so that nothing that begins like a laboratory message can fall between two parts.
 * May be repeated: the same bytes always give the same contents.
 */

import { createHash } from 'node:crypto';
import { accountsIn, senderAddress } from './addresses.ts';
import { documentTypeOf, isEncrypted, isNestedMail, isUnopened } from './containers.ts';
import type { MailAttachment, MailContents, Payload, PayloadKind } from './mail.ts';
import { type LeafPart, type SplitMail, splitMail } from './parts.ts';
import { countStarts, resemblesPayload, sniffStart } from './sniff.ts';

/** ZorgMail's own limits are unknown; a MEDLAB is a few kB (formats/edifact.md §7). */
export const MAIL_BYTES_MAX = 5 * 1024 * 1024;
/** Leaves and multiparts, nested mails included. */
export const MAIL_PARTS_MAX = 100;
/** Multiparts and nested mails inside each other. */
export const MAIL_DEPTH_MAX = 10;

/** Transfer-decoded bytes of all leaves together; a nested mail counts again at each level that it is opened at. */
export const MAIL_DECODED_BYTES_MAX = 16 * 1024 * 1024;

type Quarantine = MailContents['quarantine'];

interface Walk {
  partCount: number;
  decodedBytes: number;
  isCutOff: boolean;
  quarantine: Quarantine;
  readonly found: { readonly kind: PayloadKind; readonly source: string; readonly part: FoundPart }[];
  readonly documents: Map<string, MailAttachment>;
}

interface FoundPart {
  readonly bytes: Buffer;
  readonly charset: string | null;
  readonly contentType: string;
  readonly alternativeOf: string | null;
}

/** The payloads of a mail, and why it must be kept as a whole where it must. Never throws for what the bytes hold. */
export async function unwrapMail(raw: Buffer): Promise<MailContents> {
  if (raw.length > MAIL_BYTES_MAX) return { payloads: [], recipientAccounts: [], quarantine: 'mail.too-large' };
  // A server that hands over nothing has not shown that the mail is empty.
  if (raw.length === 0) return { payloads: [], recipientAccounts: [], quarantine: 'mail.malformed' };
  const walk: Walk = {
    partCount: 0,
    decodedBytes: 0,
    isCutOff: false,
    quarantine: null,
    found: [],
    documents: new Map(),
  };
  const mail = await walkMail(walk, raw, '', 0);
  return contentsOf(walk, mail);
}

async function walkMail(walk: Walk, raw: Buffer, prefix: string, depth: number): Promise<SplitMail | null> {
  const mail = await splitMail(raw, prefix, MAIL_PARTS_MAX + 1);
  if (typeof mail === 'string') {
    walk.quarantine = mail;
    return null;
  }
  walk.partCount += mail.partCount;
  walk.decodedBytes += mail.leaves.reduce((sum, part) => sum + part.bytes.length, 0);
  walk.isCutOff ||= mail.isCutOff;
  if (walk.partCount > MAIL_PARTS_MAX || walk.decodedBytes > MAIL_DECODED_BYTES_MAX) walk.quarantine = 'mail.too-large';
  else if (depth + mail.depth > MAIL_DEPTH_MAX || mail.isBroken) walk.quarantine = 'mail.malformed';
  for (const part of mail.leaves) {
    if (isEnough(walk)) return mail;
    await lookAt(walk, part, depth + mail.depth);
  }
  const inParts = mail.leaves.reduce((sum, part) => sum + countStarts(part.raw), 0);
  if (countStarts(raw) > inParts) keep(walk, 'resembles', `${placeOf(prefix)} outside its parts`, wholeOf(raw));
  return mail;
}

async function lookAt(walk: Walk, part: LeafPart, depth: number): Promise<void> {
  const source = `part ${part.path} ${part.contentType}`;
  if (isNestedMail(part) && part.isDecoded) return lookInside(walk, part, source, depth);
  const kind = kindOf(part);
  if (kind !== null) return keep(walk, kind, source, part);
  if (isEncrypted(part)) {
    walk.quarantine ??= 'mail.encrypted';
    return;
  }
  if (isUnopened(part)) return keep(walk, 'resembles', source, part);
  const documentType = documentTypeOf(part);
  // A document that was damaged on the way may lack its last page: it is not offered, and a person looks.
  if (documentType !== null && part.isDamaged) return keep(walk, 'resembles', source, part);
  if (documentType !== null) return keepDocument(walk, documentType, part.bytes);
  if (resemblesPayload(part.bytes)) keep(walk, 'resembles', source, part);
}

async function lookInside(walk: Walk, part: LeafPart, source: string, depth: number): Promise<void> {
  const before = walk.found.length;
  await walkMail(walk, part.bytes, `${part.path}.`, depth + 1);
  if (!part.isDamaged) return;
  // What comes out of a damaged wrapping is as doubtful as the wrapping.
  const inside = walk.found.splice(before).map((found) => ({ ...found, kind: 'resembles' as const }));
  walk.found.push(...inside);
  if (inside.length === 0 && resemblesPayload(part.raw)) keep(walk, 'resembles', source, part);
}

function kindOf(part: LeafPart): PayloadKind | null {
  const kind = sniffStart(part.bytes);
  const isPage = /^(?:text\/html|application\/xhtml\+xml|image\/.*)$/.test(part.contentType);
  const counted = kind === 'xml' && isPage ? null : kind;
  // Damaged in transfer: what begins as a payload is one, but not surely the one that was sent.
  if (part.isDamaged && (counted !== null || resemblesPayload(part.raw))) return 'resembles';
  // An encoding that the header does not name: the bytes as they stood are the payload, and that is doubt.
  return counted ?? (part.bytes !== part.raw && isMessageStart(part.raw) ? 'resembles' : null);
}

function isMessageStart(raw: Buffer): boolean {
  const kind = sniffStart(raw);
  return kind === 'edifact' || kind === 'hl7';
}

function keep(walk: Walk, kind: PayloadKind, source: string, part: FoundPart): void {
  walk.found.push({ kind, source, part });
}

function keepDocument(walk: Walk, contentType: string, bytes: Buffer): void {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  walk.documents.set(sha256, { contentType, bytes, sha256 });
}

function isEnough(walk: Walk): boolean {
  return walk.quarantine === 'mail.too-large' || walk.quarantine === 'mail.malformed';
}

function contentsOf(walk: Walk, mail: SplitMail | null): MailContents {
  const header = (name: string) => mail?.header(name) ?? [];
  const recipientAccounts = accountsIn([...header('delivered-to'), ...header('x-original-to')]);
  const found = withoutRenderings(walk);
  const quarantine = isEndInDoubt(walk, found) ? 'mail.malformed' : walk.quarantine;
  if (quarantine === 'mail.too-large' || quarantine === 'mail.malformed') {
    return { payloads: [], recipientAccounts, quarantine };
  }
  const mailSender = senderAddress(header('from'));
  const documents = [...walk.documents.values()];
  // With two payloads nobody can say which patient a document is of: it goes to neither, and a person is asked.
  const isUnclear = documents.length > 0 && found.length > 1;
  const payloads = found.map(
    ({ kind, source, part }): Payload => ({
      source,
      kind,
      bytes: part.bytes,
      charset: part.charset,
      mailSender,
      attachments: isUnclear ? [] : documents,
    }),
  );
  return { payloads, recipientAccounts, quarantine: quarantine ?? (isUnclear ? 'mail.attachment-unclear' : null) };
}

// Where a closing delimiter is missing the last part may have lost its end, and with it a digit of a value. EDIFACT proves
// its own end (UNT); HL7, XML and documents do not.
function isEndInDoubt(walk: Walk, found: Walk['found']): boolean {
  if (!walk.isCutOff || found.length === 0) return false;
  return walk.documents.size > 0 || found.some(({ kind }) => kind !== 'edifact');
}

// The HTML form of a payload in the same multipart/alternative is the same content (RFC 2046 §5.1.4), not a second one.
function withoutRenderings(walk: Walk): Walk['found'] {
  return walk.found.filter(({ kind, part }) => {
    if (kind !== 'resembles' || part.contentType !== 'text/html' || part.alternativeOf === null) return true;
    return !walk.found.some((other) => other.kind !== 'resembles' && other.part.alternativeOf === part.alternativeOf);
  });
}

function placeOf(prefix: string): string {
  return prefix === '' ? 'mail' : `part ${prefix.replace(/\.$/, '')}`;
}

function wholeOf(raw: Buffer): FoundPart {
  return { bytes: raw, charset: null, contentType: 'message/rfc822', alternativeOf: null };
}
