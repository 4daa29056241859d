/** The boards of one cBoards installation, over the same FHIR R4 as the cards. */

import { openPatientCard, type PatientCardOptions } from '../patient-card/patient-card.ts';
import type { Board } from './board.ts';

export type BoardOptions = Omit<PatientCardOptions, 'target'>;

/** The door, and how to let go of its connections. */
export interface OpenBoard extends Board {
  release(): Promise<void>;
}

/**
 * cBoards is read and written with the patient card's own code: the same identifiers, the same rules of what is newest,
 * so a report that cKIS propagated and one that we write ourselves can never stand beside each other.
 */
export function openBoard(options: BoardOptions): OpenBoard {
  const boards = openPatientCard({ ...options, target: 'board' });
  return {
    async check(content, trace) {
      const missing = await boards.countMissing(content, trace, null);
      return missing === 0 ? { kind: 'visible' } : { kind: 'not-yet', missing };
    },
    isSandbox: () => boards.isSandbox(),
    async write(patient, content, trace, named) {
      const { practiceAgb } = trace;
      const answer =
        named === null
          ? await boards.find(patient, practiceAgb)
          : await boards.findById(named.patientId, patient, practiceAgb, named.overridden);
      if (answer.kind === 'none') return answer;
      if (answer.kind === 'held') return { ...answer, detail: null };
      return boards.write(answer.card, content, trace);
    },
    retract: (retraction) => boards.retract(null, retraction),
    countUnretracted: (retraction) => boards.countUnretracted(retraction),
    release: () => boards.release(),
  };
}
