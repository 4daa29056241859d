/** What each field of a registration must be, for the author and for developers; the JSON Schema's descriptions too. */

import type { Words } from './registration.ts';

const words = (nl: string, en: string): Words => ({ nl, en });
const oneLine = (nl: string, en: string): Words =>
  words(`${nl}, in één regel van ten hoogste 70 tekens`, `${en}, one line of at most 70 characters`);

const MOMENT = words(
  'een tijdstip met zone, zoals 2026-11-25T10:15:00+01:00',
  'a moment with its zone, such as 2026-11-25T10:15:00+01:00',
);

export const EXPECTED = {
  '': words('een registratie als object', 'a registration, as an object'),
  practice: words('de praktijk: agb, name, account', 'the practice: agb, name, account'),
  'practice.agb': words('een AGB-code van acht cijfers, als tekst', 'an AGB code of eight digits, as a string'),
  'practice.name': oneLine('de naam van de praktijk', 'the name of the practice'),
  'practice.account': words(
    'het ZorgMail-accountnummer van de praktijk, acht tot tien cijfers, als tekst',
    'the ZorgMail account number of the practice, eight to ten digits, as a string',
  ),
  patient: words('de patiënt: bsn, birthDate, sex, name', 'the patient: bsn, birthDate, sex, name'),
  'patient.bsn': words(
    'een BSN: negen cijfers die aan de elfproef voldoen, als tekst',
    'a BSN: nine digits that pass the 11-test, as a string',
  ),
  'patient.birthDate': words(
    'een geboortedatum niet na de registratie: 1980-10-25, of 1980-10 of 1980 als de rest onbekend is',
    'a birth date not after the registration: 1980-10-25, or 1980-10 or 1980 where the rest is unknown',
  ),
  'patient.sex': words(
    'male of female: het bericht kent geen ander geslacht',
    'male or female: the message has no other',
  ),
  'patient.name': words('de naamdelen van de patiënt', 'the parts of the patient’s name'),
  'patient.name.family': oneLine('de eigen achternaam', 'the patient’s own family name'),
  'patient.name.prefix': oneLine('het tussenvoegsel, of niets', 'the prefix of the family name, or null'),
  'patient.name.partnerFamily': oneLine('de achternaam van de partner, of niets', 'the partner’s family name, or null'),
  'patient.name.partnerPrefix': oneLine(
    'het tussenvoegsel daarvan, of niets',
    'the prefix of the partner’s name, or null',
  ),
  'patient.name.given': oneLine('de roepnaam, of niets', 'the given name, or null'),
  'patient.name.initials': oneLine('de voorletters, of niets', 'the initials, or null'),
  author: words('de auteur: name en role', 'the author: name and role'),
  'author.name': oneLine('de naam van de auteur', 'the name of the author'),
  'author.role': oneLine('de rol van de auteur', 'the role of the author'),
  source: words('de herkomst: kind en field', 'where it was written: kind and field'),
  'source.kind': words('card (cKIS) of board (cBoards)', 'card (cKIS) or board (cBoards)'),
  'source.field': oneLine('de naam van het veld', 'the name of the field'),
  writtenAt: MOMENT,
  text: words(
    'een tekst van ten hoogste 10.000 tekens; leeg alleen bij een intrekking',
    'a text of at most 10,000 characters; empty only in a withdrawal',
  ),
  earlier: words(
    'null, of de eerdere registratie: change, writtenAt, references',
    'null, or the earlier registration: change, writtenAt, references',
  ),
  'earlier.change': words('correction of withdrawal', 'correction or withdrawal'),
  'earlier.writtenAt': words(
    `${MOMENT.nl}, niet na dat van deze registratie`,
    `${MOMENT.en}, not after that of this registration`,
  ),
  'earlier.references': words(
    'de kenmerken van de eerdere berichten: een tot 99, elk van ten hoogste 14 hoofdletters en cijfers',
    'the control references of the earlier messages: one to 99, each of at most 14 capitals and digits',
  ),
} as const satisfies Readonly<Record<string, Words>>;

export type FieldName = keyof typeof EXPECTED;
