/**
 * Traffic that no fixture has: any number of laboratory mails about invented people, from laboratories with different
 * habits, drawn from a seed. For property tests and benchmarks.
 *
 * It promises: the same options give the same bytes, and fewer mails are the beginning of more; `expected` is what a
 * reader must find, known from before it was written; a lab number is never two people's, a reference never two mails' of
 * one laboratory; what follows on a report is sent later, at least a minute on the clock. It knows no clock and no network,
 * and keeps no more than the requests that are still open. Two seeds give the same lab numbers to different people: one
 * ledger takes the traffic of one seed.
 */

import { amsterdamIso } from '../../shared/amsterdam.ts';
import { laboratoryMail } from '../laboratory.ts';
import { SANDBOX_PATIENTS, SANDBOX_PRACTICES, type SandboxPatient, type SandboxPractice } from '../people.ts';
import { drawCourse } from './course.ts';
import type { DraftReport, DraftRequest, ReportKind } from './draft.ts';
import { writeLetter } from './letter.ts';
import { writeMedlab } from './medlab.ts';
import { writeOru } from './oru.ts';
import { drawPanel } from './panels.ts';
import { generatePeople, practiceOf } from './population.ts';
import { derivedSeed, type Random, seededRandom } from './random.ts';
import { SENDERS } from './senders.ts';

export interface TrafficOptions {
  /** A whole number; its lower 32 bits count. */
  readonly seed: number;
  readonly mails: number;
  /** Default: the sandbox's people and 400 generated ones, the same for the same seed (see trafficPeople). */
  readonly people?: readonly SandboxPatient[];
  readonly practices?: readonly SandboxPractice[];
  readonly startsAt: Date;
  /** The share of the requests and letters that is about followed people, from 0 to 1. */
  readonly followedShare: number;
}

export interface ExpectedResult {
  readonly name: string;
  readonly valueText: string;
  readonly unit: string | null;
  readonly status: 'final' | 'preliminary' | 'corrected';
}

export interface GeneratedMail {
  /** The ZorgMail account of the mailbox. */
  readonly account: string;
  /** The whole mail. */
  readonly raw: Buffer;
  readonly payload: Buffer;
  readonly format: 'medlab-1' | 'hl7-oru' | 'medvri-1';
  readonly sentAt: Date;
  readonly expected: {
    readonly patientBsn: string;
    /** null: a letter has none. */
    readonly labNumber: string | null;
    /** In the order of the message, headings left out; all specimens together. */
    readonly results: readonly ExpectedResult[];
    /** Names of what is still to come. */
    readonly pending: readonly string[];
    readonly kind: ReportKind | 'letter';
  };
}

/** The people that traffic of this seed is about, where none are given. */
export function trafficPeople(seed: number, practices: readonly SandboxPractice[] = SANDBOX_PRACTICES) {
  const generated = generatePeople({ seed: derivedSeed(seed, 1), count: 400, practices, followedShare: 0.5 });
  return [...SANDBOX_PATIENTS, ...generated];
}

/** The mails in the order in which they are sent, each made when it is asked for. */
export function* generateTraffic(options: TrafficOptions): Generator<GeneratedMail, void, undefined> {
  const { seed, mails, practices = SANDBOX_PRACTICES, people = trafficPeople(seed, practices) } = options;
  const isServed = (key: string) => practices.some((practice) => practice.key === key);
  const random = seededRandom(seed);
  const state: State = {
    random,
    practices,
    followedShare: options.followedShare,
    followed: people.filter(({ followedBy }) => followedBy !== null && isServed(followedBy)),
    unfollowed: people.filter(({ followedBy }) => followedBy === null),
    serials: new Map(),
    followUps: [],
  };
  let sentAt = options.startsAt;
  for (let index = 0; index < mails; index++) {
    sentAt = nextMoment(random, sentAt);
    yield nextMail(state, index, sentAt);
  }
}

interface State {
  readonly random: Random;
  readonly practices: readonly SandboxPractice[];
  readonly followedShare: number;
  readonly followed: readonly SandboxPatient[];
  readonly unfollowed: readonly SandboxPatient[];
  /** How many were given out, by what they are for. */
  readonly serials: Map<string, number>;
  readonly followUps: { readonly dueIndex: number; readonly request: DraftRequest; readonly version: number }[];
}

const LETTER_SHARE = 0.06;
const COPY_SHARE = 0.04;

