import { describe, expect, it } from 'vitest';
import { type GeneratedMail, generateTraffic, trafficPeople } from '../../src/sandbox/generator/generator.ts';
import { generatePeople } from '../../src/sandbox/generator/population.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../src/sandbox/people.ts';
import { expectedOf, foundIn, readOnly, reportOf, unexpectedWarnings } from './generator-reading.ts';

const STARTS_AT = new Date('2026-11-16T09:00:00+01:00');
const OPTIONS = { seed: 7, mails: 300, startsAt: STARTS_AT, followedShare: 0.4 };
const traffic = [...generateTraffic(OPTIONS)];
const reports = traffic.filter(({ expected }) => expected.kind !== 'letter');
const readings = await Promise.all(reports.map(readOnly));
const people = new Map(trafficPeople(OPTIONS.seed).map((person) => [person.bsn, person]));

function count(mails: readonly GeneratedMail[], test: (mail: GeneratedMail) => boolean): number {
  return mails.filter(test).length;
}

describe('the same seed', () => {
  it('gives the same bytes and the same expectations', () => {
    expect([...generateTraffic(OPTIONS)]).toEqual(traffic);
  });

  it('gives the beginning of the same traffic where fewer mails are asked for', () => {
    expect([...generateTraffic({ ...OPTIONS, mails: 40 })]).toEqual(traffic.slice(0, 40));
  });

  it('gives other traffic when it is another one', () => {
    const other = [...generateTraffic({ ...OPTIONS, seed: 8, mails: 40 })].map(({ raw }) => raw.toString('latin1'));
    expect(other.filter((raw) => traffic.some((mail) => mail.raw.toString('latin1') === raw))).toEqual([]);
  });
});

describe('our readers', () => {
  it('find in 300 mails exactly what the generator says, without a quarantine, a hold or a warning', () => {
    expect(readings.map(foundIn)).toEqual(reports.map(expectedOf));
  });

  it('see the person that the mail is about, name and all', () => {
    for (const reading of readings) {
      const { patient } = reportOf(reading);
      const person = people.get(patient.bsn ?? '');
      expect({ ...patient.name, birthDate: patient.birthDate, sex: patient.sex }).toEqual({
        family: person?.family,
        prefix: person?.prefix,
        partnerFamily: person?.partnerFamily,
        partnerPrefix: person?.partnerPrefix,
        given: person?.given,
        initials: person?.initials,
        birthDate: person?.birthDate,
        sex: person?.sex,
      });
    }
  });

  it('say of a letter that it is no laboratory result', async () => {
    const letters = traffic.filter(({ expected }) => expected.kind === 'letter');
    expect(letters.length).toBeGreaterThan(5);
    for (const letter of letters) {
      const reading = await readOnly(letter);
      expect(reading).toMatchObject({ format: 'medvri-1', outcome: 'not-lab', code: null, reports: [] });
      expect(unexpectedWarnings(reading)).toEqual([]);
    }
  });
});

describe('the numbers of a laboratory', () => {
  it('never give one lab number to two people', () => {
    const owners = Map.groupBy(reports, ({ expected }) => expected.labNumber);
    const shared = [...owners].filter(
      ([, mails]) => new Set(mails.map(({ expected }) => expected.patientBsn)).size > 1,
    );
    expect(shared).toEqual([]);
  });

  it('never give one reference to two mails, and fit in UNB.5', () => {
    const references = readings.map((reading) => {
      const { laboratory, references: sent } = reportOf(reading);
      return `${laboratory} ${sent.interchange}`;
    });
    expect(new Set(references).size).toBe(references.length);
    expect(references.filter((reference) => (reference.split(' ')[1] ?? '').length > 14)).toEqual([]);
  });

  it('are sent in the order of their moments, what follows on a report in a later minute', () => {
    const moments = traffic.map(({ sentAt }) => sentAt.getTime());
    expect(moments).toEqual([...moments].sort((a, b) => a - b));
    const requests = Map.groupBy(readings.map(reportOf), ({ specimens }) => specimens[0]?.labNumber);
    const minutes = [...requests.values()].map((versions) => versions.map(({ sentAt }) => sentAt?.slice(0, 16)));
    expect(minutes.filter((sent) => new Set(sent).size !== sent.length)).toEqual([]);
    expect(minutes.filter((sent) => sent.length > 1).length).toBeGreaterThan(10);
  });
});

