import { describe, expect, it } from 'vitest';
import { asFailure, errorName, Failure } from '../../src/shared/failure.ts';

const CONTENT = 'patient 999990019 Jansen';

describe('a failure', () => {
  it('says its code and its fields, and nothing else', () => {
    const fields = { status: 503, target: 'patient-card', isLate: true, position: null };
    const failure = new Failure('card.unavailable', { kind: 'transient', fields, cause: new Error(CONTENT) });
    expect(failure.message).toBe('card.unavailable (status=503, target=patient-card, isLate=true, position=null)');
    expect(String(failure)).not.toContain('999990019');
    expect(failure.stack).not.toContain('999990019');
    expect(new Failure('card.unavailable', { kind: 'transient' }).message).toBe('card.unavailable');
  });

  it('is of one item, and says nothing of waiting, unless it was told', () => {
    expect(new Failure('a.b', { kind: 'defect' })).toMatchObject({ scope: 'item', fields: {}, retryAfterMs: null });
    expect(new Failure('a.b', { kind: 'transient', scope: 'peer', retryAfterMs: 5_000 })).toMatchObject({
      scope: 'peer',
      retryAfterMs: 5_000,
    });
  });

  it('is an error, by its own name, and keeps its cause', () => {
    const cause = new Error('cause');
    const failure = new Failure('a.b', { kind: 'permanent', cause });
    expect(failure).toBeInstanceOf(Error);
    expect(failure.name).toBe('Failure');
    expect(failure.cause).toBe(cause);
  });
});

describe('any thrown thing as a failure', () => {
  it('is the failure that it was', () => {
    const failure = new Failure('a.b', { kind: 'transient' });
    expect(asFailure(failure, 'other.code')).toBe(failure);
  });

  it.each([
    ['an error', new TypeError(CONTENT), 'TypeError'],
    ['an error of Node', Object.assign(new Error(CONTENT), { code: 'ECONNRESET' }), 'Error ECONNRESET'],
    ['a text', CONTENT, 'string'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'object'],
    ['an object', { message: CONTENT }, 'object'],
  ])('is a defect of ours where it was %s, without its text', (_, thrown, error) => {
    const failure = asFailure(thrown);
    expect(failure).toMatchObject({ code: 'shared.unexpected', kind: 'defect', scope: 'item', fields: { error } });
    expect(failure.message).not.toMatch(/999990019|Jansen/);
    expect(errorName(thrown)).toBe(error);
    expect(asFailure(thrown, 'queue.unforeseen').code).toBe('queue.unforeseen');
  });
});
