/**
 * The only list of reasons: why something is held, quarantined or at rest in a way that a person may ask about.
 * The runbook (docs/runbook.md) is generated from it. A code is `<folder>.<what>` and is never reused for something else.
 */

/** held: understood, but a person must decide. quarantined: not understood. settled: at rest, no decision asked. */
export type ReasonOutcome = 'held' | 'quarantined' | 'settled';
/** Who can solve it. */
export type ReasonOwner = 'practice' | 'laboratory' | 'us';
/** What may be decided; every decision is audited and needs a reason. */
export type ReasonAction =
  /** All checks run again: only where they can end otherwise than before. */
  | 'release'
  /** Release in the knowledge of it: this one check is passed over, all others run again. */
  | 'acknowledge'
  /** Release to the card that the practice confirmed: as acknowledge, for a doubt about whose it is. */
  | 'override'
  /** Release as a number that the laboratory uses anew: both patients keep their results. */
  | 'number-reused'
  /** Release after what was delivered under the number is taken back from the first patient. */
  | 'retract-first'
  /** Release in the place of the earlier result: one determination, under another code. */
  | 'same-determination'
  /** Of a registration: it goes to the HIS again, the same mails or, with --anew, under new control references. */
  | 'retry'
  | 'discard';

export interface Reason {
  readonly outcome: ReasonOutcome;
  readonly owner: ReasonOwner;
  readonly actions: readonly ReasonAction[];
  /** What is the matter and what to do, for Customer Care. */
  readonly nl: string;
  /** The same for developers. */
  readonly en: string;
}

const DECIDE: readonly ReasonAction[] = ['release', 'discard'];
const IDENTITY: readonly ReasonAction[] = ['release', 'discard', 'override'];
const KNOWINGLY: readonly ReasonAction[] = ['acknowledge', 'discard'];
const NUMBER: readonly ReasonAction[] = [...IDENTITY, 'number-reused', 'retract-first'];
const DETERMINATION: readonly ReasonAction[] = ['same-determination', 'acknowledge', 'discard'];
const RESEND: readonly ReasonAction[] = ['retry', 'discard'];
// What is wrong stands in the report itself: no check could ever end otherwise.
const DISCARD: readonly ReasonAction[] = ['discard'];

function held(owner: ReasonOwner, nl: string, en: string, actions = DECIDE): Reason {
  return { outcome: 'held', owner, actions, nl, en };
}
function quarantined(owner: ReasonOwner, nl: string, en: string, actions = DECIDE): Reason {
  return { outcome: 'quarantined', owner, actions, nl, en };
}
function settled(owner: ReasonOwner, nl: string, en: string): Reason {
  return { outcome: 'settled', owner, actions: [], nl, en };
}

