/** What a mail system writes back about a mail: a delivery status notification (RFC 3464), with the header of the mail. */

export interface DeliveryReport {
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed';
  /** RFC 3463, such as 5.1.1. */
  readonly status: string;
}

/** What of the mail goes into it. */
export interface ReportedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly envid: string | null;
  readonly raw: Buffer;
}

const BOUNDARY = '=_report';
const WORDS: Readonly<Record<DeliveryReport['action'], string>> = {
  failed: 'Your mail could not be delivered.',
  delayed: 'Your mail has not been delivered yet. It will be tried again.',
  delivered: 'Your mail was delivered.',
  relayed: 'Your mail was handed on to a system that reports nothing.',
};

/** The whole report, as mail. */
export function deliveryReport(mail: ReportedMail, { action, status }: DeliveryReport): Buffer {
  const header = mail.raw.toString('latin1').split('\r\n\r\n')[0] ?? '';
  const lines = [
    'From: <MAILER-DAEMON@relay.zorgmail.invalid>',
    `To: <${mail.from}>`,
    'Subject: Delivery report',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${BOUNDARY}"`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    WORDS[action],
    '',
    `--${BOUNDARY}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; relay.zorgmail.invalid',
    ...(mail.envid === null ? [] : [`Original-Envelope-Id: ${mail.envid}`]),
    '',
    `Final-Recipient: rfc822; ${mail.to[0] ?? ''}`,
    `Action: ${action}`,
    `Status: ${status}`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: text/rfc822-headers',
    '',
    header,
    '',
    `--${BOUNDARY}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}
