import { expect, test } from 'vitest';
import { readHl7Attachments, readHl7Payload } from '../../../src/lab/from-hl7/from-hl7.ts';
import { loadLaboratoryRegistry } from '../../../src/lab/registry.ts';
import { MSH, OBR, OBX, PID, payloadOf, readingOf, reportOf, warningsOf } from './reading.ts';

const typed = (type: string) => MSH.replace('ORU^R01^ORU_R01', type);

test.each(['ADT^A08', 'ACK', 'ORM^O01', 'MDM^T02', 'SIU^S12'])('%s is recognised, and is not laboratory', (type) => {
  expect(readingOf(typed(type), PID)).toMatchObject({
    format: 'hl7-other',
    outcome: 'not-lab',
    code: null,
    reports: [],
  });
});

test.each([
  ['', 'hl7.syntax'],
  ['XYZ^A01', 'hl7.unknown-message'],
  ['ORU^R30', 'hl7.unknown-message'],
  ['OUL^R22', 'hl7.unknown-message'],
])('a message of type "%s" is quarantined, never dropped: %s', (type, code) => {
  expect(readingOf(typed(type), PID, OBR, OBX)).toMatchObject({
    format: 'hl7-other',
    outcome: 'quarantined',
    code,
    position: { segment: 1, tag: 'MSH', field: 9 },
  });
});

test('every MSH is a payload of its own, named from the second on, and a bad one leaves the others alone', () => {
  const bad = PID.replace('999918606^^^NLMINBIZA^NNNLD', '999918606^^^NLMINBIZA^NNNLD~999971384^^^NLMINBIZA^NNNLD');
  const bytes = Buffer.from([MSH, bad, OBR, OBX, MSH, PID, OBR, OBX].join('\r'));
  const readings = readHl7Payload(payloadOf(bytes), loadLaboratoryRegistry());
  expect(readings.map(({ source, outcome, code }) => [source, outcome, code])).toEqual([
    ['file', 'quarantined', 'hl7.two-bsns'],
    ['file message 2', 'reports', null],
  ]);
});

test.each([
  ['no PID at all', [MSH, OBR, OBX], 'hl7.no-patient'],
  ['an OBR before the PID', [MSH, OBR, PID, OBX], 'hl7.no-patient'],
  ['only a header', [MSH], 'hl7.no-patient'],
  ['a patient without an OBR', [MSH, PID], 'hl7.no-results'],
  ['a second patient without an OBR', [MSH, PID, OBR, OBX, PID], 'hl7.no-results'],
  ['an OBR with nothing under it', [MSH, PID, OBR], 'hl7.no-results'],
  ['an OBX before its OBR', [MSH, PID, OBX, OBR], 'hl7.no-order'],
  ['an OBX between ORC and OBR', [MSH, PID, OBR, OBX, 'ORC|RE', OBX], 'hl7.no-order'],
  ['an ADD, which continues a text elsewhere', [MSH, PID, OBR, OBX, 'ADD|rest'], 'hl7.syntax'],
])('%s quarantines the message: %#', (_, lines, code) => {
  expect(readingOf(...lines)).toMatchObject({ format: 'hl7-oru', outcome: 'quarantined', code });
});

test.each(['T', 'D'])('a message with MSH-11 = %s is a test: quarantined with its reports filled', (processing) => {
  const reading = readingOf(MSH.replace('|P|', `|${processing}|`), PID, OBR, OBX);
  expect(reading).toMatchObject({ outcome: 'quarantined', code: 'lab.test-message' });
  expect(reading.reports).toMatchObject([{ isTest: true }]);
});

test('the laboratory is found by MSH-4, or by its first component; an unknown one keys as sent', () => {
  const keyOf = (facility: string) =>
    reportOf(MSH.replace('DIAGZUID', facility), PID, OBR, OBX).specimens[0]?.results[0]?.key;
  expect(keyOf('DIAGZUID')).toBe('sandbox-zuid|Z1|2026|CHEM|513||1');
  expect(keyOf('DIAGZUID^1.2.3^ISO')).toBe('sandbox-zuid|Z1|2026|CHEM|513||1');
  expect(keyOf('ANDERLAB')).toBe('ANDERLAB|Z1|2026|CHEM|513||1');
});

test('eight to ten digits in MSH-4 and MSH-6 are ZorgMail accounts, an AGB number is not', () => {
  const report = reportOf(MSH.replace('DIAGZUID', '500099002').replace('500088002', '01099002^^VEKTIS'), PID, OBR, OBX);
  expect(report.sender).toEqual({ name: null, zorgmail: '500099002', agb: null });
  expect(report.recipient).toEqual({ name: null, zorgmail: null, agb: '01099002' });
});

test('a note belongs to what stands before it', () => {
  const note = (text: string) => `NTE|1||${text}`;
  const report = reportOf(
    MSH,
    PID,
    note('patient'),
    'ORC|RE',
    note('order'),
    OBR,
    note('obr'),
    OBX,
    note('een'),
    OBX,
    note('twee'),
  );
  expect(report.comments).toEqual(['patient']);
  expect(report.specimens[0]?.remarks).toEqual(['order', 'obr']);
  expect(report.specimens[0]?.results.map(({ remarks }) => remarks)).toEqual([['een'], ['twee']]);
});

