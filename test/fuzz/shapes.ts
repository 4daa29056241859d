/** Inputs that make a careless reader slow: something of which there can be many, and how often it is there. */

export interface Shape {
  readonly name: string;
  readonly kind: 'mail' | 'file';
  readonly fileName: string;
  /** How many, below every limit also when there are four times as many. */
  readonly n: number;
  /** One character per byte. */
  readonly text: (n: number) => string;
  /** `reports`, `not-lab` or a reason code: shows that the reader meant was reached. */
  readonly answer: string;
}

type Row = readonly [name: string, n: number, answer: string, text: (n: number) => string];

const UNB = "UNB+UNOC:1+500099001+500088001+211122:1200+77'";
const PID_OF_MEDLAB = "PID+1980:10:25+V+Berg:van de++BSN999990019'";

function medlab(body: string): string {
  const head = `ZKH+Laboratorium Noord'${PID_OF_MEDLAB}`;
  return `${UNB}UNH+1+MEDLAB:1'${head}DET+26:11:16+08:10'IDE+J+26110001'BEP+0+Kalium+4.2++mmol/l++3.5+5.0+K   B'${body}UNT+9+1'UNZ+1+77'`;
}

function medrpt(head: string, body: string): string {
  const patient = "PNA+PAT+::999990019:PCL:LZB'DTM+329:19801025:102'PDI+2'";
  const report = `BGM+LSR+1+9'RFF+SRI:26110001'STS++G'${patient}${head}`;
  const material =
    "S16+1'SPC+TSP+:::Serum'DTM+SCO:202611160810:203'S18+1+G'INV+MQ+K   B:NHG:NHG:Kalium'RSL+NV+4.2++mmol/l'";
  return `${UNB}UNH+1+MEDRPT:D:93A:UN:MRPN32'${report}${material}${body}UNT+9+1'UNZ+1+77'`;
}

const MSH = 'MSH|^~\\&|LIS|KUSTLAB|HIS|500088002|20211122||ORU^R01|9|P|2.4';
const PID = 'PID|1||999990019^^^NLMINBIZA^NNNLD||van Jansen||19801025|F';
const OBR = 'OBR|1||26110001|HA^Hematologie|||202611160810';
const OBX = 'OBX|1|NM|HB^Hemoglobine||8.1|mmol/l|7.5 - 10.0||||F';

function oru(body: string, pid = PID): string {
  return `${MSH}\r${pid}\r${OBR}\r${OBX}\r${body}`;
}

function text(value: string, type = 'TX'): string {
  return `OBX|2|${type}|OPM^Opmerking||${value}||||||F\r`;
}

