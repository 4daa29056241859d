/** Mails full of marks: in every field that a laboratory may fill, in every format, well-formed and not. */

import type { SandboxPractice } from '../../src/sandbox/people.ts';
import type { MarkedPerson, Marks } from './marks.ts';

/** EDIFACT: name, address, phone, BSN, lab number, value, determination, remarks and the free text of UNH. */
export function markedMedlab(
  marks: Marks,
  marked: MarkedPerson,
  to: string,
  changes: { birthDate?: string } = {},
): Buffer {
  const { person, street, phone } = marked;
  const labNumber = marks.labNumber();
  const born = (changes.birthDate ?? person.birthDate).replaceAll('-', ':');
  const lines = [
    `UNH+1+MEDLAB:1+${marks.remark}`,
    'ZKH+Laboratorium Noord+Zeeweg:12::Noordhaven:9901AA+0599-123456',
    `PID+${born}+V+${person.partnerFamily}::${person.family}::${person.given}:${person.initials}+${phone}+BSN${person.bsn}`,
    `PAD+${street}:1::Dorp:1234AB+${phone}`,
    'ART+H+099001+Linde:ter:A.B.',
    'AFD+Klinische chemie',
    'ARA:1+Dr. C. Chemicus',
    'DET:1+26:11:16+08:10',
    `IDE:1+J+${labNumber}+Serum`,
    `OPM:1:1+${marks.remark}`,
    `BEP:1:1:1+0+Kreatinine+${marks.value()}++umol/l++++KREAB`,
    `OPB:1:1:1:1+${marks.remark} ${person.given}`,
    `BEP:1:1:2+0+${marks.determination}+${marks.value()}++umol/l`,
    `NUB:1:1+${marks.determination}`,
    `COM:1+${person.family} ${marks.remark}`,
  ];
  const all = [
    `UNB+UNOA:1+500099001+${to}+261116:0915+R${labNumber.slice(0, 8)}`,
    ...lines,
    `UNT+${lines.length + 1}+1`,
    `UNZ+1+R${labNumber.slice(0, 8)}`,
  ];
  return Buffer.from(all.map((line) => `${line}'\r\n`).join(''), 'latin1');
}

/** HL7: the same, with a base64 document that holds a mark too. */
export function markedOru(marks: Marks, marked: MarkedPerson, to: string): Buffer {
  const { person, street, phone } = marked;
  const document = Buffer.from(`%PDF-1.4 ${person.family} ${marks.remark}`).toString('base64');
  const lines = [
    `MSH|^~\\&|LIS|KUSTLAB|HIS|${to}|20261116091500||ORU^R01|${marks.labNumber()}|P|2.5.1|||AL|NE||UNICODE UTF-8`,
    `PID|1||${person.bsn}^^^NLMINBIZA^NNNLD||${person.family}&&${person.family}^${person.given}||${person.birthDate.replaceAll('-', '')}|F|||${street} 1&${street}&1^^Dorp||${phone}`,
    `NTE|1||${marks.remark}`,
    `OBR|1||${marks.labNumber()}|CHEM^Chemie^L|||20261116081000|||||||||01099001^^^^^^^^VEKTIS||||||20261116091500|||F`,
    `OBX|1|NM|KREA^${marks.determination}^L||${marks.value()}|umol/l|||||F`,
    `NTE|1||${marks.remark} ${person.given}`,
    `OBX|2|ED|PDF^Verslag^L||^application^pdf^Base64^${document}||||||F`,
  ];
  return Buffer.from(`${lines.join('\r')}\r`);
}

/** A letter: not laboratory, of which nothing may stay. */
export function markedLetter(marks: Marks, { person, street, phone }: MarkedPerson, to: string): Buffer {
  const lines = [
    `UNH+1+MEDVRI:1+${person.family}`,
    'GGA+Ziekenhuis',
    'DET+26:11:16+09:00',
    `PID+${person.birthDate.replaceAll('-', ':')}+V+${person.family}:::::Q.X.+${phone}+BSN${person.bsn}`,
    `PAD+${street}:1::Dorp:1234AB`,
    `TXT:1+${marks.remark} ${marks.value()}`,
  ];
  const all = [`UNB+UNOA:1+500099001+${to}+261116:0915+L1`, ...lines, `UNT+${lines.length + 1}+1`, 'UNZ+1+L1'];
  return Buffer.from(all.map((line) => `${line}'\r\n`).join(''), 'latin1');
}

/** A whole mail: marks in Subject, From, the file's name and a text beside it. */
export function markedMail(marks: Marks, payload: Buffer, to: SandboxPractice['zorgmail'], number: number): Buffer {
  const boundary = `grens-${number}`;
  const type = payload.subarray(0, 3).toString('latin1') === 'MSH' ? 'application/hl7-v2' : 'application/EDIFACT';
  const head = [
    `From: ${marks.sender}`,
    `To: ${to}@lms.lifeline.nl`,
    `Subject: ${marks.subject} ${marks.people[0]?.person.family}`,
    `Message-ID: <${number}.${marks.labNumber()}@laboratorium.example>`,
    'Date: Mon, 16 Nov 2026 09:00:00 +0100',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Beste dokter, ${marks.remark}.`,
    `--${boundary}`,
    `Content-Type: ${type}; name="${marks.fileName}"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${marks.fileName}"`,
    '',
    payload.toString('base64').replace(/.{76}/g, '$&\r\n'),
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(head.join('\r\n'));
}
