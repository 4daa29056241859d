import { describe, expect, it } from 'vitest';
import { writeSegment, writeSegments } from '../../src/edifact/edifact.ts';

describe('writing a segment', () => {
  it('glues the counters to the tag', () => {
    expect(writeSegment({ tag: 'TXT', counters: [2], elements: ['Hello World'] })).toBe("TXT:2+Hello World'");
  });

  it('releases every delimiter and the release character itself', () => {
    expect(writeSegment({ tag: 'TXT', elements: ["a+b:c?d'e"] })).toBe("TXT+a?+b?:c??d?'e'");
  });

  it('leaves out trailing empty elements and components, and keeps those between', () => {
    const elements = ['Hek', null, ['', 'x', null, ''], [], ''];
    expect(writeSegment({ tag: 'GGA', elements })).toBe("GGA+Hek++:x'");
  });

  it('writes a segment without anything as its tag', () => {
    expect(writeSegment({ tag: 'TXT', counters: [3], elements: [''] })).toBe("TXT:3'");
  });

  it('writes the separator behind a tag without elements where that is asked for', () => {
    expect(writeSegment({ tag: 'TXT', counters: [3], elements: [], isOpen: true })).toBe("TXT:3+'");
    expect(writeSegment({ tag: 'TXT', counters: [3], elements: ['a', ''], isOpen: true })).toBe("TXT:3+a'");
  });

  it('ends every segment with the line end that is asked for', () => {
    const segments = [
      { tag: 'UNT', elements: ['2', '1'] },
      { tag: 'UNZ', elements: ['1', 'A'] },
    ];
    expect(writeSegments(segments, '\r\n')).toBe("UNT+2+1'\r\nUNZ+1+A'\r\n");
    expect(writeSegments(segments)).toBe("UNT+2+1'UNZ+1+A'");
  });
});
