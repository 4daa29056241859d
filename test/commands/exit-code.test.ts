import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/commands/exit-code.ts';
import { dayOf, momentOf, UsageError } from '../../src/commands/io.ts';
import { ConfigurationError } from '../../src/config/config.ts';
import { Failure } from '../../src/shared/failure.ts';

function exitOf(thrown: unknown): { code: number; said: string } {
  const said: string[] = [];
  const code = exitCodeOf(thrown, { progress: (line) => void said.push(line) });
  return { code, said: said.join('\n') };
}

describe('the exit code of a failure', () => {
  it.each([
    ['ledger.unreachable', 11],
    ['ledger.schema-missing', 11],
    ['ledger.schema-older', 11],
    ['ledger.schema-newer', 11],
    ['ledger.refused', 1],
    ['ledger.rolled-back', 1],
    ['ledger.collision', 1],
    ['keys.other-master-key', 10],
    ['queue.eviction-policy', 10],
    ['keys.cannot-open', 1],
    ['queue.unreachable', 1],
    ['mailbox.login-refused', 12],
    ['mailbox.unreachable', 1],
    ['practice.mailbox-differs', 2],
    ['source.key-private', 2],
    ['pipeline.switched-meanwhile', 1],
  ])('is for %s: %i', (code, expected) => {
    const exit = exitOf(new Failure(code, { kind: 'permanent' }));
    expect(exit.code).toBe(expected);
    expect(exit.said).toContain(code);
  });

  it('is 2 for a question wrongly put, 10 for a wrong setting, 1 for what nobody foresaw', () => {
    expect(exitOf(new UsageError('so not'))).toEqual({ code: 2, said: 'so not' });
    expect(exitOf(new ConfigurationError([{ name: 'A', problem: 'is missing' }])).code).toBe(10);
    expect(exitOf(new TypeError('x'))).toMatchObject({ code: 1, said: expect.not.stringContaining('x)') });
  });
});

describe('a date on the command line', () => {
  it.each([
    ['2026-11-22', '2026-11-21T23:00:00.000Z'],
    ['2026-07-01', '2026-06-30T22:00:00.000Z'],
    ['2026-10-25', '2026-10-24T22:00:00.000Z'],
    ['2028-02-29', '2028-02-28T23:00:00.000Z'],
    ['2026-11-22T08:00:00+01:00', '2026-11-22T07:00:00.000Z'],
    ['2026-11-22T08:00Z', '2026-11-22T08:00:00.000Z'],
  ])('%s begins at %s', (text, iso) => {
    expect(momentOf(text, '--since').toISOString()).toBe(iso);
  });

  it.each([
    '2026-02-31',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '26-11-22',
    '2026-11-22 ',
    '2026-02-31T08:00:00Z',
    '2026-11-22T25:00:00Z',
    '2026-11-22T08:00:00',
    'gisteren',
    '1',
    '',
  ])('«%s» is refused, by the name of its option', (text) => {
    expect(() => momentOf(text, '--since')).toThrow(new UsageError('--since: a date is expected, such as 2026-11-22'));
    expect(() => dayOf(text, '--authorised-on')).toThrow(UsageError);
  });
});
