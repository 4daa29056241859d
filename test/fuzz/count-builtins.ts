/**
 * Work that runs inside V8 and Node.js, where coverage does not see it: functions that look at the whole of what they are
 * given are replaced, in this thread, by ones that also count how much that was. A search that finds is charged up to
 * where it found. Regular expressions are charged the length of their text; that they are linear is shown elsewhere.
 */

let charged = 0;

/** Characters, bytes and items that built-in functions have looked at since the thread began. */
export function builtinSteps(): number {
  return charged;
}

type Work = (self: { readonly length: number }, args: readonly unknown[], result: unknown) => number;

function charge(owner: object, names: readonly string[], work: Work): void {
  for (const name of names) {
    const original: unknown = Reflect.get(owner, name);
    if (typeof original !== 'function') throw new TypeError(`no ${name} to count`);
    const counting = function (this: { readonly length: number }, ...args: unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, args);
      charged += work(this, args, result);
      return result;
    };
    Object.defineProperty(owner, name, { value: counting, writable: true, configurable: true });
  }
}

const whole: Work = (self) => self.length;
const ofResult: Work = (_self, _args, result) => lengthOf(result);
const ofArgument: Work = (_self, [argument]) => lengthOf(argument);
const upToFound: Work = (self, [, from], result) => {
  const start = typeof from === 'number' ? from : 0;
  return typeof result === 'number' && result >= 0 ? result - start : self.length - start;
};

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || ArrayBuffer.isView(value)) return (value as Buffer).length;
  return 0;
}

/** Begins to count. There is no way back: for a thread that does nothing else. */
export function countBuiltins(): void {
  charge(Array.prototype, ['indexOf', 'lastIndexOf'], upToFound);
  charge(
    Array.prototype,
    ['join', 'includes', 'reverse', 'sort', 'toSorted', 'toReversed', 'shift', 'unshift', 'splice'],
    whole,
  );
  charge(Array.prototype, ['slice', 'concat', 'flat', 'fill'], ofResult);
  charge(String.prototype, ['indexOf'], upToFound);
  charge(
    String.prototype,
    ['includes', 'lastIndexOf', 'split', 'replace', 'replaceAll', 'match', 'matchAll', 'search'],
    whole,
  );
  charge(String.prototype, ['trim', 'trimStart', 'trimEnd', 'toLowerCase', 'toUpperCase', 'normalize'], whole);
  charge(String.prototype, ['repeat', 'padStart', 'padEnd', 'concat'], ofResult);
  charge(RegExp.prototype, ['test'], ofArgument);
  charge(Buffer.prototype, ['indexOf'], upToFound);
  charge(Buffer.prototype, ['includes', 'lastIndexOf', 'swap16', 'fill'], whole);
  charge(Buffer.prototype, ['toString'], ofResult);
  charge(Buffer.prototype, ['equals', 'compare'], (self, [other]) => Math.min(self.length, lengthOf(other)));
  charge(Buffer, ['concat', 'from', 'alloc'], ofResult);
  charge(TextDecoder.prototype, ['decode'], ofArgument);
  countSpreading();
}

// Spreading, destructuring, for…of and the constructors of Set and Map all ask an array for its iterator.
function countSpreading(): void {
  const values = Array.prototype[Symbol.iterator];
  const counting = function (this: unknown[]) {
    charged += this.length;
    return Reflect.apply(values, this, []);
  };
  Object.defineProperty(Array.prototype, Symbol.iterator, { value: counting, writable: true, configurable: true });
}
