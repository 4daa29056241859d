/**
 * How fast messages are read: our syntax layers beside the npm packages that do the same, on the same bytes, and how fast
 * it goes on to a LabReport. Before anything is measured every reader is checked on every message: it must find the same
 * number of segments, the same family name, and the code, value and unit of every result.
 */

import { isDeepStrictEqual } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { type Bench, columns } from './command.ts';
import { type BenchMessage, type InputName, messagesOf } from './corpus.ts';
import {
  edifactPackage,
  hl7Standard,
  medlabReport,
  medplum,
  medplumWhole,
  oruReport,
  ourHl7,
  ourHl7Whole,
  ourMedlab,
  ourPlainEdifact,
  type Read,
} from './readers.ts';
import { type Spread, spreadOf, type Turns, takeTurns } from './rounds.ts';

interface Contender {
  readonly name: string;
  readonly read: Read;
}

interface Comparison {
  readonly input: InputName;
  /** What is asked of every reader, from the same Buffer on. */
  readonly task: string;
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** Shown beside, compared with nobody. */
  readonly beside: readonly Contender[];
}

const { edifact, 'hl7-standard': hl7Version, '@medplum/core': medplumVersion } = manifest.devDependencies;
const EDIFACT = `edifact ${edifact}`;
const HL7_STANDARD = `hl7-standard ${hl7Version}`;
const MEDPLUM = `@medplum/core ${medplumVersion} Hl7Message`;

const EDIFACT_TASK =
  'bytes → all segments, elements and components; the family name, and code, value and unit of every result, taken out';
const RESULTS_TASK =
  'bytes → all segments; the family name, and code, value and unit of every result, taken out (hl7-standard splits ' +
  'everything in transform(), the others what is asked for)';
const WHOLE_TASK = 'as above, after every field of every segment was split into its components';

const COMPARISONS: readonly Comparison[] = [
  {
    input: 'plain-edifact',
    task: `${EDIFACT_TASK}. MEDLAB with its counters as an element and in capitals: what edifact accepts`,
    ours: { name: 'zorgkoerier src/edifact', read: ourPlainEdifact },
    peers: [{ name: EDIFACT, read: edifactPackage() }],
    beside: [],
  },
  {
    input: 'medlab',
    task: `${EDIFACT_TASK}. MEDLAB as laboratories send it, which edifact refuses`,
    ours: { name: 'zorgkoerier src/edifact', read: ourMedlab },
    peers: [],
    beside: [{ name: 'zorgkoerier bytes → LabReport', read: medlabReport }],
  },
  {
    input: 'oru',
    task: RESULTS_TASK,
    ours: { name: 'zorgkoerier src/hl7', read: ourHl7 },
    peers: [
      { name: MEDPLUM, read: medplum },
      { name: HL7_STANDARD, read: hl7Standard },
    ],
    beside: [{ name: 'zorgkoerier bytes → LabReport', read: oruReport }],
  },
  {
    input: 'oru',
    task: WHOLE_TASK,
    ours: { name: 'zorgkoerier src/hl7', read: ourHl7Whole },
    peers: [
      { name: MEDPLUM, read: medplumWhole },
      { name: HL7_STANDARD, read: hl7Standard },
    ],
    beside: [],
  },
];

const SIZES = [1024, 5120];
const FULL: ParseOptions = { messages: 64, rounds: 5, slices: 8, sliceMs: 50 };
const QUICK: ParseOptions = { messages: 16, rounds: 3, slices: 2, sliceMs: 20 };

export interface ParseOptions extends Turns {
  /** Different messages per input and size. */
  readonly messages: number;
}

interface Measured {
  readonly input: InputName;
  /** Of every message, exactly. */
  readonly bytes: number;
  readonly segments: Spread;
  readonly results: Spread;
  readonly task: string;
  readonly contenders: readonly {
    readonly name: string;
    readonly isVerified: true;
    readonly messagesPerSecond: Spread;
  }[];
  /** How many times as fast ours is, by peer; from the rounds, each of which gives a ratio of its own. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

export const parseBench: Bench = {
  says: 'messages read per second, beside the npm packages that do the same',
  run: async ({ isQuick, progress }) => {
    const options = isQuick ? QUICK : FULL;
    const measured = compareReaders(options, progress);
    return { document: { turns: options, sizes: SIZES, measured }, table: tableOf(measured) };
  },
};

/** Every comparison at every size. Throws where a reader does not find what is in a message. */
export function compareReaders(options: ParseOptions, progress: (text: string) => void): readonly Measured[] {
  return SIZES.flatMap((size) =>
    COMPARISONS.map((comparison) => {
      progress(`${comparison.input}, ${size} bytes …`);
      return measure(comparison, size, options);
    }),
  );
}

function measure(comparison: Comparison, size: number, options: ParseOptions): Measured {
  const { input, task, ours, peers, beside } = comparison;
  const contenders = [ours, ...peers, ...beside];
  const messages = messagesOf(input, size, options.messages);
  for (const contender of contenders) verify(contender, messages);
  const runs = contenders.map(({ read }) => () => {
    for (const { bytes } of messages) read(bytes);
  });
  const rates = takeTurns(runs, messages.length, options);
  const ratioTo = (peer: number) => spreadOf((rates[0] ?? []).map((rate, round) => rate / (rates[peer]?.[round] ?? 0)));
  return {
    input,
    bytes: size,
    segments: spreadOf(messages.map(({ expected }) => expected.segments)),
    results: spreadOf(messages.map(({ expected }) => expected.results.length)),
    task,
    contenders: contenders.map(({ name }, index) => ({
      name,
      isVerified: true,
      messagesPerSecond: spreadOf(rates[index] ?? []),
    })),
    ratios: Object.fromEntries(peers.map(({ name }, index) => [name, ratioTo(index + 1)])),
  };
}

/** Throws unless the reader finds in every message what was written into it. */
export function verify({ name, read }: Contender, messages: readonly BenchMessage[]): void {
  messages.forEach(({ bytes, expected }, index) => {
    const found = read(bytes);
    const complete = { ...found, segments: found.segments ?? expected.segments };
    if (!isDeepStrictEqual(complete, expected)) throw new Error(`${name} does not read message ${index + 1}`);
  });
}

function tableOf(measured: readonly Measured[]): string {
  return measured
    .map(({ input, bytes, segments, results, task, contenders, ratios }) => {
      const rows = contenders.map(({ name, messagesPerSecond: { median, min, max } }) => {
        const ratio = ratios[name];
        const times =
          ratio === undefined ? '' : `${ratio.median.toFixed(1)} (${ratio.min.toFixed(1)}–${ratio.max.toFixed(1)})`;
        return [name, whole(median), `${whole(min)}–${whole(max)}`, times];
      });
      const about = `${input}, ${bytes} bytes, about ${whole(segments.median)} segments and ${whole(results.median)} results`;
      return `${about}\n${task}\n${columns([['', 'messages/s', 'lowest–highest', 'ours is × as fast'], ...rows])}`;
    })
    .join('\n\n');
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}