const MEDLAB: readonly Row[] = [
  ['determinations', 1000, 'reports', (n) => medlab("BEP+0+Kalium+4.2++mmol/l+>+3.5+5.0+K   B'".repeat(n))],
  ['lines of text', 2000, 'reports', (n) => medlab("OPB+een regel'".repeat(n))],
  ['materials', 500, 'reports', (n) => medlab("DET+26:11:16+08:10'IDE+J+26110001'BEP+0+Kalium+4.2'".repeat(n))],
  ['pending determinations', 1000, 'reports', (n) => medlab("NUB+Kalium'OPU+volgt'".repeat(n))],
  ['unknown segments', 2000, 'reports', (n) => medlab("QQQ+1'".repeat(n))],
  ['surplus elements', 200, 'reports', (n) => medlab(`BEP+0+Kalium+4.2${'+1'.repeat(n)}'`)],
  ['copies', 200, 'reports', (n) => medlab(`KOP+VAN${'+Bakker'.repeat(n)}'`)],
  ['components', 400, 'reports', (n) => medlab(`COM+a${':b'.repeat(n)}'`)],
  ['counters', 400, 'reports', (n) => medlab(`OPB${':1'.repeat(n)}+a'`)],
  ['one huge segment', 40_000, 'reports', (n) => medlab(`COM+${'a'.repeat(n)}'`)],
  ['released characters', 20_000, 'reports', (n) => medlab(`COM+${"?'".repeat(n)}'`)],
  ['letters of two bytes', 20_000, 'reports', (n) => medlab(`COM+${'\xc3\xab'.repeat(n)}'`)],
  ['bytes that are no UTF-8', 20_000, 'reports', (n) => medlab(`COM+${'\xeb'.repeat(n)}'`)],
  ['blanks between segments', 40_000, 'reports', (n) => medlab(' '.repeat(n))],
  ['line breaks in a segment', 10_000, 'reports', (n) => medlab(`COM+${'a\r\n'.repeat(n)}'`)],
  ['line breaks at the end of a segment', 10_000, 'reports', (n) => medlab(`COM+a${'\r\n'.repeat(n)}'`)],
  ['messages', 200, 'reports', (n) => `${UNB}${"UNH+1+MEDVRI:1'UNT+2+1'".repeat(n)}${medlab('')}`],
  ['interchanges', 200, 'reports', (n) => medlab('').repeat(n)],
  ['empty interchanges', 2000, 'reports', (n) => `${medlab('')}${UNB.repeat(n)}`],
  ['service strings', 2000, 'reports', (n) => `${"UNA:+.? '".repeat(n)}${medlab('')}`],
  ['segments outside a message', 200, 'edifact.syntax', (n) => `${UNB}${"BEP+1'tekst'".repeat(n)}`],
  ['loose text', 5000, 'edifact.no-message', (n) => `${UNB}${"tekst'".repeat(n)}`],
  [
    'colons after the kind of message',
    400,
    'edifact.unknown-message',
    (n) => `UNH+1+MEDLAB:1${':'.repeat(n)}x'UNT+2+1'`,
  ],
  [
    'blanks after the kind of message',
    20_000,
    'edifact.unknown-message',
    (n) => `UNH+1+MEDLAB:1${' '.repeat(n)}x'UNT+2+1'`,
  ],
  ['no delimiter at all', 40_000, 'edifact.no-message', (n) => 'a'.repeat(n)],
  ['cut off segments', 2000, 'edifact.truncated', (n) => `UNH+1+MEDLAB:1'${"BEP+0+Kalium+4.2'".repeat(n)}`],
];

const MEDRPT: readonly Row[] = [
  [
    'determinations',
    500,
    'reports',
    (n) => medrpt('', "S18+1+G'INV+MQ+K   B:NHG:NHG:Kalium'RSL+NV+4.2++mmol/l'S20+1'RND+RU+1+2'".repeat(n)),
  ],
  [
    'materials',
    500,
    'reports',
    (n) => medrpt('', "S16+1'SPC+TSP'DTM+SCO:202611160810:203'S18+1+G'INV+MQ+K::NHG:K'RSL+NV+4'".repeat(n)),
  ],
  ['texts', 1000, 'reports', (n) => medrpt('', "FTX+UIT+++regel een:regel twee'".repeat(n))],
  ['lines of one text', 400, 'reports', (n) => medrpt('', `FTX+UIT+++a${':b'.repeat(n)}'`)],
  ['elements of one text', 200, 'reports', (n) => medrpt('', `FTX+UIT+++a${'+b:c'.repeat(n)}'`)],
  ['doctors who get a copy', 2000, 'reports', (n) => medrpt("NAD+CCR+1:AMB:VEK++Bakker'".repeat(n), '')],
  ['BSN candidates', 2000, 'reports', (n) => medrpt("RFF+LZB:999990019'".repeat(n), '')],
  ['birth dates', 2000, 'reports', (n) => medrpt("DTM+329:19801025:102'".repeat(n), '')],
  ['statuses', 2000, 'reports', (n) => medrpt("STS++G'".repeat(n), '')],
  ['names', 200, 'edifact.patient-repeated', (n) => medrpt(`PNA+PAT+${'+NAN:Berg'.repeat(n)}'`, '')],
];

