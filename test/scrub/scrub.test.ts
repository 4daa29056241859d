import { readFileSync } from 'node:fs';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/commands/inspect.ts';
import { type LabReport, loadLaboratoryRegistry } from '../../src/lab/lab.ts';
import { scrubFile } from '../../src/scrub/scrub.ts';
import { ENVELOPE, mail, multipart } from '../mail/mails.ts';
import { outline, scrubbed } from './shapes.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const PLAIN = fixture('edifact/plain.edi').toString('latin1');
const registry = loadLaboratoryRegistry();

const edi = (text: string) => Buffer.from(text, 'latin1');
const made = async (text: string, seed?: string) => (await scrubbed(edi(text), 'x.edi', seed)).toString('latin1');

async function reportOf(text: string): Promise<LabReport> {
  const { payloads } = await readDocument(edi(text), 'x.edi', registry);
  return payloads[0]?.reports[0] ?? expect.fail('no report');
}

function passes(bsn: string): boolean {
  const sum = [9, 8, 7, 6, 5, 4, 3, 2, -1].reduce((total, weight, at) => total + weight * Number(bsn[at]), 0);
  return sum % 11 === 0;
}

describe('one name', () => {
  it('is the same other name in PID, in a remark, in UNH and in another message, in every case', async () => {
    const text = PLAIN.replace("MEDLAB:1'", "MEDLAB:1+Jansen'")
      .replace("UNT+14+1'", "OPB:1:1:4:1+Mw. JANSEN belde; jansen?'s dochter ook'UNT+15+1'")
      .replace('Dr. C. Chemicus', 'Jansen');
    const result = await made(text);
    const name = (await reportOf(result)).patient.name.family ?? '';
    expect(name).toHaveLength(6);
    expect(name).not.toBe('Jansen');
    expect(result).toContain(`MEDLAB:1+${name}'`);
    expect(result).toContain(`ARA:1+${name}'`);
    expect(result).toContain(`Mw. ${name.toUpperCase()} `);
    expect(result).toContain(`; ${name.toLowerCase()}?'s `);
    expect(result).not.toMatch(/jansen/i);
  });

  it('keeps its prefix, and its initial stays that of the first name', async () => {
    const text = PLAIN.replace('Jansen:van::P.', 'Jansen:van:Petra:P.');
    const { name } = (await reportOf(await made(text))).patient;
    expect(name).toMatchObject({ prefix: 'van', partnerPrefix: 'van de' });
    expect(name.initials).toBe(`${name.given?.charAt(0)}.`);
  });

  it('that is also a clinical word or the name of a segment is replaced too', async () => {
    for (const word of ['Bloed', 'Ide', 'Zie', 'Arts']) {
      const result = await made(
        PLAIN.replaceAll('Jansen', word).replace("UNT+14+1'", `OPB:1:1:4:1+${word} is bloed'UNT+15+1'`),
      );
      expect((await reportOf(result)).patient.name.family).not.toBe(word);
      expect(result).not.toContain(`:${word}:`);
      expect(result).toContain('IDE:1+J+');
    }
  });

  it('that is also a code cannot be taken out: nothing comes of it', async () => {
    const text = PLAIN.replaceAll('Jansen', 'Amb').replace('UNT+14+1', "BEP:1:1:5+0+X+1++::AMB'UNT+15+1");
    const hl7 = fixture('hl7/plain.hl7').toString('latin1').replace('Smit', 'Oru').replace('&Bakker&', '&Oru&');
    expect((await scrubFile(edi(text), 'x.edi', 's')).kind).toBe('scrubbed');
    expect(
      await scrubFile(edi(hl7.replace('ORU^R01^ORU_R01', 'ORU^Kool').replaceAll('Bakker', 'Kool')), 'x.hl7', 's'),
    ).toEqual({
      kind: 'refused',
      code: 'still-there',
    });
  });
});

