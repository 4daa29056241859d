/**
 * One mail, split into its leaf parts (RFC 2045, 2046), each transfer-decoded and none charset-decoded.
 *
 * mailparser itself hands text parts over as UTF-8 text, which loses bytes of EDIFACT in 8859-1; so this uses mailsplit,
 * the splitter inside mailparser. What that splitter would pass over in silence (a part without a blank line after its
 * headers, a delimiter with padding, a multipart without boundary) is counted here and said as `isBroken`.
 */

import { type MimeNode, Splitter, type SplitterChunk } from '@zone-eu/mailsplit';
import { decodeTransfer, type TransferDecoded } from './transfer.ts';

/**
 * Bytes of the header of one part. Mail servers themselves refuse or cut more than about 100 kB; the splitter's own limit
 * of 1 MiB is too high for how it looks through a header.
 */
export const HEADER_BYTES_MAX = 128 * 1024;
/**
 * Carriage returns and line feeds one after another without a blank line between them (`\r\r\r…`): no mail has them, and
 * the splitter looks for the end of a header in a way that takes the square of their number in steps.
 */
export const LINE_END_RUN_MAX = 100;

export interface LeafPart extends TransferDecoded {
  /** Numbered as IMAP does (RFC 9051 §6.4.5.1): `1.2`; the body of a mail that is not multipart is `1`. */
  readonly path: string;
  /** Lower case, without parameters; `application/octet-stream` where the header is no content type at all. */
  readonly contentType: string;
  readonly charset: string | null;
  readonly fileName: string | null;
  readonly disposition: string | null;
  /** As it stood in the mail. */
  readonly raw: Buffer;
  /** The path of the multipart/alternative it stands in (RFC 2046 §5.1.4: the same content in another form), or null. */
  readonly alternativeOf: string | null;
}

export interface SplitMail {
  /** `From`, `Delivered-To`, `X-Original-To`: values by lower-case name, in the order of the mail. */
  readonly header: (name: string) => readonly string[];
  readonly leaves: readonly LeafPart[];
  /** Nodes of the MIME tree: leaves and multiparts. */
  readonly partCount: number;
  /** Levels of multipart. */
  readonly depth: number;
  /** Content may stand where no part is: nothing of this mail may be called empty of payloads. */
  readonly isBroken: boolean;
  /** A closing delimiter is missing: the mail was cut off, or its last part was. */
  readonly isCutOff: boolean;
}

interface Branch {
  readonly node: MimeNode;
  readonly path: string;
  readonly depth: number;
  readonly chunks: Buffer[];
  children: number;
}

/** Splits one level: a nested mail (message/rfc822) is a leaf here. A code where the splitter gives up. */
export async function splitMail(
  raw: Buffer,
  prefix: string,
  partsMax: number,
): Promise<SplitMail | 'mail.too-large' | 'mail.malformed'> {
  if (hasLongLineEndRun(raw)) return 'mail.malformed';
  const branches = await branchesOf(raw, prefix, partsMax);
  if (branches === 'mail.too-large') return branches;
  const root = branches[0];
  if (root === undefined) return 'mail.malformed';
  const multiparts = branches.filter((branch) => branch.node.multipart !== false);
  const counted = new Map<string, DelimiterCounts>();
  const delimiters = multiparts.map((branch) => ({ branch, ...delimitersOf(raw, branch.node._boundary, counted) }));
  return {
    header: (name) => headerValues(root.node, name),
    leaves: branches.filter((branch) => branch.node.multipart === false).map(asLeaf),
    partCount: branches.length,
    depth: Math.max(...branches.map((branch) => branch.depth)),
    isBroken: delimiters.some(({ branch, opening }) => opening === 0 || opening !== branch.children),
    isCutOff: delimiters.some(({ closing }) => closing === 0),
  };
}

async function branchesOf(raw: Buffer, prefix: string, partsMax: number): Promise<Branch[] | 'mail.too-large'> {
  const splitter = new Splitter({ ignoreEmbedded: true, maxChildNodes: partsMax, maxHeadSize: HEADER_BYTES_MAX });
  splitter.end(raw);
  const branches = new Map<MimeNode, Branch>();
  try {
    for await (const piece of splitter as AsyncIterable<SplitterChunk>) {
      if (piece.type === 'node') {
        const parent = piece.parentNode === false ? undefined : branches.get(piece.parentNode);
        branches.set(piece, branchFor(piece, parent, prefix));
      } else if (piece.type === 'body' && piece.value) {
        // `data` is what stands between parts (delimiters, preamble): only a body belongs to a part.
        branches.get(piece.node)?.chunks.push(piece.value);
      }
    }
  } catch (thrown) {
    // EMAXLEN: more parts than asked for, or a header over its limit.
    return (thrown as NodeJS.ErrnoException).code === 'EMAXLEN' ? 'mail.too-large' : [];
  }
  return [...branches.values()];
}

