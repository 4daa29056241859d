/** The part of the npm package edifact 1.2.12 that the benchmark uses; the package has no types of its own. */
declare module 'edifact/parser.js' {
  /** An event parser: whoever uses it overwrites what it calls. It may be used again after end(). */
  class Parser {
    onopensegment: (name: string) => void;
    onelement: () => void;
    oncomponent: (text: string) => void;
    onclosesegment: () => void;
    write(text: string): void;
    end(): void;
  }

  export = Parser;
}
