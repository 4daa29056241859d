import { describe, expect, it } from 'vitest';
import { transliterate } from '../../src/registration/transliterate.ts';

const ascii = (text: string) => transliterate(text, 'ascii');
const refusedAt = (text: string) =>
  ascii(text).refused.map(({ place }) => [place.character, place.line, place.column, place.codePoint, place.times]);

describe('a sign becomes what a reader without it understands', () => {
  it.each([
    ['HbA1c ≥ 53 en CRP ≤ 10, ⩾5', 'HbA1c >= 53 en CRP <= 10, >=5'],
    ['25 µg, 5 μmol/l, 10 µ, mµ', '25 ug, 5 umol/l, 10 micro, m micro'],
    ['€ 12,50 en €5', 'EUR 12,50 en EUR 5'],
    ['10±2, 2×500 mg', '10+/-2, 2x500 mg'],
    ['38,5°C, 90°, 38 ℃', '38,5 graden C, 90 graden, 38 graden C'],
    ['5‰', '5 promille'],
    ['№ 4, 2ℓ', 'nr. 4, 2 liter'],
    ['‘goed’ “beter” ‚laag‘ 5′', "'goed' \"beter\" 'laag' 5'"],
    ['3–5 — −2 ‑', '3-5 - -2 -'],
    ['en zo…', 'en zo...'],
    ['Metformine® Merk™', 'Metformine(reg.) Merk(TM)'],
    ['a\u00a0b\u202fc\u3000d', 'a b c d'],
    ['zie\u00adken\u200bhuis\u200d\ufeff', 'ziekenhuis'],
    ['TNFα, γGT, β2-agonist, β-blokker, Δ', 'TNF alfa, gamma GT, beta2-agonist, beta-blokker, delta'],
    ['ﬁets, ﬂauw, oﬃcieel', 'fiets, flauw, officieel'],
    ['NYHA Ⅲ', 'NYHA III'],
  ])('%s', (text, expected) => {
    expect(ascii(text)).toEqual({ text: expected, refused: [] });
  });
});

describe('a number stays the same number', () => {
  it.each([
    ['one and a half is no eleven halves', '1½ tablet, ½, 2¼', '1 1/2 tablet, 1/2, 2 1/4'],
    ['a power is no longer number', '10⁹/l, 10²5, 10⁻¹²', '10^9/l, 10^2 5, 10^-12'],
    ['a square stays one', 'kg/m², 3 cm³', 'kg/m^2, 3 cm^3'],
    ['a lowered digit does not join what follows', 'CO₂ 5, FEV₁80', 'CO2 5, FEV1 80'],
    ['an arrow makes no comparison', '5→3, CRP ←5, ⇒5', '5 -> 3, CRP (pijl naar links) 5, -> 5'],
    ['a bullet makes nothing negative', '• 5 mg\n· 3 mg', '* 5 mg\n* 3 mg'],
    ['up and down are named, not interpreted', 'HbA1c↑, gewicht ↓', 'HbA1c (pijl omhoog) , gewicht (pijl omlaag)'],
  ])('%s', (_, text, expected) => {
    expect(ascii(text)).toEqual({ text: expected, refused: [] });
  });
});

describe('Latin letters lose what ASCII has not', () => {
  it.each([
    ['één, ë, ï, ü, ç, ñ, à', 'een, e, i, u, c, n, a'],
    ['ĳsvrĳ Ĳ', 'ijsvrij IJ'],
    ['Łukasz Żółć Çağlar Şahin Işık İnci', 'Lukasz Zolc Caglar Sahin Isik Inci'],
    ['Weiß STRAẞE Søren Ørsted Æsir œuvre', 'Weiss STRASSE Soren Orsted AEsir oeuvre'],
    ['Nguyễn Đặng, Þór, Ţepeș, Əliyev', 'Nguyen Dang, Thor, Tepes, Eliyev'],
    ['cafe\u0301, zi\u0301j\u0301n', 'cafe, zijn'],
  ])('%s', (text, expected) => {
    expect(ascii(text)).toEqual({ text: expected, refused: [] });
  });
});

