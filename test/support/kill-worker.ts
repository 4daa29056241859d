/**
 * A worker that dies at a named moment: `node kill-worker.ts <moment>`. SIGKILL to itself, so that nothing of it can
 * clean up, flush or answer. Run as a process of its own by test/journey/killed.test.ts.
 */

import { compose } from '../../src/compose.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import { startWorker } from '../../src/pipeline/pipeline.ts';

const wanted = process.argv[2];
const { courier } = await compose(loadConfig(processEnvironment()), {
  mark: (moment) => {
    if (moment === wanted) process.kill(process.pid, 'SIGKILL');
  },
});
const { workerId } = await startWorker(courier);
process.stdout.write(`${workerId}\n`);
