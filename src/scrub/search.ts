/** Whether something of the original is still in the result: looked for in the bytes and in everything encoded in them. */

import { withDecodedWords } from './headers.ts';
import { STRUCTURAL } from './kept-words.ts';
import { mapMail } from './mail.ts';
import type { Substitutes } from './substitutes.ts';

/** True when a name, a number or another string that was to be replaced is found. */
export function isStillThere(result: string, isMail: boolean, substitutes: Substitutes): boolean {
  const views = isMail ? [result, ...partsOf(result)] : [result];
  const texts = views.flatMap(readable);
  const words = [...substitutes.identityWords].flatMap((word) => readable(word));
  const strings = [...substitutes.identityStrings].flatMap((text) => readable(text));
  return texts.some((text) => holdsWord(text, words) || holdsString(text, strings));
}

function partsOf(mail: string): readonly string[] {
  const found: string[] = [];
  mapMail(mail, {
    header: (_, value) => {
      found.push(
        withDecodedWords(value).replace(/\r?\n[ \t]/g, ' '),
        withDecodedWords(value).replace(/\r?\n[ \t]/g, ''),
      );
      return value;
    },
    boundary: (text) => text,
    part: (text) => {
      found.push(text);
      return [];
    },
  });
  return found;
}

// As one character per byte and, where it is that, as UTF-8; without signs on letters, in lower case.
function readable(text: string): readonly string[] {
  const bytes = Buffer.from(text, 'latin1');
  const utf8 = bytes.toString('utf8');
  const forms = utf8.includes('\ufffd') || utf8 === text ? [text] : [text, utf8];
  return forms.map((form) => form.normalize('NFD').replace(/\p{M}/gu, ''));
}

function holdsWord(text: string, words: readonly string[]): boolean {
  // Release characters and escape sequences may stand within a word.
  const forms = [text, text.replace(/\?(?=[A-Za-z\x80-\xff])/g, ''), text.replace(/\\[A-Z.][^\\\r\n]{0,12}\\/g, '')];
  const [lower, asSent] = [new Set<string>(), new Set<string>()];
  for (const form of forms) {
    for (const [word] of form.matchAll(/\p{L}+/gu)) {
      lower.add(word.toLowerCase());
      asSent.add(word);
    }
  }
  // A name that is also the name of a segment (Ide, Art) is only told from it by its letters.
  return words.some((word) =>
    word
      .split(/[^\p{L}]+/u)
      .every((part) => part !== '' && (STRUCTURAL.has(part) ? asSent.has(capitalised(part)) : lower.has(part))),
  );
}

function holdsString(text: string, strings: readonly string[]): boolean {
  const bare = text.replace(/(?<=\d)[ .\-()/](?=\d)/g, '');
  return strings.some((string) => isWithin(text, string) || (/^\d+$/.test(string) && isWithin(bare, string)));
}

// As a whole: digits within a longer number are another number, unless they are long enough to be no chance.
function isWithin(text: string, string: string): boolean {
  const edge = /^\d+$/.test(string) && string.length < 8 ? '\\d' : '[A-Za-z0-9]';
  const escaped = string.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  if (/^\d{8,}$/.test(string)) return text.includes(string);
  return new RegExp(`(?<!${edge})${escaped}(?!${edge})`, 'i').test(text);
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
