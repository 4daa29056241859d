/** Bytes that look like UTF-16, wherever in memory they lie. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resemblesPayload, sniffStart } from '../../src/mail/sniff.ts';

const SNIFF = fileURLToPath(new URL('../../src/mail/sniff.ts', import.meta.url));
const wide = (text: string, isBigEndian = false) => {
  const bytes = Buffer.from(text, 'utf16le');
  return isBigEndian ? bytes.swap16() : bytes;
};

describe('bytes in UTF-16', () => {
  it.each([
    ['little-endian', wide('MSH|^~\\&|')],
    ['little-endian with a mark', wide('\ufeffMSH|^~\\&|')],
    ['big-endian', wide('MSH|^~\\&|', true)],
    ['big-endian with a mark', wide('\ufeffMSH|^~\\&|', true)],
    ['half a letter short', wide('MSH|^~\\&|x').subarray(0, -1)],
  ])('are seen for what they are: %s', (_what, bytes) => {
    expect(sniffStart(bytes)).toBe('hl7');
    expect(resemblesPayload(bytes)).toBe(true);
  });

  // The fuzzer's input 878568 of seed 1: Node wrote one byte past its memory, and the process ended at some later moment.
  it('leave the memory whole, of every length and at odd addresses', async () => {
    const script = `
      const { resemblesPayload, sniffStart } = await import(${JSON.stringify(SNIFF)});
      for (let length = 2; length < 2_000; length += 1) {
        for (const address of [0, 1]) {
          for (const first of [[0x27, 0], [0xff, 0xfe], [0, 0x27], [0xfe, 0xff]]) {
            const bytes = Buffer.from(new ArrayBuffer(length + address), address, length);
            bytes.set(first);
            resemblesPayload(bytes);
            sniffStart(bytes);
          }
        }
      }
      globalThis.gc();`;
    const args = ['--expose-gc', '--input-type=module', '--eval', script];
    // glibc then looks at the edges of each piece of memory that is given back; elsewhere it is only a variable.
    const options = { env: { MALLOC_CHECK_: '3' } };
    await expect(promisify(execFile)(process.execPath, args, options)).resolves.toEqual({ stdout: '', stderr: '' });
  });
});
