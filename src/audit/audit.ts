/**
 * The door of audit/: who did what to which record, appended in the transaction of the act (NEN 7513; fields after the
 * DICOM/IHE audit message), and sealed into a chain afterwards.
 *
 * It promises: an act and its row commit together or not at all; no change of a sealed row stays undetected, by whoever
 * does not hold the master key and, where the seals are kept elsewhere too, by whoever does. A worker's role can neither
 * change nor delete rows and seals. Sealing may fall behind; it never holds up an act. Ids, codes and counts only, never values.
 */

export { type ActEntry, type AuditEntry, actValues, appendAudit, appendingPart, type Participants } from './append.ts';
export { type AuditEvent, EVENTS } from './events.ts';
export { type AuditRow, auditRows, type WhoseRows } from './export.ts';
export { keepSealFile, type SealFileAnswer } from './seal-file.ts';
export { openSealer, type Sealer, type SealerOptions, type SealTick } from './sealer.ts';
export { type Finding, type FindingKind, type Verification, type VerifyOptions, verifyAudit } from './verify.ts';

/** The text under the card key that the key of the seals is made from: `keys.mac('card', SEAL_KEY_TEXT)`. */
export const SEAL_KEY_TEXT = 'zorgkoerier audit seals 1';