test('a note before any patient is reported and given to nobody', () => {
  const reading = readingOf(MSH, 'NTE|1||van wie', PID, OBR, OBX);
  expect(reading.warnings.map(({ code }) => code)).toEqual(['hl7.note-without-owner']);
  expect(JSON.stringify(reading.reports)).not.toContain('van wie');
});

test('a name that HL7 does not have may be a wrapped line of a result: the report is held', () => {
  const lines = [MSH, PID, OBR, OBX, 'HBA|tekst die op een segment lijkt'] as const;
  expect(reportOf(...lines).holds).toEqual([{ code: 'hl7.unknown-segment', position: { segment: 5, tag: 'HBA' } }]);
  expect(warningsOf(...lines)).toEqual(['hl7.unknown-segment']);
});

test('segments of the standard that say nothing here, and Z segments, are read past', () => {
  const lines = [MSH, 'EVN|R01', PID, 'PV1|1', OBR, 'TQ1|1', OBX, 'AL1|1', 'ZXX|1'] as const;
  expect(reportOf(...lines).holds).toEqual([]);
  expect(warningsOf(...lines)).toEqual([]);
});

test('without a lab number or a collection date the results are held: they would replace others', () => {
  const report = reportOf(MSH, PID, 'OBR|1|||CHEM', OBX);
  expect(report.holds.map(({ code }) => code)).toEqual(['lab.no-lab-number', 'lab.no-collection-date']);
  expect(reportOf(MSH, PID, 'ORC|RE||Z1', 'OBR|1|||CHEM|||20261120', OBX)).toMatchObject({
    holds: [],
    specimens: [{ labNumber: 'Z1', collectedAt: '2026-11-20' }],
  });
});

test('a cumulative report keys each value by its own moment', () => {
  const at = (moment: string) => `${OBX}|||${moment}`;
  const keys = reportOf(MSH, PID, OBR, at('20261118'), at('20261119')).specimens[0]?.results.map(({ key }) => key);
  expect(keys).toEqual(['sandbox-zuid|Z1|2026|CHEM|513||20261118|1', 'sandbox-zuid|Z1|2026|CHEM|513||20261119|1']);
});

test('the requester with an AGB number goes before a local one, and copies are listed', () => {
  const obr =
    'OBR|1||Z1|CHEM|||20261120|||||||||77^Lokaal~01004567^Arts&de&Arts^J^^^^^^VEKTIS||||||||||||^Groot&de&Groot^K.';
  expect(reportOf(MSH, PID, obr, OBX)).toMatchObject({
    requester: { name: 'J de Arts', type: 'VEKTIS', code: '01004567' },
    copy: { direction: 'to', names: ['K. de Groot'] },
  });
});

test('a document inside the message is listed by digest, and its bytes are to be had', () => {
  const bytes = Buffer.from('%PDF-1.4 invented');
  const data = bytes.toString('base64');
  const obx = `OBX|1|ED|PDF^Verslag^L||^application^pdf^Base64^${data.slice(0, 5)} ${data.slice(5)}||||||F`;
  const payload = payloadOf(Buffer.from([MSH, PID, OBR, obx].join('\r')));
  const [attachment] = reportOf(MSH, PID, OBR, obx).attachments;
  expect(attachment).toMatchObject({ contentType: 'application/pdf', bytes: bytes.length });
  expect(readHl7Attachments(payload).get(attachment?.sha256 ?? '')).toEqual({ contentType: 'application/pdf', bytes });
});

test('a document that was withdrawn is not offered, and its row says so', () => {
  const obx = 'OBX|1|ED|PDF^Verslag^L||^application^pdf^Base64^JVBERi0=||||||W';
  const report = reportOf(MSH, PID, OBR, obx);
  expect(report.attachments).toEqual([]);
  expect(report.specimens[0]?.results).toMatchObject([{ name: 'Verslag', status: 'retracted' }]);
});

test('a document that cannot be decoded is reported', () => {
  const obx = 'OBX|1|ED|PDF^Verslag^L||^application^pdf^Base64^@@@||||||F';
  expect(warningsOf(MSH, PID, OBR, obx)).toEqual(['hl7.attachment-unreadable']);
});

test('a document of many megabytes is decoded', () => {
  const bytes = Buffer.alloc(24 * 1024 * 1024, 7);
  const obx = `OBX|1|ED|PDF^Verslag^L||^application^pdf^Base64^${bytes.toString('base64')}||||||F`;
  const hex = `OBX|2|ED|PDF^Verslag^L||^application^pdf^Hex^\\X${'41'.repeat(1024 * 1024)}\\||||||F`;
  const [attachment] = reportOf(MSH, PID, OBR, obx, hex).attachments;
  expect(attachment).toMatchObject({ bytes: bytes.length });
});
