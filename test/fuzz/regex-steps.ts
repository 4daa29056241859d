/**
 * A regular expression, run by a backtracking matcher that counts its steps: what V8's own matcher does in the worst case,
 * made visible. Knows the syntax that the readers use, and throws on any other. One character, class or `.` is one atom:
 * whether it matches is asked of the real RegExp.
 */

/** Goes on behind a match; false makes the matcher try otherwise. */
type Rest = (at: number) => boolean;
type Matcher = (at: number, rest: Rest) => boolean;

export interface CountedMatch {
  readonly index: number;
  readonly length: number;
}

export class CountingRegExp {
  steps = 0;
  readonly #real: RegExp;
  readonly #match: Matcher;
  readonly #captures: (readonly [from: number, to: number] | undefined)[] = [];
  #groups = 0;
  #text = '';
  #pattern = '';
  #next = 0;
  /** A source for each atom: what pieces of text it is made of. */
  readonly atoms: { readonly source: string; readonly fits: (character: string) => boolean }[] = [];

  constructor(real: RegExp) {
    this.#real = real;
    this.#pattern = real.source;
    this.#match = this.#alternatives();
    if (this.#next < this.#pattern.length) throw this.#unknown();
  }

  /** Every match from left to right, as `replace` with the flag g makes them. */
  all(text: string): readonly CountedMatch[] {
    this.#text = text;
    const found: CountedMatch[] = [];
    for (let from = 0; from <= text.length; ) {
      const match = this.#from(from);
      if (match === null) return found;
      found.push(match);
      from = match.index + Math.max(1, match.length);
    }
    return found;
  }

  #from(start: number): CountedMatch | null {
    for (let index = start; index <= this.#text.length; index += 1) {
      let end = -1;
      this.#captures.length = 0;
      const isMatch = this.#match(index, (at) => {
        end = at;
        return true;
      });
      if (isMatch) return { index, length: end - index };
    }
    return null;
  }

  #alternatives(): Matcher {
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    const [only] = branches;
    if (branches.length === 1 && only !== undefined) return only;
    return (at, rest) => branches.some((branch) => branch(at, rest));
  }

  #sequence(): Matcher {
    const terms: Matcher[] = [];
    while (this.#next < this.#pattern.length && !/[|)]/.test(this.#pattern[this.#next] ?? '')) terms.push(this.#term());
    return terms.reduceRight<Matcher>(
      (following, term) => (at, rest) => term(at, (end) => following(end, rest)),
      (at, rest) => rest(at),
    );
  }

  #term(): Matcher {
    if (this.#take('^'))
      return this.#assertion((at) => at === 0 || (this.#real.multiline && isLineEnd(this.#text[at - 1])));
    if (this.#take('$')) {
      return this.#assertion((at) => at === this.#text.length || (this.#real.multiline && isLineEnd(this.#text[at])));
    }
    if (this.#take('\\b')) return this.#assertion((at) => isWord(this.#text[at - 1]) !== isWord(this.#text[at]));
    return this.#quantified(this.#group() ?? this.#backReference() ?? this.#atom());
  }

  #assertion(holds: (at: number) => boolean): Matcher {
    return (at, rest) => {
      this.steps += 1;
      return holds(at) && rest(at);
    };
  }

  #group(): Matcher | null {
    if (this.#take('(?=')) return this.#lookahead(true);
    if (this.#take('(?!')) return this.#lookahead(false);
    if (this.#take('(?:')) return this.#closed(this.#alternatives());
    if (this.#pattern.startsWith('(?', this.#next)) throw this.#unknown();
    if (!this.#take('(')) return null;
    this.#groups += 1;
    const group = this.#groups;
    const inside = this.#closed(this.#alternatives());
    return (at, rest) => {
      const before = this.#captures[group];
      const isMatch = inside(at, (end) => {
        const replaced = this.#captures[group];
        this.#captures[group] = [at, end];
        if (rest(end)) return true;
        this.#captures[group] = replaced;
        return false;
      });
      if (!isMatch) this.#captures[group] = before;
      return isMatch;
    };
  }

  #lookahead(isWanted: boolean): Matcher {
    const inside = this.#closed(this.#alternatives());
    return (at, rest) => inside(at, () => true) === isWanted && rest(at);
  }

  #closed(inside: Matcher): Matcher {
    if (!this.#take(')')) throw this.#unknown();
    return inside;
  }

  #backReference(): Matcher | null {
    const digit = /^\\([1-9])/.exec(this.#pattern.slice(this.#next))?.[1];
    if (digit === undefined) return null;
    this.#next += 2;
    return (at, rest) => {
      this.steps += 1;
      const [from, to] = this.#captures[Number(digit)] ?? [0, 0];
      return this.#text.startsWith(this.#text.slice(from, to), at) && rest(at + to - from);
    };
  }

  #atom(): Matcher {
    const source =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\p\{\w+\}|\\u\{[0-9a-f]+\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.|[^*+?{}()|[\]\\^$])/isu.exec(
        this.#pattern.slice(this.#next),
      )?.[0];
    if (source === undefined) throw this.#unknown();
    this.#next += source.length;
    const fits = memoised(new RegExp(`^${source}$`, this.#real.flags.replace(/[gym]/g, '')));
    this.atoms.push({ source, fits });
    return (at, rest) => {
      this.steps += 1;
      const character = this.#text[at];
      return character !== undefined && fits(character) && rest(at + 1);
    };
  }

  #quantified(term: Matcher): Matcher {
    const sent = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.#pattern.slice(this.#next));
    if (sent === null) return term;
    this.#next += sent[0].length;
    const isLazy = sent[0].length > 1 && sent[0].endsWith('?');
    const [low, high] = boundsOf(sent);
    const from =
      (count: number): Matcher =>
      (at, rest) => {
        const more = () => count < high && term(at, (end) => (end > at || count < low) && from(count + 1)(end, rest));
        if (count < low) return more();
        return isLazy ? rest(at) || more() : more() || rest(at);
      };
    return from(0);
  }

  #take(piece: string): boolean {
    if (!this.#pattern.startsWith(piece, this.#next)) return false;
    this.#next += piece.length;
    return true;
  }

  #unknown(): Error {
    return new SyntaxError(`not counted: ${this.#pattern} at ${this.#next}`);
  }
}

function boundsOf([sign, least = '0', comma, most = '']: RegExpExecArray): readonly [low: number, high: number] {
  if (sign.startsWith('{'))
    return [Number(least), comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)];
  return [sign.startsWith('+') ? 1 : 0, sign.startsWith('?') ? 1 : Number.POSITIVE_INFINITY];
}

function memoised(pattern: RegExp): (character: string) => boolean {
  const known = new Map<string, boolean>();
  return (character) => {
    const before = known.get(character);
    if (before !== undefined) return before;
    const fits = pattern.test(character);
    known.set(character, fits);
    return fits;
  };
}

function isLineEnd(character: string | undefined): boolean {
  return character !== undefined && /[\n\r\u2028\u2029]/.test(character);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /\w/.test(character);
}
