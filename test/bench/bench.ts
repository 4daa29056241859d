/** `npm run bench -- NAME [--quick] [--json]`: the table of benchmarks, one file each. */

import { type Bench, runBench } from './command.ts';
import { copyBench } from './copy.ts';
import { drainBench } from './drain.ts';
import { liveBench } from './live.ts';
import { parseBench } from './parse.ts';
import { partitionBench } from './partition.ts';
import { reconnectBench } from './reconnect.ts';
import { scaleBench } from './scale.ts';

const BENCHES: ReadonlyMap<string, Bench> = new Map([
  ['parse', parseBench],
  ['copy', copyBench],
  ['drain', drainBench],
  ['live', liveBench],
  ['reconnect', reconnectBench],
  ['scale', scaleBench],
  ['partition', partitionBench],
]);

process.exitCode = await runBench(process.argv.slice(2), BENCHES, {
  out: (text) => process.stdout.write(text),
  progress: (text) => process.stderr.write(text),
});
