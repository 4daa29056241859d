/**
 * A client's half of an IMAP connection, cut into commands (RFC 3501 §2.2.1): literals and SASL answers are not
 * commands, and the arguments of a login are never kept.
 */

/** Takes bytes as they come and reports every command without its tag, literals as `{n}`. */
export function commandReader(report: (command: string) => void): (chunk: Buffer) => void {
  let buffered = '';
  let skip = 0;
  let command = '';
  let isAuthenticating = false;
  const line = (text: string) => {
    const literal = /\{(\d+)\+?\}$/.exec(text);
    command += text;
    if (literal !== null) {
      skip = Number(literal[1]);
      return;
    }
    // An answer to a SASL challenge has no tag; so has DONE, which ends an IDLE (RFC 2177).
    if (!isAuthenticating || /^\S+ [A-Z]/i.test(command)) {
      const bare = command.toUpperCase() === 'DONE' ? 'DONE' : command.replace(/^\S+ /, '');
      isAuthenticating = /^AUTHENTICATE\b/i.test(bare);
      report(masked(bare));
    }
    command = '';
  };
  return (chunk) => {
    buffered += chunk.toString('latin1');
    for (;;) {
      const skipped = buffered.slice(skip);
      skip -= Math.min(skip, buffered.length);
      buffered = skipped;
      const end = buffered.indexOf('\r\n');
      if (skip > 0 || end < 0) return;
      const text = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      line(text);
    }
  };
}

const BARE = /^(CAPABILITY|STARTTLS|NAMESPACE|IDLE|DONE|NOOP|LOGOUT)$/i;
const WITH_ARGUMENTS = /^(ID|LOGIN|AUTHENTICATE|ENABLE|LIST|LSUB|STATUS|EXAMINE|UID SEARCH) /i;
const FETCH = /^UID FETCH [\d:*,]+ (\(.*\)|\S+)$/i;
const FETCH_ITEM = /^(UID|MODSEQ|EMAILID|RFC822\.SIZE|INTERNALDATE|BODY\.PEEK\[\](<\d+\.\d+>)?)$/i;

/** Those of the recorded commands that could change a mailbox, or that nobody allowed: an empty list is the proof. */
export function forbiddenCommands(commands: readonly string[]): string[] {
  return commands.filter((command) => !isAllowed(command));
}

function isAllowed(command: string): boolean {
  if (BARE.test(command) || WITH_ARGUMENTS.test(command)) return true;
  const items = FETCH.exec(command)?.[1];
  if (items === undefined) return false;
  return items
    .replace(/^\((.*)\)$/, '$1')
    .split(' ')
    .every((item) => FETCH_ITEM.test(item));
}

function masked(command: string): string {
  return command.replace(/^(LOGIN|AUTHENTICATE \S+|AUTHENTICATE) .*$/i, '$1 ***');
}
