/**
 * The only list of alarms: what each kind means, whom it calls and what to do. docs/alarms.md is generated from it. A kind is
 * `<what>.<what is the matter>` and is never reused for something else.
 */

/** Whom it calls. hold-owner: who can solve the hold, as its reason says. */
export type AlarmOwner = 'customer-care' | 'operations' | 'hold-owner';

export interface AlarmMeaning {
  /** error: somebody is called now. warn: in working hours. */
  readonly level: 'warn' | 'error';
  readonly owner: AlarmOwner;
  /** What its objects are, as `alarm list` shows them. */
  readonly object: 'mailbox' | 'practice' | 'delivery' | 'registration' | 'stage' | 'target';
  readonly nl: string;
  readonly en: string;
  /** What to do. */
  readonly doNl: string;
  readonly doEn: string;
}

export const ALARM_KINDS = {
  'mailbox.not-polled': {
    level: 'error',
    owner: 'operations',
    object: 'mailbox',
    nl: 'Deze mailbox is te lang niet met goed gevolg bekeken: nieuwe uitslagen blijven liggen.',
    en: 'No look at this mailbox ended well for too long: new results lie still.',
    doNl: 'Kijk met `zorgkoerier status` welke code erbij staat. Bij één mailbox: `practice test AGB`. Bij alle: draait er een worker, en is de mailserver bereikbaar?',
    doEn: '`zorgkoerier status` says the code. One mailbox: `practice test AGB`. All of them: does a worker run, can the mail server be reached?',
  },
  'mailbox.login-refused': {
    level: 'error',
    owner: 'customer-care',
    object: 'mailbox',
    nl: 'De mailserver weigert het wachtwoord van deze mailbox.',
    en: 'The mail server refuses the password of this mailbox.',
    doNl: 'Vraag de praktijk om het nieuwe wachtwoord en zet het met `practice set-password`. Probeer niet te raden: het HIS gebruikt hetzelfde account en kan geblokkeerd raken.',
    doEn: 'Ask the practice for the new password and set it with `practice set-password`. Do not guess: the HIS uses the same account and may be locked out.',
  },
  'mailbox.password-old': {
    level: 'warn',
    owner: 'customer-care',
    object: 'mailbox',
    nl: 'Het wachtwoord van deze mailbox is ouder dan ZORGKOERIER_PASSWORD_DAYS en kan binnenkort verlopen.',
    en: 'The password of this mailbox is older than ZORGKOERIER_PASSWORD_DAYS and may expire soon.',
    doNl: 'Spreek met de praktijk een nieuw wachtwoord af en zet het met `practice set-password` op het moment dat het in het HIS verandert.',
    doEn: 'Agree on a new password with the practice and set it with `practice set-password` in the moment that the HIS gets it.',
  },
  'mailbox.no-mail': {
    level: 'warn',
    owner: 'customer-care',
    object: 'mailbox',
    nl: 'Op deze weekdag komt hier altijd al mail op dit tijdstip, en vandaag nog niet. De mailbox zelf is bereikbaar.',
    en: 'At this time of this weekday mail has always come here, and today none has. The mailbox itself can be reached.',
    doNl: 'Vraag de praktijk of het laboratorium nog naar dit ZorgMail-account stuurt, en of de praktijk gesloten is. Is zij dicht: `alarm mute mailbox.no-mail OBJECT --until …`.',
    doEn: 'Ask whether the laboratory still sends to this ZorgMail account, and whether the practice is closed. If so: `alarm mute mailbox.no-mail OBJECT --until …`.',
  },
  'mailbox.vanished-rate': {
    level: 'error',
    owner: 'customer-care',
    object: 'mailbox',
    nl: 'Meer dan een op de duizend mails van de afgelopen week was verwijderd voordat wij haar zagen.',
    en: 'More than one in a thousand mails of the last week was deleted before we saw it.',
    doNl: 'Laat een kopie op de server naar een eigen mailbox sturen: `practice add-mailbox AGB --mailbox-kind copy`.',
    doEn: 'Have the server copy every mail to a mailbox of our own: `practice add-mailbox AGB --mailbox-kind copy`.',
  },
  'accounting.difference': {
    level: 'error',
    owner: 'operations',
    object: 'mailbox',
    nl: 'De boekhouding van deze mailbox klopt niet: er kan een mail verloren zijn.',
    en: 'The accounting of this mailbox does not add up: a mail may be lost.',
    doNl: 'Draai `zorgkoerier reconcile`, en daarna met `--repair`. Bel de ontwikkelaars als het verschil blijft.',
    doEn: 'Run `zorgkoerier reconcile`, then with `--repair`. Call the developers if the difference stays.',
  },
  'backlog.too-old': {
    level: 'error',
    owner: 'operations',
    object: 'stage',
    nl: 'In deze stap wacht iets langer dan ZORGKOERIER_BACKLOG_WITHIN_MS.',
    en: 'Something waits in this step for longer than ZORGKOERIER_BACKLOG_WITHIN_MS.',
    doNl: 'Kijk in het log of een doel het niet doet (`target fails`), of er een worker draait en of Redis bereikbaar is. Er gaat niets verloren; het komt later.',
    doEn: 'Look in the log whether a target fails (`target fails`), whether a worker runs and Redis can be reached. Nothing is lost; it comes later.',
  },
  'target.login-refused': {
    level: 'error',
    owner: 'operations',
    object: 'target',
    nl: 'Dit doel weigert ons token of wachtwoord: er komt niets meer aan.',
    en: 'This target refuses our token or password: nothing arrives any more.',
    doNl: 'Vernieuw het token of wachtwoord (ZORGKOERIER_CKIS_TOKEN, ZORGKOERIER_CBOARDS_TOKEN, ZORGKOERIER_SMTP_PASSWORD) en herstart de workers.',
    doEn: 'Renew the token or password (ZORGKOERIER_CKIS_TOKEN, ZORGKOERIER_CBOARDS_TOKEN, ZORGKOERIER_SMTP_PASSWORD) and restart the workers.',
  },
  'target.certificate-expiring': {
    level: 'warn',
    owner: 'operations',
    object: 'target',
    nl: 'Het certificaat van dit doel verloopt binnen drie weken, of is verlopen.',
    en: 'The certificate of this target expires within three weeks, or has.',
    doNl: 'Laat de beheerder van dit doel het certificaat vernieuwen. Verlopen betekent dat er niets meer wordt afgeleverd.',
    doEn: 'Have whoever runs this target renew its certificate. Once it has expired nothing is delivered any more.',
  },
  'board.not-propagated': {
    level: 'error',
    owner: 'operations',
    object: 'practice',
    nl: 'Uitslagen van deze praktijk staan op de kaart, maar kwamen niet op tijd op het board.',
    en: 'Results of this practice are on the card and did not reach the board in time.',
    doNl: 'Vraag het team van cKIS of het doorzetten werkt. Daarna `held list` en `held release`: dan kijken wij opnieuw.',
    doEn: 'Ask the cKIS team whether carrying over works. Then `held list` and `held release`: we look again.',
  },
  'registration.no-receipt': {
    level: 'error',
    owner: 'customer-care',
    object: 'registration',
    nl: 'Een registratie is verzonden en het HIS heeft niet gezegd dat zij is aangekomen.',
    en: 'A registration was sent, and nothing said that it arrived at the HIS.',
    doNl: 'Bel de praktijk en vraag of de tekst in het HIS staat. Zo niet, dan moet zij opnieuw worden gestuurd.',
    doEn: 'Call the practice and ask whether the text is in the HIS. If not, it has to be sent again.',
  },
  'hold.owner': {
    level: 'warn',
    owner: 'hold-owner',
    object: 'delivery',
    nl: 'Een uitslag wacht al twee werkdagen op een besluit.',
    en: 'A result has waited two working days for a decision.',
    doNl: '`held show OBJECT` zegt waarom en wie aan zet is.',
    doEn: '`held show OBJECT` says why, and whose turn it is.',
  },
  'hold.customer-care': {
    level: 'error',
    owner: 'customer-care',
    object: 'delivery',
    nl: 'Een uitslag wacht al vijf werkdagen op een besluit.',
    en: 'A result has waited five working days for a decision.',
    doNl: 'Bel wie aan zet is (`held show OBJECT`) en besluit vandaag.',
    doEn: 'Call whose turn it is (`held show OBJECT`) and decide today.',
  },
} as const satisfies Record<string, AlarmMeaning>;

export type AlarmKind = keyof typeof ALARM_KINDS;

export function isAlarmKind(kind: string): kind is AlarmKind {
  return Object.hasOwn(ALARM_KINDS, kind);
}

/** null: a kind of another version. */
export function meaningOf(kind: string): AlarmMeaning | null {
  return isAlarmKind(kind) ? ALARM_KINDS[kind] : null;
}
