/** Reports that ask for their numbers at the same moment: what is done together ends as it would one after the other. */

import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Keys, openKeys } from '../../src/keys/keys.ts';
import { type LabReport, loadLaboratoryRegistry } from '../../src/lab/lab.ts';
import { claimNumbers } from '../../src/pipeline/checks.ts';
import { labNumberDigests } from '../../src/pipeline/digests.ts';
import type { OpenDelivery } from '../../src/pipeline/open-delivery.ts';
import type { Courier } from '../../src/pipeline/pipeline.ts';
import { newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { messageOf, type Oru } from './arrivals.ts';

const ledgers = useLedgers();
const REGISTRY = loadLaboratoryRegistry();
const OF_FIRST: Oru = { sentAt: '1000', results: [{ value: '4.0' }] };
const UNDER_FORMER_NAME: Oru = { ...OF_FIRST, registered: 'before' };
const HELD = 'lab.number-other-patient';

let keys: Keys;

beforeAll(() => {
  const bytes = randomBytes(32);
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  keys = openKeys({ sql: ledgers.worker, master: { id, bytes } });
});

/** `written`, or the reason to hold. */
async function claim(report: LabReport, person: string, registry = REGISTRY): Promise<string> {
  const courier = { ledger: ledgers.worker, keys, registry } as unknown as Courier;
  const delivery = {
    claim: {
      id: newId(),
      reportId: newId(),
      patientKey: await keys.mac('patient', person),
      acknowledged: [],
      choices: [],
      overrideCard: null,
      identifiers: null,
    },
    content: { report },
    practice: { agb: '01234567' },
  } as unknown as OpenDelivery;
  const answer = await claimNumbers(courier, delivery, { patientId: `card-of-${person}` });
  return 'code' in answer ? answer.code : 'written';
}

async function knownUnder(report: LabReport) {
  const { own, other } = await labNumberDigests(keys, report, REGISTRY);
  const count = async (numbers: readonly Buffer[]) =>
    (await ledgers.worker.query('select 1 from lab_number where number_digest = any($1::bytea[])', [numbers])).count;
  return { own: await count(own), other: await count(other) };
}

describe('two patients under one lab number at the same moment', () => {
  it('get it once: the second is held, whichever name of the laboratory its report has', async () => {
    const former = messageOf('N1', UNDER_FORMER_NAME);
    const now = messageOf('N1', OF_FIRST);
    expect(former.laboratory).not.toBe(now.laboratory);
    const answers = await Promise.all([
      claim(former, 'els'),
      claim(now, 'piet'),
      claim(messageOf('N2', OF_FIRST), 'jan'),
    ]);
    expect(answers.filter((answer) => answer === HELD)).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'written')).toHaveLength(2);
    expect(answers[2]).toBe('written');
  });
});

describe('a lab number of a laboratory with two names', () => {
  it('is remembered under both where it was known under the other, and under its own alone where it was not', async () => {
    const former = messageOf('N3', UNDER_FORMER_NAME);
    const now = messageOf('N3', OF_FIRST);
    const unseen = messageOf('N4', OF_FIRST);
    expect(await claim(former, 'els')).toBe('written');
    expect(await knownUnder(now)).toEqual({ own: 0, other: 1 });
    expect(await Promise.all([claim(now, 'els'), claim(unseen, 'els')])).toEqual(['written', 'written']);
    expect(await knownUnder(now)).toEqual({ own: 1, other: 1 });
    expect(await knownUnder(unseen)).toEqual({ own: 1, other: 0 });
  });

  it('is compared by the registry of the courier that asks, not of whichever asked its ledger first', async () => {
    const without = { ...REGISTRY, laboratories: [] };
    const former = messageOf('N5', UNDER_FORMER_NAME);
    expect(await claim(messageOf('N5', OF_FIRST), 'els')).toBe('written');
    expect(await claim(former, 'piet', without)).toBe('written');
    expect(await claim(messageOf('N6', OF_FIRST), 'els', without)).toBe('written');
    expect(await claim(messageOf('N6', UNDER_FORMER_NAME), 'piet')).toBe(HELD);
  });
});
