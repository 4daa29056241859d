/**
 * The door of delivery/board: a result that is on the card must also be on the boards of a practice that uses cBoards.
 *
 * Two kinds of installation. by-ckis: cKIS and cBoards are connected; we only check that the result, or its retraction,
 * became visible. by-us: we write the same resources to cBoards after the card has them, as repeatably as to the card.
 * It never holds back `forwarded`: the card is where the promise is kept.
 */

import type { LabPatient } from '../../lab/lab.ts';
import type { NamedCard, ReportContent, ReportTrace, Retraction, WriteAnswer } from '../patient-card/patient-card.ts';

export type BoardMode = 'none' | 'by-ckis' | 'by-us';

export type BoardCheck =
  | { readonly kind: 'visible' }
  /** How many of the results are missing or still in an older version there. */
  | { readonly kind: 'not-yet'; readonly missing: number };

export interface Board {
  /** Whether the target says of itself that it is a sandbox (/metadata). */
  isSandbox(): Promise<boolean>;
  /** by-ckis: is every result of this report there, in this version or a newer one? */
  check(content: ReportContent, trace: ReportTrace): Promise<BoardCheck>;
  /**
   * by-us: finds the patient there as on the card and writes the same resources. none: the patient has no board.
   * `named`: the board (its Patient id there) that a person named, else null.
   */
  write(
    patient: LabPatient,
    content: ReportContent,
    trace: ReportTrace,
    named: NamedCard | null,
  ): Promise<WriteAnswer | { readonly kind: 'none' }>;
  /** by-us: takes back what stands under these identifiers, as on the card. */
  retract(retraction: Retraction): Promise<WriteAnswer>;
  /** by-ckis: how many of them are still in sight. */
  countUnretracted(retraction: Retraction): Promise<number>;
}

export { type BoardOptions, type OpenBoard, openBoard } from './open-board.ts';
