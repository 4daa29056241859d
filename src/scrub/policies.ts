/** How a text is replaced, by what stands there: each policy from a text to one of the same shape. */

import { Dates } from './dates.ts';
import { isKeptWord } from './kept-words.ts';
import { type NumberKind, remainder, type Substitutes } from './substitutes.ts';

export type Policy =
  | 'keep'
  | 'name'
  | 'person'
  | 'address'
  | 'phone'
  | 'id'
  | 'bsn'
  | 'account'
  | 'recipient'
  | 'term'
  | 'value'
  | 'text'
  | 'compact-date';

const WORD = /(?:[A-Za-z]|[\x80-\xff])+/g;
const MONTHS = [
  ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  ['jan', 'feb', 'mrt', 'apr', 'mei', 'jun', 'jul', 'aug', 'sep', 'okt', 'nov', 'dec'],
  [
    'januari',
    'februari',
    'maart',
    'april',
    'mei',
    'juni',
    'juli',
    'augustus',
    'september',
    'oktober',
    'november',
    'december',
  ],
];
// In this order: what stands further on in the list would find a part of what stands before it.
const TOKENS = new RegExp(
  [
    String.raw`(?<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)`,
    '(?<blob>[A-Za-z0-9+/]{40,}={0,2})',
    String.raw`(?<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)`,
    String.raw`(?<iso>\b(?:18|19|20)\d\d(?<a>[-/:.])\d{1,2}\k<a>\d{1,2}(?!\d))`,
    String.raw`(?<dutch>(?<!\d)\d{1,2}(?<b>[-/.])\d{1,2}\k<b>(?:(?:18|19|20)\d\d|\d\d)(?!\d))`,
    String.raw`(?<named>(?<!\d)\d{1,2} (?:${[...new Set(MONTHS.flat())].sort((x, y) => y.length - x.length).join('|')})\b\.? (?:19|20)\d\d(?!\d))`,
    String.raw`(?<postcode>(?<!\d)[1-9]\d{3} ?[A-Z]{2}(?![A-Za-z\x80-\xff]))`,
    String.raw`(?<digits>\+?\d(?:[ .\-()/]?\d){4,})`,
    String.raw`(?<word>(?:[A-Za-z]|[\x80-\xff])+)`,
  ].join('|'),
  'gi',
);
const TOP_LEVEL_INVENTED = /(?:^|\.)(?:example|invalid|test|localhost)$/i;

export class Policies {
  readonly substitutes: Substitutes;
  readonly dates: Dates;

  constructor(substitutes: Substitutes, dates: Dates) {
    this.substitutes = substitutes;
    this.dates = dates;
  }

  apply(policy: Policy, text: string): string {
    if (text.trim() === '' || text === '""') return text;
    switch (policy) {
      case 'keep':
        return text;
      case 'name':
      case 'person':
        return this.name(text, policy === 'person');
      case 'address':
        return this.address(text);
      case 'phone':
        return this.digits(text);
      case 'id':
        return this.id(text);
      case 'bsn':
        return this.bsn(text);
      case 'account':
      case 'recipient':
        return this.account(text, policy);
      case 'term':
        return this.term(text);
      case 'value':
        return this.value(text);
      case 'compact-date':
        return this.compactDate(text);
      default:
        return this.text(text);
    }
  }

  /** Names of people and institutions; what a number is in it is one too. */
  name(text: string, isPerson = false): string {
    if (!isPerson && this.substitutes.isInvented(text.trim())) return text;
    return text.replace(/(?<mail>\S+@\S+)|\d{5,}|(?:[A-Za-z]|[\x80-\xff])+/g, (found) => {
      if (found.includes('@')) return this.text(found);
      return /\d/.test(found) ? this.substitutes.number(found) : this.substitutes.nameWord(found, isPerson);
    });
  }

  private address(text: string): string {
    const postcode = /\b\d{4} ?[A-Z]{2}\b/.exec(text);
    if (postcode !== null) this.substitutes.identityStrings.add(postcode[0]);
    return text.replace(/\d+|(?:[A-Za-z]|[\x80-\xff])+/g, (found) => {
      if (/\d/.test(found)) return this.substitutes.number(found);
      return found === 'NL' ? found : this.substitutes.nameWord(found, false);
    });
  }

  /** All digits of a text as one number, put back where digits were. */
  private digits(text: string, kind: NumberKind = 'number'): string {
    const digits = text.replace(/\D/g, '');
    if (digits === '') return this.text(text);
    if (digits !== text.trim()) this.substitutes.identityStrings.add(text.trim());
    const made = this.substitutes.number(digits, kind);
    let at = made.length - digits.length;
    const first = made.slice(0, at);
    let isFirst = true;
    return text.replace(/\d/g, () => {
      const digit = `${isFirst ? first : ''}${made[at] ?? ''}`;
      isFirst = false;
      at += 1;
      return digit;
    });
  }

