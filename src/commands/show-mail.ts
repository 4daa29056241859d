/** A mail for a person to read by eye: its headers, then each part as text. What could steer a terminal is taken out. */

import type { ReadableMail } from '../mail/mail.ts';
import type { Language } from './io.ts';
import { printable } from './show-table.ts';

/** Without a final line end. */
export function showMail({ headers, parts }: ReadableMail, language: Language): string {
  const noText = language === 'nl' ? '(geen tekst)' : '(no text)';
  const lines = headers.map(({ name, value }) => `${name}: ${printable(value)}`);
  for (const { path, contentType, bytes, text } of parts) {
    const heading = printable(`${path} · ${contentType} · ${bytes} bytes`);
    lines.push('', heading, '─'.repeat([...heading].length), ...(text === null ? [noText] : linesOf(text)));
  }
  return lines.join('\n');
}

// EDIFACT has its line ends where its sender put them, CR alone among them.
function linesOf(text: string): readonly string[] {
  return text
    .trimEnd()
    .split(/\r\n|\r|\n/)
    .map(printable);
}