describe('what follows on a report', () => {
  const requests = [...Map.groupBy(reports, ({ expected }) => expected.labNumber).values()];
  const pairs = requests.flatMap((mails) => mails.slice(1).map((mail, index) => [mails[index], mail] as const));
  const endingIn = (kind: string) => pairs.filter(([, mail]) => mail.expected.kind === kind);

  it('says again the same where it is a resend', () => {
    expect(endingIn('resend').length).toBeGreaterThan(0);
    for (const [before, mail] of endingIn('resend')) {
      expect(mail.expected.results).toEqual(before?.expected.results);
      expect(mail.payload.equals(before?.payload ?? Buffer.alloc(0))).toBe(false);
    }
  });

  it('marks as corrected what has another value, and nothing else', () => {
    expect(endingIn('correction').length).toBeGreaterThan(0);
    for (const [before, mail] of endingIn('correction')) {
      const changed = mail.expected.results.filter(
        ({ valueText }, index) => valueText !== before?.expected.results[index]?.valueText,
      );
      expect(changed.length).toBeGreaterThan(0);
      expect(mail.expected.results.filter(({ status }) => status === 'corrected')).toEqual(changed);
    }
  });

  it('completes what was open', () => {
    expect(endingIn('final').length).toBeGreaterThan(0);
    for (const [before, mail] of endingIn('final')) {
      expect(before?.expected.pending).not.toEqual([]);
      expect(mail.expected.pending).toEqual([]);
      const names = mail.expected.results.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining([...(before?.expected.pending ?? [])]));
    }
  });
});

