/**
 * How a message travels says nothing of what it means: whatever charset, line ends, delimiters, folding, encoding or place
 * in a mail it comes in, the same reports are read. Over generated traffic.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tokenise, writeSegment } from '../../src/edifact/edifact.ts';
import { readHl7, writeHl7Message } from '../../src/hl7/hl7.ts';
import { type LabReport, loadLaboratoryRegistry, readMailContents } from '../../src/lab/lab.ts';
import { openFile, unwrapMail } from '../../src/mail/mail.ts';
import { type GeneratedMail, generateTraffic } from '../../src/sandbox/generator/generator.ts';
import { laboratoryMail } from '../../src/sandbox/laboratory.ts';

const registry = loadLaboratoryRegistry();
const RUNS = { numRuns: 60 };

function messagesOf(format: GeneratedMail['format']): fc.Arbitrary<readonly GeneratedMail[]> {
  return fc.nat(1_000_000).map((seed) => {
    const traffic = { seed, mails: 12, startsAt: new Date('2026-11-16T08:00:00Z'), followedShare: 0.5 };
    return [...generateTraffic(traffic)].filter((one) => one.format === format).slice(0, 3);
  });
}

async function reportsOf(bytes: Buffer): Promise<readonly LabReport[]> {
  const readings = readMailContents(await openFile(bytes, 'x'), registry);
  expect(readings.map(({ code }) => code)).toEqual(readings.map(() => null));
  return readings.flatMap(({ reports }) => reports);
}

async function reportsOfMail(raw: Buffer): Promise<readonly LabReport[]> {
  const readings = readMailContents(await unwrapMail(raw), registry);
  expect(readings.map(({ code }) => code)).toEqual(readings.map(() => null));
  return readings.flatMap(({ reports }) => reports);
}

/** The letters of EDIFACT or HL7 that the generator wrote: UTF-8 where it is that. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

function encoded(text: string, charset: string): Buffer {
  return charset === 'utf-8' ? Buffer.from(text) : Buffer.from(text, 'latin1');
}

const lineEnd = fc.constantFrom('', '\r', '\n', '\r\n', '\r\n\r\n', ' \t');
const delimiters = fc.constantFrom(
  { component: ':', element: '+', release: '?', terminator: "'" },
  { component: '^', element: '|', release: '\\', terminator: '~' },
  { component: '*', element: '!', release: '#', terminator: '\n' },
  { component: '\x1f', element: '\x1d', release: '?', terminator: '\x1c' },
);

it('EDIFACT says the same with other delimiters and with any blanks between its segments', async () => {
  await fc.assert(
    fc.asyncProperty(messagesOf('medlab-1'), delimiters, lineEnd, async (messages, other, between) => {
      for (const { payload } of messages) {
        const tokens = tokenise(payload, null);
        if (tokens.kind === 'refused') throw new Error(tokens.code);
        const { component, element, release, terminator } = other;
        const una = `UNA${component}${element}.${release} ${terminator}`;
        const again = una + tokens.segments.map((segment) => writeSegment(segment, other) + between).join('');
        expect(await reportsOf(Buffer.from(again))).toEqual(await reportsOf(payload));
      }
    }),
    RUNS,
  );
});

it('EDIFACT and HL7 say the same in another charset that is named', async () => {
  const charset = fc.constantFrom('utf-8', 'iso-8859-1', 'windows-1252');
  await fc.assert(
    fc.asyncProperty(messagesOf('medlab-1'), messagesOf('hl7-oru'), charset, async (edifact, hl7, to) => {
      for (const { payload } of edifact) {
        const head = `Content-Type: text/plain; charset=${to}\r\nContent-Transfer-Encoding: base64\r\n\r\n`;
        const raw = Buffer.from(head + encoded(textOf(payload), to).toString('base64'));
        expect(await reportsOfMail(raw)).toEqual(await reportsOf(payload));
      }
      for (const { payload } of hl7) {
        const fields = textOf(payload).split('|');
        const named = fields.with(
          17,
          `${to === 'utf-8' ? 'UNICODE UTF-8' : '8859/1'}${/\r[\s\S]*/.exec(fields[17] ?? '')?.[0] ?? ''}`,
        );
        expect(await reportsOf(encoded(named.join('|'), to))).toEqual(await reportsOf(payload));
      }
    }),
    RUNS,
  );
});

it('HL7 says the same with any line ends, framed or with a byte order mark', async () => {
  const end = fc.constantFrom('\r', '\n', '\r\n', '\r\r', '\n\r\n');
  const frame = fc.constantFrom(['', ''], ['\x0b', '\x1c\r'], ['\xef\xbb\xbf', ''], ['\r\n\r\n', '\r\n\r\n']);
  await fc.assert(
    fc.asyncProperty(messagesOf('hl7-oru'), end, frame, async (messages, to, [before = '', after = '']) => {
      for (const { payload } of messages) {
        const changed = before + payload.toString('latin1').replace(/\r\n|\r|\n/g, to) + after;
        expect(await reportsOf(Buffer.from(changed, 'latin1'))).toEqual(await reportsOf(payload));
      }
    }),
    RUNS,
  );
});

it('a message says the same in every shape of a mail, its lines folded anywhere, and deep inside others', async () => {
  const shape = fc.constantFrom('attachment-base64', 'body-8bit', 'quoted-printable', 'mixed-with-text');
  const depth = fc.integer({ min: 0, max: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(messagesOf('medlab-1'), messagesOf('hl7-oru')),
      shape,
      depth,
      async (messages, to, levels) => {
        for (const { payload } of messages) {
          const mail = laboratoryMail({ payload, shape: to, to: '500088001', from: 'x@y.example' });
          expect(await reportsOfMail(inside(mail, levels))).toEqual(await reportsOf(payload));
        }
      },
    ),
    RUNS,
  );
});

it('base64 and quoted-printable say the same wherever they are folded', async () => {
  const width = fc.integer({ min: 1, max: 200 });
  const end = fc.constantFrom('\r\n', '\n');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(messagesOf('medlab-1'), messagesOf('hl7-oru')),
      width,
      end,
      async (messages, every, lf) => {
        for (const { payload } of messages) {
          const base64 = payload.toString('base64').replace(new RegExp(`.{${every}}`, 'g'), `$&${lf}`);
          const octets = [...payload].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`);
          const quoted = octets
            .map((octet, index) => (index % every === every - 1 ? `${octet}=${lf}` : octet))
            .join('');
          const plain = await reportsOf(payload);
          const folded = `Content-Type:${lf} text/plain;${lf}\tcharset=utf-8${lf}Content-Transfer-Encoding:${lf} `;
          // What is no UTF-8 is not taken for it because the mail says so.
          expect(await reportsOfMail(Buffer.from(`${folded}base64${lf}${lf}${base64}`))).toEqual(plain);
          expect(await reportsOfMail(Buffer.from(`${folded}quoted-printable${lf}${lf}${quoted}`))).toEqual(plain);
        }
      },
    ),
    RUNS,
  );
});

