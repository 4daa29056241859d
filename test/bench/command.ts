/**
 * What the benchmarks share: the command line, and the document around what was measured. Progress goes to standard error;
 * standard output holds a table, or with --json one document.
 */

import { availableParallelism, cpus } from 'node:os';

export interface BenchOptions {
  /** Fewer and shorter rounds: shows that it works, not how fast it is. */
  readonly isQuick: boolean;
  /** Says what is being measured now. */
  readonly progress: (text: string) => void;
}

export interface BenchResult {
  /** What --json prints, without what is the same for every benchmark. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The same for people. */
  readonly table: string;
}

export interface Bench {
  /** One line for the usage. */
  readonly says: string;
  readonly run: (options: BenchOptions) => Promise<BenchResult>;
}

/** This machine, as it is set up, cannot run a benchmark at that size; the message says what to do. */
export class BenchObstacle extends Error {}

export interface BenchIo {
  readonly out: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** Runs what the arguments ask for, and gives the exit code: 0, 2 where the question was put wrongly, 3 where the machine cannot. */
export async function runBench(args: readonly string[], benches: ReadonlyMap<string, Bench>, io: BenchIo) {
  const flags = args.filter((arg) => arg.startsWith('--'));
  const [name = '', ...others] = args.filter((arg) => !arg.startsWith('--'));
  const bench = benches.get(name);
  const isKnown = flags.every((flag) => flag === '--quick' || flag === '--json');
  if (bench === undefined || others.length > 0 || !isKnown) {
    io.progress(usage(benches));
    return 2;
  }
  const isQuick = flags.includes('--quick');
  const machine = machineOf();
  const result = await bench.run({ isQuick, progress: (text) => io.progress(`${text}\n`) }).catch((thrown: unknown) => {
    if (!(thrown instanceof BenchObstacle)) throw thrown;
    io.progress(`${thrown.message}\n`);
    return null;
  });
  if (result === null) return 3;
  const document = { bench: name, isQuick, ...machine, ...result.document };
  io.out(
    flags.includes('--json') ? `${JSON.stringify(document, null, 2)}\n` : `${headOf(machine)}\n\n${result.table}\n`,
  );
  return 0;
}

/** Rows as aligned columns, the first of them to the left and the others to the right; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const padded = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}

function usage(benches: ReadonlyMap<string, Bench>): string {
  const lines = [...benches].map(([name, { says }]) => `  ${name.padEnd(10)} ${says}`);
  return `usage: npm run bench -- NAME [--quick] [--json]\n\n${lines.join('\n')}\n`;
}

/** When and on what something was measured. */
export function machineOf() {
  const hardware = { cores: availableParallelism(), model: cpus()[0]?.model.trim() ?? 'unknown' };
  return { date: new Date().toISOString(), node: process.version, hardware };
}

/** The same in one line. */
export function headOf({ date, node, hardware }: ReturnType<typeof machineOf>): string {
  return `${date.slice(0, 10)}, Node.js ${node}, ${hardware.cores} cores (${hardware.model})`;
}
