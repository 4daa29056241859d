/** Laboratories as they send: a payload in a mail, in the different MIME shapes that laboratories really use. */

import { createHash } from 'node:crypto';

export type MailShape = 'attachment-base64' | 'body-8bit' | 'quoted-printable' | 'mixed-with-text';

export interface LaboratoryMail {
  readonly payload: Buffer;
  readonly shape: MailShape;
  /** The ZorgMail account it goes to. */
  readonly to: string;
  readonly from: string;
}

const CRLF = '\r\n';

/** A whole mail around a payload; the same input gives the same bytes. */
export function laboratoryMail(mail: LaboratoryMail): Buffer {
  const id = createHash('sha256').update(mail.payload).update(mail.shape).update(mail.to).digest('hex').slice(0, 20);
  const head = [
    `From: ${mail.from}`,
    `To: ${mail.to}@lms.lifeline.nl`,
    'Subject: Laboratoriumuitslag',
    `Message-ID: <${id}@laboratorium.example>`,
    'Date: Mon, 16 Nov 2026 09:00:00 +0100',
    'MIME-Version: 1.0',
  ].join(CRLF);
  return Buffer.concat([Buffer.from(`${head}${CRLF}`), bodyOf(mail, id)]);
}

function bodyOf({ payload, shape }: LaboratoryMail, id: string): Buffer {
  const type = payload.subarray(0, 3).toString('latin1') === 'MSH' ? 'application/hl7-v2' : 'application/EDIFACT';
  switch (shape) {
    case 'attachment-base64':
      return Buffer.from(`${part(type, 'base64', 'attachment; filename="bericht.edi"')}${base64Lines(payload)}${CRLF}`);
    case 'body-8bit':
      return Buffer.concat([Buffer.from(part('text/plain', '8bit', null)), asLines(payload)]);
    case 'quoted-printable':
      return Buffer.from(`${part(type, 'quoted-printable', null)}${quotedPrintable(payload)}${CRLF}`);
    case 'mixed-with-text': {
      const boundary = `grens-${id}`;
      const text = `${part('text/plain; charset=utf-8', '7bit', null)}Zie de bijlage.${CRLF}`;
      const attached = `${part('application/octet-stream', 'base64', 'attachment; filename="uitslag.dat"')}${base64Lines(payload)}${CRLF}`;
      const parts = [`--${boundary}`, `${text}--${boundary}`, `${attached}--${boundary}--`, ''].join(CRLF);
      return Buffer.from(`Content-Type: multipart/mixed; boundary="${boundary}"${CRLF}${CRLF}${parts}`);
    }
  }
}

function part(contentType: string, encoding: string, disposition: string | null): string {
  const lines = [`Content-Type: ${contentType}`, `Content-Transfer-Encoding: ${encoding}`];
  return [...lines, ...(disposition === null ? [] : [`Content-Disposition: ${disposition}`]), '', ''].join(CRLF);
}

function base64Lines(payload: Buffer): string {
  return payload.toString('base64').replace(/.{76}/g, `$&${CRLF}`);
}

// A body may not have bare CR or LF (RFC 5322 §2.3): both become CRLF, which the formats read the same.
function asLines(payload: Buffer): Buffer {
  return Buffer.from(`${payload.toString('latin1').replace(/\r\n|\r|\n/g, CRLF)}${CRLF}`, 'latin1');
}

// RFC 2045 §6.7, with soft breaks; CR and LF are encoded, so that the bytes come out exactly.
function quotedPrintable(payload: Buffer): string {
  const tokens = [...payload].map((byte) =>
    byte > 32 && byte < 127 && byte !== 61
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  );
  const lines: string[] = [''];
  for (const token of tokens) {
    if ((lines.at(-1) ?? '').length + token.length > 72) lines.push('');
    lines[lines.length - 1] += token;
  }
  return lines.join(`=${CRLF}`);
}
