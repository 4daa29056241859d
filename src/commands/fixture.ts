/**
 * `zorgkoerier fixture add FILE`: a real message becomes a fixture about invented people. For a checkout only; it opens no
 * ledger and no network. The original is read and shown on a terminal, and reaches neither the disk nor a log: where
 * standard output is no terminal the original lines are left out.
 */

import { createHash, randomBytes } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { loadLaboratoryRegistry } from '../lab/lab.ts';
import { type NotScrubbed, type Scrubbed, scrubFile, shownLines } from '../scrub/scrub.ts';
import { errorName } from '../shared/failure.ts';
import { diffLines } from './fixture-diff.ts';
import { type InspectDocument, readDocument } from './inspect.ts';
import { type Io, say, UsageError, type Words } from './io.ts';

export interface FixtureAddOptions {
  readonly file: string;
  /** Without extension; null: one from the result's own bytes, since the original's name may name somebody. */
  readonly name: string | null;
  readonly yes: boolean;
  /** null: drawn, and forgotten. */
  readonly seed: string | null;
  /** The root of the checkout. */
  readonly root: string;
  readonly isTerminal: boolean;
  /** Asks on the terminal; false is no. */
  ask(question: string): Promise<boolean>;
}

const REFUSALS: Readonly<Record<NotScrubbed['code'], Words>> = {
  'still-there': {
    nl: 'Na het vervangen staat er nog iets van het origineel in (bijvoorbeeld een naam die ook een code is). Er is niets geschreven; maak het bericht met de hand kleiner en probeer opnieuw.',
    en: 'Something of the original is still in the result (a name that is also a code, say). Nothing was written; cut the message down by hand and try again.',
  },
  'no-message': {
    nl: 'Dit is geen mail, EDIFACT of HL7.',
    en: 'This is no mail, EDIFACT or HL7.',
  },
  'too-large': { nl: 'Dit bestand is groter dan wij lezen.', en: 'This file is larger than what is read.' },
  'binary-part': {
    nl: 'Er zit een bijlage in die niet te vervangen is (geen tekst, PDF, RTF, plaatje of archief). Haal die er eerst uit.',
    en: 'There is a part that cannot be replaced (no text, PDF, RTF, picture or archive). Take it out first.',
  },
  'wide-charset': {
    nl: 'Een deel is in UTF-16; dat wordt niet vervangen.',
    en: 'A part is in UTF-16, which is not scrubbed.',
  },
};

export async function runFixtureAdd(io: Io, options: FixtureAddOptions): Promise<number> {
  const config = loadConfig(io.env, { requiresServices: false });
  await requireCheckout(options.root);
  const original = await readFile(options.file).catch((thrown) => {
    throw new UsageError(`${options.file}: ${errorName(thrown)}`);
  });
  const scrubbed = await scrubFile(original, options.file, options.seed ?? randomBytes(32).toString('hex'));
  if (scrubbed.kind === 'refused') throw new UsageError(say(config, REFUSALS[scrubbed.code]));
  const name = nameOf(scrubbed, options.name);
  const document = await readDocument(scrubbed.bytes, `${name}.${scrubbed.extension}`, loadLaboratoryRegistry());
  const path = join(options.root, 'fixtures', folderOf(scrubbed, document), name);
  await requireNew(`${path}.${scrubbed.extension}`);
  show(io, original, scrubbed, options.isTerminal);
  const question = say(config, {
    nl: `${path}.${scrubbed.extension} schrijven?`,
    en: `Write ${path}.${scrubbed.extension}?`,
  });
  if (!options.yes && !(await options.ask(question))) {
    io.progress(say(config, { nl: 'Niets geschreven.', en: 'Nothing was written.' }));
    return 0;
  }
  await write(path, scrubbed, document);
  io.progress(say(config, WRITTEN));
  return 0;
}

const WRITTEN: Words = {
  nl: 'Geschreven, met wat `inspect` er nu van zegt in .report.json. Lees dat kritisch na: het is wat de lezer ervan maakt, niet wat het laboratorium bedoelde. Lees ook het bericht zelf nog eens, want een vrije bepalingsnaam of code is niet vervangen. `npm test` zegt wat er nog bij hoort (een .bundle.json).',
  en: 'Written, with what `inspect` says of it now in .report.json. Read that critically: it is what the reader makes of it, not what the laboratory meant. Read the message itself once more too: a name of a determination or a code was kept. `npm test` says what else it needs (a .bundle.json).',
};

// In an installation there are no fixtures, and nothing to test.
async function requireCheckout(root: string): Promise<void> {
  const isThere = (path: string) =>
    access(join(root, path)).then(
      () => true,
      () => false,
    );
  if (!(await isThere('fixtures/edifact')) || !(await isThere('test'))) {
    throw new UsageError('fixture add works in a checkout of zorgkoerier only: fixtures/ and test/ are not there');
  }
}

function nameOf({ bytes }: Scrubbed, wanted: string | null): string {
  if (wanted === null) return `scrubbed-${createHash('sha256').update(bytes).digest('hex').slice(0, 10)}`;
  if (/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(wanted)) return wanted;
  throw new UsageError('--name: small letters, digits and hyphens, such as two-specimens; never a person’s name');
}

// rejected/ holds what is not understood. MEDRPT is understood, and kept back for another reason.
function folderOf({ extension }: Scrubbed, { payloads }: InspectDocument): string {
  const isRejected = payloads.some(
    ({ outcome, code }) => outcome === 'quarantined' && (extension === 'eml' || code !== 'edifact.medrpt-not-enabled'),
  );
  if (isRejected) return 'rejected';
  return { edi: 'edifact', hl7: 'hl7', eml: 'mail' }[extension];
}

async function requireNew(path: string): Promise<void> {
  const isTaken = await access(path).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new UsageError(`${path} exists already`);
}

function show(io: Io, original: Buffer, { bytes, extension }: Scrubbed, isTerminal: boolean): void {
  const after = shownLines(bytes, extension);
  io.out((isTerminal ? diffLines(shownLines(original, extension), after) : after).join('\n'));
}

async function write(path: string, { bytes, extension }: Scrubbed, document: InspectDocument): Promise<void> {
  await writeFile(`${path}.${extension}`, bytes, { flag: 'wx' });
  await writeFile(`${path}.report.json`, `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx' });
}