describe('what could say something else is refused', () => {
  it.each([
    ['unequal, which decomposes to equal', '≠', 'U+2260'],
    ['not less than', '≮', 'U+226E'],
    ['a stroke through a digit', '2\u0336', 'U+0336'],
    ['an overlined s, which says without', 's\u0304 koorts', 'U+0304'],
    ['a zero with a stroke that says none', 'Ø koorts', 'U+00D8'],
    ['a sharp s in the place of a beta', 'ß-blokker', 'U+00DF'],
    ['an ordinal in the place of a degree', '38º', 'U+00BA'],
    ['a middle dot between digits', '1·5', 'U+00B7'],
    ['an angle that looks like less than', '‹5', 'U+2039'],
    ['a division sign, which is a minus to some', '÷', 'U+00F7'],
    ['not', '¬', 'U+00AC'],
    ['Greek words', 'ναι', 'U+03BD'],
    ['two Greek letters together', 'αβ', 'U+03B1'],
    ['Cyrillic', 'Д', 'U+0414'],
    ['Cyrillic that looks Latin', 'а', 'U+0430'],
    ['Arabic', 'ا', 'U+0627'],
    ['Chinese', '好', 'U+597D'],
    ['digits of another script', '٣', 'U+0663'],
    ['emoji', '😀', 'U+1F600'],
    ['a control character', '\u0007', 'U+0007'],
    ['a nought', '\u0000', 'U+0000'],
    ['delete', '\u007f', 'U+007F'],
    ['a change of direction', '\u202e', 'U+202E'],
    ['half a pair', '\ud83d', 'U+D83D'],
    ['the mark of what was lost before', '\ufffd', 'U+FFFD'],
  ])('%s', (_, text, codePoint) => {
    expect(ascii(text).refused[0]?.place.codePoint).toBe(codePoint);
  });

  it('says where: the character, its line and its column, the first of each, and how often', () => {
    expect(refusedAt('a≠b\r\nc😀≠\rd\n\u2028Ж')).toEqual([
      [2, 1, 2, 'U+2260', 2],
      [7, 2, 2, 'U+1F600', 1],
      [13, 5, 1, 'U+0416', 1],
    ]);
  });

  it('counts what nobody sees as the characters they are', () => {
    expect(refusedAt('a\u200bb\u200b≠')).toEqual([[5, 1, 5, 'U+2260', 1]]);
  });

  it('says what to do in two languages, for every sign', () => {
    for (const { whatToDo } of ascii('≠Ж😀\u0007\u0336Ø ').refused) {
      expect(whatToDo.nl).toMatch(/schrijf|verwijder/);
      expect(whatToDo.en).toMatch(/write|remove/);
    }
  });

  it('refuses a line break only where the field is one line', () => {
    expect(transliterate('a\nb', 'ascii', true).refused[0]?.whatToDo.en).toBe('this field is one line');
    expect(transliterate('a\tb', 'ascii', true).text).toBe('a b');
    expect(ascii('a\r\nb\rc\u0085d\u2029e\tf').text).toBe('a\nb\nc\nd\ne\tf');
  });
});

describe('under ISO-8859-1', () => {
  it('keeps what it has, and transliterates the rest', () => {
    const { text, refused } = transliterate('Patiënt: 38,5°C, 1½, 10², 10⁹, 5 μg, ≥ 3, €5, cafe\u0301, Ø', 'latin1');
    expect({ text, refused }).toEqual({
      text: 'Patiënt: 38,5°C, 1½, 10², 10^9, 5 µg, >= 3, EUR 5, café, Ø',
      refused: [],
    });
  });

  it('refuses control characters of its upper half', () => {
    expect(transliterate('\u0092', 'latin1').refused).toHaveLength(1);
  });
});
