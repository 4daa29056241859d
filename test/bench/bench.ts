/** `npm run bench -- NAME [--quick] [--json]`: the table of benchmarks, one file each. */

import { type Bench, runBench } from './command.ts';
import { parseBench } from './parse.ts';

const BENCHES: ReadonlyMap<string, Bench> = new Map([['parse', parseBench]]);

process.exitCode = await runBench(process.argv.slice(2), BENCHES, {
  out: (text) => process.stdout.write(text),
  progress: (text) => process.stderr.write(text),
});
