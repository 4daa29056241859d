/** The door of delivery/zorgmail against a real SMTP server in front of a real Dovecot: what arrives, and what each ending means. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type MailEnvelope,
  type OutwardMail,
  openZorgmail,
  type RelayAccount,
  renderMail,
  type ZorgmailLimits,
  type ZorgmailRelay,
} from '../../src/delivery/zorgmail/zorgmail.ts';
import { readReceipt, readSighting } from '../../src/receipt/receipt.ts';
import { makeCertificate } from '../../src/sandbox/zorgmail/certificate.ts';
import { freePorts } from '../../src/sandbox/zorgmail/dovecot-process.ts';
import { type RelayOptions, type SmtpRelay, startSmtpRelay } from '../../src/sandbox/zorgmail/relay.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { Failure } from '../../src/shared/failure.ts';
import { until } from '../support/until.ts';

const OURS = '500077001';
const STRANGER = '500077002';
const SUBJECT_TEXT = 'Registratie';
/** Stands in every reply that refuses: nothing of it may be in an error. */
const QUOTED = 'message of BSN 999990019 not wanted';

let directory: string;
let zorgmail: Zorgmail;
const practices = Array.from({ length: 90 }, (_, i) => `5000881${String(i).padStart(2, '0')}`);
let used = 0;
let practice: string;
const opened: (ZorgmailRelay | SmtpRelay)[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zorgmail-contract-'));
  zorgmail = await startZorgmail({ directory, accounts: [OURS, STRANGER, ...practices], isThrowaway: true });
});

afterAll(async () => {
  await zorgmail?.release();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  practice = practices[used] ?? '';
  used += 1;
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.release()));
});

async function relayOf(change: Partial<RelayOptions> = {}): Promise<SmtpRelay> {
  const relay = await startSmtpRelay({
    mailboxes: zorgmail,
    accounts: [OURS, STRANGER, ...practices],
    certificate: zorgmail.certificate,
    security: 'starttls',
    ...change,
  });
  opened.push(relay);
  return relay;
}

function senderTo(relay: SmtpRelay, change: Partial<RelayAccount> = {}, limits: ZorgmailLimits = {}): ZorgmailRelay {
  const sender = openZorgmail({ ...relay.account(OURS), ...change }, limits);
  opened.push(sender);
  return sender;
}

/** Lines of 70 characters, a lone CR between them, a released apostrophe, and bytes outside ASCII. */
const EDIFACT = Buffer.from(
  `UNB+UNOC:3+${OURS}+500088100+261116:0915+ZK1'\rUNH+1+MEDVRI:1'\rTXT:1+${'x'.repeat(70)}'\rTXT:2+.punt ?'s \xe9'\rUNT+4+1'\rUNZ+1+ZK1'\r`,
  'latin1',
);

function outward(change: Partial<OutwardMail> = {}): OutwardMail {
  return {
    messageId: `<0198a1b2-${practice}.1@zorgkoerier.example>`,
    date: new Date('2026-11-16T09:15:00Z'),
    from: `${OURS}@lms.lifeline.nl`,
    to: `${practice}@lms.lifeline.nl`,
    subject: SUBJECT_TEXT,
    envelopeId: `zk-${practice}-1`,
    edifact: EDIFACT,
    ...change,
  };
}

function envelopeOf({ from, to, envelopeId }: OutwardMail): MailEnvelope {
  return { from, to, envelopeId };
}

function sendPlain(sender: ZorgmailRelay, signal?: AbortSignal) {
  return sender.send(renderMail(outward()), envelopeOf(outward()), signal);
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof Failure)) throw thrown;
  return thrown;
}

async function arrived(): Promise<readonly Buffer[]> {
  return zorgmail.mailsOf(practice);
}

