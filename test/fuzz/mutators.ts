/** Ways to damage bytes. Each is drawn from the random numbers that it is given, and from nothing else. */

import type { Random } from '../../src/sandbox/generator/random.ts';

/** Damages `bytes`; `donor` is another input, for what is spliced in. Neither is changed in place. */
export type Mutator = (random: Random, bytes: Buffer, donor: Buffer) => Buffer;

/** What pieces of formats and of mails are made of, so that they meet in every way. */
const TOKENS = [
  ...[
    "'",
    '+',
    ':',
    '?',
    '??',
    "?'",
    '|',
    '^',
    '~',
    '\\',
    '&',
    '=',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\t',
    '\0',
    '"',
    '""',
  ],
  ...["UNA:+.? '", "UNA:+.?'", 'UNA^|.? ~', 'UNB+UNOC:1+500099001+500088001+211122:1200+77', 'UNZ+1+77', "UNT+3+1'"],
  ...["UNH+1+MEDLAB:1'", "UNH+1+MEDRPT:D:93A:UN:MRPN32'", "UNH+1+MEDVRI:1'", "UNG+1'", "UNE+1'", 'BEP:1:1:1+', 'DET+'],
  ...[
    "IDE+N+26110001'",
    "PID+1980:10:25+V+Berg++BSN999990019'",
    "COM+tekst'",
    "NUB+Kalium'",
    "OPB+tekst'",
    'ZKH+',
    'KOP+VAN+',
  ],
  ...[
    "S16+1'",
    "SPC+TSP'",
    "DTM+SCO:202611160810:203'",
    "S18+1+G'",
    "INV+MQ+HB  B:NHG:NHG:Hb'",
    "RSL+NV+8.1'",
    "FTX+UIT+++a:b'",
  ],
  ...["PNA+PAT+::999990019:PCL:LZB'", "RFF+SRI:654321'", "NAD+CCR+1'", 'STS++G', "RND+RU+1+2'"],
  ...[
    'MSH|^~\\&|',
    'MSH|',
    'MSH^~|\\&^',
    'FHS|^~\\&|',
    'BHS|^~\\&|',
    'BTS|1',
    'FTS|1',
    'PID|1||999990019^^^NLMINBIZA^NNNLD',
    'OBR|1||1|',
  ],
  ...[
    'OBX|1|NM|',
    'OBX|1|ED|PDF||^application^pdf^Base64^JVBERi0',
    'NTE|1||',
    'SPM|1|',
    'ORC|RE|',
    'ADD|',
    'DSC|x',
    '\x0b',
    '\x1c',
  ],
  ...[
    '\\X0D\\',
    '\\.br\\',
    '\\.sp100\\',
    '\\E\\',
    '\\Z1\\',
    '\\C2842\\',
    '8859/1',
    'UNICODE UTF-8',
    '8859/99',
    'ORU^R01',
  ],
  ...['--grens', '--grens--', '--', 'Content-Type: multipart/mixed; boundary="grens"', 'Content-Type: message/rfc822'],
  ...[
    'Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Transfer-Encoding: x-uue',
  ],
  ...[
    "Content-Disposition: attachment; filename*=nee''x.edi",
    'Content-Disposition: attachment; filename*0*=utf-8',
    'Content-Type: ',
  ],
  ...[
    '=?utf-8?B?QUJD?=',
    '=?nee?Q?=41?=',
    '; charset=utf-16',
    '; charset="',
    '; charset=iso-8859-15',
    '%PDF-1.4',
    'PK\x03\x04',
    '{\\rtf',
  ],
  ...[
    'From: "',
    'From: <a@b>',
    'Delivered-To: 500088001@lms',
    '-----BEGIN PGP MESSAGE-----',
    'begin 644 x',
    'VU5BK',
    '<MEDLAB>',
    '<!--',
  ],
  ...[
    '\xef\xbb\xbf',
    '\xff\xfe',
    '\xfe\xff',
    '\xc3\xab',
    '\xeb',
    '\xc3',
    '\xed\xa0\x80',
    '\x80',
    '\x85',
    '\xa0',
    '\x1f',
    '\x1d',
  ],
  ...[
    '0',
    '-1',
    '00000000',
    '99999999999999999999',
    '1e309',
    '4294967296',
    '261116',
    '20261116',
    '1980:00:00',
    '999:99:99',
    'NaN',
  ],
];

