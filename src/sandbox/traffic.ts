/**
 * What the sandbox's laboratories send: every fixture, to the mailbox of the practice that it is for, in turn in the
 * different MIME shapes. A fixture that is dropped in is sent too.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LaboratoryMail, laboratoryMail, type MailShape } from './laboratory.ts';
import { SANDBOX_PRACTICES } from './people.ts';

export interface TrafficMail {
  /** `edifact/plain.edi` */
  readonly fixture: string;
  /** The ZorgMail account of the mailbox. */
  readonly account: string;
  readonly raw: Buffer;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const FOLDERS = ['edifact', 'hl7', 'mail', 'rejected'];
const SHAPES: readonly MailShape[] = ['attachment-base64', 'body-8bit', 'quoted-printable', 'mixed-with-text'];

/** All fixtures in the order of their names, the plain case of each folder first. */
export async function fixtureTraffic(): Promise<readonly TrafficMail[]> {
  const traffic: TrafficMail[] = [];
  for (const folder of FOLDERS) {
    const names = (await readdir(join(FIXTURES, folder)))
      .filter((name) => /\.(edi|hl7|eml)$/.test(name))
      .sort(plainFirst);
    for (const name of names)
      traffic.push(trafficMail(`${folder}/${name}`, await readFile(join(FIXTURES, folder, name)), traffic.length));
  }
  return traffic;
}

/** What `inspect` is expected to say of a fixture. */
export async function expectedDocument(fixture: string): Promise<unknown> {
  return JSON.parse(await readFile(join(FIXTURES, fixture.replace(/\.\w+$/, '.report.json')), 'utf8'));
}

/** Outcomes that no fixture can say by itself, since they come from what was sent before or what a card holds. */
export async function expectedExceptions(): Promise<
  Readonly<Record<string, { outcome: string; reason: string; why: string }>>
> {
  return JSON.parse(await readFile(join(FIXTURES, 'demo', 'exceptions.json'), 'utf8'));
}

function plainFirst(one: string, other: string): number {
  const isPlain = (name: string) => (name.startsWith('plain.') ? 0 : 1);
  return isPlain(one) - isPlain(other) || (one < other ? -1 : 1);
}

function trafficMail(fixture: string, bytes: Buffer, index: number): TrafficMail {
  const account = accountIn(bytes);
  if (fixture.endsWith('.eml')) return { fixture, account, raw: bytes };
  // A body of text has CRLF between its lines; only the other shapes carry a payload's own line ends.
  const shape = SHAPES[index % SHAPES.length] ?? 'attachment-base64';
  const mail: LaboratoryMail = { payload: bytes, shape, to: account, from: `uitslagen@${senderOf(bytes)}.example` };
  return { fixture, account, raw: laboratoryMail(mail) };
}

// UNB.3, MSH-6 or To: whichever of the sandbox's accounts stands in the bytes; the first practice's where none does.
function accountIn(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  const found = SANDBOX_PRACTICES.map(({ zorgmail }) => ({ zorgmail, at: text.indexOf(zorgmail) })).filter(
    ({ at }) => at >= 0,
  );
  found.sort((one, other) => one.at - other.at);
  return found[0]?.zorgmail ?? SANDBOX_PRACTICES[0]?.zorgmail ?? '';
}

function senderOf(bytes: Buffer): string {
  return bytes.subarray(0, 3).toString('latin1') === 'MSH' ? 'diagnostiek' : 'laboratorium';
}
