/** The cases on which public parsers fail (hl7v2.md, "Hard cases that the reader must get right"). */

import { expect, test } from 'vitest';
import {
  componentsOf,
  fieldOf,
  type Hl7Message,
  type Hl7Segment,
  readHl7,
  repetitionsOf,
  subcomponentsOf,
  unescapeText,
  writeHl7Message,
} from '../../src/hl7/hl7.ts';

const MSH = 'MSH|^~\\&|LAB|DIAGZUID||500088002|20261120101500||ORU^R01|C1|P|2.5.1||||||UNICODE UTF-8';

function messagesIn(content: string | Buffer): readonly Hl7Message[] {
  const { messages } = readHl7(Buffer.from(content as string));
  return messages.map((entry) => {
    if (entry.kind === 'refused') throw new Error(`refused: ${entry.code}`);
    return entry;
  });
}

function only(...lines: readonly string[]): Hl7Message {
  const [message, ...others] = messagesIn(`${lines.join('\r')}\r`);
  expect(others).toEqual([]);
  if (message === undefined) throw new Error('no message');
  return message;
}

function segment(message: Hl7Message, name: string, nth = 1): Hl7Segment {
  const found = message.segments.filter((candidate) => candidate.name === name)[nth - 1];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function observed(raw: string): string {
  const message = only(MSH, `OBX|1|TX|T^Tekst^L||${raw}||||||F`);
  return unescapeText(fieldOf(segment(message, 'OBX'), 5), message);
}

const names = (message: Hl7Message) => message.segments.map(({ name }) => name).join(' ');

test('separators other than the usual ones are the ones that MSH-1 and MSH-2 name', () => {
  const message = only('MSH#*_!$#LAB#X', 'PID#1##111*a$b_222*c');
  expect(message.separators).toMatchObject({ field: '#', component: '*', repetition: '_', subcomponent: '$' });
  const repetitions = repetitionsOf(fieldOf(segment(message, 'PID'), 3), message.separators);
  expect(repetitions).toEqual(['111*a$b', '222*c']);
  expect(subcomponentsOf(componentsOf(repetitions[0] ?? '', message.separators)[1] ?? '', message.separators)).toEqual([
    'a',
    'b',
  ]);
});

test('a truncation character in MSH-2 is known and changes nothing else', () => {
  const message = only('MSH|^~\\&#|LAB', 'PID|1||111#2');
  expect(message.separators.truncation).toBe('#');
  expect(fieldOf(segment(message, 'PID'), 3)).toBe('111#2');
});

test.each([
  ['\\F\\', '|'],
  ['\\S\\', '^'],
  ['\\T\\', '&'],
  ['\\R\\', '~'],
  ['\\E\\', '\\'],
])('the escape %s stands for its delimiter', (raw, text) => {
  expect(observed(`a${raw}b`)).toBe(`a${text}b`);
});

test('an escaped escape character does not make a new escape of what follows it', () => {
  expect(observed('\\E\\F\\E\\')).toBe('\\F\\');
});

test('a formatting break is a line break', () => {
  expect(observed('een\\.br\\twee\\.sp\\drie\\.in4\\')).toBe('een\ntwee\ndrie');
});

test('hexadecimal escapes are bytes in the charset of the message', () => {
  expect(observed('x\\X0D0A\\y \\XC3AB\\')).toBe('x\ny ë');
});

test('what is no escape sequence stays as it was sent', () => {
  expect(observed('C:\\temp\\x 50\\')).toBe('C:\\temp\\x 50\\');
  expect(observed('a\\Z12\\b\\F\\c')).toBe('a\\Z12\\b|c');
  expect(observed('\\XABC\\')).toBe('\\XABC\\');
});

test('highlighting is left out and its text kept', () => {
  expect(observed('\\H\\let op\\N\\!')).toBe('let op!');
});

test('subcomponents of a Dutch name are kept apart', () => {
  const message = only(MSH, 'PID|1||||de Vries&de&Vries^Jan');
  const family = componentsOf(fieldOf(segment(message, 'PID'), 5), message.separators)[0] ?? '';
  expect(subcomponentsOf(family, message.separators)).toEqual(['de Vries', 'de', 'Vries']);
});

test.each([
  ['CR', '\r'],
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('segments ended by %s are separate segments', (_, end) => {
  const [message] = messagesIn([MSH, 'PID|1', 'OBR|1', 'OBX|1|||||||||F', ''].join(end));
  expect(message && names(message)).toBe('MSH PID OBR OBX');
});

test('a mix of line ends glues nothing together', () => {
  const [message] = messagesIn(`${MSH}\r\nPID|1\rOBR|1\nOBX|1|TX|A||x||||||F\r\r\nOBX|2|TX|B||y||||||F`);
  expect(message && names(message)).toBe('MSH PID OBR OBX OBX');
  expect(message && fieldOf(segment(message, 'OBX'), 11)).toBe('F');
});

test('a message of one segment without a line end is a message', () => {
  expect(messagesIn(MSH)).toHaveLength(1);
});

test('a raw line break inside a text is kept in that field, with the fields after it, and reported', () => {
  const [message] = messagesIn(`${MSH}\rOBR|1\rOBX|1|TX|T||eerste\nregel twee\n\nregel vier||||||F\rNTE|1||na`);
  const obx = message && segment(message, 'OBX');
  expect(obx && fieldOf(obx, 5)).toBe('eerste\nregel twee\n\nregel vier');
  expect(obx && fieldOf(obx, 11)).toBe('F');
  expect(message && names(message)).toBe('MSH OBR OBX NTE');
  expect(message?.warnings).toEqual([{ code: 'hl7.line-continued', position: { segment: 3, tag: 'OBX' } }]);
});

test('two quote marks and nothing are two different things', () => {
  const message = only(MSH, 'OBX|1|NM|A||""||');
  expect(fieldOf(segment(message, 'OBX'), 5)).toBe('""');
  expect(fieldOf(segment(message, 'OBX'), 6)).toBe('');
});

test('the order of OBR, OBX and NTE is kept', () => {
  const message = only(MSH, 'PID|1', 'OBR|1', 'OBX|1', 'NTE|1||a', 'OBX|2', 'NTE|1||b');
  expect(names(message)).toBe('MSH PID OBR OBX NTE OBX NTE');
  expect(message.segments.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('two MSH in one file without an envelope are two messages, never one', () => {
  const messages = messagesIn(`${MSH}\rPID|1||111\r${MSH}\rPID|1||222\r`);
  expect(messages.map((message) => fieldOf(segment(message, 'PID'), 3))).toEqual(['111', '222']);
  expect(messages.map((message) => segment(message, 'PID').index)).toEqual([2, 2]);
});

test('a second message may have separators of its own', () => {
  const messages = messagesIn(`${MSH}\rPID|1||111\rMSH#*_!$#LAB\rPID#1##222*x\r`);
  expect(messages.map((message) => message.separators.component)).toEqual(['^', '*']);
});

test('a text line that begins with MSH is no message', () => {
  const [message, ...others] = messagesIn(`${MSH}\rNTE|1||zie\nMSH-6 en MSH hierboven\r`);
  expect(others).toEqual([]);
  expect(message && fieldOf(segment(message, 'NTE'), 3)).toBe('zie\nMSH-6 en MSH hierboven');
});

test.each([
  ['with', '\r'],
  ['without', ''],
])('a batch %s a final line end is its messages, without the envelope', (_, end) => {
  const lines = ['FHS|^~\\&|LAB', 'BHS|^~\\&|LAB', MSH, 'PID|1||111', MSH, 'PID|1||222', 'BTS|2', 'FTS|1'];
  const { messages, warnings } = readHl7(Buffer.from(lines.join('\r') + end));
  expect(messages.map((entry) => (entry.kind === 'message' ? names(entry) : entry.code))).toEqual([
    'MSH PID',
    'MSH PID',
  ]);
  expect(warnings).toEqual([]);
});

test('a batch that counts more messages than it holds is reported', () => {
  const { warnings } = readHl7(Buffer.from(['BHS|^~\\&|LAB', MSH, 'PID|1', 'BTS|3'].join('\r')));
  expect(warnings).toEqual([{ code: 'hl7.batch-count-mismatch', position: null }]);
});

test('a batch that is cut off before its trailer is reported', () => {
  const { warnings } = readHl7(Buffer.from(['BHS|^~\\&|LAB', MSH, 'PID|1'].join('\r')));
  expect(warnings).toEqual([{ code: 'hl7.batch-not-closed', position: null }]);
});

test('Z segments are kept', () => {
  expect(names(only(MSH, 'PID|1', 'ZXX|1|eigen', 'OBR|1'))).toBe('MSH PID ZXX OBR');
});

test('segments outside the ORU schema are kept', () => {
  expect(names(only(MSH, 'PID|1', 'AL1|1', 'OBR|1', 'DG1|1'))).toBe('MSH PID AL1 OBR DG1');
});

test('MSH-1 is the field separator, so that MSH-9 is the message type', () => {
  const msh = segment(only(MSH), 'MSH');
  expect([1, 2, 9, 10].map((field) => fieldOf(msh, field))).toEqual(['|', '^~\\&', 'ORU^R01', 'C1']);
});

test('MLLP framing is stripped, also around several messages', () => {
  const messages = messagesIn(`\x0b${MSH}\rPID|1||111\r\x1c\r\x0b${MSH}\rPID|1||222\r\x1c\r`);
  expect(messages.map((message) => names(message))).toEqual(['MSH PID', 'MSH PID']);
});

test('a byte order mark is stripped', () => {
  expect(messagesIn(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(MSH)]))).toHaveLength(1);
});

test('a field past the end is empty, not an error', () => {
  expect(fieldOf(segment(only(MSH, 'PID|1'), 'PID'), 39)).toBe('');
});

test('an unescaped ampersand in a text keeps the whole text', () => {
  expect(observed('Ca & Mg laag')).toBe('Ca & Mg laag');
});

test('a tilde and a circumflex in a text are still there in the raw field', () => {
  const message = only(MSH, 'OBX|1|TX|T||a~b^c||||||F');
  expect(fieldOf(segment(message, 'OBX'), 5)).toBe('a~b^c');
});

test('what is parsed and written again is equal', () => {
  const text = [
    MSH,
    'PID|1||111^^^LAB^PI~222||de Vries&de&Vries^Jan',
    'OBX|1|TX|T||a\\F\\b~c&d|""|||||F',
    'ZZZ|',
    '',
  ].join('\r');
  const [message] = messagesIn(text);
  expect(message && writeHl7Message(message)).toBe(text);
});

test.each([
  ['an empty file', ''],
  ['only blank lines', '\r\n \r\n'],
  ['a text', 'Beste collega,\r\nhierbij de uitslag\r\nMSH|^~\\&|LAB\r\n'],
  ['a form that is called MSH', 'MSH-formulier nr 12, ingevuld'],
  ['MSH alone', 'MSH|'],
  ['separators that are equal', 'MSH|^^^^|LAB'],
  ['separators out of an HTML page', 'MSH|^~\\&amp;|LAB'],
  ['UTF-16', Buffer.from(MSH, 'utf16le')],
  ['an envelope without a message', 'FHS|^~\\&|LAB\rFTS|0\r'],
])('garbage is refused: %s', (_, content) => {
  expect(readHl7(Buffer.from(content as string)).messages).toMatchObject([{ kind: 'refused', code: 'hl7.syntax' }]);
});
