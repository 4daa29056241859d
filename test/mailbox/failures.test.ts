import { expect, it } from 'vitest';
import { commandFailure, mailboxFailure, openingFailure } from '../../src/mailbox/failures.ts';

const SECRET = 'Jansen 999990019';

function thrown(fields: object): Error {
  return Object.assign(new Error(SECRET), fields);
}

it.each([
  [{ authenticationFailed: true, responseStatus: 'NO', serverResponseCode: 'AUTHENTICATIONFAILED' }, 'login-refused'],
  [{ authenticationFailed: true, responseStatus: 'NO', responseText: SECRET }, 'login-refused'],
  [{ authenticationFailed: true, responseStatus: 'NO', serverResponseCode: 'LIMIT' }, 'throttled'],
  [{ authenticationFailed: true, responseStatus: 'NO', responseText: 'Too many logins' }, 'throttled'],
  [{ authenticationFailed: true, responseStatus: 'NO', serverResponseCode: 'UNAVAILABLE' }, 'unreachable'],
  [{ authenticationFailed: true, code: 'NoConnection' }, 'unreachable'],
  [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'certificate'],
  [{ code: 'CERT_HAS_EXPIRED' }, 'certificate'],
  [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID', tlsFailed: true }, 'certificate'],
  [{ tlsFailed: true }, 'cleartext-refused'],
  [{ code: 'STARTTLS_INJECTION', tlsFailed: true }, 'cleartext-refused'],
  [{ code: 'UPGRADE_TIMEOUT', tlsFailed: true }, 'unreachable'],
  [{ code: 'ECONNREFUSED' }, 'unreachable'],
  [{ code: 'ClosedAfterConnectTLS', reason: 'Too many connections' }, 'throttled'],
  [{ responseStatus: 'NO', serverResponseCode: 'NONEXISTENT' }, 'folder-refused'],
])('takes an opening that failed with %j for %s', (fields, what) => {
  expect(openingFailure(thrown(fields), undefined)).toMatchObject({
    code: `mailbox.${what}`,
    kind: 'transient',
    scope: 'peer',
  });
});

it.each([
  [{ responseStatus: 'NO' }, 'command-refused'],
  [{ code: 'NoConnection' }, 'disconnected'],
  [{ code: 'LiteralTooLarge' }, 'disconnected'],
  [{ code: 'ETHROTTLE', responseStatus: 'BAD', throttleReset: 5_000 }, 'throttled'],
])('takes a command that failed with %j for %s', (fields, what) => {
  expect(commandFailure(thrown(fields), 'UID FETCH')).toMatchObject({ code: `mailbox.${what}`, kind: 'transient' });
});

it('keeps how long a server that throttles wants to be left alone', () => {
  expect(commandFailure(thrown({ code: 'ETHROTTLE', throttleReset: 5_000 }), 'UID FETCH').retryAfterMs).toBe(5_000);
});

it('repeats nothing that the server said but a response code', () => {
  const error = thrown({
    authenticationFailed: true,
    responseStatus: 'NO',
    responseText: SECRET,
    response: SECRET,
    executedCommand: SECRET,
    serverResponseCode: SECRET.toUpperCase(),
  });
  for (const failure of [openingFailure(error, SECRET), commandFailure(error, 'STATUS')]) {
    expect(failure.cause).toBeUndefined();
    expect(JSON.stringify({ ...failure, message: failure.message })).not.toContain('999990019');
  }
});

it('leaves a Failure as it is', () => {
  const failure = mailboxFailure('uid-validity-missing');
  expect(openingFailure(failure, undefined)).toBe(failure);
  expect(commandFailure(failure, 'STATUS')).toBe(failure);
});
