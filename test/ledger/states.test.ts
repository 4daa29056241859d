import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  DELIVERY_STATES,
  type DeliveryState,
  isAtRest,
  REGISTRATION_STATES,
  type RegistrationState,
} from '../../src/ledger/ledger.ts';

const STATES = Object.keys(DELIVERY_STATES) as DeliveryState[];
const MIGRATIONS = readFileSync('src/ledger/migrations/0001-the-journey.sql', 'utf8');
/** States in which a report is inserted: where a delivery may begin. */
const FIRST: readonly DeliveryState[] = ['ready', 'duplicate', 'held', 'quarantined', 'discarded'];

describe('the table of states', () => {
  it('names the states that the database allows, and no other', () => {
    const listed = MIGRATIONS.match(/state\s+text not null check \(state in \(('ready'[^)]*)\)\)/)?.[1] ?? '';
    expect(listed.split(', ').map((quoted) => quoted.slice(1, -1))).toEqual(STATES);
  });

  it('reaches every state from one in which a report is inserted', () => {
    const reached = new Set<DeliveryState>(FIRST);
    for (const state of reached) for (const { to } of DELIVERY_STATES[state].leaves) reached.add(to);
    expect([...reached].sort()).toEqual([...STATES].sort());
  });

  it('lets everything that is on its way come to rest', () => {
    for (const state of STATES.filter((each) => !isAtRest(each))) {
      expect(DELIVERY_STATES[state].leaves.some(({ to }) => isAtRest(to))).toBe(true);
    }
  });

  it('lets nothing leave a rest but what waits for a person', () => {
    const left = STATES.filter((state) => isAtRest(state) && DELIVERY_STATES[state].leaves.length > 0);
    expect(left).toEqual(['held', 'quarantined']);
  });

  it('names functions that exist', () => {
    const records = ['deliveries', 'delivery-ends', 'holds', 'disabled', 'shredded'].map((name) =>
      readFileSync(`src/records/${name}.ts`, 'utf8'),
    );
    const named = STATES.flatMap((state) =>
      DELIVERY_STATES[state].leaves.flatMap(({ by }) => by.match(/[a-z]+[A-Z]\w+/g)),
    );
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(records.join('\n')).toContain(`function ${name}(`);
  });
});

describe('the table of a registration’s states', () => {
  const states = Object.keys(REGISTRATION_STATES) as RegistrationState[];
  const leaves = states.flatMap((state) => REGISTRATION_STATES[state].leaves.map((one) => ({ from: state, ...one })));

  it('names the states that the database allows, and no other', () => {
    const migration = readFileSync('src/ledger/migrations/0011-registrations.sql', 'utf8');
    const listed = migration.match(/state\s+text not null check \(state in\s+\(('accepted'[^)]*)\)\)/)?.[1] ?? '';
    expect(listed.split(', ').map((quoted) => quoted.slice(1, -1))).toEqual(states);
  });

  it('lets nothing go out again that the relay took whole', () => {
    const again = leaves.filter(({ from, to }) => from === 'sent' && ['accepted', 'sending'].includes(to));
    expect(again).toEqual([]);
  });

  it('names functions that exist', () => {
    const names = readdirSync('src/records').map((name) => readFileSync(`src/records/${name}`, 'utf8'));
    const named = leaves.flatMap(({ by }) => by.match(/[a-z]+[A-Z]\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(8);
    for (const name of named) expect(names.join('\n')).toContain(`function ${name}(`);
  });
});
