/**
 * What the readers' warnings mean, in words: a deviation that did not stop the reading, and what was done about it. The
 * codes themselves stay beside the words, since that is what a developer looks for.
 */

import { isReasonCode, reasonOf } from '../shared/reasons.ts';
import type { Language } from './show-words.ts';

type Words = readonly [nl: string, en: string];

const WARNINGS: Readonly<Record<string, Words>> = {
  // EDIFACT: the envelope
  'edifact.charset-assumed': [
    'tekenset niet genoemd, gelezen als Windows-1252',
    'no charset named, read as Windows-1252',
  ],
  'edifact.charset-not-usable': [
    'genoemde tekenset klopt niet, gelezen als Windows-1252',
    'the charset that is named does not fit, read as Windows-1252',
  ],
  'edifact.line-break-in-segment': ['regeleinde midden in een segment', 'a line break inside a segment'],
  'edifact.text-outside-message': ['tekst buiten een bericht', 'text outside a message'],
  'edifact.terminator-missing': ['laatste segment niet afgesloten', 'the last segment is not terminated'],
  'edifact.segment-count-mismatch': ['aantal segmenten klopt niet', 'the number of segments differs'],
  'edifact.message-count-mismatch': ['aantal berichten klopt niet', 'the number of messages differs'],
  'edifact.reference-mismatch': ['kenmerken van begin en eind verschillen', 'references at begin and end differ'],
  'edifact.reference-reused': [
    'kenmerk dat eerder is gebruikt, met een andere verzendtijd',
    'a reference that was used before, with another sending time',
  ],
  'edifact.interchange-not-opened': ['begin van de uitwisseling (UNB) ontbreekt', 'the interchange has no UNB'],
  'edifact.interchange-not-closed': ['einde van de uitwisseling (UNZ) ontbreekt', 'the interchange has no UNZ'],
  // EDIFACT: the head
  'edifact.zkh-missing': ['instelling ontbreekt', 'no institution'],
  'edifact.afd-missing': ['afdeling ontbreekt', 'no department'],
  'edifact.ara-missing': ['arts van de afdeling ontbreekt', 'no doctor of the department'],
  'edifact.segment-order': ['segment op een andere plaats dan afgesproken', 'a segment in another place than agreed'],
  'edifact.segment-repeated': ['segment dat er al stond, niet overgenomen', 'a segment repeated, not carried'],
  'edifact.blood-group': ['bloedgroep, niet overgenomen', 'blood group, not carried'],
  'edifact.copy-direction-unknown': ['kopie: van of aan wie is onduidelijk', 'a copy from or to whom is unclear'],
  'edifact.sent-moment-unreadable': ['verzendtijd niet te lezen', 'the sending time cannot be read'],
  'edifact.issue-moment-unreadable': ['rapporttijd niet te lezen', 'the time of the report cannot be read'],
  'edifact.bsn-misplaced': ['BSN op de plaats van een ander nummer', 'a BSN in the place of another number'],
  'edifact.sex-unknown': ['geslacht niet herkend', 'sex not recognised'],
  'edifact.name-repeated': ['naamdeel dat er al stond, niet overgenomen', 'a part of the name repeated, not carried'],
  // EDIFACT: the results
  'edifact.collection-date-unreadable': ['afnamedatum niet te lezen', 'the collection date cannot be read'],
  'edifact.collection-time-unreadable': [
    'afnametijd niet te lezen, alleen de datum telt',
    'the collection time cannot be read, the date counts',
  ],
  'edifact.completeness-unknown': ['compleet of niet: onbekend', 'complete or not: unknown'],
  'edifact.counter-mismatch': ['volgnummer klopt niet met de volgorde', 'a counter does not fit the order'],
  'edifact.determination-unnamed': ['bepaling zonder naam', 'a determination without a name'],
  'edifact.flag-unknown': ['vlag niet herkend, getoond als verzonden', 'flag not recognised, shown as sent'],
  'edifact.extra-element': [
    'meer velden dan kan, het laatste niet overgenomen',
    'too many elements, the last not carried',
  ],
  'edifact.unknown-segment': ['onbekend segment, niet overgenomen', 'an unknown segment, not carried'],
  'edifact.remark-without-result': ['opmerking zonder bepaling, staat bij de aanvraag', 'a remark without a result'],
  'edifact.qualifier-unknown': ['onbekend kenmerk', 'an unknown qualifier'],
  'edifact.spc-missing': ['materiaal ontbreekt', 'no material'],
  'edifact.code-system-missing': ['code zonder codelijst', 'a code without its list'],
  'edifact.result-missing': ['bepaling zonder uitslag', 'a determination without a result'],
  'edifact.result-kind-unknown': ['soort uitslag niet herkend', 'the kind of result is not recognised'],
  'edifact.value-components': ['uitslag bestaat uit meer delen', 'a value of several components'],
  'edifact.range-mismatch': ['twee referentiewaarden die verschillen', 'two reference ranges that differ'],
  // HL7: the envelope and the head
  'hl7.batch-not-closed': ['einde van de reeks ontbreekt', 'the batch is not closed'],
  'hl7.batch-count-mismatch': [
    'aantal berichten in de reeks klopt niet',
    'the number of messages in the batch differs',
  ],
  'hl7.text-outside-message': ['tekst buiten een bericht', 'text outside a message'],
  'hl7.line-continued': ['tekst met een regeleinde erin, weer aan elkaar gezet', 'a wrapped line, joined again'],
  'hl7.charset-assumed': ['tekenset niet genoemd, afgeleid uit de tekens', 'no charset named, told from the bytes'],
  'hl7.charset-unknown': ['genoemde tekenset onbekend', 'the charset that is named is unknown'],
  'hl7.charset-doubtful': ['genoemde tekenset past, maar UTF-8 ook', 'the charset named fits, and so does UTF-8'],
  'hl7.charset-differs-from-mime': [
    'mail noemt een andere tekenset dan het bericht',
    'mail and message name two charsets',
  ],
  'hl7.control-id-missing': ['berichtnummer ontbreekt', 'no message control id'],
  'hl7.processing-id-unknown': ['test of productie: niet herkend', 'test or production: not recognised'],
  'hl7.continued-elsewhere': ['bericht loopt door in een ander bericht', 'the message goes on in another one'],
  'hl7.birth-date-missing': ['geboortedatum ontbreekt', 'no birth date'],
  'hl7.bsn-elsewhere': ['een BSN op een andere plaats, niet gebruikt', 'a BSN in another place, not used'],
  'hl7.sex-unknown': ['geslacht niet herkend', 'sex not recognised'],
  'hl7.note-without-owner': ['opmerking vóór de patiënt, niet overgenomen', 'a note before any patient, not carried'],
  // HL7: the requests and results
  'hl7.order-without-request': ['opdracht zonder aanvraag', 'an order without a request'],
  'hl7.request-without-results': ['aanvraag zonder uitslagen', 'a request without results'],
  'hl7.request-cancelled': ['aanvraag vervallen', 'a request that was cancelled'],
  'hl7.lab-number-differs': ['twee labnummers die verschillen', 'two lab numbers that differ'],
  'hl7.several-requesters': ['meer dan één aanvrager, de eerste getoond', 'several requesters, the first is shown'],
  'hl7.several-specimens': ['meer dan één materiaal bij één aanvraag', 'several materials under one request'],
  'hl7.order-only': ['alleen aangevraagd', 'ordered only'],
  'hl7.not-asked': ['niet gevraagd', 'not asked'],
  'hl7.value-not-carried': [
    'waarde bij een status zonder uitslag, niet overgenomen',
    'a value under a status that has none',
  ],
  'hl7.code-missing': ['bepaling zonder code', 'a determination without a code'],
  'hl7.value-deleted': ['uitslag leeggemaakt door de afzender', 'the sender emptied the value'],
  'hl7.value-type-missing': ['soort uitslag ontbreekt, getoond als tekst', 'no value type, shown as text'],
  'hl7.value-type-unknown': ['soort uitslag onbekend, getoond als tekst', 'an unknown value type, shown as text'],
  'hl7.value-not-numeric': ['geen getal volgens de norm', 'not a number as the standard has it'],
  'hl7.value-malformed': [
    'uitslag anders opgebouwd dan de norm, getoond als verzonden',
    'a malformed value, shown as sent',
  ],
  'hl7.unit-contradictory': [
    'twee eenheden die verschillen, geen van beide gebruikt',
    'two units that differ, neither used',
  ],
  'hl7.flags-contradictory': ['vlag laag én hoog, getoond als verzonden', 'flagged low and high, shown as sent'],
  'hl7.attachment-unreadable': ['document niet te openen', 'a document that cannot be opened'],
  'hl7.time-partial': ['uur zonder minuten, alleen de datum telt', 'an hour without minutes, the date counts'],
  'hl7.time-unreadable': ['tijd niet te lezen', 'a time that cannot be read'],
  // Both
  'lab.unit-unexpected': [
    'andere eenheid dan bij de code hoort, zonder code overgenomen',
    'another unit than the code’s, left uncoded',
  ],
  'lab.codes-disagree': ['codes spreken elkaar tegen, zonder code overgenomen', 'the codes disagree, left uncoded'],
  'lab.bsn-unreadable': ['BSN niet te lezen', 'the BSN cannot be read'],
  'lab.time-ambiguous': [
    'tijd in het uur dat de klok teruggaat: zomertijd aangenomen',
    'a time that exists twice: summer time taken',
  ],
  'lab.time-skipped': ['tijd in het uur dat de klok overslaat', 'a time in the hour that the clock skips'],
  'lab.attachment-of-several': [
    'document van meer dan één bericht, bij geen overgenomen',
    'a document of several messages',
  ],
};

// Where the same thing is a warning in one format and a reason in another, the reason's text asks for a decision.
const ALSO_REASONS: Readonly<Record<string, Words>> = {
  'lab.no-bsn': ['geen BSN', 'no BSN'],
  'lab.bsn-invalid': ['BSN voldoet niet aan de elfproef', 'the BSN fails the 11-test'],
  'hl7.unknown-segment': ['onbekend segment', 'an unknown segment'],
};

/** A warning in words, or null where there are none. */
export function warningText(code: string, language: Language): string | null {
  const words = WARNINGS[code] ?? ALSO_REASONS[code];
  if (words !== undefined) return words[language === 'nl' ? 0 : 1];
  return isReasonCode(code) ? reasonOf(code)[language] : null;
}
