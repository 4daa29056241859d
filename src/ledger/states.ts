/**
 * The states of a delivery, and of a registration, and who may leave them. One row per state; ARCHITECTURE.md draws both.
 * A mail has only `assigned → copied → read`; what became of it is the first outcome of its deliveries (view mail_outcome).
 */

export interface StateRow<State extends string = DeliveryState> {
  /** At rest: nothing happens any more unless a person acts. */
  readonly isAtRest: boolean;
  /** Where it may go from here, and by which function. */
  readonly leaves: readonly { readonly to: State; readonly by: string }[];
}

export type DeliveryState =
  | 'ready'
  | 'sending'
  | 'uncertain'
  | 'forwarded'
  | 'no-card'
  | 'shadowed'
  | 'duplicate'
  | 'held'
  | 'quarantined'
  | 'discarded';

export const DELIVERY_STATES: Readonly<Record<DeliveryState, StateRow>> = {
  ready: {
    isAtRest: false,
    leaves: [
      { to: 'sending', by: 'claimDelivery' },
      { to: 'discarded', by: 'discardDisabled, discardShredded' },
    ],
  },
  sending: {
    isAtRest: false,
    leaves: [
      { to: 'ready', by: 'postponeDelivery' },
      { to: 'uncertain', by: 'claimDelivery, postponeDelivery' },
      { to: 'forwarded', by: 'settleDelivery' },
      { to: 'no-card', by: 'settleDelivery' },
      { to: 'shadowed', by: 'settleDelivery' },
      { to: 'held', by: 'settleDelivery' },
    ],
  },
  uncertain: {
    isAtRest: false,
    leaves: [
      { to: 'uncertain', by: 'claimDelivery, postponeDelivery' },
      { to: 'sending', by: 'clearUncertain' },
      { to: 'forwarded', by: 'settleDelivery' },
      { to: 'no-card', by: 'settleDelivery' },
      { to: 'shadowed', by: 'settleDelivery' },
      { to: 'held', by: 'settleDelivery' },
    ],
  },
  forwarded: { isAtRest: true, leaves: [] },
  'no-card': { isAtRest: true, leaves: [] },
  shadowed: { isAtRest: true, leaves: [] },
  duplicate: { isAtRest: true, leaves: [] },
  held: {
    isAtRest: true,
    leaves: [
      { to: 'ready', by: 'releaseHeld' },
      { to: 'duplicate', by: 'releaseHeld (joined to a hold that was released)' },
      { to: 'discarded', by: 'discardHeld, discardShredded' },
    ],
  },
  quarantined: {
    isAtRest: true,
    leaves: [
      { to: 'ready', by: 'releaseHeld (reads the mail again)' },
      { to: 'discarded', by: 'discardHeld, discardShredded' },
    ],
  },
  discarded: { isAtRest: true, leaves: [] },
};

export function isAtRest(state: DeliveryState): boolean {
  return DELIVERY_STATES[state].isAtRest;
}

export type RegistrationState =
  | 'accepted'
  | 'queued'
  | 'sending'
  | 'uncertain'
  | 'sent'
  | 'delivered'
  | 'bounced'
  | 'held'
  | 'shadowed'
  | 'discarded';

export const REGISTRATION_STATES: Readonly<Record<RegistrationState, StateRow<RegistrationState>>> = {
  accepted: {
    isAtRest: false,
    leaves: [
      { to: 'queued', by: 'settleAccepted' },
      { to: 'shadowed', by: 'settleAccepted' },
      { to: 'held', by: 'settleAccepted, holdSwitchedOff' },
      { to: 'discarded', by: 'discardShreddedRegistrations' },
    ],
  },
  queued: {
    isAtRest: false,
    leaves: [
      { to: 'sending', by: 'claimRegistration' },
      { to: 'uncertain', by: 'claimRegistration (released while a part is uncertain)' },
      { to: 'accepted', by: 'settleChangedReceivers (to be rendered anew)' },
      { to: 'held', by: 'holdSwitchedOff, settleChangedReceivers' },
      { to: 'discarded', by: 'discardShreddedRegistrations' },
    ],
  },
  sending: {
    isAtRest: false,
    leaves: [
      { to: 'queued', by: 'postponeRegistration' },
      { to: 'uncertain', by: 'claimRegistration, postponeRegistration, distrustRegistrations' },
      { to: 'sent', by: 'settleRegistration, settleByReceipts (its worker died)' },
      { to: 'shadowed', by: 'settleRegistration' },
      { to: 'held', by: 'settleRegistration' },
      { to: 'delivered', by: 'settleByReceipts (its worker died)' },
      { to: 'bounced', by: 'settleByReceipts (its worker died)' },
    ],
  },
  uncertain: {
    isAtRest: false,
    leaves: [
      { to: 'queued', by: 'postponeRegistration, settleByReceipts (a receipt was read)' },
      { to: 'sending', by: 'claimRegistration (a receipt was read)' },
      { to: 'uncertain', by: 'claimRegistration, postponeRegistration' },
      { to: 'sent', by: 'settleRegistration, settleByReceipts' },
      { to: 'held', by: 'settleRegistration' },
      { to: 'delivered', by: 'settleByReceipts' },
      { to: 'bounced', by: 'settleByReceipts' },
    ],
  },
  sent: {
    isAtRest: false,
    leaves: [
      { to: 'delivered', by: 'settleByReceipts' },
      { to: 'bounced', by: 'settleByReceipts' },
    ],
  },
  delivered: { isAtRest: true, leaves: [{ to: 'bounced', by: 'settleByReceipts (refused later)' }] },
  bounced: {
    isAtRest: true,
    leaves: [
      { to: 'queued', by: 'retrySame' },
      { to: 'accepted', by: 'retryAnew' },
      { to: 'discarded', by: 'discardHeldRegistration, discardShreddedRegistrations' },
    ],
  },
  held: {
    isAtRest: true,
    leaves: [
      { to: 'queued', by: 'retrySame' },
      { to: 'accepted', by: 'retryAnew, retrySame (never rendered)' },
      { to: 'discarded', by: 'discardHeldRegistration, discardShreddedRegistrations' },
      { to: 'delivered', by: 'settleByReceipts (a part was in doubt)' },
      { to: 'bounced', by: 'settleByReceipts (a part was in doubt)' },
    ],
  },
  shadowed: { isAtRest: true, leaves: [] },
  discarded: { isAtRest: true, leaves: [] },
};

/** What a mail counts as, in order of precedence where its reports differ (DESIGN §3). */
export const OUTCOMES = [
  'waiting',
  'held',
  'quarantined',
  'shadowed',
  'forwarded',
  'discarded',
  'no-card',
  'duplicate',
  'not-lab',
  'receipt',
  'vanished',
] as const;
export type MailOutcome = (typeof OUTCOMES)[number];
