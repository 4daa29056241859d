import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../src/shared/failure.ts';
import { createLogger, type LogFields, type Logger, silentLogger } from '../../src/shared/logger.ts';

const CONTENT = 'patient 999990019 Jansen, glucose 7.1';
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'zorgkoerier-log-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What a logger of this level writes, as text. */
function written(level: Parameters<typeof createLogger>[0], write: (logger: Logger) => void): string {
  const path = join(directory, 'log');
  const descriptor = openSync(path, 'w');
  try {
    write(createLogger(level, descriptor));
    return readFileSync(path, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

const lineOf = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('the log', () => {
  it('says the event and the fields that are allowed, and a time', () => {
    const fields: LogFields = { mailboxId: 'm', uid: 7, count: 2, code: 'mailbox.renumbered', state: 'forwarded' };
    const line = lineOf(written('info', (logger) => logger.info('mail read', fields)));
    expect(line).toMatchObject({ msg: 'mail read', ...fields });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(line).sort()).toEqual(['level', 'time', 'msg', ...Object.keys(fields)].sort());
  });

  it.each(['debug', 'info', 'warn', 'error'] as const)('drops a field that is not on the list: %s', (level) => {
    const slipped = { uid: 7, bsn: '999990019', subject: CONTENT, err: new Error(CONTENT), raw: { name: 'Jansen' } };
    const text = written('trace', (logger) => logger[level]('event', slipped as LogFields));
    expect(lineOf(text)).toMatchObject({ msg: 'event', uid: 7 });
    expect(text).not.toMatch(/999990019|Jansen|glucose|bsn|subject/);
  });

  it('says of an error where it came from, and never its text', () => {
    const thrown = new TypeError(CONTENT, { cause: new Error(CONTENT) });
    const text = written('info', (logger) => logger.error('the reader failed', { mailId: 'm' }, thrown));
    expect(lineOf(text)).toMatchObject({
      msg: 'the reader failed',
      mailId: 'm',
      code: 'shared.unexpected',
      kind: 'defect',
      fields: { error: 'TypeError' },
    });
    expect(text).not.toMatch(/999990019|Jansen|glucose/);
    expect(text).not.toContain('stack');
  });

  it('says of a failure its code, kind, scope and fields, and nothing of its cause', () => {
    const failure = new Failure('card.refused', {
      kind: 'permanent',
      scope: 'peer',
      fields: { status: 422 },
      cause: new Error(CONTENT),
    });
    const text = written('info', (logger) => logger.error('delivery failed', {}, failure));
    expect(lineOf(text)).toMatchObject({
      code: 'card.refused',
      kind: 'permanent',
      scope: 'peer',
      fields: { status: 422 },
    });
    expect(text).not.toMatch(/999990019|Jansen|glucose/);
  });

  it('names the file and line in our own source that an error came from', () => {
    const thrown = new Error(CONTENT);
    thrown.stack = `Error: ${CONTENT} in /src/Jansen.ts:1\n    at read (/srv/app/src/mail/unwrap.ts:12:7)\n    at more (/srv/app/src/mail/mail.ts:3:1)`;
    const text = written('info', (logger) => logger.error('failed', {}, thrown));
    expect(lineOf(text)).toMatchObject({ at: 'src/mail/unwrap.ts:12' });
    expect(text).not.toContain('Jansen');
  });

  it.each([
    ['a BSN in a field that is allowed', { code: 'x 999990019 y' }],
    ['a BSN as a number', { count: 999_990_019 }],
    ['a BSN between quotes', { state: 'the "999990019"' }],
  ])('stops %s in the last net, and the line stays JSON', (_, fields) => {
    const text = written('info', (logger) => logger.info('event', fields));
    expect(lineOf(text)).toMatchObject({ msg: 'event' });
    expect(text).toContain('[withheld]');
    expect(text).not.toContain('999990019');
  });

  it.each([
    'UNB+UNOA:1+500',
    'x PID+1980',
    'MSH|^~',
    "BEP:1:1:1+0+Glucose'",
    'OBX|1|NM',
  ])('stops a line with a piece of a message in the last net: %s', (code) => {
    const text = written('info', (logger) => logger.warn('event', { code }));
    expect(lineOf(text)).toMatchObject({ level: 40, code: 'log.withheld', time: expect.stringMatching(/^20/) });
    expect(text).not.toContain(code);
  });

  it('lets ids, times, uids and numbers that are no BSN through as they are', () => {
    const fields = {
      mailId: '019ac0b1-1234-7567-8901-999990019000',
      jobId: '999990019-1',
      uid: 123_456_789,
      code: 'mailbox.renumbered',
    };
    expect(lineOf(written('info', (logger) => logger.info('event', fields)))).toMatchObject(fields);
  });

  it('without an error says nothing of one', () => {
    const line = lineOf(written('info', (logger) => logger.error('an alarm', { code: 'mailbox.renumbered' })));
    expect(line).toMatchObject({ code: 'mailbox.renumbered' });
    expect(line).not.toHaveProperty('kind');
  });

  it('keeps silent below its level', () => {
    const all = (logger: Logger) => {
      logger.debug('debug');
      logger.info('info');
      logger.warn('warn');
      logger.error('error');
    };
    const events = (text: string) =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => lineOf(line)['msg']);
    expect(events(written('debug', all))).toEqual(['debug', 'info', 'warn', 'error']);
    expect(events(written('warn', all))).toEqual(['warn', 'error']);
    expect(written('silent', all)).toBe('');
    expect(written('trace', () => all(silentLogger))).toBe('');
  });
});