const HL7: readonly Row[] = [
  ['observations', 1000, 'reports', (n) => oru(`${OBX}\r`.repeat(n))],
  ['requests', 500, 'reports', (n) => oru(`ORC|RE|1|26110001\r${OBR}\r${OBX}\r`.repeat(n))],
  ['notes', 2000, 'reports', (n) => oru('NTE|1||een regel\r'.repeat(n))],
  [
    'notes before their request',
    2000,
    'reports',
    (n) => oru(`ORC|RE|1|26110001\r${'NTE|1||een regel\r'.repeat(n)}${OBR}\r${OBX}\r`),
  ],
  ['requests that never come', 2000, 'reports', (n) => oru('ORC|RE|1\rNTE|1||x\r'.repeat(n))],
  ['specimens', 1000, 'reports', (n) => oru('SPM|1|||SER^Serum\r'.repeat(n))],
  ['patients', 200, 'reports', (n) => oru(`${PID}\r${OBR}\r${OBX}\r`.repeat(n))],
  ['messages', 200, 'reports', (n) => oru('').repeat(n)],
  ['unknown segments', 2000, 'reports', (n) => oru('QQQ|1\r'.repeat(n))],
  ['batches', 1000, 'reports', (n) => `${'BHS|^~\\&|X\rBTS|0\r'.repeat(n)}${oru('')}`],
  ['fields', 200, 'reports', (n) => oru(`ZZZ${'|x'.repeat(n)}\r`)],
  ['repetitions', 2000, 'reports', (n) => oru(text('regel~'.repeat(n)))],
  ['repetitions of a coded value', 1000, 'reports', (n) => oru(text('A^positief^L~'.repeat(n), 'CE'))],
  ['components', 4000, 'reports', (n) => oru(text('a^'.repeat(n)))],
  ['components of a structured number', 4000, 'reports', (n) => oru(text('^'.repeat(n), 'SN'))],
  ['flags', 2000, 'reports', (n) => oru(`OBX|2|NM|HB^Hb||8.1|mmol/l|7 - 9|${'H~'.repeat(n)}|||F\r`)],
  [
    'BSN candidates',
    500,
    'reports',
    (n) => oru('', `PID|1||${'999990019^^^NLMINBIZA^NNNLD~'.repeat(n)}||van Jansen||19801025|F`),
  ],
  [
    'different BSNs',
    500,
    'hl7.two-bsns',
    (n) =>
      oru('', `PID|1||${Array.from({ length: n }, (_, at) => `9990${10_000 + at}^^^NLMINBIZA`).join('~')}||A||1980`),
  ],
  [
    'local numbers',
    500,
    'reports',
    (n) => oru('', `PID|1||${Array.from({ length: n }, (_, at) => `${at}^^^LAB`).join('~')}||A||1980`),
  ],
  ['names', 1000, 'reports', (n) => oru('', `PID|1||999990019^^^NLMINBIZA||${'de Vries&de&Vries^P~'.repeat(n)}||1980`)],
  ['copies', 1000, 'reports', (n) => oru(`${OBR}${'|'.repeat(21)}${'1^Bakker^P~'.repeat(n)}\r${OBX}\r`)],
  ['escapes', 10_000, 'reports', (n) => oru(text('\\T\\'.repeat(n)))],
  ['escapes of bytes', 5000, 'reports', (n) => oru(text('\\X41\\'.repeat(n)))],
  ['a long escape of bytes', 10_000, 'reports', (n) => oru(text(`\\X${'41'.repeat(n)}\\`))],
  ['lone escape characters', 20_000, 'reports', (n) => oru(text('\\ '.repeat(n)))],
  ['blank lines that are asked for', 2000, 'reports', (n) => oru(text('\\.sp9\\'.repeat(n)))],
  ['continuation lines', 5000, 'reports', (n) => oru(`${text('x')}${'een lange regel\r'.repeat(n)}`)],
  ['blank lines', 20_000, 'reports', (n) => oru(`${text('x')}${'\r\n'.repeat(n)}slot\r`)],
  ['framing characters', 20_000, 'reports', (n) => `${'\x0b'.repeat(n)}${oru('')}`],
  ['framing characters at the end', 20_000, 'reports', (n) => `${oru('NTE|1||x')}${'\x1c'.repeat(n)}\r`],
  ['documents', 200, 'reports', (n) => oru(text('^application^pdf^Base64^JVBERi0xLjQ=', 'ED').repeat(n))],
  [
    'documents of one observation',
    800,
    'reports',
    (n) => oru(text('^application^pdf^Base64^JVBERi0xLjQ=~'.repeat(n), 'ED')),
  ],
  ['one long document', 40_000, 'reports', (n) => oru(text(`^application^pdf^Base64^${'QUJD'.repeat(n)}`, 'ED'))],
  ['a document with blanks', 20_000, 'reports', (n) => oru(text(`^application^pdf^Base64^${'QUJD '.repeat(n)}`, 'ED'))],
  ['bytes that are no ASCII', 20_000, 'reports', (n) => oru(text('\xc3\xab'.repeat(n)))],
  ['one huge field', 40_000, 'reports', (n) => oru(text('a'.repeat(n)))],
  ['a long blank run in a value', 20_000, 'reports', (n) => oru(text(`1${' '.repeat(n)}x`, 'NM'))],
  [
    'a long blank run in a unit',
    20_000,
    'reports',
    (n) => oru(`OBX|2|NM|HB^Hb||8|x${' '.repeat(n)}y|1${' '.repeat(n)}- 2||||F\r`),
  ],
];