describe('rendering', () => {
  it('gives the same bytes for the same mail, and they say nothing but the ids that were given', () => {
    const rendered = renderMail(outward());
    expect(renderMail(outward())).toEqual(rendered);
    const [header = '', body = ''] = rendered.toString('latin1').split('\r\n\r\n');
    expect(header.split('\r\n')).toEqual([
      'Date: Mon, 16 Nov 2026 09:15:00 +0000',
      `From: <${OURS}@lms.lifeline.nl>`,
      `To: <${practice}@lms.lifeline.nl>`,
      `Message-ID: <0198a1b2-${practice}.1@zorgkoerier.example>`,
      'Subject: Registratie',
      `X-Zorgkoerier-Id: zk-${practice}-1`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: application/EDIFACT',
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="zk-${practice}-1.edi"`,
    ]);
    expect(Buffer.from(body, 'base64')).toEqual(EDIFACT);
    expect(Math.max(...body.split('\r\n').map((line) => line.length))).toBe(76);
  });

  it.each([
    ['a line end in the subject', { subject: 'x\r\nBcc: <a@b.nl>' }],
    ['a subject with a BSN', { subject: 'Uitslag 999990019' }],
    ['an empty subject', { subject: '' }],
    ['a subject that is not ASCII', { subject: 'Beëindigd' }],
    ['two recipients', { to: 'a@b.nl, c@d.nl' }],
    ['a sender with a name', { from: 'Zorg <a@b.nl>' }],
    ['a Message-ID without brackets', { messageId: 'a@b.nl' }],
    ['an envelope id with a blank', { envelopeId: 'a b' }],
    ['a date that is none', { date: new Date('x') }],
    ['no content', { edifact: Buffer.alloc(0) }],
  ])('refuses %s', (_what, change) => {
    expect(() => renderMail(outward(change))).toThrow(
      expect.objectContaining({ code: 'zorgmail.header', kind: 'defect' }),
    );
  });
});

describe('a mail that is accepted', () => {
  it.each([
    'starttls',
    'tls',
  ] as const)('arrives byte for byte in the mailbox of the HIS, over %s', async (security) => {
    const relay = await relayOf({ security });
    const answer = await sendPlain(senderTo(relay));
    expect(answer).toEqual({ kind: 'accepted', reply: 250, status: '2.6.0', isNotificationAsked: true });
    const bytes = renderMail(outward());
    expect(relay.mails()).toHaveLength(1);
    expect(relay.mails()[0]?.raw).toEqual(bytes);
    const [inMailbox, ...more] = await arrived();
    expect(more).toEqual([]);
    expect(inMailbox?.subarray(-bytes.length)).toEqual(bytes);
    expect(inMailbox?.subarray(0, -bytes.length).toString()).toBe(
      `Return-Path: <${OURS}@lms.lifeline.nl>\r\nDelivered-To: ${practice}@lms.lifeline.nl\r\n`,
    );
    expect((await zorgmail.compareTwins(practice)).differences).toEqual([]);
  });

  it('shows its letter to the HIS, and says by its Message-ID and envelope id that it is ours', async () => {
    await sendPlain(senderTo(await relayOf()));
    expect(await zorgmail.lettersOf(practice)).toEqual([
      {
        sender: OURS,
        recipient: '500088100',
        controlReference: 'ZK1',
        bsn: null,
        lines: ['x'.repeat(70), ".punt 's é"],
      },
    ]);
    const [inMailbox] = await arrived();
    const status = null;
    expect(await readSighting(inMailbox ?? Buffer.alloc(0))).toEqual([
      { kind: 'delivered', by: 'envelope-id', reference: outward().envelopeId, status },
      { kind: 'delivered', by: 'message-id', reference: outward().messageId, status },
    ]);
  });

  it('goes out with the same bytes on every try', async () => {
    const relay = await relayOf();
    const sender = senderTo(relay);
    const bytes = renderMail(outward());
    relay.fail({ at: 'data', act: { reply: 451 } });
    relay.fail({ at: 'data', act: 'cut', isDelivered: true });
    await failureOf(sender.send(bytes, envelopeOf(outward())));
    await failureOf(sender.send(bytes, envelopeOf(outward())));
    await sender.send(bytes, envelopeOf(outward()));
    expect(relay.mails().map(({ raw }) => raw.equals(bytes))).toEqual([true, true, true]);
    expect(await arrived()).toHaveLength(2);
  });

  it('has one recipient, the account of the login as its sender, and went over TLS', async () => {
    const relay = await relayOf();
    await sendPlain(senderTo(relay));
    expect(relay.mails()).toMatchObject([
      { from: outward().from, to: [outward().to], username: OURS, isSecure: true, isDelivered: true },
    ]);
    expect(relay.connections()).toBe(1);
  });

  it('asks for notifications, of the header only, where they are offered', async () => {
    const relay = await relayOf();
    await sendPlain(senderTo(relay));
    expect(relay.mails()).toMatchObject([
      { envid: outward().envelopeId, ret: 'HDRS', notify: ['SUCCESS', 'FAILURE', 'DELAY'] },
    ]);
  });

  it('asks for none where they are not', async () => {
    const relay = await relayOf({ isDsnOffered: false });
    expect(await sendPlain(senderTo(relay))).toMatchObject({ kind: 'accepted', isNotificationAsked: false });
    expect(relay.mails()).toMatchObject([{ envid: null, ret: null, notify: [] }]);
  });

  it('is one connection each: several at once do not share or wait', async () => {
    const relay = await relayOf();
    const sender = senderTo(relay);
    await Promise.all([sendPlain(sender), sendPlain(sender), sendPlain(sender)]);
    expect(relay.connections()).toBe(3);
    expect(await arrived()).toHaveLength(3);
  });
});

describe('a mail that is refused', () => {
  it.each([
    ['mail', 451, { code: 'zorgmail.postponed', kind: 'transient', scope: 'item' }],
    ['rcpt', 450, { code: 'zorgmail.postponed', kind: 'transient', scope: 'item' }],
    ['data', 452, { code: 'zorgmail.postponed', kind: 'transient', scope: 'item' }],
    ['mail', 550, { code: 'zorgmail.refused', kind: 'permanent', scope: 'item' }],
    ['rcpt', 550, { code: 'zorgmail.refused', kind: 'permanent', scope: 'item' }],
    ['data', 554, { code: 'zorgmail.refused', kind: 'permanent', scope: 'item' }],
    ['rcpt', 503, { code: 'zorgmail.out-of-step', kind: 'transient', scope: 'item' }],
    ['data', 503, { code: 'zorgmail.out-of-step', kind: 'transient', scope: 'item' }],
    ['mail', 530, { code: 'zorgmail.login-refused', kind: 'permanent', scope: 'peer' }],
    ['connect', 421, { code: 'zorgmail.busy', kind: 'transient', scope: 'peer' }],
    ['mail', 421, { code: 'zorgmail.busy', kind: 'transient', scope: 'peer' }],
    ['rcpt', 421, { code: 'zorgmail.busy', kind: 'transient', scope: 'peer' }],
    ['data', 421, { code: 'zorgmail.busy', kind: 'transient', scope: 'peer' }],
    ['connect', 554, { code: 'zorgmail.unavailable', kind: 'transient', scope: 'peer' }],
    ['login', 454, { code: 'zorgmail.busy', kind: 'transient', scope: 'peer' }],
    ['login', 535, { code: 'zorgmail.login-refused', kind: 'permanent', scope: 'peer' }],
  ] as const)('at %s with %d is %o, and is not delivered', async (at, reply, expected) => {
    const relay = await relayOf();
    const sender = senderTo(relay);
    relay.fail({ at, act: { reply, text: QUOTED } });
    const failure = await failureOf(sendPlain(sender));
    expect(failure).toMatchObject({ ...expected, fields: { reply } });
    expect(await arrived()).toEqual([]);
    expect(relay.connections()).toBe(1);
    expect(await sendPlain(sender)).toMatchObject({ kind: 'accepted' });
  });

  it('says in its error no word of what the relay said, and keeps no cause that would', async () => {
    const relay = await relayOf();
    const sender = senderTo(relay);
    for (const at of ['connect', 'login', 'mail', 'rcpt', 'data'] as const) {
      relay.fail({ at, act: { reply: 550, text: QUOTED } });
      const failure = await failureOf(sendPlain(sender));
      const everything = `${failure.stack} ${failure.message} ${JSON.stringify(failure.fields)} ${String(failure.cause)}`;
      expect(everything).not.toMatch(/999990019|not wanted|BSN|lms\.lifeline/);
      expect(failure.cause).toBeUndefined();
    }
  });

  it('for an account that does not exist is permanent, with the codes of the reply', async () => {
    const relay = await relayOf();
    const mail = outward({ to: '500000009@lms.lifeline.nl' });
    const failure = await failureOf(senderTo(relay).send(renderMail(mail), envelopeOf(mail)));
    expect(failure).toMatchObject({
      code: 'zorgmail.refused',
      kind: 'permanent',
      fields: { phase: 'envelope', reply: 550, status: '5.1.1', command: 'RCPT TO' },
    });
  });

  it('larger than the relay announces is permanent, and not begun', async () => {
    const relay = await relayOf({ bytesMax: 500 });
    const failure = await failureOf(sendPlain(senderTo(relay)));
    expect(failure).toMatchObject({ code: 'zorgmail.too-large', kind: 'permanent', scope: 'item' });
    expect(relay.mails()).toEqual([]);
  });

  it('from an address that is not the login’s is permanent', async () => {
    const relay = await relayOf();
    const mail = outward({ from: `${STRANGER}@lms.lifeline.nl` });
    const failure = await failureOf(senderTo(relay).send(renderMail(mail), envelopeOf(mail)));
    expect(failure).toMatchObject({ code: 'zorgmail.refused', fields: { reply: 553, command: 'MAIL FROM' } });
  });
});

describe('a connection that ends', () => {
  it.each([
    [true, 1],
    [false, 0],
  ])('after the last byte, without a reply, is ambiguous (delivered: %s)', async (isDelivered, count) => {
    const relay = await relayOf();
    relay.fail({ at: 'data', act: 'cut', isDelivered });
    const failure = await failureOf(sendPlain(senderTo(relay)));
    expect(failure).toMatchObject({
      code: 'zorgmail.no-reply',
      kind: 'ambiguous',
      scope: 'item',
      fields: { phase: 'data' },
    });
    expect(await arrived()).toHaveLength(count);
    // No try of its own: what an unknown outcome needs is a look, and that is not for this door.
    expect(relay.connections()).toBe(1);
  });

  it.each([true, false])('in silence after the last byte is ambiguous (delivered: %s)', async (isDelivered) => {
    const relay = await relayOf();
    relay.fail({ at: 'data', act: 'silence', isDelivered });
    const failure = await failureOf(sendPlain(senderTo(relay, {}, { replyTimeoutMs: 300 })));
    expect(failure).toMatchObject({ code: 'zorgmail.no-reply', kind: 'ambiguous' });
    expect(await arrived()).toHaveLength(isDelivered ? 1 : 0);
  });

  it.each(['mail', 'rcpt'] as const)('before the mail, at %s, is transient', async (at) => {
    const relay = await relayOf();
    relay.fail({ at, act: 'cut' });
    const failure = await failureOf(sendPlain(senderTo(relay)));
    expect(failure).toMatchObject({ code: 'zorgmail.no-answer', kind: 'transient', scope: 'item' });
    expect(relay.mails()).toEqual([]);
  });

  it.each(['connect', 'login'] as const)('before the mail, at %s, is the trouble of the peer', async (at) => {
    const relay = await relayOf();
    relay.fail({ at, act: 'cut' });
    const failure = await failureOf(sendPlain(senderTo(relay)));
    expect(failure).toMatchObject({ code: 'zorgmail.unreachable', kind: 'transient', scope: 'peer' });
  });

  it.each(['connect', 'login', 'mail', 'rcpt'] as const)('because %s takes too long, is transient', async (at) => {
    const relay = await relayOf();
    relay.fail({ at, act: 'silence' });
    const failure = await failureOf(sendPlain(senderTo(relay, {}, { beforeMailTimeoutMs: 400 })));
    expect(failure).toMatchObject({ kind: 'transient', fields: { error: 'ZORGMAIL_TOO_SLOW' } });
    expect(relay.mails()).toEqual([]);
  });

  it('was never there: nobody listens', async () => {
    const relay = await relayOf();
    const [port = 0] = await freePorts(1);
    const failure = await failureOf(sendPlain(senderTo(relay, { port })));
    expect(failure).toMatchObject({
      code: 'zorgmail.unreachable',
      kind: 'transient',
      scope: 'peer',
      fields: { error: 'ECONNREFUSED' },
    });
  });
});

describe('giving up', () => {
  it('before it began sends nothing', async () => {
    const relay = await relayOf();
    const failure = await failureOf(sendPlain(senderTo(relay), AbortSignal.abort()));
    expect(failure).toMatchObject({ code: 'zorgmail.aborted', kind: 'transient' });
    expect(relay.logins()).toEqual([]);
  });

  it('before the mail went is transient', async () => {
    const relay = await relayOf();
    relay.fail({ at: 'rcpt', act: 'silence' });
    const abort = new AbortController();
    const sending = failureOf(sendPlain(senderTo(relay), abort.signal));
    await untilTrue(() => relay.logins().length === 1);
    abort.abort();
    expect(await sending).toMatchObject({ code: 'zorgmail.aborted', kind: 'transient' });
  });

  it('after the mail went is ambiguous, also when the whole relay is released', async () => {
    const relay = await relayOf();
    relay.fail({ at: 'data', act: 'silence', isDelivered: true });
    const sender = senderTo(relay);
    const sending = failureOf(sendPlain(sender));
    await untilTrue(() => relay.mails().length === 1);
    await sender.release();
    expect(await sending).toMatchObject({ code: 'zorgmail.no-reply', kind: 'ambiguous' });
    expect(await failureOf(sendPlain(sender))).toMatchObject({ code: 'zorgmail.aborted' });
  });
});

describe('nothing goes in the clear', () => {
  it('not to a relay without encryption: no login, no envelope, no mail', async () => {
    const relay = await relayOf({ security: 'none' });
    const failure = await failureOf(sendPlain(senderTo(relay)));
    expect(failure).toMatchObject({ code: 'zorgmail.no-tls', kind: 'transient', scope: 'peer' });
    expect(relay.connections()).toBe(1);
    expect(relay.logins()).toEqual([]);
    expect(relay.mails()).toEqual([]);
  });

  it('not to one that says it will encrypt and does not: what is on the wire holds neither password nor mail', async () => {
    const wire = await listenInTheClear();
    const account = { ...(await relayOf()).account(OURS), port: wire.port };
    const sender = openZorgmail(account);
    opened.push(sender);
    const failure = await failureOf(sendPlain(sender));
    expect(failure).toMatchObject({ kind: 'transient', scope: 'peer' });
    expect(wire.heard()).toMatch(/^EHLO [^\r\n]+\r\nSTARTTLS\r\n/);
    expect(wire.heard()).not.toMatch(/AUTH|MAIL FROM|RCPT|DATA\r\n/);
    await wire.release();
  });

  it('a handshake that never ends is given up in time', async () => {
    const wire = await listenInTheClear(false);
    const sender = openZorgmail({ ...(await relayOf()).account(OURS), port: wire.port }, { beforeMailTimeoutMs: 300 });
    opened.push(sender);
    expect(await failureOf(sendPlain(sender))).toMatchObject({ code: 'zorgmail.unreachable', scope: 'peer' });
    await wire.release();
  });

  it.each([
    'starttls',
    'tls',
  ] as const)('and not to a stranger: a wrong certificate ends it, over %s', async (security) => {
    const relay = await relayOf({ security });
    const { certificate: ca } = await makeCertificate();
    const failure = await failureOf(sendPlain(senderTo(relay, { ca })));
    expect(failure).toMatchObject({ code: 'zorgmail.certificate', kind: 'transient', scope: 'peer' });
    expect(relay.logins()).toEqual([]);
  });

  it('and not to one whose certificate is of another name', async () => {
    const relay = await relayOf();
    const failure = await failureOf(sendPlain(senderTo(relay, { host: 'localhost.localdomain' })));
    // Where that name leads nowhere there is no connection at all; where it does, the name is not in the certificate.
    expect(['zorgmail.certificate', 'zorgmail.unreachable']).toContain(failure.code);
    expect(relay.logins()).toEqual([]);
  });

  it('a wrong password is the trouble of the peer, asked once', async () => {
    const relay = await relayOf();
    const failure = await failureOf(sendPlain(senderTo(relay, { password: 'wrong' })));
    expect(failure).toMatchObject({
      code: 'zorgmail.login-refused',
      kind: 'permanent',
      scope: 'peer',
      fields: { reply: 535 },
    });
    expect(relay.logins()).toEqual([OURS]);
    expect(JSON.stringify(failure)).not.toContain('wrong');
  });
});

describe('bytes that SMTP would change are not sent', () => {
  it.each([
    ['a lone line feed', 'Subject: x\r\n\r\na\nb\r\n'],
    ['a lone carriage return', 'Subject: x\r\n\r\na\rb\r\n'],
    ['a byte outside ASCII', 'Subject: x\r\n\r\n\xe9\r\n'],
    ['an end without a line end', 'Subject: x\r\n\r\nx'],
    ['nothing', ''],
  ])('%s', async (_what, text) => {
    const relay = await relayOf();
    const sending = senderTo(relay).send(Buffer.from(text, 'latin1'), envelopeOf(outward()));
    expect(await failureOf(sending)).toMatchObject({ code: 'zorgmail.bytes', kind: 'defect' });
    expect(relay.connections()).toBe(0);
  });

  it('nor to an envelope that could smuggle a command', async () => {
    const relay = await relayOf();
    const envelope = { ...envelopeOf(outward()), to: 'a@b.nl>\r\nRCPT TO:<c@d.nl' };
    expect(await failureOf(senderTo(relay).send(renderMail(outward()), envelope))).toMatchObject({
      code: 'zorgmail.envelope',
      kind: 'defect',
    });
    expect(relay.connections()).toBe(0);
  });
});

describe('what comes back', () => {
  it('a bounce that comes later names the mail by envelope id and Message-ID', async () => {
    const relay = await relayOf();
    relay.fail({ at: 'data', act: 'swallow' });
    await sendPlain(senderTo(relay));
    expect(await arrived()).toEqual([]);
    const before = (await zorgmail.mailsOf(OURS)).length;
    const [mail] = relay.mails();
    if (mail === undefined) throw new Error('nothing was taken');
    await relay.report(mail, { action: 'failed', status: '5.2.1' });
    const bounce = (await zorgmail.mailsOf(OURS))[before];
    expect(await readReceipt(bounce ?? Buffer.alloc(0))).toEqual({
      kind: 'receipts',
      receipts: [
        { kind: 'failed', by: 'envelope-id', reference: outward().envelopeId, status: '5.2.1' },
        { kind: 'failed', by: 'message-id', reference: outward().messageId, status: '5.2.1' },
      ],
    });
    expect((await zorgmail.compareTwins(OURS)).differences).toEqual([]);
  });

  it('where no envelope ids are offered, the one in the header comes back', async () => {
    const relay = await relayOf({ isDsnOffered: false });
    await sendPlain(senderTo(relay));
    const before = (await zorgmail.mailsOf(OURS)).length;
    const [mail] = relay.mails();
    if (mail === undefined) throw new Error('nothing was taken');
    await relay.report(mail, { action: 'delayed', status: '4.4.1' });
    expect(await readReceipt((await zorgmail.mailsOf(OURS))[before] ?? Buffer.alloc(0))).toMatchObject({
      kind: 'receipts',
      receipts: [
        { kind: 'delayed', by: 'envelope-id', reference: outward().envelopeId },
        { kind: 'delayed', by: 'message-id', reference: outward().messageId },
      ],
    });
  });

  it('a relay that reports success does so for each delivery that was asked to be reported', async () => {
    const relay = await relayOf({ reportsSuccess: true });
    const before = (await zorgmail.mailsOf(OURS)).length;
    await sendPlain(senderTo(relay));
    const reports = (await zorgmail.mailsOf(OURS)).slice(before);
    expect(reports).toHaveLength(1);
    expect(await readReceipt(reports[0] ?? Buffer.alloc(0))).toMatchObject({
      receipts: [{ kind: 'delivered', status: '2.1.5' }, { kind: 'delivered' }],
    });
  });
});

async function untilTrue(look: () => boolean): Promise<void> {
  await until('the relay got that far', look, Boolean);
}

/** A server that offers STARTTLS, says yes to it and goes on in the clear, or says nothing more. */
async function listenInTheClear(goesOn = true) {
  let heard = '';
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write('220 relay.invalid\r\n');
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (/EHLO [^\r\n]*\r\n$/.test(heard))
        socket.write('250-relay.invalid\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n');
      else if (heard.endsWith('STARTTLS\r\n')) socket.write('220 go ahead\r\n');
      else if (goesOn) socket.write('250-relay.invalid\r\n250 AUTH PLAIN LOGIN\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as { port: number }).port,
    heard: () => heard,
    release: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
