/**
 * One mail, split into its leaf parts (RFC 2045, 2046), each transfer-decoded and none charset-decoded.
 *
 * mailparser itself hands text parts over as UTF-8 text, which loses bytes of EDIFACT in 8859-1; so this uses mailsplit,
 * the splitter inside mailparser. What that splitter would pass over in silence (a part without a blank line after its
 * headers, a delimiter with padding, a multipart without boundary) is counted here and said as `isBroken`.
 */

import { type MimeNode, Splitter, type SplitterChunk } from '@zone-eu/mailsplit';
import { decodeTransfer, type TransferDecoded } from './transfer.ts';

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
  const branches = await branchesOf(raw, prefix, partsMax);
  if (branches === 'mail.too-large') return branches;
  const root = branches[0];
  if (root === undefined) return 'mail.malformed';
  const multiparts = branches.filter((branch) => branch.node.multipart !== false);
  const delimiters = multiparts.map((branch) => ({ branch, ...delimitersIn(raw, branch.node._boundary) }));
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
  const splitter = new Splitter({ ignoreEmbedded: true, maxChildNodes: partsMax });
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
    // EMAXLEN: more parts than asked for, or a header of more than 1 MiB.
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
  return { node, path, depth: parent.depth + 1, chunks: [], children: 0 };
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
    alternativeOf: parent?.multipart === 'alternative' ? path.replace(/\.?\d+$/, '') : null,
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

// Delimiter lines as RFC 2046 §5.1.1 has them, with the transport padding that the splitter does not allow for.
function delimitersIn(raw: Buffer, boundary: Buffer | false): { opening: number; closing: number } {
  const counts = { opening: 0, closing: 0 };
  if (boundary === false || boundary.length === 0) return counts;
  const delimiter = Buffer.concat([Buffer.from('--'), boundary]);
  for (let at = raw.indexOf(delimiter); at !== -1; at = raw.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && raw[at - 1] !== 0x0a) continue;
    const rest = raw.toString('latin1', at + delimiter.length, at + delimiter.length + 80);
    if (/^--[ \t]*(\r|\n|$)/.test(rest)) counts.closing += 1;
    else if (/^[ \t]*(\r|\n|$)/.test(rest)) counts.opening += 1;
  }
  return counts;
}
