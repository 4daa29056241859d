/** The part of hl7-standard 1.0.4 that the sandbox and the tests use; the package has no types of its own. */
declare module 'hl7-standard' {
  interface Segment {
    readonly type: string;
    readonly index: number;
    /** By `OBX.5`, 1-based. Values are raw: nothing is escaped. */
    set(field: string, value: string | readonly string[]): unknown;
    get(field: string): unknown;
  }

  interface Options {
    /** The names are swapped in the package: this one is the repetition separator. */
    readonly subComponents?: string;
    /** And this one the subcomponent separator. */
    readonly repeatingFields?: string;
    readonly lineEndings?: string;
  }

  class HL7 {
    constructor(data?: string, options?: Options);
    transform(callback?: (error: Error | null) => void): void;
    build(): string;
    createSegment(name: string): Segment;
    getSegments(name?: string): readonly Segment[];
    get(field: string, index?: number, sectionIndex?: number, subIndex?: number): unknown;
    set(field: string, value: string, index?: number): unknown;
  }

  export = HL7;
}
