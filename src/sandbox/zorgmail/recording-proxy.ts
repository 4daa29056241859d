/**
 * A man in the middle with permission: it ends the client's TLS with the sandbox's certificate, writes down every
 * command, and passes all on to the real server over TLS. On request it makes the network or the server misbehave.
 */

import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';
import { commandReader } from './command-lines.ts';

export interface ProxyOptions {
  /** The real server, implicit TLS on 127.0.0.1. */
  readonly target: { readonly port: number };
  /** Shown to clients, and expected of the target. */
  readonly certificate: Certificate;
}

export interface RecordingProxy {
  readonly port: number;
  /** Every command of every client so far, without tags, logins masked. */
  commands(): readonly string[];
  /** Connections taken so far. */
  connections(): number;
  /** Resolves when a command that matches has come by after this call. */
  untilCommand(pattern: RegExp): Promise<void>;
  /** Cuts the connection in the middle of the next literal that the server sends. */
  cutNextLiteral(): void;
  /** Connections cut by that so far. */
  cuts(): number;
  /** Half-open: both sides stay connected, nothing passes any more. */
  stall(isStalled: boolean): void;
  /** Up to `most` connections of this moment are half-open for good; those that come after work. Answers how many. */
  abandon(most: number): number;
  /** A network that stalls: nothing passes while held, and all of it afterwards. */
  hold(isHeld: boolean): void;
  /** Sends `* BYE text` to every client and hangs up. */
  sayBye(text: string): void;
  /** Every answer of the server goes through this from now on; null: as it is. */
  rewrite(change: ((answer: string) => string) | null): void;
  /** The server does not know these commands from now on: they reach it misspelt. */
  unteach(command: RegExp): void;
  /** From now on connections are taken and dropped at once. */
  dropNewcomers(isDropping: boolean): void;
  release(): Promise<void>;
}

interface Faults {
  isCutting: boolean;
  cuts: number;
  isStalled: boolean;
  isHeld: boolean;
  isDropping: boolean;
  change: ((answer: string) => string) | null;
  unknown: RegExp | null;
}

/** Starts the proxy on a free port. */
export async function startRecordingProxy(options: ProxyOptions): Promise<RecordingProxy> {
  const faults: Faults = {
    isCutting: false,
    cuts: 0,
    isStalled: false,
    isHeld: false,
    isDropping: false,
    change: null,
    unknown: null,
  };
  const clients = new Map<TLSSocket, Link>();
  const log = commandLog();
  let taken = 0;
  const { key, certificate } = options.certificate;
  const server = createServer({ key, cert: certificate }, (client) => {
    taken += 1;
    client.on('error', () => {});
    if (faults.isDropping) return void client.destroy();
    clients.set(client, join(client, options, faults, log.record));
    client.on('close', () => clients.delete(client));
  });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  return {
    port,
    commands: () => log.commands,
    connections: () => taken,
    untilCommand: log.until,
    cutNextLiteral: () => {
      faults.isCutting = true;
    },
    cuts: () => faults.cuts,
    stall: (isStalled) => {
      faults.isStalled = isStalled;
    },
    abandon: (most) => {
      const chosen = [...clients.values()].filter(({ isAbandoned }) => !isAbandoned).slice(0, most);
      for (const link of chosen) link.isAbandoned = true;
      return chosen.length;
    },
    hold: (isHeld) => {
      faults.isHeld = isHeld;
      for (const link of clients.values()) link.hold(isHeld);
    },
    sayBye: (text) => {
      for (const client of clients.keys()) client.end(`* BYE ${text}\r\n`);
    },
    rewrite: (change) => {
      faults.change = change;
    },
    unteach: (command) => {
      faults.unknown = command;
    },
    dropNewcomers: (isDropping) => {
      faults.isDropping = isDropping;
    },
    release: () => {
      for (const client of clients.keys()) client.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** One client and its connection to the server. */
interface Link {
  isAbandoned: boolean;
  hold(isHeld: boolean): void;
}

// Both directions. A stalled connection stays open but is read into nothing, as behind a router that lost its table.
function join(client: TLSSocket, options: ProxyOptions, faults: Faults, record: (command: string) => void): Link {
  const upstream = connect({ host: '127.0.0.1', port: options.target.port, ca: options.certificate.certificate });
  const read = commandReader(record);
  const link: Link = {
    isAbandoned: false,
    hold: (isHeld) => {
      for (const side of [client, upstream]) isHeld ? side.pause() : side.resume();
    },
  };
  const isDead = () => faults.isStalled || link.isAbandoned;
  upstream.on('error', () => {});
  client.on('data', (chunk: Buffer) => {
    read(chunk);
    if (isDead()) return;
    upstream.write(
      faults.unknown === null ? chunk : chunk.toString('latin1').replace(faults.unknown, 'XUNKNOWN'),
      'latin1',
    );
  });
  upstream.on('data', (chunk: Buffer) => {
    if (isDead()) return;
    const answer = faults.change === null ? chunk : Buffer.from(faults.change(chunk.toString('latin1')), 'latin1');
    const literal = faults.isCutting ? /\{\d+\}\r\n/.exec(answer.toString('latin1')) : null;
    if (literal === null) return void client.write(answer);
    faults.isCutting = false;
    faults.cuts += 1;
    // Half of a line after the announcement, then nothing: the client has part of a mail.
    client.end(answer.subarray(0, literal.index + literal[0].length + 5));
  });
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => {
    if (!isDead()) client.end();
  });
  if (faults.isHeld) link.hold(true);
  return link;
}

function commandLog() {
  const commands: string[] = [];
  const waiting = new Set<{ pattern: RegExp; resolve: () => void }>();
  return {
    commands,
    record: (command: string) => {
      commands.push(command);
      for (const wait of waiting) {
        if (!wait.pattern.test(command)) continue;
        waiting.delete(wait);
        wait.resolve();
      }
    },
    until: (pattern: RegExp) => new Promise<void>((resolve) => waiting.add({ pattern, resolve })),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}