const at = (random: Random, bytes: Buffer) => random.int(0, bytes.length);

function spliced(bytes: Buffer, from: number, to: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
}

/** A stretch of the bytes, rarely long. */
function stretch(random: Random, bytes: Buffer, longest: number): readonly [from: number, to: number] {
  const from = at(random, bytes);
  const length = random.int(1, random.isLucky(0.8) ? Math.min(16, longest) : longest);
  return [from, Math.min(bytes.length, from + length)];
}

function token(random: Random): Buffer {
  return Buffer.from(random.pick(TOKENS), 'latin1');
}

const BORDER_BYTES: ReadonlySet<number> = new Set(Buffer.from("'+:?|^~\\&=\r\n-"));
const SEGMENT_ENDS: ReadonlySet<number> = new Set(Buffer.from("'\r\n"));

function next(bytes: Buffer, from: number, wanted: ReadonlySet<number>): number {
  let index = from;
  while (index < bytes.length && !wanted.has(bytes[index] ?? 0)) index += 1;
  return index;
}

/** A place where something that separates stands, or just behind it: where a cut or a second copy is felt most. */
function border(random: Random, bytes: Buffer): number {
  return Math.min(bytes.length, next(bytes, at(random, bytes), BORDER_BYTES) + random.int(0, 1));
}

/** Replaces one occurrence of what the pattern finds. */
function oneReplaced(random: Random, bytes: Buffer, pattern: RegExp, by: (found: string) => string): Buffer {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return bytes;
  const match = random.pick(found);
  const to = match.index + match[0].length;
  return Buffer.from(text.slice(0, match.index) + by(match[0]) + text.slice(to), 'latin1');
}

function everyReplaced(bytes: Buffer, pattern: RegExp, by: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(pattern, by), 'latin1');
}

const LINE_ENDS = ['\r', '\n', '\r\n', '\n\r', '\r\r\n', '', ' ', '\x85', '\0'];
const DELIMITERS = [...':+.? \'^|~*,;!&\\"\r\n\t', '\x1c', '\x1d', '\x1f', 'A', '0', '\xe9', '\0'];
const COUNTS = [
  '0',
  '-1',
  '2',
  '65536',
  '2147483648',
  '9007199254740993',
  '999999999999999999999999',
  '1'.repeat(400),
  '',
  'x',
  '1.5',
  '٣',
];
const CHARSETS = [
  'utf-8',
  'us-ascii',
  'utf-16',
  'utf-16le',
  'utf-7',
  'iso-8859-15',
  'windows-1252',
  'ibm850',
  'x-nee',
  '',
  '"',
  "a'b'c",
  'ÿ',
];

