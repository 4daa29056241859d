/** A registration that is right, to change one thing of. */

import { EXAMPLE_REGISTRATION } from '../../src/commands/render-medvri.ts';
import {
  DEFAULT_RECEIVER,
  type MedvriInterchange,
  type MedvriPlan,
  planMedvri,
  type Receiver,
  type Registration,
  writeMedvri,
} from '../../src/registration/registration.ts';

export const REGISTRATION: Registration = { ...EXAMPLE_REGISTRATION, text: 'Patiënte belde over haar medicijnen.' };

export const SENT = { from: '500066001', sentAt: new Date('2026-11-25T10:16:00+01:00') };

export function planned(change: Partial<Registration>, receiver: Receiver = DEFAULT_RECEIVER): MedvriPlan {
  const plan = planMedvri({ ...REGISTRATION, ...change }, receiver);
  if (plan.kind === 'refused') throw new Error(JSON.stringify(plan.problems));
  return plan;
}

export function referencesFor({ parts }: MedvriPlan): readonly string[] {
  return parts.map((_, index) => `CS${String(index + 1).padStart(12, '0')}`);
}

export function written(change: Partial<Registration>, receiver?: Receiver): readonly MedvriInterchange[] {
  const plan = planned(change, receiver);
  return writeMedvri(plan, { ...SENT, references: referencesFor(plan) });
}