const HEAD = 'From: Laboratorium Noord <uitslagen@sandbox-noord.example>\r\nDelivered-To: 500088001@lms.example\r\n';

function multipart(parts: string, subtype = 'mixed', boundary = 'grens'): string {
  return `Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n${parts}--${boundary}--\r\n`;
}

function single(fields: string, body: string): string {
  return `${HEAD}Content-Type: text/plain\r\n${fields}\r\n${body}`;
}

function nest(depth: number, inner: string, boundary: (depth: number) => string): string {
  if (depth === 0) return inner;
  return multipart(`--${boundary(depth)}\r\n${nest(depth - 1, inner, boundary)}\r\n`, 'mixed', boundary(depth));
}

function forwarded(depth: number, inner: string): string {
  return `Content-Type: message/rfc822\r\n\r\n`.repeat(depth) + inner;
}

const LETTER = 'Content-Type: text/plain\r\n\r\nhoi\r\n';
const PDF = 'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n';

const MAIL: readonly Row[] = [
  ['multiparts inside each other', 2, 'not-lab', (n) => HEAD + nest(n, LETTER, (depth) => `b${depth}`)],
  ['multiparts of one boundary inside each other', 2, 'mail.malformed', (n) => HEAD + nest(n, LETTER, () => 'x')],
  ['mails inside each other', 2, 'not-lab', (n) => HEAD + forwarded(n, LETTER)],
  ['parts', 20, 'not-lab', (n) => HEAD + multipart(`--grens\r\n${LETTER}`.repeat(n))],
  [
    'payloads',
    20,
    'reports',
    (n) => HEAD + multipart(`--grens\r\nContent-Type: text/plain\r\n\r\n${medlab('')}\r\n`.repeat(n)),
  ],
  [
    'attachments',
    20,
    'reports',
    (n) => HEAD + multipart(`--grens\r\n\r\n${medlab('')}\r\n${`--grens\r\n${PDF}`.repeat(n)}`),
  ],
  [
    'renderings',
    20,
    'reports',
    (n) =>
      HEAD +
      multipart(
        `--grens\r\n\r\n${medlab('')}\r\n${`--grens\r\nContent-Type: text/html\r\n\r\n<p>\r\n${UNB}\r\n`.repeat(n)}`,
        'alternative',
      ),
  ],
  [
    'lines that begin like a boundary',
    5000,
    'not-lab',
    (n) => HEAD + multipart(`--grens\r\n\r\n${'--grenst\r\n'.repeat(n)}`),
  ],
  [
    'delimiters behind the end',
    5000,
    'mail.malformed',
    (n) => HEAD + multipart(`--grens\r\n${LETTER}`) + '--grens\r\n'.repeat(n),
  ],
  ['header lines', 1000, 'not-lab', (n) => single('X-Spoor: b\r\n'.repeat(n), 'hoi')],
  ['folded header lines', 1000, 'not-lab', (n) => single(`X-Spoor: b\r\n${' c\r\n'.repeat(n)}`, 'hoi')],
  ['quotation marks in From', 5000, 'not-lab', (n) => `From: ${'\\"'.repeat(n)}\r\n\r\nhoi`],
  ['unclosed quotation marks in From', 5000, 'not-lab', (n) => `From: ${'"\\'.repeat(n)}\r\n\r\nhoi`],
  ['brackets in From', 5000, 'not-lab', (n) => `From: ${'(<'.repeat(n)}\r\n\r\nhoi`],
  ['addresses in From', 2000, 'not-lab', (n) => `From: ${'<a@b>, '.repeat(n)}\r\n\r\nhoi`],
  ['accounts', 500, 'not-lab', (n) => `${'Delivered-To: 500088001@lms.example\r\n'.repeat(n)}\r\nhoi`],
  [
    'parameters',
    1000,
    'not-lab',
    (n) => `Content-Type: text/plain${Array.from({ length: n }, (_, at) => `; a*${at}*=b`).join('')}\r\n\r\nhoi`,
  ],
  [
    'encoded words in a file name',
    1000,
    'not-lab',
    (n) => `Content-Type: text/plain; name="${'=?utf-8?B?QUJD?= '.repeat(n)}"\r\n\r\nhoi`,
  ],
  [
    'comments in an encoding',
    5000,
    'mail.resembles-laboratory',
    (n) => single(`Content-Transfer-Encoding: ${'('.repeat(n)}\r\n`, 'hoi'),
  ],
  ['base64', 20_000, 'not-lab', (n) => single('Content-Transfer-Encoding: base64\r\n', 'QUJD'.repeat(n))],
  [
    'lines of base64',
    2000,
    'not-lab',
    (n) => single('Content-Transfer-Encoding: base64\r\n', `${'QUJD'.repeat(19)}\r\n`.repeat(n)),
  ],
  ['damaged base64', 20_000, 'not-lab', (n) => single('Content-Transfer-Encoding: base64\r\n', `${'QUJD'.repeat(n)}!`)],
  [
    'quoted-printable',
    20_000,
    'not-lab',
    (n) => single('Content-Transfer-Encoding: quoted-printable\r\n', '=41'.repeat(n)),
  ],
  [
    'blanks in quoted-printable',
    20_000,
    'not-lab',
    (n) => single('Content-Transfer-Encoding: quoted-printable\r\n', `a${' '.repeat(n)}b`),
  ],
  ['lines', 5000, 'not-lab', (n) => single('', 'een regel\r\n'.repeat(n))],
  ['blank lines', 10_000, 'not-lab', (n) => single('', `${'\r\n'.repeat(n)}hoi`)],
  ['one long line', 40_000, 'not-lab', (n) => single('', 'a'.repeat(n))],
  ['quotation signs', 20_000, 'not-lab', (n) => single('', '>'.repeat(n))],
  ['pairs of carriage returns', 10_000, 'not-lab', (n) => single('', '\r\rx'.repeat(n))],
  ['carriage returns', 20_000, 'mail.malformed', (n) => single('', `${'\r'.repeat(n)}hoi`)],
  ['elements of XML', 10_000, 'not-lab', (n) => single('', `<brief>${'<regel/>'.repeat(n)}`)],
  ['opening brackets', 20_000, 'not-lab', (n) => single('', `<brief>${'<'.repeat(n)}`)],
];

function rows(about: string, kind: Shape['kind'], fileName: string, of: readonly Row[]): readonly Shape[] {
  return of.map(([name, n, answer, text]) => ({ name: `${about}: ${name}`, kind, fileName, n, text, answer }));
}

export const SHAPES: readonly Shape[] = [
  ...rows('MEDLAB', 'file', 'x.edi', MEDLAB),
  ...rows('MEDRPT', 'file', 'x.edi', MEDRPT),
  ...rows('HL7', 'file', 'x.hl7', HL7),
  ...rows('mail', 'mail', 'x.eml', MAIL),
];
