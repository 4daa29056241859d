/** Mails for the tests, written as they look; CRLF on the wire, one byte per character. */

/** The bytes of a mail that is written with LF and characters up to U+00FF. */
export function mail(text: string): Buffer {
  return Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1');
}

/** A multipart of the given parts, each with its own headers and body. */
export function multipart(parts: readonly string[], subtype = 'mixed', boundary = 'grens'): string {
  const bodies = parts.map((part) => `--${boundary}\n${part}\n`).join('');
  return `Content-Type: multipart/${subtype}; boundary="${boundary}"\n\n${bodies}--${boundary}--\n`;
}

export const ENVELOPE = 'From: Laboratorium Noord <uitslagen@lab-noord.example>\nDelivered-To: 500088001@lms.example\n';

/** An interchange with a 0xEB in it: the byte that a charset decoder changes. */
export const EDIFACT =
  "UNA:+.? 'UNB+UNOC:1+500099001+500088001+211122:1200+77'UNH+1+MEDLAB:1'COM+Reni\u00eb'UNT+3+1'UNZ+1+77'";
export const HL7 =
  'MSH|^~\\&|LIS|KUSTLAB|HIS|500088002|20211122||ORU^R01|9|P|2.4\rPID|1||999954660\rOBX|1|NM|GLUC||5.1';

export function base64(text: string): string {
  const encoded = Buffer.from(text, 'latin1').toString('base64');
  return encoded.replace(/.{76}/g, '$&\n');
}

/** Everything that is no printable ASCII, and `=`, escaped (RFC 2045 §6.7). */
export function quotedPrintable(text: string): string {
  const escaped = text.replace(
    /[^ -<>-~]/g,
    (char) => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return escaped.replace(/(?:=[0-9A-F]{2}|.){60}/g, '$&=\n');
}
