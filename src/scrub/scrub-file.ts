/** One file from the first byte to the last: looked through once to know who and what is in it, then replaced. */

import { loadLaboratoryRegistry } from '../lab/lab.ts';
import { openFile } from '../mail/mail.ts';
import { scrubContent, Unscrubbable } from './content.ts';
import { Dates } from './dates.ts';
import { scrubEdifact } from './edifact.ts';
import { applyEdits } from './edit.ts';
import { scrubBoundary, scrubHeader } from './headers.ts';
import { scrubHl7 } from './hl7.ts';
import { mapMail } from './mail.ts';
import { Policies } from './policies.ts';
import type { NotScrubbed, Scrubbed } from './scrub.ts';
import { isStillThere } from './search.ts';
import { RECIPIENTS, Substitutes } from './substitutes.ts';

/** As much as our readers read. */
const BYTES_MAX = 5 * 1024 * 1024;
/** A substitute may by chance be a word of the original: then all are drawn anew. */
const TRIES_MAX = 8;

/** The same file about invented people, the same for the same seed; or why it cannot be made. Never throws for content. */
export async function scrubFile(bytes: Buffer, fileName: string, seed: string): Promise<Scrubbed | NotScrubbed> {
  if (bytes.length > BYTES_MAX) return { kind: 'refused', code: 'too-large' };
  const extension = await extensionOf(bytes, fileName);
  if (extension === null) return { kind: 'refused', code: 'no-message' };
  const text = bytes.toString('latin1');
  try {
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const made = scrubbedOnce(text, extension, `${seed}\0${attempt}`);
      if (made !== null) return { kind: 'scrubbed', bytes: Buffer.from(made, 'latin1'), extension };
    }
    return { kind: 'refused', code: 'still-there' };
  } catch (thrown) {
    if (!(thrown instanceof Unscrubbable)) throw thrown;
    return { kind: 'refused', code: thrown.code };
  }
}

// By content, as the readers decide; a bare payload that is broken is what its name says.
async function extensionOf(bytes: Buffer, fileName: string): Promise<Scrubbed['extension'] | null> {
  const contents = await openFile(bytes, fileName);
  const bare = contents.payloads.find(({ source }) => source === 'file');
  if (bare?.kind === 'edifact') return 'edi';
  if (bare?.kind === 'hl7') return 'hl7';
  if (bare !== undefined) return null;
  const isMail = /^(?:From [^\n]*\n)?[!-9;-~]+:[ \t]?[^\n]*\n/.test(bytes.toString('latin1', 0, 4096));
  return isMail || /\.eml$/i.test(fileName) ? 'eml' : null;
}

function scrubbedOnce(text: string, extension: Scrubbed['extension'], seed: string): string | null {
  const substitutes = new Substitutes(seed, sandboxNames());
  const dates = new Dates();
  const policies = new Policies(substitutes, dates);
  // The first time is only to know the names, numbers and dates: a name in a subject stands before the one in PID.
  transform(text, extension, policies);
  dates.choose(substitutes.noise('dates', ''));
  substitutes.beginAnew();
  const made = transform(text, extension, policies);
  return isStillThere(made, extension === 'eml', substitutes) ? null : made;
}

function transform(text: string, extension: Scrubbed['extension'], policies: Policies): string {
  if (extension === 'hl7') return applyEdits(text, scrubHl7(text, policies));
  if (extension === 'edi') return applyEdits(text, scrubEdifact(text, policies) ?? tooLarge());
  return mapMail(text, {
    header: (name, value) => scrubHeader(name, value, policies),
    boundary: (name) => scrubBoundary(name, policies),
    part: (part, contentType) => scrubContent(part, contentType, policies),
  });
}

function tooLarge(): never {
  throw new Unscrubbable('too-large');
}

// The laboratories and practices of the sandbox are invented: as a message of theirs a fixture has a laboratory of its own.
function sandboxNames(): ReadonlySet<string> {
  const { laboratories } = loadLaboratoryRegistry();
  const sandbox = laboratories.filter(({ id }) => id.startsWith('sandbox-'));
  return new Set([
    ...RECIPIENTS,
    ...sandbox.flatMap(({ name, zorgmail, hl7Facilities }) => [name, ...zorgmail, ...hl7Facilities]),
  ]);
}
