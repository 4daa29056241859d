import { expect, it } from 'vitest';
import { commandReader, forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';

function read(...chunks: string[]): string[] {
  const commands: string[] = [];
  const reader = commandReader((command) => commands.push(command));
  for (const chunk of chunks) reader(Buffer.from(chunk, 'latin1'));
  return commands;
}

it('reads commands without their tags, however the bytes are cut', () => {
  const bytes = 'a1 NOOP\r\na2 EXAMINE INBOX\r\n';
  expect(read(bytes)).toEqual(['NOOP', 'EXAMINE INBOX']);
  expect(read(...bytes)).toEqual(['NOOP', 'EXAMINE INBOX']);
});

it('does not take a literal for a command', () => {
  const bytes = 'a1 APPEND INBOX {13}\r\nx DELETE x\r\n.\r\na2 NOOP\r\n';
  expect(read(...bytes)).toEqual(['APPEND INBOX {13}', 'NOOP']);
  expect(read('a1 LOGIN {4+}\r\nuser {6+}\r\nsecret\r\na2 NOOP\r\n')).toEqual(['LOGIN ***', 'NOOP']);
});

it('knows the end of an IDLE', () => {
  expect(read('a1 IDLE\r\n', 'DONE\r\n', 'a2 NOOP\r\n')).toEqual(['IDLE', 'DONE', 'NOOP']);
});

it('keeps no password, by whatever way it is sent', () => {
  expect(read('a LOGIN "user" "secret"\r\n')).toEqual(['LOGIN ***']);
  expect(read('a AUTHENTICATE PLAIN c2VjcmV0\r\nb NOOP\r\n')).toEqual(['AUTHENTICATE PLAIN ***', 'NOOP']);
  expect(read('a AUTHENTICATE LOGIN\r\nc2VjcmV0\r\nc2VjcmV0\r\nb NOOP\r\n')).toEqual(['AUTHENTICATE ***', 'NOOP']);
});

it.each([
  'SELECT INBOX',
  'STORE 1 +FLAGS (\\Seen)',
  'UID STORE 1 +FLAGS (\\Seen)',
  'UID MOVE 1 Archief',
  'UID COPY 1 Archief',
  'UID EXPUNGE 1',
  'EXPUNGE',
  'CLOSE',
  'UNSELECT',
  'APPEND INBOX {3}',
  'UID FETCH 1 (UID BODY[])',
  'UID FETCH 1 (UID BODY.PEEK[HEADER])',
  'UID FETCH 1 RFC822',
  'UID FETCH 1 (FLAGS)',
  'FETCH 1 (UID)',
  'NOOPS',
  'XUNKNOWN',
])('forbids %s', (command) => {
  expect(forbiddenCommands(['NOOP', command])).toEqual([command]);
});

it('allows what looks only', () => {
  const commands = [
    'CAPABILITY',
    'ID ("name" "x")',
    'LOGIN ***',
    'LIST "" INBOX',
    'STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)',
    'EXAMINE INBOX',
    'UID SEARCH SINCE 1-Nov-2026',
    'UID FETCH 1:3,9 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])',
    'UID FETCH 4 UID',
    'IDLE',
    'DONE',
    'LOGOUT',
  ];
  expect(forbiddenCommands(commands)).toEqual([]);
});