describe('a BSN', () => {
  const withBsn = (bsn: string) => PLAIN.replace('BSN999990019', `BSN${bsn}`);

  it('that passes the 11-test becomes one of the test range that passes', async () => {
    const { bsn, isBsnValid } = (await reportOf(await made(withBsn('123456782')))).patient;
    expect(bsn).toMatch(/^999/);
    expect(isBsnValid).toBe(true);
  });

  it('of eight digits becomes one of nine, since those of the test range have nine', async () => {
    const { bsn, isBsnValid } = (await reportOf(await made(withBsn('10000008')))).patient;
    expect(bsn).toMatch(/^999\d{6}$/);
    expect(isBsnValid).toBe(true);
  });

  it('that fails it fails it by as much', async () => {
    const { bsn, isBsnValid } = (await reportOf(await made(withBsn('123456783')))).patient;
    expect(bsn).toMatch(/^999/);
    expect(isBsnValid).toBe(false);
    const rest = (digits: string) =>
      [9, 8, 7, 6, 5, 4, 3, 2, -1].reduce((total, weight, at) => total + weight * Number(digits[at]), 0) % 11;
    expect((rest(bsn ?? '') + 11) % 11).toBe((rest('123456783') + 11) % 11);
  });

  it('with dots keeps them, and is the same one in a text', async () => {
    const result = await made(withBsn('1234.56.782').replace("UNT+14+1'", "OPB:1:1:4:1+zie BSN 123456782'UNT+15+1'"));
    const bsn = (await reportOf(result)).patient.bsn ?? '';
    expect(result).toContain(`BSN${bsn.slice(0, 4)}.${bsn.slice(4, 6)}.${bsn.slice(6)}`);
    expect(result).toContain(`zie BSN ${bsn}'`);
  });

  it('of somebody else in a text becomes one of the test range too', async () => {
    const found =
      /bij ([0-9]{9})'/.exec(await made(PLAIN.replace("UNT+14+1'", "OPB:1:1:4:1+bij 123456782'UNT+15+1'")))?.[1] ?? '';
    expect(found).toMatch(/^999/);
    expect(passes(found)).toBe(true);
  });
});

describe('dates', () => {
  it('all move by one number of whole weeks, so that what lies between them stays', async () => {
    const before = await reportOf(PLAIN);
    for (const seed of ['a', 'b', 'c']) {
      const after = await reportOf(await made(PLAIN, seed));
      const days = (report: LabReport) =>
        [report.patient.birthDate, report.sentAt, report.specimens[0]?.collectedAt].map(
          (date) => Date.parse(`${date?.slice(0, 10)}T00:00:00Z`) / 86_400_000,
        );
      const moved = days(after).map((day, index) => day - (days(before)[index] ?? 0));
      expect(new Set(moved).size).toBe(1);
      expect(Math.abs(moved[0] ?? 0)).toBeGreaterThanOrEqual(42);
      expect((moved[0] ?? 1) % 7).toBe(0);
    }
  });

  it('in a text and in a mail move with them, in the form that they had', async () => {
    const text = PLAIN.replace(
      "UNT+14+1'",
      "OPB:1:1:4:1+geb. 25-10-1980, op 25 oktober 1980 en 1980-10-25 en 19801025; 25/10/80'UNT+15+1'",
    );
    const result = await made(text);
    const born = (await reportOf(result)).patient.birthDate ?? '';
    const [year = '', month = '', day = ''] = born.split('-');
    for (const form of [
      `${day}-${month}-${year}`,
      `${year}-${month}-${day}`,
      `${year}${month}${day}`,
      `${day}/${month}/${year.slice(2)}`,
    ])
      expect(result).toContain(form);
    expect(result).toMatch(new RegExp(`op ${day} [a-z]+ ${year}`));
    expect(result).not.toMatch(/25-10-1980|19801025|oktober 1980/);
  });

  it('that are values move too; numbers that only look like one stay', async () => {
    const result = await reportOf(
      await made(PLAIN.replace("UNT+14+1'", "BEP:1:1:5+0+Datum+240208'BEP:1:1:6+0+Trombocyten+250000++/ul'UNT+16+1'")),
    );
    const values = result.specimens[0]?.results.map(({ value }) => value.text);
    expect(values?.slice(0, 4)).toEqual(['53', '78', '>90', '4.2']);
    expect(values?.[4]).toMatch(/^\d{6}$/);
    expect(values?.[4]).not.toBe('240208');
    expect(values?.[5]).toBe('250000');
  });

  it('that the calendar does not have stay such', async () => {
    const result = await made(PLAIN.replace('1980:10:25', '1980:13:45'));
    expect(result).toMatch(/PID\+(?!1980)\d{4}:13:45\+/);
  });
});