  /** A number of somebody's own: `K26-504`, `NRD2611160001`, a UUID. Short counters are none. */
  private id(text: string): string {
    const bare = text.trim();
    if (this.substitutes.isInvented(bare) || bare.replace(/\D/g, '').length < 3) return this.text(text);
    if (bare.length >= 5) this.substitutes.identityStrings.add(bare);
    if (/^\d+$/.test(bare)) return this.digits(text);
    return text.replace(/\d+|[A-Za-z]{3,}/g, (found) =>
      /\d/.test(found) ? this.substitutes.number(found) : this.substitutes.word(found),
    );
  }

  /** After an optional `BSN`; what is no eight or nine digits is an id like any other. */
  private bsn(text: string): string {
    const [, prefix = '', rest = ''] = /^(\s*(?:BSN)?\s*)(.*)$/is.exec(text) ?? [];
    const digits = rest.replace(/[.\s]/g, '');
    if (/^\d{8,9}$/.test(digits)) return prefix + this.digits(rest, 'bsn');
    return prefix + this.id(rest);
  }

  /** A bare 8- or 9-digit number that passes the 11-test is one, whatever the slot says. */
  bsnOrId(text: string): string {
    const digits = text.replace(/[.\s]/g, '');
    const isBsn = /^\d{8,9}$/.test(digits) && remainder(digits.padStart(9, '0')) === 0;
    return isBsn ? this.bsn(text) : this.id(text);
  }

  private account(text: string, kind: 'account' | 'recipient' = 'account'): string {
    const bare = text.trim();
    // An object identifier is a list's, not a person's.
    if (this.substitutes.isInvented(bare) || /^\d+(?:\.\d+)+$/.test(bare)) return text;
    return /^\d+$/.test(bare) ? this.digits(text, kind) : this.name(text);
  }

  /** Names of determinations, codes, units: kept but for the words and numbers that name somebody. */
  private term(text: string): string {
    const { substitutes } = this;
    return text
      .replace(WORD, (word) => (substitutes.isIdentity(word) ? substitutes.word(word) : word))
      .replace(/\d{5,}/g, (digits) => (substitutes.isIdentityNumber(digits) ? substitutes.number(digits) : digits));
  }

  /** A result or a limit: numbers and short words stay, dates move, other text is text. */
  private value(text: string): string {
    const bare = text.trim();
    if (/^\d{6}$/.test(bare) && Dates.isDate(bare.slice(0, 2), bare.slice(2, 4), bare.slice(4)))
      return this.compactDate(text);
    if (/^(?:18|19|20)\d{6}(?:\d{4,6})?$/.test(bare)) return this.compactDate(text);
    if (/^(?:18|19|20)\d\d[-/:.]\d{1,2}[-/:.]\d{1,2}$|^\d{1,2}([-/])\d{1,2}\1\d{2,4}$/.test(bare))
      return this.text(text);
    // `R`, `neg`, `+++`; but three letters may be a name.
    const isShort = bare.length <= 3 && !/^[A-Z][a-z]{1,2}$/.test(bare);
    if (/^[\s<>=+\-*.,:/^\d]*$/.test(text) || isShort) return this.term(text);
    return this.text(text);
  }

  /**
   * `261116`, `20261116`, `202611160915`, HL7’s with seconds and zone, also cut short. How many digits the year has is
   * seen from the digits where it is not said; `clock` is the time of the day where it stands elsewhere.
   */
  compactDate(text: string, yearDigits: 2 | 4 | null = null, clock = ''): string {
    const digits = /^\s*(\d*)/.exec(text)?.[1] ?? '';
    const isLong = yearDigits === 4 || (yearDigits === null && /^(?:18|19|20)/.test(digits) && digits.length !== 6);
    const pattern = isLong ? /^(\s*)(\d{4})(\d{2})?(\d{2})?(.*)$/s : /^(\s*)(\d{2})(\d{2})(\d{2})(.*)$/s;
    const [, before = '', year = '', month = '', day = '', rest = ''] = pattern.exec(text) ?? [];
    if (year === '') return this.text(text);
    const [, hour, minute = '0'] = /^(\d{2})(\d{2})?/.exec(rest + clock) ?? [];
    const moment: readonly [number?, number?] = hour === undefined ? [] : [Number(hour), Number(minute)];
    const [toYear, toMonth, toDay] = this.dates.move(year, month, day, ...moment);
    return before + toYear + toMonth + toDay + rest;
  }