export const MUTATORS: Readonly<Record<string, Mutator>> = {
  'flip a bit': (random, bytes) => {
    const copy = Buffer.from(bytes);
    for (let count = random.int(1, 4); count > 0 && copy.length > 0; count -= 1) {
      const index = random.int(0, copy.length - 1);
      copy[index] = (copy[index] ?? 0) ^ (1 << random.int(0, 7));
    }
    return copy;
  },
  'set a byte': (random, bytes) => {
    const copy = Buffer.from(bytes);
    for (let count = random.int(1, 8); count > 0 && copy.length > 0; count -= 1) {
      copy[random.int(0, copy.length - 1)] = random.isLucky(0.4) ? 0 : random.int(0x80, 0xff);
    }
    return copy;
  },
  'insert bytes': (random, bytes) => {
    const piece = Buffer.from(Array.from({ length: random.int(1, 12) }, () => random.int(0, 255)));
    const index = at(random, bytes);
    return spliced(bytes, index, index, piece);
  },
  'insert a token': (random, bytes) => {
    const index = random.isLucky(0.5) ? at(random, bytes) : border(random, bytes);
    return spliced(bytes, index, index, token(random));
  },
  'sprinkle delimiters': (random, bytes) => {
    let copy = bytes;
    for (let count = random.int(1, 12); count > 0; count -= 1) {
      const index = at(random, copy);
      copy = spliced(copy, index, index, Buffer.from(random.pick(DELIMITERS), 'latin1'));
    }
    return copy;
  },
  'overwrite by a token': (random, bytes) => {
    const index = at(random, bytes);
    const piece = token(random);
    return spliced(bytes, index, Math.min(bytes.length, index + piece.length), piece);
  },
  'delete a stretch': (random, bytes) => {
    const [from, to] = stretch(random, bytes, 400);
    return spliced(bytes, from, to, Buffer.alloc(0));
  },
  'delete between borders': (random, bytes) => {
    const [one, other] = [border(random, bytes), border(random, bytes)];
    return spliced(
      bytes,
      Math.min(one, other),
      Math.min(Math.max(one, other), Math.min(one, other) + 600),
      Buffer.alloc(0),
    );
  },
  'repeat a stretch': (random, bytes) => {
    const [from, to] = stretch(random, bytes, 120);
    const piece = bytes.subarray(from, to);
    return spliced(bytes, to, to, Buffer.concat(Array.from({ length: random.int(1, 40) }, () => piece)));
  },
  'repeat a segment': (random, bytes) => {
    const from = border(random, bytes);
    let to = from;
    for (let count = random.int(1, 3); count > 0; count -= 1)
      to = Math.min(bytes.length, next(bytes, to, SEGMENT_ENDS) + 1);
    const piece = bytes.subarray(from, to);
    const copies = Math.min(
      random.int(1, random.isLucky(0.9) ? 8 : 200),
      Math.ceil(16_384 / Math.max(1, piece.length)),
    );
    return spliced(bytes, to, to, Buffer.concat(Array.from({ length: copies }, () => piece)));
  },
  'move a stretch': (random, bytes) => {
    const [from, to] = stretch(random, bytes, 300);
    const piece = Buffer.from(bytes.subarray(from, to));
    const without = spliced(bytes, from, to, Buffer.alloc(0));
    const index = border(random, without);
    return spliced(without, index, index, piece);
  },
  'cut off': (random, bytes) => bytes.subarray(0, random.isLucky(0.7) ? border(random, bytes) : at(random, bytes)),
  'cut the head off': (random, bytes) =>
    bytes.subarray(random.isLucky(0.7) ? border(random, bytes) : at(random, bytes)),
  'splice with another': (random, bytes, donor) =>
    Buffer.concat([bytes.subarray(0, border(random, bytes)), donor.subarray(border(random, donor))]),
  'put another inside': (random, bytes, donor) => {
    const index = border(random, bytes);
    const [from, to] = stretch(random, donor, donor.length);
    return spliced(bytes, index, index, donor.subarray(from, to));
  },
  'append another': (_random, bytes, donor) => Buffer.concat([bytes, donor]),
  'change the service string': (random, bytes) => {
    const chars = Array.from({ length: random.int(5, 7) }, () => random.pick(DELIMITERS)).join('');
    const una = `UNA${chars}`;
    return bytes.includes('UNA') && random.isLucky(0.7)
      ? oneReplaced(random, bytes, /UNA[\s\S]{0,6}/g, () => una)
      : Buffer.concat([Buffer.from(una, 'latin1'), bytes]);
  },
  'change the separators of MSH': (random, bytes) => {
    const chars = Array.from({ length: random.int(0, 6) }, () => random.pick(DELIMITERS)).join('');
    return oneReplaced(random, bytes, /MSH.[^|]{0,6}/g, () => `MSH${random.pick(DELIMITERS)}${chars}`);
  },
  'change one delimiter everywhere': (random, bytes) => {
    const [from, to] = [random.pick([..."'+:?|^~\\&="]), random.pick(DELIMITERS)];
    return Buffer.from(
      bytes.toString('latin1').replaceAll(from, () => to),
      'latin1',
    );
  },
  'change a number': (random, bytes) => oneReplaced(random, bytes, /\d+/g, () => random.pick(COUNTS)),
  'change a counter': (random, bytes) =>
    oneReplaced(random, bytes, /(?:UNT|UNZ|BTS|FTS)[+|]\d*/g, (found) => found.slice(0, 4) + random.pick(COUNTS)),
  'change a status or type': (random, bytes) =>
    oneReplaced(
      random,
      bytes,
      /\|[A-Z]{1,2}\|/g,
      () => `|${random.pick(['F', 'C', 'U', 'W', 'I', 'ED', 'SN', 'NM', 'FT', 'DR', '""', 'QQ', ''])}|`,
    ),
  'change line ends': (random, bytes) => everyReplaced(bytes, /\r\n|\r|\n/g, random.pick(LINE_ENDS)),
  'change one line end': (random, bytes) =>
    oneReplaced(random, bytes, /\r\n|\r|\n/g, () => random.pick(LINE_ENDS).repeat(random.int(1, 5))),
  'wrap lines': (random, bytes) =>
    everyReplaced(bytes, new RegExp(`[^\\r\\n]{${random.int(20, 80)}}`, 'g'), `$&${random.pick(LINE_ENDS)}`),
  'change a charset label': (random, bytes) =>
    oneReplaced(random, bytes, /charset=[^\s;]*|8859\/\d+|UNICODE[^|\r]*|UNO[A-Z]/g, (found) =>
      found.startsWith('charset')
        ? `charset=${random.pick(CHARSETS)}`
        : random.pick(['8859/1', '8859/15', 'UNICODE UTF-8', 'UNOA', 'ASCII', 'X', '']),
    ),
  'change a transfer encoding': (random, bytes) =>
    oneReplaced(
      random,
      bytes,
      /Transfer-Encoding: *[^\r\n]*/g,
      () =>
        `Transfer-Encoding: ${random.pick(['base64', 'quoted-printable', '8bit', '7bit', 'binary', 'x-uuencode', '', '(a(b'])}`,
    ),
  'change a content type': (random, bytes) =>
    oneReplaced(
      random,
      bytes,
      /Content-Type: *[^\r\n;]*/g,
      () =>
        `Content-Type: ${random.pick(['text/plain', 'text/html', 'message/rfc822', 'multipart/mixed', 'multipart/digest', 'multipart/alternative', 'message/partial', 'application/pdf', 'application/pkcs7-mime', 'image/png', 'x', ''])}`,
    ),
  'damage base64': (random, bytes) =>
    oneReplaced(random, bytes, /[A-Za-z0-9+/]{40,}={0,2}/g, (found) => {
      const index = random.int(0, found.length);
      return `${found.slice(0, index)}${random.pick(['=', '==', '===', '-', '_', ' ', '\0', '.', '\r\n\r\n', '%'])}${found.slice(index + random.int(0, 3))}`;
    }),
  'damage quoted-printable': (random, bytes) =>
    oneReplaced(random, bytes, /=[0-9A-F]{2}|=\r\n/g, () =>
      random.pick(['=', '=0', '=ZZ', '= ', '=\r', '==', '=00', '=FF', '   \r\n']),
    ),
  'change a boundary': (random, bytes) =>
    oneReplaced(random, bytes, /^--[^\r\n]+|boundary=[^\r\n;]*/gm, (found) =>
      random.pick([
        `${found}--`,
        `${found} `,
        `${found}x`,
        found.slice(0, -2),
        '',
        `${found}\r\n${found}`,
        found.toUpperCase(),
        'boundary=""',
        'boundary=" "',
      ]),
    ),
  'fold a header': (random, bytes) =>
    oneReplaced(random, bytes, /^[A-Za-z-]+: /gm, (found) =>
      random.pick([
        `${found}\r\n `,
        `${found}\r\n\t`,
        found.slice(0, -2),
        `${found}${' '.repeat(60)}`,
        `X${found}`,
        `${found.slice(0, -2)} : `,
      ]),
    ),
  'leave a body out': (_random, bytes) => everyReplaced(bytes, /\r?\n\r?\n[\s\S]*$/g, '\r\n\r\n'),
};