describe('the traffic is like that of laboratories', () => {
  const much = [...generateTraffic({ ...OPTIONS, mails: 1500 })];
  const text = (mail: GeneratedMail) => mail.payload.toString('latin1');
  const results = readings.flatMap((reading) => reportOf(reading).specimens.flatMap((specimen) => specimen.results));

  it('flags a number exactly where it is outside its range', () => {
    const inRange = results.filter(({ value, range }) => value.number !== null && (range.low ?? range.high) !== null);
    expect(inRange.length).toBeGreaterThan(500);
    for (const { value, range, flag } of inRange) {
      const [low, high] = [range.low, range.high].map((limit) => (limit === null ? null : decimal(limit)));
      const isLow = low !== null && low !== undefined && (value.number ?? 0) < low;
      const isHigh = high !== null && high !== undefined && (value.number ?? 0) > high;
      expect(flag.meaning).toBe(isLow ? 'low' : isHigh ? 'high' : null);
    }
  });

  it('calculates the eGFR from the creatinine, the age and the sex of the person', () => {
    const known = readings.map(reportOf).flatMap(({ patient, specimens }) => {
      const numberOf = (name: string) =>
        specimens[0]?.results.find((result) => result.name.startsWith(name))?.value.number ?? null;
      const [creatinine, egfr] = [numberOf('Kreatinine'), numberOf('eGFR')];
      return creatinine === null || egfr === null ? [] : [{ creatinine, egfr, patient }];
    });
    expect(known.length).toBeGreaterThan(20);
    for (const { creatinine, egfr, patient } of known) {
      const age = 2026 - Number(patient.birthDate?.slice(0, 4));
      const [k, a, factor] = patient.sex === 'female' ? [61.9, -0.329, 1.018] : [79.6, -0.411, 1];
      const ratio = creatinine / k;
      const formula = 141 * Math.min(ratio, 1) ** a * Math.max(ratio, 1) ** -1.209 * 0.993 ** age * factor;
      expect(Math.abs(Math.min(formula, 90) - egfr)).toBeLessThanOrEqual(0.51);
    }
  });

  it.each(['sandbox-noord', 'sandbox-zuid'])('is coded where the laboratory sends the codes of the NHG: %s', (id) => {
    const own = readings.map(reportOf).filter(({ laboratory }) => laboratory === id);
    const all = own.flatMap(({ specimens }) => specimens.flatMap((specimen) => specimen.results));
    const nhgOf = (name: string) => new Set(all.filter((result) => result.name === name).map(({ code }) => code.nhg));
    expect(nhgOf('HbA1c (IFCC)')).toEqual(new Set(['2816']));
    expect(nhgOf('Kreatinine')).toEqual(new Set(['523']));
    expect(nhgOf('INR')).toEqual(new Set(['508']));
  });

  it.each<readonly [string, (mail: GeneratedMail) => boolean]>([
    ['MEDLAB with a UNA', (mail) => text(mail).startsWith('UNA')],
    ['MEDLAB without a UNA, all on one line', (mail) => /^UNB[^\r\n]*$/.test(text(mail))],
    ['HL7 that hl7-standard wrote', (mail) => /\|CHEM\^[^|]*\|\|\|(\d{14})\|.*\|\1\|/.test(text(mail))],
    ['HL7 in UTF-8', (mail) => text(mail).includes('UNICODE UTF-8')],
    ['HL7 in 8859-1 with CRLF', (mail) => text(mail).includes('8859/1\r\nPID')],
    ['a decimal comma', (mail) => mail.expected.results.some(({ valueText }) => /^\d+,\d+$/.test(valueText))],
    ['a comparator', (mail) => mail.expected.results.some(({ valueText }) => /^[<>]\d/.test(valueText))],
    ['a result without a unit', (mail) => mail.expected.results.some(({ unit }) => unit === null)],
    ['a text for a value', (mail) => mail.expected.results.some(({ valueText }) => valueText === 'negatief')],
    ['a value that stands in the remarks', (mail) => text(mail).includes('+Zie onder+')],
    ['a culture with sub-ids', (mail) => text(mail).includes('^Kweek^L|2|')],
    ['a released character', (mail) => /\?['+:?]/.test(text(mail))],
    ['IDE.1 = N', (mail) => /IDE:\d\+N\+/.test(text(mail))],
    ['BEP.4', (mail) => /BEP:[\d:]+\+0\+[^+]*\+[^+]*\+[1C]\+/.test(text(mail))],
    ['OBX-11 = C', (mail) => /^OBX.*\|C(?:\||$)/m.test(text(mail))],
    ['several specimens', (mail) => text(mail).includes('DET:2') || text(mail).includes('OBR|2|')],
    ['a copy', (mail) => text(mail).includes('KOP+NAAR+')],
    ['letters beyond ASCII', (mail) => mail.payload.some((byte) => byte > 0x7f)],
  ])('has %s', (_, isSo) => {
    expect(count(much, isSo)).toBeGreaterThan(0);
  });

  it('is about followed people in the share that was asked for', () => {
    const isFollowed = ({ expected }: GeneratedMail) => people.get(expected.patientBsn)?.followedBy !== null;
    for (const followedShare of [0, 0.25, 1]) {
      const mails = [...generateTraffic({ ...OPTIONS, followedShare, mails: 1000 })];
      expect(Math.abs(count(mails, isFollowed) / mails.length - followedShare)).toBeLessThan(0.05);
    }
  });

  it('goes to the practice that follows the person, and always to the same one', () => {
    const accounts = new Map(SANDBOX_PRACTICES.map(({ key, zorgmail }) => [key, zorgmail]));
    for (const [bsn, mails] of Map.groupBy(traffic, ({ expected }) => expected.patientBsn)) {
      const followedBy = people.get(bsn)?.followedBy ?? null;
      const [account, ...others] = new Set(mails.map((mail) => mail.account));
      expect(others).toEqual([]);
      if (followedBy !== null) expect(account).toBe(accounts.get(followedBy));
    }
  });

  it('can be about given people of a given practice only', () => {
    const [practice] = SANDBOX_PRACTICES;
    const given = SANDBOX_PATIENTS.filter(({ followedBy }) => followedBy === practice?.key);
    const mails = [
      ...generateTraffic({ ...OPTIONS, people: given, practices: practice ? [practice] : [], followedShare: 1 }),
    ];
    expect(new Set(mails.map(({ account }) => account))).toEqual(new Set([practice?.zorgmail]));
    const known = given.map(({ bsn }) => bsn);
    expect(mails.filter(({ expected }) => !known.includes(expected.patientBsn))).toEqual([]);
  });
});

describe('generated people', () => {
  const generated = generatePeople({ seed: 1, count: 5000, practices: SANDBOX_PRACTICES, followedShare: 0.3 });

  it('have BSNs of their own that start with 999 and pass the 11-test', () => {
    const weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    const sum = (bsn: string) => weights.reduce((total, weight, index) => total + weight * Number(bsn[index]), 0);
    expect(generated.filter(({ bsn }) => !/^999\d{6}$/.test(bsn) || sum(bsn) % 11 !== 0)).toEqual([]);
    const all = [...SANDBOX_PATIENTS, ...generated].map(({ bsn }) => bsn);
    expect(new Set(all).size).toBe(all.length);
  });

  it('are followed in the share that was asked for', () => {
    expect(generated.filter(({ followedBy }) => followedBy !== null)).toHaveLength(1500);
  });
});

function decimal(text: string): number {
  return Number(text.replace(',', '.'));
}
