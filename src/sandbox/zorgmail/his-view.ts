/**
 * What a HIS has in its mailbox, as its user would see it: the mails' bytes, and the letters (MEDVRI) in them. It looks at
 * the twin and marks nothing, so that looking is no difference between the two.
 */

import { componentText, type EdifactMessage, elementText, readEnvelope, tokenise } from '../../edifact/edifact.ts';
import { unwrapMail } from '../../mail/mail.ts';
import { type ImapLogin, withImap } from './imap-client.ts';

/** A free text as it stands in the patient's file. */
export interface HisLetter {
  /** UNB.2, UNB.3 and UNB.5; null in a message without envelope. */
  readonly sender: string | null;
  readonly recipient: string | null;
  readonly controlReference: string | null;
  /** The number of PID.5; null where it holds none. */
  readonly bsn: string | null;
  /** The text lines, in order; an empty one is ''. */
  readonly lines: readonly string[];
}

/** Every mail of a mailbox with its bytes, in the order of arrival. */
export function mailsIn(login: ImapLogin): Promise<readonly Buffer[]> {
  return withImap(login, async (client) => {
    await client.command('EXAMINE INBOX');
    return (await client.command('UID FETCH 1:* (BODY.PEEK[])')).flatMap(literalOf);
  });
}

/** The letters in one mail. */
export async function lettersOf(raw: Buffer): Promise<readonly HisLetter[]> {
  const { payloads } = await unwrapMail(raw);
  return payloads
    .filter(({ kind }) => kind === 'edifact')
    .flatMap(({ bytes, charset }) => {
      const tokens = tokenise(bytes, charset);
      return tokens.kind === 'refused' ? [] : readEnvelope(tokens.segments).messages;
    })
    .filter(({ header }) => componentText(header, 2, 1) === 'MEDVRI')
    .map(letterOf);
}

function letterOf({ interchange, body }: EdifactMessage): HisLetter {
  const unb = (element: number) => (interchange === null ? null : componentText(interchange, element, 1));
  const person = body.find(({ tag }) => tag === 'PID');
  const number = person === undefined ? null : elementText(person, 5);
  return {
    sender: unb(2),
    recipient: unb(3),
    controlReference: unb(5),
    bsn: /^BSN([0-9]{9})$/.exec(number ?? '')?.[1] ?? null,
    lines: body.filter(({ tag }) => tag === 'TXT').map((line) => elementText(line, 1) ?? ''),
  };
}

// The client's lines are latin-1, with a literal as it came: byte for byte.
function literalOf(line: string): readonly Buffer[] {
  const found = /^\* [0-9]+ FETCH \([^{]*\{([0-9]+)\}\r\n/.exec(line);
  if (found === null) return [];
  return [Buffer.from(line.slice(found[0].length, found[0].length + Number(found[1])), 'latin1')];
}