it('messages that travel together say what they say apart', async () => {
  await fc.assert(
    fc.asyncProperty(messagesOf('medlab-1'), messagesOf('hl7-oru'), async (edifact, hl7) => {
      for (const messages of [edifact, hl7]) {
        const payloads = messages.map(({ payload }) => payload);
        const apart = (await Promise.all(payloads.map(reportsOf))).flat();
        const utf8 = payloads.map((payload) => Buffer.from(textOf(payload)));
        if (messages === edifact && utf8.length > 0) expect(await reportsOf(Buffer.concat(utf8))).toEqual(apart);
        if (messages === hl7 && payloads.length > 0) expect(await reportsOf(Buffer.concat(payloads))).toEqual(apart);
        const parts = payloads.map(
          (payload) => `--grens\r\nContent-Transfer-Encoding: base64\r\n\r\n${payload.toString('base64')}\r\n`,
        );
        const raw = `Content-Type: multipart/mixed; boundary=grens\r\n\r\n${parts.join('')}--grens--\r\n`;
        if (payloads.length > 0) expect(await reportsOfMail(Buffer.from(raw))).toEqual(apart);
      }
    }),
    RUNS,
  );
});

it('HL7 that was read and written again says the same, whatever it was', () => {
  const pieces = [
    'MSH|^~\\&|A|B\r',
    'PID|1||x^y~z&\\T\\\r',
    'OBX|1|TX|a||',
    'regel',
    '\r',
    '\n',
    '\r\n',
    '|',
    '^',
    '\\',
    'ë',
    'NTE|1',
  ];
  const bytes = fc
    .array(fc.constantFrom(...pieces), { maxLength: 40 })
    .map((parts) => Buffer.from(`MSH|^~\\&|A|B\r${parts.join('')}`));
  fc.assert(
    fc.property(bytes, (raw) => {
      for (const first of readHl7(raw).messages) {
        if (first.kind === 'refused') continue;
        const again = readHl7(Buffer.from(writeHl7Message(first))).messages;
        expect(again.map((one) => one.kind === 'message' && one.segments)).toEqual([first.segments]);
      }
    }),
    { numRuns: 300 },
  );
});

function inside(mail: Buffer, levels: number): Buffer {
  if (levels === 0) return mail;
  const head = `Content-Type: multipart/mixed; boundary="b${levels}"\r\n\r\n--b${levels}\r\nContent-Type: message/rfc822\r\n\r\n`;
  return inside(Buffer.concat([Buffer.from(head), mail, Buffer.from(`\r\n--b${levels}--\r\n`)]), levels - 1);
}
