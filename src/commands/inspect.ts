/**
 * `zorgkoerier inspect FILE…`: what we understand of a mail or a bare payload, without a database or a network.
 * With --json one document per file (formats/lab-report.md), one per line; else a view for people.
 */

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type LaboratoryRegistry, loadLaboratoryRegistry, type PayloadReading, readMailContents } from '../lab/lab.ts';
import { openFile } from '../mail/mail.ts';
import { errorName } from '../shared/failure.ts';
import { type Language, showDocument } from './show-report.ts';

export interface InspectDocument {
  /** The base name: a path may hold a person's name, and a fixture must not depend on where it lies. */
  readonly file: string;
  readonly payloads: readonly PayloadReading[];
}

export interface InspectOptions {
  readonly isJson: boolean;
  /** Another registry than the one that comes with the program, or null. */
  readonly laboratoriesPath: string | null;
  /** A mapping of determination codes over the one that comes with the program, or null. */
  readonly determinationsPath?: string | null;
  readonly language: Language;
  /** Bold and colour, for a terminal only. */
  readonly isColoured?: boolean;
}

/** Everything our readers say of one file. */
export async function readDocument(
  bytes: Buffer,
  fileName: string,
  registry: LaboratoryRegistry,
): Promise<InspectDocument> {
  const file = basename(fileName);
  return { file, payloads: readMailContents(await openFile(bytes, file), registry) };
}

/**
 * Prints every file in the order given; `-` is standard input. Exit code 2 when a file could not be read, else 3 when
 * something was quarantined, else 0. A file that is not there does not keep the others from being printed.
 * `out` and `complain` get one text at a time and end its line themselves.
 */
export async function inspectFiles(
  files: readonly string[],
  options: InspectOptions,
  out: (text: string) => void,
  readStdin: () => Promise<Buffer>,
  complain: (text: string) => void = (text) => process.stderr.write(`${text}\n`),
): Promise<0 | 2 | 3> {
  const registry = loadLaboratoryRegistry(options.laboratoriesPath ?? undefined, options.determinationsPath ?? null);
  let isAnyMissing = false;
  let isAnyQuarantined = false;
  for (const path of files) {
    const bytes = await bytesOf(path, readStdin).catch((thrown: unknown) => {
      complain(`${path}: ${errorName(thrown)}`);
      return null;
    });
    if (bytes === null) {
      isAnyMissing = true;
      continue;
    }
    const document = await readDocument(bytes, path, registry);
    isAnyQuarantined ||= document.payloads.some((payload) => payload.outcome === 'quarantined');
    out(options.isJson ? JSON.stringify(document) : `${showDocument(document, options)}\n`);
  }
  if (isAnyMissing) return 2;
  return isAnyQuarantined ? 3 : 0;
}

async function bytesOf(path: string, readStdin: () => Promise<Buffer>): Promise<Buffer> {
  return path === '-' ? readStdin() : readFile(path);
}