function branchFor(node: MimeNode, parent: Branch | undefined, prefix: string): Branch {
  if (parent === undefined) {
    // The root multipart has no number of its own: its children are 1, 2, … of the mail.
    const path = node.multipart === false ? `${prefix}1` : prefix.replace(/\.$/, '');
    return { node, path, depth: node.multipart === false ? 0 : 1, chunks: [], children: 0 };
  }
  parent.children += 1;
  const path = parent.path === '' ? `${parent.children}` : `${parent.path}.${parent.children}`;
  // A leaf is in its multipart, and no level of its own.
  const depth = parent.depth + (node.multipart === false ? 0 : 1);
  return { node, path, depth, chunks: [], children: 0 };
}

function asLeaf(branch: Branch): LeafPart {
  const { node, path } = branch;
  const raw = Buffer.concat(branch.chunks);
  const parent = node.parentNode === false ? null : node.parentNode;
  return {
    path,
    contentType: contentTypeOf(node, parent),
    charset: textOf(node.charset)?.toLowerCase() ?? null,
    fileName: textOf(node.filename),
    disposition: textOf(node.disposition),
    raw,
    ...decodeTransfer(raw, textOf(node.encoding) ?? ''),
    alternativeOf: parent?.multipart === 'alternative' ? path.slice(0, Math.max(0, path.lastIndexOf('.'))) : null,
  };
}

const CONTENT_TYPE = /^[a-z0-9!#$&^_.+-]{1,63}\/[a-z0-9!#$&^_.+-]{1,63}$/;

function contentTypeOf(node: MimeNode, parent: MimeNode | null): string {
  // RFC 2046 §5.1.5: in a digest a part without a type is a mail.
  if (parent?.multipart === 'digest' && headerValues(node, 'content-type').length === 0) return 'message/rfc822';
  const contentType = textOf(node.contentType) ?? '';
  return CONTENT_TYPE.test(contentType) ? contentType : 'application/octet-stream';
}

function headerValues(node: MimeNode, name: string): readonly string[] {
  if (node.headers === false) return [];
  return node.headers.get(name).map((line) => line.slice(line.indexOf(':') + 1).trim());
}

function textOf(value: string | false | undefined): string | null {
  return value === false || value === undefined || value === '' ? null : value;
}

interface DelimiterCounts {
  readonly opening: number;
  readonly closing: number;
}

// Multiparts inside each other may all have the same boundary: the mail is looked through once for it, not once for each.
function delimitersOf(raw: Buffer, boundary: Buffer | false, counted: Map<string, DelimiterCounts>): DelimiterCounts {
  if (boundary === false || boundary.length === 0) return { opening: 0, closing: 0 };
  const name = boundary.toString('latin1');
  const counts = counted.get(name) ?? delimitersIn(raw, boundary);
  counted.set(name, counts);
  return counts;
}

// Delimiter lines as RFC 2046 §5.1.1 has them, with the transport padding that the splitter does not allow for.
function delimitersIn(raw: Buffer, boundary: Buffer): DelimiterCounts {
  const counts = { opening: 0, closing: 0 };
  const delimiter = Buffer.concat([Buffer.from('--'), boundary]);
  for (let at = raw.indexOf(delimiter); at !== -1; at = raw.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && raw[at - 1] !== 0x0a) continue;
    const rest = raw.toString('latin1', at + delimiter.length, at + delimiter.length + 80);
    if (/^--[ \t]*(\r|\n|$)/.test(rest)) counts.closing += 1;
    else if (/^[ \t]*(\r|\n|$)/.test(rest)) counts.opening += 1;
  }
  return counts;
}

function hasLongLineEndRun(raw: Buffer): boolean {
  let run = 0;
  for (let at = raw.indexOf('\r\r'); at !== -1 && at < raw.length; at += 1) {
    const byte = raw[at];
    if (byte !== CR && byte !== LF) {
      run = 0;
      at = raw.indexOf('\r\r', at) - 1;
      if (at < 0) return false;
    } else if (byte === LF && isBlankLineEnd(raw, at)) {
      run = 0;
    } else {
      run += 1;
      if (run > LINE_END_RUN_MAX) return true;
    }
  }
  return false;
}

// A header ends at its first blank line.
function isBlankLineEnd(raw: Buffer, at: number): boolean {
  return raw[at - 1] === LF || (raw[at - 1] === CR && raw[at - 2] === LF);
}

const CR = 0x0d;
const LF = 0x0a;