function nextMail(state: State, index: number, sentAt: Date): GeneratedMail {
  const due = state.followUps.findIndex(({ dueIndex }) => dueIndex <= index);
  const [followUp] = due === -1 ? [] : state.followUps.splice(due, 1);
  if (followUp !== undefined) return reportMail(state, index, sentAt, followUp.request, followUp.version);
  if (state.random.isLucky(LETTER_SHARE)) return letterMail(state, sentAt);
  return reportMail(state, index, sentAt, drawRequest(state, sentAt), 0);
}

function drawPerson({ random, practices, followed, unfollowed, followedShare }: State) {
  const person = random.pick(random.isLucky(followedShare) ? followed : unfollowed);
  return { person, practice: practiceOf(person, practices) };
}

function drawRequest(state: State, reportedAt: Date): DraftRequest {
  const { random } = state;
  const { person, practice } = drawPerson(state);
  const panel = drawPanel(random, person);
  const able = SENDERS.filter(({ panels }) => panels.includes(panel)).map((one) => [one, one.weight] as const);
  const sender = random.pickWeighted(able);
  const serial = nextSerial(state, `${sender.laboratory.id} lab number`).padStart(5, '0');
  const labNumber = `${sender.labNumberPrefix}${amsterdamIso(reportedAt).slice(2, 4)}${serial}`;
  const copyTo = random.isLucky(COPY_SHARE) ? 'Praktijkondersteuner' : null;
  const versions = drawCourse(random, { sender, person, panel, reportedAt });
  return { sender, practice, person, labNumber, copyTo, versions };
}

function reportMail(state: State, index: number, sentAt: Date, request: DraftRequest, version: number): GeneratedMail {
  const { random, followUps } = state;
  const { sender, practice, person, labNumber, versions } = request;
  const current = versions[version] ?? { kind: 'new', specimens: [] };
  if (version + 1 < versions.length)
    followUps.push({ dueIndex: index + random.int(3, 25), request, version: version + 1 });
  const reference = referenceOf(sender.referencePrefix, nextSerial(state, `${sender.laboratory.id} reference`));
  const report: DraftReport = { request, version: current, sentAt, reference };
  const payload = sender.format === 'medlab-1' ? writeMedlab(report) : writeOru(report);
  const shape = random.pick(sender.shapes);
  const from = `uitslagen@${sender.laboratory.id}.example`;
  const results = current.specimens.flatMap((specimen) => specimen.results);
  return {
    account: practice.zorgmail,
    raw: laboratoryMail({ payload, shape, to: practice.zorgmail, from }),
    payload,
    format: sender.format,
    sentAt,
    expected: {
      patientBsn: person.bsn,
      labNumber,
      results: results.map(({ name, text, unit, status }) => ({ name, valueText: text, unit, status })),
      pending: current.specimens.flatMap(({ pending }) => pending.map(({ name }) => name)),
      kind: current.kind,
    },
  };
}

function letterMail(state: State, sentAt: Date): GeneratedMail {
  const { random } = state;
  const { person, practice } = drawPerson(state);
  const reference = referenceOf('HG', nextSerial(state, 'letter'));
  const lines = ['Patiënt belde over de medicijnen.', '.', `Advies: contact binnen ${random.int(1, 7)} dagen; 2+2?`];
  const payload = writeLetter({ practice, person, sentAt, reference, lines });
  const to = practice.zorgmail;
  return {
    account: to,
    raw: laboratoryMail({ payload, shape: 'attachment-base64', to, from: 'post@huisartsenpost.example' }),
    payload,
    format: 'medvri-1',
    sentAt,
    expected: { patientBsn: person.bsn, labNumber: null, results: [], pending: [], kind: 'letter' },
  };
}

function nextSerial({ serials }: State, purpose: string): string {
  const serial = (serials.get(purpose) ?? 0) + 1;
  serials.set(purpose, serial);
  return String(serial);
}

// At most 14 characters (edifact.md §2, UNB.5).
function referenceOf(prefix: string, serial: string): string {
  return `${prefix}${serial.padStart(8, '0')}`;
}

const SECOND_MS = 1000;
const HALF_HOUR_MS = 30 * 60 * SECOND_MS;

// Nobody reports in the night, so no moment is in the hour that the clock is set back or forward. At least 30 seconds: a
// report that follows three mails later is another minute's, which is all that UNB.4 can say.
function nextMoment(random: Random, before: Date): Date {
  let moment = new Date(before.getTime() + random.int(30, 180) * SECOND_MS);
  while (!isOfficeHour(moment)) moment = new Date(moment.getTime() + HALF_HOUR_MS);
  return moment;
}

function isOfficeHour(moment: Date): boolean {
  const hour = Number(amsterdamIso(moment).slice(11, 13));
  return hour >= 6 && hour < 23;
}
