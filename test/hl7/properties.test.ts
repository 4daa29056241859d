import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeText, fieldOf, readHl7, unescapeText, writeHl7Message } from '../../src/hl7/hl7.ts';
import { readHl7Payload } from '../../src/lab/from-hl7/from-hl7.ts';

const MSH = 'MSH|^~\\&|LAB|X|||||ORU^R01|1|P|2.5||||||UNICODE UTF-8';
const SEPARATORS = {
  field: '|',
  component: '^',
  repetition: '~',
  escapeCharacter: '\\',
  subcomponent: '&',
  truncation: '',
};

const payloadOf = (bytes: Buffer) =>
  ({ source: 'file', kind: 'hl7', bytes, charset: null, mailSender: null, attachments: [] }) as const;

// Bytes that resemble a message: pieces that mean something to a reader, in any order, with noise between them.
const pieces = [
  'MSH|^~\\&|',
  'PID|1||',
  'OBR|1||',
  'OBX|1|',
  'NM|',
  'SN|',
  'ED|',
  'CE|',
  'NTE|1||',
  'SPM|',
  'ORC|',
  'ADD|',
]
  .concat(['ORU^R01|', '^', '~', '&', '\\', '\\X0D\\', '\\.br\\', '""', '|', '|||||', '\r', '\n', '\r\n'])
  .concat(['\x0b', '\x1c', 'FHS|', 'BHS|^~\\&|', 'BTS|2', 'FTS|1', '999990019^^^NLMINBIZA^NNNLD', '20261025023000'])
  .concat(['UNICODE UTF-8', '8859/1', '<^5', '10^9/l', 'base64', '^application^pdf^Base64^JVBERi0', 'F', 'ë']);
const resembling = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 8 })), { maxLength: 60 })
  .map((parts) => Buffer.from(`${MSH}\r${parts.join('')}`));

test('no bytes whatever make the reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const readings = readHl7Payload(payloadOf(Buffer.from(bytes)), { laboratories: [] });
      expect(readings.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

test('nothing that resembles a message makes the reader throw, and what is quarantined says why', () => {
  fc.assert(
    fc.property(resembling, (bytes) => {
      for (const reading of readHl7Payload(payloadOf(bytes), { laboratories: [] })) {
        expect(reading.outcome === 'quarantined').toBe(reading.code !== null);
        expect(reading.outcome === 'reports').toBe(reading.code === null && reading.reports.length > 0);
      }
    }),
    { numRuns: 1000 },
  );
});

const plainText = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n|]/g, ' '));
const segments = fc.array(
  fc.tuple(fc.constantFrom('PID', 'OBR', 'OBX', 'NTE', 'ZXX'), fc.array(plainText, { minLength: 1, maxLength: 12 })),
  { maxLength: 20 },
);

test('a canonical message that is parsed and written again is equal', () => {
  fc.assert(
    fc.property(segments, (lines) => {
      const text = [MSH, ...lines.map(([name, fields]) => [name, ...fields].join('|'))]
        .map((line) => `${line}\r`)
        .join('');
      const [hl7Message] = readHl7(Buffer.from(text)).messages;
      expect(hl7Message?.kind === 'message' && writeHl7Message(hl7Message)).toBe(text);
    }),
  );
});

test('any text that is escaped into a field is read back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const bytes = Buffer.from(`${MSH}\rNTE|1||${escapeText(text, SEPARATORS)}\r`);
      const [hl7Message] = readHl7(bytes).messages;
      if (hl7Message?.kind !== 'message') throw new Error('refused');
      const nte = hl7Message.segments[1];
      expect(nte && unescapeText(fieldOf(nte, 3), hl7Message)).toBe(text.replace(/\r\n|\r/g, '\n'));
    }),
  );
});