export const REASONS = {
  // mail
  'mail.too-large': quarantined(
    'laboratory',
    'De mail is groter dan wij lezen. Vraag het laboratorium om een kleiner bericht en wijs deze dan af.',
    'The mail is over a limit (bytes, header, parts, decoded bytes, reports) and was not read; ask the laboratory for a smaller one, then discard this one.',
    DISCARD,
  ),
  'mail.malformed': quarantined(
    'us',
    'De mail is technisch niet te openen. Ontwikkelaars kijken ernaar.',
    'The MIME structure could not be read; inspect the mail.',
  ),
  'mail.resembles-laboratory': quarantined(
    'us',
    'Een deel lijkt op een laboratoriumbericht, maar begint niet zoals het hoort.',
    'A part resembles EDIFACT or HL7 but does not start as one.',
  ),
  'mail.encrypted': quarantined(
    'laboratory',
    'De mail is versleuteld (S/MIME of PGP); de inhoud is niet te lezen.',
    'The mail is encrypted; its content cannot be read.',
  ),
  'mail.attachment-unclear': quarantined(
    'practice',
    'Bij de mail zit een bijlage, maar er zijn meer berichten; bij welke patiënt de bijlage hoort is niet te zien.',
    'A document stands beside more than one payload; it was offered to none of them.',
  ),
  'mail.reader-failed': quarantined(
    'us',
    'Bij het lezen ging bij ons iets mis. De mail is bewaard; ontwikkelaars kijken ernaar.',
    'Our reader failed on this mail (a defect); the bytes are kept.',
  ),
  'mail.poisonous': quarantined(
    'us',
    'Het lezen van deze mail is twee keer niet afgekomen: het duurde te lang of kostte te veel geheugen. De mail is bewaard en andere mail gaat gewoon door. Ontwikkelaars kijken ernaar; geef vrij na een verbetering.',
    'Reading was begun twice and did not end (over its time or memory, or the process died): not begun a third time; the bytes are kept. Find what the reader does on them, fix it, then release: it is read in a thread, once, and comes back here if that does not end either.',
  ),
  // EDIFACT
  'edifact.syntax': quarantined(
    'laboratory',
    'Het EDIFACT-bericht is niet goed opgebouwd.',
    'The EDIFACT is not well-formed.',
  ),
  'edifact.truncated': quarantined(
    'laboratory',
    'Het EDIFACT-bericht houdt te vroeg op. Vraag het laboratorium het opnieuw te sturen.',
    'The EDIFACT ends in the middle of a message.',
  ),
  'edifact.too-large': quarantined(
    'laboratory',
    'Het EDIFACT-bericht is groter dan wij lezen. Vraag het laboratorium om een kleiner bericht.',
    'The EDIFACT is over a limit of bytes, messages, segments, elements or components.',
  ),
  'edifact.no-message': quarantined(
    'laboratory',
    'Er zit geen bericht in de EDIFACT-uitwisseling.',
    'There is no UNH in the interchange.',
  ),
  'edifact.unknown-message': quarantined(
    'us',
    'Dit soort EDIFACT-bericht kennen wij niet.',
    'The UNH names a message type that is not known.',
  ),
  'edifact.no-patient': quarantined('laboratory', 'In het bericht staat geen patiënt.', 'There is no PID segment.'),
  'edifact.patient-repeated': quarantined(
    'laboratory',
    'In één bericht staan twee patiënten.',
    'There is more than one PID segment in one message.',
  ),
  'edifact.birth-date': quarantined(
    'laboratory',
    'De geboortedatum van de patiënt is niet te lezen.',
    'The birth date in PID cannot be read.',
  ),
  'edifact.no-results': quarantined(
    'laboratory',
    'In het bericht staan geen uitslagen, aanvragen of tekst.',
    'There is no determination, pending determination or text.',
  ),
  'edifact.no-specimen': quarantined(
    'laboratory',
    'Een uitslag staat niet bij een materiaal (DET en IDE ontbreken).',
    'There is no DET with IDE.',
  ),
  'edifact.columns-slipped': held(
    'laboratory',
    'Een bepaling heeft meer velden dan kan; waarde, eenheid of grenzen kunnen verschoven zijn. Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'A determination has more filled elements than it can have: its columns may have slipped. Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'edifact.medrpt-not-enabled': quarantined(
    'us',
    'MEDRPT is voor dit laboratorium nog niet aangezet.',
    'MEDRPT is not enabled for this laboratory.',
  ),
  'edifact.zorgmail-xml': quarantined(
    'us',
    'Het bericht is in ZorgMail-XML; dat lezen wij niet. Vraag ZorgMail om EDIFACT of HL7.',
    'ZorgMail XML is recognised, but not read.',
  ),
  // HL7
  'hl7.syntax': quarantined('laboratory', 'Het HL7-bericht is niet goed opgebouwd.', 'The HL7 is not well-formed.'),
  'hl7.too-large': quarantined(
    'laboratory',
    'Het HL7-bericht is groter dan wij lezen. Vraag het laboratorium om een kleiner bericht.',
    'The HL7 is over a limit of bytes, messages, segments, fields, repetitions, components or encoded document.',
  ),
  'hl7.no-patient': quarantined(
    'laboratory',
    'In het bericht staat geen patiënt.',
    'There is no PID segment before the results.',
  ),
  'hl7.two-bsns': quarantined(
    'laboratory',
    'Bij één patiënt staan twee verschillende BSN’s.',
    'One PID has two different BSNs.',
  ),
  'hl7.birth-date': quarantined(
    'laboratory',
    'De geboortedatum van de patiënt is niet te lezen.',
    'PID-7 cannot be read.',
  ),
  'hl7.no-results': quarantined('laboratory', 'In het bericht staan geen uitslagen.', 'There is no OBR with results.'),
  'hl7.no-order': quarantined(
    'laboratory',
    'Een uitslag staat niet bij een aanvraag (OBR ontbreekt ervoor).',
    'An OBX or SPM stands before its OBR.',
  ),
  'hl7.unknown-segment': held(
    'laboratory',
    'Na een uitslag staat een regel die wij niet herkennen; er kan tekst van de uitslag ontbreken. Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'A segment name that HL7 does not have: perhaps a wrapped line of text, then missing from the result above it. Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'hl7.unknown-message': quarantined(
    'us',
    'Dit soort HL7-bericht kennen wij niet.',
    'MSH-9 names a message type that is not known, or one with results that is not read.',
  ),
  'hl7.charset': quarantined(
    'laboratory',
    'De tekenset van het bericht is onbekend.',
    'MSH-18 names a charset that is not known, or that the bytes do not fit.',
  ),
  'hl7.status-missing': held(
    'laboratory',
    'Bij een uitslag ontbreekt of klopt de status niet (voorlopig, definitief, gecorrigeerd). Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'The status (OBX-11, or STS and S18 of MEDRPT) is empty or unknown. Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'hl7.document-unreadable': held(
    'laboratory',
    'Bij de uitslag hoort een document dat niet te openen is. Vraag het laboratorium het opnieuw te sturen en wijs dit bericht dan af; vrijgeven zet de uitslagen op de kaart zonder het document.',
    'OBX-5 of type ED cannot be decoded, so a document is missing. Ask for it again and discard, or release in the knowledge of it: the results go to the card without it.',
    KNOWINGLY,
  ),
  'hl7.document-retracted': held(
    'practice',
    'Het laboratorium trekt een document in. Welk document op de kaart dat is, zegt het bericht niet. Haal het zelf van de kaart en geef dit bericht dan vrij: de intrekking komt dan op de kaart.',
    'A document (OBX of type ED) is retracted, and nothing says which one on the card. Remove it there by hand, then release: the retraction of its row is written.',
    KNOWINGLY,
  ),
  'hl7.nothing-to-confirm': held(
    'laboratory',
    'Een uitslag wordt definitief verklaard, maar wij kennen de voorlopige niet. Geef vrij zodra die op de kaart staat; komt hij niet, vraag het laboratorium de hele uitslag te sturen en wijs dit bericht af.',
    'OBX-11 = U, but nothing is stored to confirm. Release once the preliminary result is on the card, else ask for the whole result.',
  ),
  // lab
  'lab.test-message': quarantined(
    'laboratory',
    'Een testbericht van het laboratorium; het gaat nooit naar een kaart.',
    'A test message (UNB.11 or MSH-11).',
  ),
  'lab.no-bsn': held(
    'laboratory',
    'Het bericht heeft geen BSN, en de praktijk heeft een kaart met deze geboortedatum. Vraag de praktijk of de uitslag van die patiënt is; wijs dan de kaart aan, of wijs het bericht af.',
    'No BSN, and the practice has an active card with this birth date. Ask the practice whose it is; then name the card or discard.',
    IDENTITY,
  ),
  'lab.bsn-invalid': held(
    'laboratory',
    'Het BSN is ongeldig, en de praktijk heeft een kaart met deze geboortedatum. Vraag de praktijk of de uitslag van die patiënt is; wijs dan de kaart aan, of wijs het bericht af.',
    'The BSN fails the 11-test, and the practice has an active card with this birth date. Ask the practice whose it is; then name the card or discard.',
    IDENTITY,
  ),
  'lab.no-lab-number': held(
    'laboratory',
    'Het labnummer ontbreekt. Zonder dat nummer is deze uitslag niet van een andere te onderscheiden. Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'No lab number (IDE.2, OBR-3): results of different requests would share their keys. Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'lab.no-collection-date': held(
    'laboratory',
    'De afnamedatum ontbreekt of is niet te lezen. Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'The collection date (DET, OBR-7) is missing or cannot be read. Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'lab.determination-unnamed': held(
    'laboratory',
    'Bij een uitslag staat niet welke bepaling het is: geen naam en geen code. Vraag het laboratorium het goed te sturen of voer de uitslag met de hand in, en wijs dit bericht dan af.',
    'A result has neither a name nor a code (BEP.2 and BEP.9, OBX-3). Ask for a correct message or enter it by hand, then discard.',
    DISCARD,
  ),
  'lab.unknown-sender': held(
    'us',
    'Het eerste bericht van een laboratorium dat wij nog niet kennen. Vrijgeven betekent: dit laboratorium is in orde; al zijn berichten die hierop wachten gaan mee.',
    'First report of an unknown laboratory; its release accepts the laboratory, and releases all that waits for the same.',
  ),
  'lab.key-changed': held(
    'us',
    'Onder hetzelfde labnummer komt een bepaling terug onder een andere code, of vaker of minder vaak dan eerst. Vraag het laboratorium of het dezelfde bepaling is. Zo ja: vrijgeven met --same-determination, dan komt hij op de plaats van de eerdere en staat er één op de kaart. Zo nee: bewust vrijgeven, dan staan beide op de kaart. Niet zeker: afwijzen en met de hand invoeren.',
    'The same name came under another code, or equals in another number, under one lab number. Same determination: it takes the earlier one’s place, one row. Acknowledged: both stand on the card.',
    DETERMINATION,
  ),
  'lab.number-retracted': settled(
    'laboratory',
    'Het labnummer bleek van een andere patiënt. Op de kaart is de uitslag ingetrokken; hij komt niet meer op het board.',
    'The number was taken back from this patient before the board had it; it is not written there any more.',
  ),
  'lab.number-other-patient': held(
    'laboratory',
    'Ditzelfde labnummer hoorde in de afgelopen 90 dagen bij een andere patiënt; held show noemt beide kaarten. Vraag het laboratorium van wie de uitslagen zijn. Is het nummer hergebruikt: vrijgeven met --number-reused, beide patiënten houden hun uitslag. Was de eerste fout: vrijgeven met --retract-first, dan wordt daar alles onder dit nummer ingetrokken en pas daarna afgeleverd. Is deze fout: afwijzen.',
    'The lab number was seen under another patient within 90 days; held show names both cards. Reused: both keep their results. Retract first: what the first patient has under the number is taken back, then this is delivered. Naming the card also treats it as reused.',
    NUMBER,
  ),
  'lab.same-time-conflict': held(
    'laboratory',
    'Twee berichten van hetzelfde moment geven voor dezelfde bepaling een andere uitslag. Vraag het laboratorium welke klopt en om een gecorrigeerd bericht, en wijs dit bericht daarna af.',
    'Equal versions with different values, neither marked corrected. Ask the laboratory for a corrected message, then discard this one.',
  ),
  'lab.preliminary-after-retraction': held(
    'laboratory',
    'Het laboratorium trok deze uitslag in (of kon hem niet bepalen) en stuurde daarna een voorlopige. Op de kaart blijft de intrekking staan tot de definitieve komt. Vraag het laboratorium naar de definitieve uitslag; staat die op de kaart, geef dan vrij of wijs af.',
    'A preliminary that was sent after a retraction or cancellation is not shown over it, since what was retracted could come back over the preliminary. Once the final one is on the card, release or discard.',
  ),
  'lab.reference-conflict': held(
    'laboratory',
    'Twee berichten met hetzelfde kenmerk hebben een andere inhoud. Vraag het laboratorium of beide kloppen: zo ja, geef dan vrij; zo nee, wijs af.',
    'Same reference and time, other content, neither marked corrected. Release it only when the laboratory says that both are right.',
    KNOWINGLY,
  ),
  'lab.reader-changed': held(
    'us',
    'Bij opnieuw lezen kwam er iets anders uit dan de eerste keer.',
    'Reading again gave another answer than before.',
  ),
  // card
  'card.several': held(
    'practice',
    'De patiënt heeft meer dan één actieve kaart bij deze praktijk. Voeg ze samen en geef daarna vrij, of wijs de juiste kaart aan.',
    'Several active cards of this practice have this BSN: merge them and release, or name the card.',
    IDENTITY,
  ),
  'card.birth-date-differs': held(
    'practice',
    'De geboortedatum in het bericht is anders dan op de kaart. Is het toch deze patiënt, wijs dan de kaart aan; verbeter zo nodig eerst de kaart en geef vrij.',
    'The birth date differs from the card. Name the card if the practice says that it is this patient.',
    IDENTITY,
  ),
  'card.name-differs': held(
    'practice',
    'De achternaam in het bericht is anders dan op de kaart. Is het toch deze patiënt, wijs dan de kaart aan; verbeter zo nodig eerst de kaart en geef vrij.',
    'Neither surname is like the card’s. Name the card if the practice says that it is this patient.',
    IDENTITY,
  ),
  'card.override-unknown': held(
    'us',
    'De aangewezen kaart is geen actieve kaart van deze praktijk. Er is niets geschreven. Geef vrij: de eerste reden komt dan terug, en de juiste kaart kan worden aangewezen.',
    'The named card is none of this practice’s active cards. Release brings the first reason back; then name the right card.',
  ),
  'card.override-other-bsn': held(
    'us',
    'De aangewezen kaart heeft niet het BSN dat in het bericht staat. Er is niets geschreven. Geef vrij: de eerste reden komt dan terug, en de juiste kaart kan worden aangewezen.',
    'The named card does not have the BSN of the report. Release brings the first reason back; then name the right card.',
  ),
  'card.other-subject': held(
    'us',
    'Deze uitslag staat al op de kaart van een andere patiënt. Er is niets geschreven. Vraag het laboratorium van wie de uitslag is; van de andere kaart wordt hij in cKIS gehaald. Hoort hij op deze kaart, vraag het laboratorium dan om een nieuw bericht en wijs dit af.',
    'The result exists under another subject; nothing was written. Ask the laboratory whose it is; it is retracted from the other card in cKIS, then sent again.',
    DISCARD,
  ),
  'card.refused': held(
    'us',
    'cKIS weigert deze uitslag. Ontwikkelaars kijken ernaar.',
    'cKIS answered 400 or 422; see the OperationOutcome code.',
  ),
  'card.no-lab-number': held(
    'laboratory',
    'De uitslag heeft geen labnummer en zou een uitslag van een andere afname vervangen. Er is niets geschreven. Voer de uitslag met de hand in en wijs dit bericht dan af.',
    'Without a lab number, a result of another collection has the same key; nothing was written. Enter it by hand, then discard.',
    DISCARD,
  ),
  'card.result-twice': held(
    'us',
    'Dezelfde uitslag staat twee keer in cKIS. Er is niets geschreven; ontwikkelaars kijken welke weg moet. Geef vrij zodra er één over is.',
    'Two resources carry one result key; nothing was written. Release once one of them is gone.',
  ),
  'card.sandbox-person': held(
    'us',
    'Een testpersoon (BSN 999…) hoort niet op een echte kaart. Wijs het bericht af.',
    'A test BSN (999…) is never delivered in production.',
    DISCARD,
  ),
  'card.attempts-exhausted': held(
    'us',
    'Afleveren lukte na herhaalde pogingen niet.',
    'Delivery failed after every attempt.',
  ),
  // board
  'board.not-propagated': held(
    'us',
    'De uitslag staat op de kaart, maar is niet op tijd op het board verschenen. Kijk de koppeling van cKIS naar cBoards na. Vrijgeven: opnieuw kijken en wachten. Afwijzen: de uitslag blijft alleen op de kaart.',
    'On the card, but not visible on the board in time. Release looks and waits again; discard leaves it on the card only.',
  ),
  'board.refused': held('us', 'cBoards weigert deze uitslag.', 'cBoards answered 400 or 422.'),
  // registration
  'registration.refused-by-relay': held(
    'us',
    'ZorgMail weigert de mail met deze registratie; registration show noemt de code. Kijk na of het account van de praktijk klopt en nog bestaat. Verstuur opnieuw als dat is hersteld; kreeg de praktijk een ander account, dan met --anew.',
    'The relay refused the mail for good; the detail has its reply, its enhanced code and the part. Check the account of the practice’s HIS, then retry; anew where the account is another now.',
    RESEND,
  ),
  'registration.too-large': held(
    'us',
    'De mail met deze registratie is groter dan ZorgMail aanneemt. Ontwikkelaars kijken ernaar; de praktijk hoort intussen op een andere manier wat erin staat.',
    'Larger than the relay announces to take. No registration of 10,000 characters should be: look at what the relay announces, then retry.',
    RESEND,
  ),
  'registration.attempts-exhausted': held(
    'us',
    'Versturen lukte na herhaalde pogingen niet. Kijk na of de praktijk het bericht toch heeft, wijs het dan af; verstuur het anders opnieuw.',
    'Sending failed after every attempt. A part that is uncertain may have arrived: ask the practice, then discard or retry.',
    RESEND,
  ),
  'registration.read-back': held(
    'us',
    'Het bericht aan de huisarts zei iets anders dan er geschreven was, en is daarom niet verstuurd. Ontwikkelaars kijken ernaar; verstuur opnieuw na een verbetering.',
    'What was written, read back, differed from what was meant (a defect of ours); nothing was sent. Fix it, then retry.',
    RESEND,
  ),
  'registration.not-writable': held(
    'us',
    'De registratie is niet te schrijven zoals het systeem van de praktijk berichten aanneemt; registration show noemt het veld. Verbeter de instelling van de praktijk en verstuur opnieuw, of laat de auteur het anders schrijven en wijs af.',
    'It could be written when it came in and cannot now: the receiver’s charset or the practice’s name changed. The detail has the field. Correct that and retry, or discard.',
    RESEND,
  ),
  'registration.earlier-not-sent': held(
    'us',
    'Dit is een correctie of intrekking van een registratie die zelf nooit verstuurd is, of terugkwam. Besluit eerst over de eerdere; verstuur deze daarna opnieuw, of wijs ze beide af.',
    'It corrects or withdraws one that was never sent (held, shadowed or discarded) or came back: decide on that one first, then retry or discard this one.',
    RESEND,
  ),
  'registration.test-person': held(
    'us',
    'Een testpersoon (BSN 999…) hoort niet bij een echte praktijk. Wijs de registratie af.',
    'A test BSN (999…) is never sent in production.',
    DISCARD,
  ),
  'registration.switched-off': held(
    'practice',
    'Terugsturen is voor deze praktijk uitgezet voordat de registratie verstuurd was; registration show zegt of een deel al weg is. Verstuur opnieuw als de praktijk weer aan is, of wijs af.',
    'Registrations were disabled, or put into shadow, before it was sent; the detail says how many parts went. Retry once enabled again, or discard.',
    RESEND,
  ),
  // practice
  'practice.other-recipient': held(
    'us',
    'Het bericht is voor een ZorgMail-account dat bij geen van de praktijken van deze mailbox hoort.',
    'The recipient account belongs to no practice that shares this mailbox.',
  ),
  'practice.unknown-recipient': held(
    'us',
    'Niet vast te stellen voor welke praktijk dit bericht is.',
    'No recipient account, and the mailbox serves several practices.',
  ),
  'practice.withheld': settled(
    'practice',
    'De praktijk heeft gekozen deze bepalingen niet door te sturen.',
    'Nothing left after the practice’s choice of determinations.',
  ),
  'practice.disabled': settled(
    'practice',
    'Het doorsturen is voor deze praktijk uitgezet.',
    'Forwarding is disabled for this practice.',
  ),
  'practice.shredded': settled(
    'practice',
    'De sleutels van deze praktijk zijn vernietigd; de inhoud is voorgoed onleesbaar.',
    'The practice’s keys were destroyed: the content can never be read again.',
  ),
  'registration.receiver-changed': held(
    'us',
    'Van deze registratie is een deel al onderweg naar het vorige ZorgMail-account of in de vorige vorm van de praktijk. Vraag de praktijk wat zij ontving; verstuur daarna alles opnieuw met nieuwe kenmerken (--anew), of wijs af.',
    'Some parts went in the practice’s former account or form before that was changed. Ask what arrived; then retry with --anew, or discard.',
    RESEND,
  ),
  'registration.bounced': held(
    'us',
    'De registratie is niet bij het HIS van de praktijk aangekomen: de mail kwam terug. Kijk met de code of het ZorgMail-account van de praktijk klopt. Opnieuw versturen stuurt dezelfde mails nog eens, met --anew onder nieuwe kenmerken (nodig als het account anders is). Afwijzen: niet versturen; laat de arts weten dat het bericht niet is aangekomen.',
    'A mail of this registration came back (the code says why), perhaps after it had been delivered. Retry sends the same mails of what came back, with --anew all of it under new control references; discard sends nothing, and the doctor must be told.',
    RESEND,
  ),
  'registration.rejected-by-his': held(
    'us',
    'Het HIS van de praktijk heeft het bericht geweigerd (CONTRL). Ontwikkelaars kijken met de leverancier van het HIS ernaar. Verstuur na een verbetering opnieuw met --anew: dezelfde mail zou weer geweigerd worden. Afwijzen: niet versturen; laat de arts weten dat het bericht niet is verwerkt.',
    'The HIS refused the interchange with a CONTRL; the code is its action and error. Retry with --anew after a fix, since the same bytes would be refused again; discard sends nothing, and the doctor must be told.',
    RESEND,
  ),
  // receipt
  'receipt.unnamed': quarantined(
    'us',
    'Een ontvangstbericht dat niet zegt over welke mail het gaat. Ontwikkelaars kijken ernaar; is niets van ons bedoeld, wijs het dan af.',
    'A receipt by its form that names no mail. Read the mail; release reads it again, discard if it is about nothing of ours.',
  ),
  'receipt.unknown': quarantined(
    'us',
    'Een ontvangstbericht dat iets zegt wat wij niet kennen. Ontwikkelaars kijken ernaar; het bijgevoegde nummer is dat van de registratie, als die bekend is.',
    'A receipt whose statement is not understood; the detail is the registration that it names, if any. Release reads it again.',
  ),
  'receipt.encrypted': quarantined(
    'us',
    'Een ontvangstbericht dat versleuteld is en dat wij niet kunnen lezen. Wijs het af.',
    'An encrypted mail in the return mailbox, which no key of ours opens.',
    DISCARD,
  ),
  'receipt.letter': quarantined(
    'us',
    'Iemand schreef terug naar onze retourmailbox, waarschijnlijk een arts of assistent. Lees het met held show --content en bel de praktijk; staat er een nummer bij, dan antwoordt de mail op die registratie. Wijs het af als het is afgehandeld.',
    'No receipt and no automatic answer: somebody at a practice wrote back. Read it with held show --content and call the practice; the detail is the registration that it answers, if any. Discard when done.',
    DISCARD,
  ),
  'receipt.message': quarantined(
    'us',
    'In onze retourmailbox kwam een bericht dat daar niet hoort, misschien een uitslag van een laboratorium. Lees het met held show --content en bel de afzender: het moet naar het account van de praktijk. Wijs het pas af als het daar is aangekomen.',
    'A laboratory message, or what may be one, in the return mailbox: it reaches no card from here. Read it with held show --content, have the sender send it to the practice’s own account, then discard.',
    DISCARD,
  ),
  'receipt.not-ours': settled(
    'us',
    'Een ontvangstbericht over een mail die niet van ons is. Er is niets mee gedaan.',
    'A receipt that names no mail that was ever sent from here. It moved nothing.',
  ),
  // queue
  'queue.unforeseen': held(
    'us',
    'Bij de verwerking ging bij ons iets mis. Er is niets verloren; ontwikkelaars kijken ernaar.',
    'A defect or a broken set-up of ours stopped this item; see the log for its code. It is never retried by itself.',
  ),
  // ledger
  'ledger.cannot-decrypt': quarantined(
    'us',
    'De bewaarde mail is niet te ontsleutelen. Alarm voor ontwikkelaars.',
    'The stored bytes cannot be decrypted.',
  ),
  'ledger.shredded': settled(
    'us',
    'De sleutels van de mailbox zijn vernietigd; de mail is voorgoed onleesbaar.',
    'The mailbox’s keys were destroyed: the mail can never be read again.',
  ),
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code);
}

export function reasonOf(code: ReasonCode): Reason {
  return REASONS[code];
}
