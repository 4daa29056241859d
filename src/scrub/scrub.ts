/**
 * The door of scrub/: a real message goes in, the same message about invented people comes out, to be a fixture.
 *
 * It promises: everything that says who it is about, who sent it and who asked for it is replaced, the same by the same
 * wherever it stands in the file (names, numbers, addresses, telephones, accounts); a BSN becomes one of the test range
 * (999…) that passes or fails the 11-test as the original did; all dates move by one number of whole weeks, so that
 * intervals and weekdays stay; free text becomes other words of the same length and case. Every other byte stays: line
 * ends, delimiters, release characters, charset, transfer encoding, counters, wrong counts.
 *
 * What is kept on purpose: codes, names of determinations, units, flags, limits and values that are numbers. A value
 * alone points to nobody, and without its own values a fixture no longer shows how the reader got them wrong: a flag that
 * contradicts its value, a comma for a point, a number with too many digits. With the dates moved and the lab number
 * replaced there is no other record that they could be matched with, but the laboratory's own. A value that is a date
 * moves with the dates; one that is text is replaced as text.
 *
 * Afterwards the result is searched for everything that was replaced, also inside encodings: one find, and there is no
 * result. It never writes, logs or puts content into an error.
 */

export interface Scrubbed {
  readonly kind: 'scrubbed';
  readonly bytes: Buffer;
  readonly extension: 'edi' | 'hl7' | 'eml';
}

export interface NotScrubbed {
  readonly kind: 'refused';
  /** `still-there`: something of the original was found in the result. The others name what cannot be scrubbed. */
  readonly code: 'still-there' | 'no-message' | 'too-large' | 'binary-part' | 'wide-charset';
}

export { scrubFile } from './scrub-file.ts';
export { shownLines } from './shown.ts';