describe('what is written about somebody', () => {
  const remark = async (text: string) =>
    /OPB:1:1:4:1\+(.*?)'/s.exec(await made(PLAIN.replace("UNT+14+1'", `OPB:1:1:4:1+${text}'UNT+15+1'`)))?.[1] ?? '';

  it('becomes other words of the same length and case; where to look further stays', async () => {
    const text = 'Zie onder: Kanarie ziek, neg bij VOGELARTS  (2x)';
    const result = await remark(text);
    expect(outline(edi(result))).toBe(outline(edi(text)));
    expect(result).toContain('Zie onder: ');
    expect(result).toContain('neg bij ');
    expect(result).not.toMatch(/kanarie|ziek|vogelarts/i);
  });

  it('loses telephones, addresses of mail and numbers', async () => {
    const result = await remark('bel 06-12345678 of 0599 12 34 56, mail p.jansen@huis.nl, dossier 7654321');
    expect(result.replace(/\D/g, '')).not.toMatch(/12345678|123456|7654321/);
    expect(result).toMatch(/^\w{3} 0\d-\d{8} of 0\d{3} \d\d \d\d \d\d, /);
    expect(result).toMatch(/@\w+\.example, /);
  });
});

describe('a text', () => {
  const remark = async (text: string) =>
    /OPB:1:1:4:1\+(.*?)'/s.exec(await made(PLAIN.replace("UNT+14+1'", `OPB:1:1:4:1+${text}'UNT+15+1'`)))?.[1] ?? '';

  it('loses postcodes, and what is encoded in it without a word of that', async () => {
    expect(await remark('postcode 1234 AB, in 2026 om 10 uur')).toMatch(
      /^\w{8} (?!1234)\d{4} (?!AB)[A-Z]{2}, in 2026 om 10 uur$/,
    );
    const encoded = Buffer.from('UNB+UNOA:1+500099001 Mevrouw Jansen woont hier niet meer').toString('base64');
    const result = await remark(encoded);
    expect(result).toMatch(/^VU5C/);
    expect(Buffer.from(result, 'base64').toString('latin1')).not.toMatch(/jansen|woont|mevrouw/i);
  });

  it('of three letters that may be a name is no short value', async () => {
    const text = PLAIN.replace(
      "UNT+14+1'",
      "BEP:1:1:5+0+Kweek+Jan'BEP:1:1:6+0+Kweek+neg'BEP:1:1:7+0+Kweek+R'UNT+17+1'",
    );
    const values = (await reportOf(await made(text))).specimens[0]?.results.slice(4).map(({ value }) => value.text);
    expect(values).toEqual([expect.stringMatching(/^(?!Jan)[A-Z][a-z]{2}$/), 'neg', 'R']);
  });
});

