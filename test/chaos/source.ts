/**
 * A system that posts registrations through the real intake, as it is asked to: one key per registration, again with the same
 * key until it is told 202. What it posted is remembered; what must be in which HIS's mailbox is worked out from that.
 */

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { derivedSeed, type Random, seededRandom } from '../../src/sandbox/generator/random.ts';
import { SANDBOX_PRACTICES, type SandboxPatient } from '../../src/sandbox/people.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { readPublicKey } from '../../src/source/source.ts';
import type { Stage } from './fault.ts';
import type { Intake } from './intake.ts';

/** One registration that is to be posted, and what became of that. */
export interface Posting {
  readonly number: number;
  /** Its idempotency key. */
  readonly key: string;
  readonly account: string;
  readonly body: object;
  /** The lines that the HIS must show. */
  readonly lines: readonly string[];
  /** Under which it was taken (202); null: it was not. */
  id: string | null;
  /** The relay lost it, and said so later. */
  isBounced: boolean;
}

export interface Source {
  readonly name: string;
  readonly publicPem: string;
  readonly postings: readonly Posting[];
  /** What the intake said and should not have. */
  readonly complaints: readonly string[];
  /** Goes on posting, `perSecond`, until it is paused. */
  run(perSecond: number): void;
  /** Resolves when everything that was begun is taken. */
  pause(): Promise<void>;
  /** A new one, not posted yet. */
  begin(): Posting;
  /** Posts it once; the status, null: no answer came. */
  ask(posting: Posting): Promise<number | null>;
  untilTaken(posting: Posting): Promise<void>;
  /** So many at the same moment; resolves when all are taken. */
  post(count: number): Promise<void>;
  /** The relay took and lost the one under this key. */
  bounced(key: string): void;
}

export const AUDIENCE = 'https://zorgkoerier.example/intake';
const NAME = 'chaos';
const AGAIN_MS = 300;
const TAKEN = 202;
/** Answers that a source tries again after; to any other it would not be entitled. */
const isForNow = (status: number | null) => status === null || status === 429 || status >= 500;

export function newSource(seed: number, people: readonly SandboxPatient[], intake: Intake): Source {
  const random = seededRandom(derivedSeed(seed, 9));
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const { kid } = readPublicKey(publicPem);
  const postings: Posting[] = [];
  const complaints: string[] = [];
  const open = new Set<Promise<void>>();
  let isRunning = false;
  let running: Promise<void> = Promise.resolve();

  const assertion = () => {
    const now = Math.floor(systemClock.now().getTime() / 1_000);
    const claims = { iss: NAME, sub: NAME, aud: AUDIENCE, iat: now, exp: now + 60, jti: randomUUID() };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  };
  const answered = async (posting: Posting, body: object): Promise<Response | null> => {
    const url = intake.url();
    if (url === null) return null;
    const headers = {
      authorization: `Bearer ${await assertion()}`,
      'content-type': 'application/json',
      'idempotency-key': posting.key,
    };
    return fetch(`${url}/v1/registrations`, { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => null);
  };
  const ask = async (posting: Posting): Promise<number | null> => {
    const response = await answered(posting, posting.body);
    // An answer that breaks off is none.
    const said = (await response?.json().catch(() => null)) as { readonly id?: string } | null | undefined;
    if (response === null || said === null || said === undefined) return null;
    if (response.status === TAKEN) {
      if (posting.id !== null && posting.id !== said.id) complaints.push(`two ids under the key of ${posting.number}`);
      posting.id = said.id ?? null;
    } else if (!isForNow(response.status)) complaints.push(`${response.status} for ${posting.number}`);
    return response.status;
  };
  const keepAsking = async (posting: Posting): Promise<void> => {
    for (;;) {
      const status = await ask(posting);
      if (!isForNow(status)) return;
      await systemClock.wait(AGAIN_MS);
    }
  };
  const source: Source = {
    name: NAME,
    publicPem,
    postings,
    complaints,
    begin: () => {
      const posting = newPosting(random, people, postings.length + 1);
      postings.push(posting);
      return posting;
    },
    ask,
    untilTaken: (posting) => {
      const taken = keepAsking(posting).finally(() => open.delete(taken));
      open.add(taken);
      return taken;
    },
    post: async (count) => {
      await Promise.all(Array.from({ length: count }, () => source.untilTaken(source.begin())));
    },
    run: (perSecond) => {
      isRunning = true;
      running = (async () => {
        while (isRunning) {
          await source.post(1);
          await systemClock.wait((2 * 1_000 * random.next()) / perSecond);
        }
      })();
      running.catch(() => {});
    },
    pause: async () => {
      isRunning = false;
      await running;
      await Promise.all(open);
    },
    bounced: (key) => {
      const posting = postings.find((one) => one.key === key);
      if (posting !== undefined) posting.isBounced = true;
    },
  };
  return source;
}

const BURST = 3;
const BURST_EVERY_MS = 500;

/** Posts on and on until the fault has struck, so that it has something to strike. */
export async function whilePosting({ source, wait }: Stage, strike: Promise<void>): Promise<void> {
  let isOver = false;
  const posting = (async () => {
    while (!isOver) {
      await source.post(BURST);
      await wait(BURST_EVERY_MS);
    }
  })();
  try {
    await strike;
  } finally {
    isOver = true;
    await posting;
  }
}

const WORDS = [
  'belde',
  'vandaag',
  'over',
  'medicatie',
  'dosis',
  'mg',
  'controle',
  'afgesproken',
  'voelt',
  'zich',
  'goed',
];
/** As typed, and as a HIS of ASCII shows it. */
const SIGNS: readonly (readonly [typed: string, shown: string])[] = [
  ['≥ 7 µmol/l', '>= 7 umol/l'],
  ["'s avonds + 's morgens?", "'s avonds + 's morgens?"],
  ['één: "ja"', 'een: "ja"'],
  ['€ 12', 'EUR 12'],
  ['a:b+c?', 'a:b+c?'],
];
/** So many lines go into more than one message. */
const LONG_LINES = 110;
const LONG_SHARE = 0.1;
const LINES_MOST = 4;

function newPosting(random: Random, people: readonly SandboxPatient[], number: number): Posting {
  const practice = random.pick(SANDBOX_PRACTICES);
  const { bsn, family, prefix, partnerFamily, partnerPrefix, given, initials, birthDate, sex } = random.pick(people);
  const count = random.isLucky(LONG_SHARE) ? LONG_LINES : random.int(1, LINES_MOST);
  const lines = Array.from({ length: count }, (_, at) => {
    const [typed, shown] = random.pick(SIGNS);
    const start = `R${number}.${at + 1}: ${random.pick(WORDS)} ${random.pick(WORDS)}`;
    return { typed: `${start} ${typed}`, shown: `${start} ${shown}` };
  });
  return {
    number,
    key: randomUUID(),
    account: practice.zorgmail,
    body: {
      practice: { agb: practice.agb },
      patient: { bsn, birthDate, sex, name: { family, prefix, partnerFamily, partnerPrefix, given, initials } },
      author: { name: 'A. de Vries', role: 'praktijkondersteuner' },
      source: { kind: 'card', field: 'Bijzonderheden' },
      writtenAt: '2026-06-01T10:15:00+02:00',
      text: lines.map(({ typed }) => typed).join('\n'),
      earlier: null,
    },
    lines: lines.map(({ shown }) => shown),
    id: null,
    isBounced: false,
  };
}
