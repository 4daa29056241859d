/** Header fields of a mail and of its parts: syntax and software stay, people, hosts, subjects, numbers and dates do not. */

import { isKeptWord } from './kept-words.ts';
import type { Policies } from './policies.ts';

const KEPT = new Set(
  'mime-version content-transfer-encoding content-language importance x-priority priority precedence auto-submitted'.split(
    ' ',
  ),
);
const OF_PEOPLE = new Set(
  'from to cc bcc sender reply-to return-path delivered-to x-original-to envelope-to errors-to disposition-notification-to'.split(
    ' ',
  ),
);
const IDS = new Set('message-id in-reply-to references content-id resent-message-id'.split(' '));
const ENCODED_WORD = /=\?([^?\s]+)\?([QB])\?([^?\s]*)\?=/gi;
const HOST = /\b(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b/g;
// What a relay writes beside hosts, addresses and times (RFC 5321 §4.4).
const RELAY_WORDS = new Set(
  'from by with id for via esmtp esmtps esmtpsa smtp lmtp http https tls tlsv cipher bits using version unknown helo postfix'.split(
    ' ',
  ),
);

/** One field's value, as it stands after the colon, folding included. */
export function scrubHeader(name: string, value: string, policies: Policies): string {
  if (KEPT.has(name)) return value;
  if (name === 'content-type' || name === 'content-disposition') return parameters(value, policies);
  if (IDS.has(name)) return ids(value, policies);
  const plain = value.replace(ENCODED_WORD, (_, charset: string, coding: string, word: string) => {
    const scrubbed = prose(name, decodedWord(coding, word), policies);
    return `=?${charset}?${coding}?${encodedWord(coding, scrubbed)}?=`;
  });
  // What was inside encoded words is done; the rest is what stands between them.
  return plain
    .split(/(=\?[^?\s]+\?[QBqb]\?[^?\s]*\?=)/)
    .map((piece, index) => (index % 2 === 1 ? piece : prose(name, piece, policies)))
    .join('');
}

function prose(name: string, text: string, policies: Policies): string {
  if (OF_PEOPLE.has(name)) return people(text, policies);
  if (name === 'received') return relay(text, policies);
  return hosts(text, policies, (rest) => policies.text(rest));
}

function people(text: string, policies: Policies): string {
  return text
    .split(/([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+)/)
    .map((piece, index) => (index % 2 === 1 ? policies.mailAddress(piece) : displayName(piece, policies)))
    .join('');
}

// Without the quotation marks and brackets around it.
function displayName(piece: string, policies: Policies): string {
  const [, before = '', name = '', after = ''] = /^([\s"<>,;]*)(.*?)([\s"<>,;]*)$/s.exec(piece) ?? [];
  return before + policies.name(name) + after;
}

function relay(text: string, policies: Policies): string {
  return hosts(text, policies, (rest) =>
    rest
      .split(/([A-Za-z]+)/)
      .map((piece, index) =>
        index % 2 === 1 && (RELAY_WORDS.has(piece.toLowerCase()) || isKeptWord(piece.toLowerCase()))
          ? [piece, true]
          : [piece, false],
      )
      .reduce<readonly (readonly [string, boolean])[]>(
        (runs, [piece, isKept]) => joined(runs, String(piece), isKept === true),
        [],
      )
      .map(([run, isKept]) => (isKept ? run : policies.text(run)))
      .join(''),
  );
}

// Dates span words and digits: only a word that is kept ends a run.
function joined(runs: readonly (readonly [string, boolean])[], piece: string, isKept: boolean) {
  const last = runs.at(-1);
  if (last === undefined || last[1] || isKept) return [...runs, [piece, isKept] as const];
  return [...runs.slice(0, -1), [last[0] + piece, false] as const];
}

function hosts(text: string, policies: Policies, rest: (piece: string) => string): string {
  return text
    .split(/([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|\b(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b)/)
    .map((piece, index) => {
      if (index % 2 === 0) return rest(piece);
      return piece.includes('@') ? policies.mailAddress(piece) : policies.domain(piece);
    })
    .join('');
}

function ids(value: string, policies: Policies): string {
  return value.replace(/<([^<>@]*)(?:@([^<>]*))?>/g, (_, local: string, host: string | undefined) => {
    const made = scrubBoundary(local, policies);
    return `<${made}${host === undefined ? '' : `@${host.replace(HOST, (found) => policies.domain(found))}`}>`;
  });
}

/** A boundary is often made of the same number as the Message-ID. */
export function scrubBoundary(text: string, policies: Policies): string {
  return text.replace(/[A-Za-z0-9]+/g, (piece) => policies.apply('id', piece));
}

// A file's name and the boundary; charset and the like are syntax.
function parameters(value: string, policies: Policies): string {
  const bounded = value.replace(
    /(boundary\s*=\s*"?)([^";\s]+)/gi,
    (_, before: string, name: string) => before + scrubBoundary(name, policies),
  );
  return bounded.replace(/(name\*?\d*\*?\s*=\s*)("[^"]*"|[^;\s]+)/gi, (_, before: string, name: string) => {
    const [, base = name, extension = ''] = /^(.*?)((?:\.[A-Za-z0-9]{1,5})?"?)$/s.exec(name) ?? [];
    return before + policies.text(base) + extension;
  });
}

function decodedWord(coding: string, word: string): string {
  if (coding.toUpperCase() === 'B') return Buffer.from(word, 'base64').toString('latin1');
  return word
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function encodedWord(coding: string, text: string): string {
  if (coding.toUpperCase() === 'B') return Buffer.from(text, 'latin1').toString('base64');
  return text
    .replace(/[^A-Za-z0-9 !*+/-]/g, (one) => `=${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
    .replaceAll(' ', '_');
}

/** An encoded word's text where a header has them: for looking whether something is still there. */
export function withDecodedWords(header: string): string {
  return header.replace(ENCODED_WORD, (_, _charset: string, coding: string, word: string) => decodedWord(coding, word));
}
