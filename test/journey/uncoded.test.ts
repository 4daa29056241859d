/** What went to cards without a code is counted with the outcome, once, and shown without a patient. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enableForwarding } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { runCommand } from '../support/child.ts';
import { medlab } from '../support/medlab.ts';
import { untilAtRest } from '../support/observe.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const unmapped = (...args: readonly string[]) => runCommand(['codes', 'unmapped', ...args], journey.settings);

async function send(...payloads: readonly Buffer[]): Promise<void> {
  sent += payloads.length;
  await journey.send('linde', ...payloads);
  await untilAtRest(journey, sent);
}

async function counts(): Promise<readonly string[]> {
  const { stdout } = await unmapped('--json');
  const { unmapped: rows } = JSON.parse(stdout) as {
    unmapped: { laboratory: string; code: string | null; why: string; count: number }[];
  };
  return rows.map(({ laboratory, code, why, count }) => `${laboratory} ${code} ${why} ${count}`);
}

it('counts each delivered result once, also when its report comes again', async () => {
  expect((await unmapped()).stdout).toMatch(/Alles wat doorgestuurd is, had een code[\s\S]*Codetabel: 2026-11/);
  const once = ['sandbox-noord DINN10 unknown-code 1', 'sandbox-noord GEW unknown-code 1'];
  const expected = [...once, 'sandbox-noord VALPB SI unknown-code 1'];
  await send(fixture('edifact/local-codes.edi'), fixture('edifact/plain.edi'));
  expect(await counts()).toEqual(expected);
  await send(fixture('edifact/local-codes.edi'));
  expect(await counts()).toEqual(expected);
});

it('counts nothing of a patient who is not followed, and in shadow what would have been delivered', async () => {
  const code = { code: 'XYZAB', name: 'Eigen bepaling', value: '3', unit: 'mmol/l' };
  await send(medlab({ bsn: '999916257', labNumber: '26310001', to: '500088001', results: [code] }));
  expect(await counts()).toHaveLength(3);
  const request = { name: 'forwarding', mode: 'shadow', authorisedBy: 'a', authorisedOn: '2026-11-01' } as const;
  const shadow = { ...request, determinations: 'all', since: systemClock.now() } as const;
  await enableForwarding(journey.courier, await journey.practice('linde'), shadow, false, 'test');
  await send(medlab({ bsn: '999911120', labNumber: '26310002', to: '500088001', results: [code, code] }));
  expect(await counts()).toContain('sandbox-noord XYZAB unknown-code 2');
});

it('shows codes, reasons and numbers to a person, of one laboratory where asked', async () => {
  const { stdout, code } = await unmapped('--laboratory', 'sandbox-noord');
  expect(code).toBe(0);
  expect(stdout).toMatch(/laboratorium +code +reden +uitslagen +laatst/);
  expect(stdout).toMatch(/sandbox-noord +XYZAB +code onbekend +2 +\d{4}-\d{2}-\d{2}/);
  expect(stdout).not.toMatch(/Valproinezuur|Jansen|9999|mmol/);
  expect((await unmapped('--laboratory', 'sandbox-kust')).stdout).toMatch(/had een code/);
});
