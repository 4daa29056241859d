import { describe, expect, it } from 'vitest';
import { readHl7 } from '../../src/hl7/hl7.ts';
import {
  HL7_BYTES_MAX,
  HL7_COMPONENTS_MAX,
  HL7_FIELDS_MAX,
  HL7_MESSAGES_MAX,
  HL7_REPETITIONS_MAX,
  HL7_SEGMENTS_MAX,
} from '../../src/hl7/limits.ts';

const MSH = 'MSH|^~\\&|LAB|X|||||ORU^R01|1|P|2.5\r';

function read(text: string) {
  return readHl7(Buffer.from(text, 'latin1')).messages;
}

function tooLarge(segment: number, tag: string) {
  return [{ kind: 'refused', code: 'hl7.too-large', position: { segment, tag } }];
}

describe('HL7 at its limits is read, and one above them refused whole, with the place:', () => {
  it('bytes of a payload', () => {
    const filled = (bytes: number) => read(`${MSH}NTE|1||`.padEnd(bytes, 'x'));
    expect(filled(HL7_BYTES_MAX)).toMatchObject([{ kind: 'message', segments: { length: 2 } }]);
    expect(filled(HL7_BYTES_MAX + 1)).toEqual([{ kind: 'refused', code: 'hl7.too-large', position: null }]);
  });

  it('messages of a payload', () => {
    expect(read(MSH.repeat(HL7_MESSAGES_MAX))).toHaveLength(HL7_MESSAGES_MAX);
    expect(read(MSH.repeat(HL7_MESSAGES_MAX + 1))).toMatchObject([{ kind: 'refused', code: 'hl7.too-large' }]);
  });

  it('segments of a message; a sibling is read', () => {
    const of = (count: number) => read(`${MSH}${'NTE|1\r'.repeat(count - 1)}${MSH}`);
    expect(of(HL7_SEGMENTS_MAX)).toMatchObject([{ segments: { length: HL7_SEGMENTS_MAX } }, { kind: 'message' }]);
    expect(of(HL7_SEGMENTS_MAX + 1)).toMatchObject([...tooLarge(1, 'MSH'), { kind: 'message' }]);
  });

  it('fields of a segment', () => {
    const of = (count: number) => read(`${MSH}ZZZ${'|x'.repeat(count)}\r`);
    expect(of(HL7_FIELDS_MAX)).toMatchObject([{ kind: 'message' }]);
    expect(of(HL7_FIELDS_MAX + 1)).toEqual(tooLarge(2, 'ZZZ'));
  });

  it('repetitions in a segment, those of all its fields together', () => {
    // Each field has one repetition where nothing is repeated: three fields, and one for every tilde.
    const of = (count: number) => read(`${MSH}OBX|1|${'x~'.repeat(count - 3)}|x\r`);
    expect(of(HL7_REPETITIONS_MAX)).toMatchObject([{ kind: 'message' }]);
    expect(of(HL7_REPETITIONS_MAX + 1)).toEqual(tooLarge(2, 'OBX'));
  });

  it.each(['^', '&'])('components and subcomponents in a segment (%s)', (separator) => {
    const of = (count: number) => read(`${MSH}OBX|1|${`x${separator}`.repeat(count - 2)}\r`);
    expect(of(HL7_COMPONENTS_MAX)).toMatchObject([{ kind: 'message' }]);
    expect(of(HL7_COMPONENTS_MAX + 1)).toEqual(tooLarge(2, 'OBX'));
  });

  it('counts with the separators of the message itself', () => {
    const text = 'MSH#*!?%#LAB#X#####ORU*R01#1#P#2.5\r';
    expect(read(`${text}NTE#1##${'|'.repeat(HL7_FIELDS_MAX + 1)}\r`)).toMatchObject([{ kind: 'message' }]);
    expect(read(`${text}NTE${'#'.repeat(HL7_FIELDS_MAX + 1)}\r`)).toEqual(tooLarge(2, 'NTE'));
  });

  it('does not count what is wrapped as segments', () => {
    const wrapped = `${MSH}NTE|1||x\r${'een regel\r'.repeat(HL7_SEGMENTS_MAX + 1)}`;
    expect(read(wrapped)).toMatchObject([{ kind: 'message', segments: { length: 2 } }]);
  });
});
