/** The table of limits in ARCHITECTURE.md says what the constants are. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BYTES_MAX, COMPONENTS_MAX, ELEMENTS_MAX, MESSAGES_MAX, SEGMENTS_MAX } from '../../src/edifact/edifact.ts';
import * as hl7 from '../../src/hl7/limits.ts';
import { ENCODED_CHARACTERS_MAX } from '../../src/lab/from-hl7/attachment.ts';
import { REPORTS_MAX } from '../../src/lab/read-mail.ts';
import { HEADER_BYTES_MAX, LINE_END_RUN_MAX } from '../../src/mail/parts.ts';
import { MAIL_BYTES_MAX, MAIL_DECODED_BYTES_MAX, MAIL_DEPTH_MAX, MAIL_PARTS_MAX } from '../../src/mail/unwrap.ts';
import { isReasonCode } from '../../src/shared/reasons.ts';

const { segmentOverLimit: _, ...OF_HL7 } = hl7;
const LIMITS: Readonly<Record<string, number>> = {
  ...{ MAIL_BYTES_MAX, HEADER_BYTES_MAX, MAIL_PARTS_MAX, MAIL_DEPTH_MAX, MAIL_DECODED_BYTES_MAX, LINE_END_RUN_MAX },
  ...{ REPORTS_MAX, BYTES_MAX, MESSAGES_MAX, SEGMENTS_MAX, ELEMENTS_MAX, COMPONENTS_MAX, ENCODED_CHARACTERS_MAX },
  ...OF_HL7,
};

const text = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
const rows = [...text.matchAll(/^\| [^|\n]+: ([\d,]+)( [KM]iB)? \| `([A-Z0-9_]+)` \| `([a-z0-9.-]+)` \|$/gm)];

describe('the table of limits', () => {
  it('has every limit once', () => {
    expect(rows.map(([, , , name]) => name).sort()).toEqual(Object.keys(LIMITS).sort());
  });

  it.each(
    rows.map(([, amount = '', unit = '', name = '', reason = '']) => [name, amount, unit.trim(), reason]),
  )('says what %s is: %s %s, and why what is over it waits (%s)', (name, amount, unit, reason) => {
    const factor = { '': 1, KiB: 1024, MiB: 1024 * 1024 }[unit ?? ''] ?? Number.NaN;
    expect(Number((amount ?? '').replaceAll(',', '')) * factor).toBe(LIMITS[name ?? '']);
    expect(isReasonCode(reason ?? '')).toBe(true);
  });
});
