/** Every event that is audited, with what NEN 7513 asks of its kind: the action, the type, and the purpose it served. */

/** Create, read, update, delete, execute: the event action codes of the DICOM audit message. */
export type AuditAction = 'C' | 'R' | 'U' | 'D' | 'E';

/** What happened, in the words of NEN 7513; `administration` and `processing` are what it does not name. */
export type AuditType =
  | 'create'
  | 'read'
  | 'search'
  | 'update'
  | 'delete'
  | 'transfer'
  | 'authorisation'
  | 'log-access'
  | 'administration'
  | 'processing';

/** HL7 PurposeOfUse: treatment, health system administration, health compliance. */
export type AuditPurpose = 'TREAT' | 'HSYSADMIN' | 'HCOMPL';

export interface EventFacts {
  readonly action: AuditAction;
  readonly type: AuditType;
  readonly purpose: AuditPurpose;
}

const care = (action: AuditAction, type: AuditType): EventFacts => ({ action, type, purpose: 'TREAT' });
const office = (action: AuditAction, type: AuditType): EventFacts => ({ action, type, purpose: 'HSYSADMIN' });
const log = (): EventFacts => ({ action: 'R', type: 'log-access', purpose: 'HCOMPL' });

export const EVENTS = {
  'practice.added': office('C', 'administration'),
  'mailbox.added': office('C', 'administration'),
  'mailbox.linked': office('U', 'authorisation'),
  'mailbox.tested': office('E', 'administration'),
  'mailbox.password-set': office('U', 'authorisation'),
  'mailbox.older-assigned': office('U', 'administration'),
  'mailbox.repaired': office('U', 'administration'),
  'mailbox.epoch-opened': office('C', 'administration'),
  'mailbox.epoch-closed': office('U', 'administration'),
  'integration.enabled': office('U', 'authorisation'),
  'integration.paused': office('U', 'authorisation'),
  'integration.disabled': office('U', 'authorisation'),
  'integration.vanished-accepted': office('U', 'authorisation'),
  'laboratory.accepted': office('U', 'authorisation'),
  // The systems that may post registrations, and their keys.
  'source.added': office('C', 'authorisation'),
  'source.rotated': office('U', 'authorisation'),
  'source.key-revoked': office('U', 'authorisation'),
  'source.revoked': office('U', 'authorisation'),
  // In from the mailbox: a batch, since nobody knows yet whose mail it is.
  'mails.copied': care('C', 'transfer'),
  'mails.looked-at': care('R', 'read'),
  'mail.replayed': care('E', 'processing'),
  'report.read': care('C', 'create'),
  // A card was looked for under the patient's BSN, or the card or the board looked into.
  'report.looked-up': care('E', 'search'),
  // Out to another system: one event per patient, since a report is one patient's.
  'report.forwarded': care('C', 'transfer'),
  'report.written-to-board': care('C', 'transfer'),
  // Taken back from the card and board of a patient whose it never was.
  'report.retracted': care('U', 'transfer'),
  'report.withheld': care('D', 'delete'),
  'report.held': care('U', 'processing'),
  'report.shown': care('R', 'read'),
  'report.released': care('U', 'update'),
  'report.overridden': care('U', 'update'),
  // By the first of two persons, where two are needed.
  'report.discard-asked': care('U', 'update'),
  'report.discarded': care('D', 'delete'),
  // What came back about it: from whom it was for, or from a mail system on the way.
  'registration.answered': care('U', 'processing'),
  // In from the system where it was written, for one patient.
  'registration.accepted': care('C', 'transfer'),
  // As mails, with their control references.
  'registration.rendered': care('C', 'create'),
  // Out to the HIS: the relay took every part.
  'registration.sent': care('C', 'transfer'),
  'registration.held': care('U', 'processing'),
  'registration.shown': care('R', 'read'),
  // Rendered, and then not sent: the practice went into shadow.
  'registration.shadowed': care('U', 'processing'),
  'registration.retried': care('U', 'update'),
  'registration.discard-asked': care('U', 'update'),
  'registration.discarded': care('D', 'delete'),
  'alarm.muted': office('U', 'administration'),
  'alarm.unmuted': office('U', 'administration'),
  'ledger.restored': office('E', 'administration'),
  'keys.rotated': office('C', 'administration'),
  'keys.master-rotated': office('U', 'administration'),
  'keys.destroyed': office('D', 'delete'),
  'practice.shredded': office('D', 'delete'),
  'mailbox.shredded': office('D', 'delete'),
  'content.pruned': office('D', 'delete'),
  'audit.exported': log(),
  'audit.verified': log(),
} as const satisfies Record<string, EventFacts>;

export type AuditEvent = keyof typeof EVENTS;