  /** Free text: every word that is not on the list, every number of five digits and more, every date. */
  text(text: string): string {
    return text.replace(TOKENS, (found: string, ...rest: unknown[]) => {
      const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
      const after = String(rest.at(-2)).charAt(Number(rest.at(-3)) + found.length);
      if (groups['mail'] !== undefined) return this.mailAddress(found);
      if (groups['blob'] !== undefined) return this.blob(found);
      if (groups['postcode'] !== undefined) return this.postcode(found, after);
      if (groups['ip'] !== undefined) return `192.0.2.${1 + ((this.substitutes.noise('ip', found)[0] ?? 0) % 250)}`;
      if (groups['word'] !== undefined) return this.freeWord(found, after);
      if (groups['digits'] !== undefined) return this.freeDigits(found);
      return this.freeDate(found, groups) ?? this.freeDigits(found);
    });
  }

  // Encoded content that no header announced. What it begins as is kept, since that is what it is recognised by.
  private blob(found: string): string {
    const start = /^(?:VU5[BCI]|TVNIf)/.exec(found)?.[0] ?? '';
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    let noise = Buffer.alloc(0);
    for (let round = 0; noise.length < found.length; round += 1)
      noise = Buffer.concat([noise, this.substitutes.noise('blob', `${found}${round}`)]);
    const rest = [...found.slice(start.length)].map((char, at) =>
      char === '=' ? char : letters[(noise[at] ?? 0) % 64],
    );
    return start + rest.join('');
  }

  private postcode(found: string, after: string): string {
    const [, digits = '', blank = '', letters = ''] = /^(\d{4})( ?)([A-Za-z]{2})$/.exec(found) ?? [];
    if (letters !== letters.toUpperCase()) return digits + blank + this.freeWord(letters, after);
    return this.substitutes.number(digits) + blank + this.substitutes.word(letters);
  }

  private freeWord(word: string, after: string): string {
    const lower = word.toLowerCase();
    if (this.substitutes.isIdentity(word)) return this.substitutes.word(word);
    if (word.length === 1) return after === '.' ? this.substitutes.word(word) : word;
    return isKeptWord(lower) ? word : this.substitutes.word(word);
  }

  private freeDigits(found: string): string {
    const digits = found.replace(/\D/g, '');
    if (digits.length < 5) return found;
    if (
      /^(?:18|19|20)\d{6}(?:\d{4}(?:\d{2})?)?$/.test(found) &&
      Dates.isDate(found.slice(0, 4), found.slice(4, 6), found.slice(6, 8))
    )
      return this.compactDate(found);
    const isBsn = digits.length === 9 && remainder(digits) === 0 && !this.substitutes.isInvented(digits);
    return this.digits(found, isBsn ? 'bsn' : 'number');
  }

  private freeDate(found: string, groups: Readonly<Record<string, string | undefined>>): string | null {
    if (groups['named'] !== undefined) return this.namedDate(found);
    const parts = found.split(/[-/:.]/);
    const separator = groups['a'] ?? groups['b'] ?? '-';
    const [year = '', month = '', day = ''] = groups['iso'] === undefined ? [...parts].reverse() : parts;
    if (!Dates.isDate(year, month, day)) return null;
    const to = this.dates.move(year, month, day);
    return (groups['iso'] === undefined ? [...to].reverse() : to).join(separator);
  }

  private namedDate(found: string): string {
    const [day = '', named = '', year = ''] = found.split(' ');
    const bare = named.toLowerCase().replace('.', '');
    const names = MONTHS.find((list) => list.includes(bare)) ?? [];
    const [toYear, toMonth, toDay] = this.dates.move(year, String(names.indexOf(bare) + 1), day);
    const made = names[Number(toMonth) - 1] ?? bare;
    const cased = /^[A-Z]/.test(named) ? made.charAt(0).toUpperCase() + made.slice(1) : made;
    return `${toDay} ${cased}${named.endsWith('.') ? '.' : ''} ${toYear}`;
  }

  /** An address; its domain comes to lie under `.example`, where nobody can be reached. */
  mailAddress(address: string): string {
    const at = address.lastIndexOf('@');
    const [local, host] = [address.slice(0, at), address.slice(at + 1)];
    const made = /^\d+$/.test(local)
      ? this.account(local)
      : this.name(local.replace(/\d{5,}/g, (found) => this.id(found)));
    return `${made}@${this.domain(host)}`;
  }

  domain(host: string): string {
    if (TOP_LEVEL_INVENTED.test(host)) return this.term(host);
    const labels = host.split('.').slice(0, -1);
    return [...labels.map((label) => this.name(label)), 'example'].join('.');
  }
}