describe('a mail', () => {
  const around = (body: string) => mail(`${ENVELOPE.replace(/Subject:.*\n/, '')}Subject: Uitslag mw. Jansen\n${body}`);
  const base64Header = 'Content-Transfer-Encoding: base64\n\n';
  const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64').replace(/.{76}/g, '$&\n');

  it('is scrubbed inside base64, quoted-printable and encoded words, and mailparser finds nothing either', async () => {
    const quoted = PLAIN.replace(/\r\n/g, '\n').replaceAll('=', '=3D').replace('Jansen', 'Jan=\nsen');
    const parts = [
      `Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="Jansen-999990019.edi"\n\n${base64(PLAIN)}`,
      `Content-Transfer-Encoding: quoted-printable\n\n${quoted}`,
      `Content-Type: text/html; charset=utf-8\n\n<p title="Jansen">Beste <b>Petra Jansen</b>, 999990019</p>`,
    ];
    const word = `=?utf-8?B?${Buffer.from('Jansen, P.').toString('base64')}?= =?utf-8?Q?mw=2E_Jansen?=`;
    const raw = around(`X-Patient: ${word}\n${multipart(parts)}`);
    const result = await scrubbed(raw, 'x.eml');
    const parsed = await simpleParser(result);
    const seen = [
      result.toString('latin1'),
      ...parsed.headerLines.map(({ line }) => line),
      ...[parsed.subject, parsed.text, String(parsed.html), String(parsed.headers.get('x-patient'))],
      ...parsed.attachments.flatMap(({ content, filename }) => [content.toString('latin1'), filename ?? '']),
    ].join('\n');
    expect(seen).not.toMatch(/jansen|petra|999990019|lindelaan|1980:10:25/i);
    expect(parsed.attachments.length).toBeGreaterThan(0);
    expect(result.toString().match(/^--grens.*$/gm)?.length ?? 0).toBe(0);
    expect(result.toString().split('\n').length).toBe(raw.toString().split('\n').length);
  });

  it('has an invented document in the place of its own', async () => {
    const pdf = `%PDF-1.7\n(Mevrouw Jansen)\n${'x'.repeat(500)}`;
    const raw = around(multipart([`\n${PLAIN}`, `Content-Type: application/pdf\n${base64Header}${base64(pdf)}`]));
    const { attachments } = await simpleParser(await scrubbed(raw, 'x.eml'));
    const found = attachments.filter(({ contentType }) => contentType === 'application/pdf');
    expect(found.map(({ content }) => content.toString('latin1'))).toEqual([
      expect.stringMatching(/^%PDF-1\.4(?!.*(?:Jansen|xxx)).*%%EOF\n$/s),
    ]);
  });

  it('with a part that nothing can stand in for is refused', async () => {
    const noise = Buffer.from(Array.from({ length: 200 }, (_, index) => index % 9)).toString('base64');
    const raw = around(
      multipart([`Content-Type: application/x-own\nContent-Transfer-Encoding: base64\n\n${noise}`, `\n${PLAIN}`]),
    );
    expect(await scrubFile(raw, 'x.eml', 's')).toEqual({ kind: 'refused', code: 'binary-part' });
    const wide = Buffer.from(PLAIN, 'utf16le').toString('base64');
    const other = around(multipart([`Content-Transfer-Encoding: base64\n\n${wide}`]));
    expect(await scrubFile(other, 'x.eml', 's')).toEqual({ kind: 'refused', code: 'wide-charset' });
  });
});

describe('what is no message', () => {
  it('is refused', async () => {
    expect(await scrubFile(edi('zomaar een tekst'), 'x.txt', 's')).toEqual({ kind: 'refused', code: 'no-message' });
    expect(await scrubFile(Buffer.alloc(6_000_000, 'x'), 'x.edi', 's')).toEqual({ kind: 'refused', code: 'too-large' });
  });
});

describe('accounts', () => {
  it('of recipients become those of the sandbox’s practices, others are invented, those of the sandbox stay', async () => {
    const text = PLAIN.replace('500099001', '500012345').replace('500088001', '500067890');
    const { sender, recipient } = await reportOf(await made(text));
    expect(recipient.zorgmail).toBe('500088001');
    expect(sender.zorgmail).toMatch(/^5000\d{5}$/);
    expect(sender.zorgmail).not.toBe('500012345');
    expect(await reportOf(await made(PLAIN))).toMatchObject({
      laboratory: 'sandbox-noord',
      recipient: { zorgmail: '500088001' },
    });
  });
});
