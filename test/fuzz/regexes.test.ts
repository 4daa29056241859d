/**
 * Every regular expression of the readers is linear: over texts that are made of its own pieces, and end in what it does
 * not expect, four times as long takes at most six times the steps of a backtracking matcher.
 */

import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CountingRegExp } from './regex-steps.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const FILES = globSync('src/{mail,edifact,hl7,lab,receipt}/**/*.ts', { cwd: ROOT }).sort();
const RATIO_MAX = 6;
const LENGTH = 48;
/** Below this many steps a ratio says nothing. */
const STEPS_MIN = 1500;

// Our formatter puts a literal behind one of these, and on one line; nothing divides there.
const LITERAL = /(?:^|[([{,;=:!&|?}]|\breturn|=>)\s*\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([a-z]*)/gm;
const COMPOSED = /new RegExp\(`([^`]*)`(?:, '([a-z]*)')?\)/g;

interface Pattern {
  readonly file: string;
  readonly regExp: RegExp;
}

function patternsIn(file: string): readonly Pattern[] {
  const code = readFileSync(`${ROOT}${file}`, 'utf8').replace(/^\s*(?:\/?\*|\/\/).*$/gm, '');
  const parts = new Map(
    [...code.matchAll(/^const ([A-Z_]+) = '([^'\n]*)';$/gm)].map(([, name = '', text = '']) => [name, text]),
  );
  const composed = [...code.matchAll(COMPOSED)].map(([, source = '', flags = '']) => {
    const whole = source.replace(/\$\{([A-Z_]+)\}/g, (_, name: string) => parts.get(name) ?? '');
    return new RegExp(whole.replaceAll('\\\\', '\\'), flags);
  });
  const literal = [...code.matchAll(LITERAL)].map(([, source = '', flags = '']) => new RegExp(source, flags));
  expect(composed.length, `${file} composes a pattern that is not counted`).toBe(code.split('new RegExp(').length - 1);
  return [...literal, ...composed].map((regExp) => ({ file, regExp }));
}

const PATTERNS = FILES.flatMap(patternsIn);

/** A character for each of its atoms, and the words that stand in it. */
function piecesOf(regExp: RegExp): readonly string[] {
  const pool = [...'a1A0 \t\r\n<>"\'\\:;,.-+=/|?*(){}[]_!&^~@#%$B\xe9\0'];
  const characters = new CountingRegExp(regExp).atoms.flatMap(({ fits }) => pool.find(fits) ?? []);
  const bare = regExp.source.replace(/\\([^a-zA-Z0-9])/g, '$1');
  const words = bare.match(/[A-Za-z<!"+:=[\]-]{2,}/g) ?? [];
  return [...new Set([...characters, ...words])].slice(0, 9);
}

/** `prefix`, then a pump many times over, then an end. */
function* attacks(regExp: RegExp): Generator<(n: number) => string> {
  const pieces = piecesOf(regExp);
  const pumps = [
    ...pieces,
    ...pieces.flatMap((one) => pieces.filter((other) => other !== one).map((other) => one + other)),
  ];
  for (const prefix of ['', 'x', ...pieces]) {
    for (const pump of pumps) {
      for (const end of ['', '\x01']) yield (n) => prefix + pump.repeat(Math.ceil(n / pump.length)) + end;
    }
  }
}

function worstOf(regExp: RegExp): { readonly ratio: number; readonly text: string } {
  const counting = new CountingRegExp(regExp);
  const stepsFor = (text: string) => {
    counting.steps = 0;
    counting.all(text);
    return counting.steps;
  };
  let worst = { ratio: 0, text: '' };
  for (const attack of attacks(regExp)) {
    const many = stepsFor(attack(4 * LENGTH));
    const ratio = many < STEPS_MIN ? 0 : many / stepsFor(attack(LENGTH));
    if (ratio > worst.ratio) worst = { ratio, text: attack(8) };
  }
  return worst;
}

describe('a regular expression of the readers is linear', () => {
  it.each(
    PATTERNS.map(({ file, regExp }) => [file, String(regExp), regExp] as const),
  )('%s %s', (_file, _source, regExp) => {
    const { ratio, text } = worstOf(regExp);
    expect(ratio, JSON.stringify(text)).toBeLessThanOrEqual(RATIO_MAX);
  });
});

describe('the matcher that counts', () => {
  it('finds the patterns of every folder', () => {
    expect(PATTERNS.length).toBeGreaterThan(100);
  });

  it('matches what the real one matches', () => {
    for (const { regExp } of PATTERNS) {
      const real = new RegExp(regExp.source, regExp.flags.includes('g') ? regExp.flags : `${regExp.flags}g`);
      const counting = new CountingRegExp(regExp);
      let left = 60;
      for (const attack of attacks(regExp)) {
        if (left-- === 0) break;
        const text = attack(12);
        const found = [...text.matchAll(real)].map((match) => ({ index: match.index, length: match[0].length }));
        expect(counting.all(text), `${real} on ${JSON.stringify(text)}`).toEqual(found);
      }
    }
  });

  it.each([
    /[:\s]+$/,
    /"(?:[^"\\]|\\.)*"/g,
    /(?:a|a)*b/,
    /\s*x?\s*y/,
    /^(?:a+)+$/,
  ])('sees that %s is not linear', (regExp) => {
    expect(worstOfShort(regExp)).toBeGreaterThan(RATIO_MAX);
  });
});

// Exponential ones would not come back from longer texts.
function worstOfShort(regExp: RegExp): number {
  const counting = new CountingRegExp(regExp);
  const stepsFor = (text: string) => {
    counting.steps = 0;
    counting.all(text);
    return counting.steps;
  };
  const ratios = [...attacks(regExp)].map((attack) => stepsFor(attack(16)) / stepsFor(attack(4)));
  return Math.max(...ratios);
}
