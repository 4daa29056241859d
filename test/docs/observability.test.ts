/** The dashboard and the alert rules ask only for metrics and labels that exist, and docs/observability.md forgets none. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ALARM_KINDS } from '../../src/alarms/alarms.ts';
import { REASONS } from '../../src/shared/reasons.ts';
import { registeredMetrics } from '../health/registered.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string; readonly owner: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const text = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(text('observability/grafana-dashboard.json')) as { readonly panels: readonly Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const { groups } = parse(text('observability/alerts.yml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const page = text('observability.md');

/** Every series name that a metric has, with the labels that it may be asked by. */
async function registered(): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, readonly string[]>();
  for (const { name, type, labels } of await registeredMetrics()) {
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes)
      known.set(`${name}${suffix}`, [...labels, ...(suffix === '_bucket' ? ['le'] : []), 'job', 'instance']);
  }
  return known;
}

/** What is wrong with the names in an expression. */
function faultsOf(expr: string, known: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const faults: string[] = [];
  const names = [...expr.matchAll(/zorgkoerier_[a-z_]+/g)].map(([name]) => name);
  if (names.length === 0) faults.push('asks for nothing');
  for (const name of names) if (!known.has(name)) faults.push(`no metric ${name}`);
  for (const [, name = '', matchers = ''] of expr.matchAll(/(zorgkoerier_[a-z_]+)\{([^}]*)\}/g))
    for (const [, label = ''] of matchers.matchAll(/([a-z]+)\s*(?:=~|!~|!=|=)/g))
      if (!(known.get(name) ?? []).includes(label)) faults.push(`no label ${label} of ${name}`);
  const all = names.flatMap((name) => known.get(name) ?? []);
  for (const [, list = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of list.split(',').map((part) => part.trim()))
      if (!all.includes(label)) faults.push(`by ${label}`);
  const depth = [...expr].reduce((open, sign) => open + ('({['.includes(sign) ? 1 : ')}]'.includes(sign) ? -1 : 0), 0);
  if (depth !== 0) faults.push('brackets');
  return faults;
}

describe('the dashboard', () => {
  it('asks only for what exists', async () => {
    const known = await registered();
    const exprs = panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []);
    expect(exprs.length).toBeGreaterThan(25);
    expect(exprs.flatMap((expr) => faultsOf(expr, known).map((fault) => `${expr}: ${fault}`))).toEqual([]);
  });

  it('shows every metric', async () => {
    const shown = panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []).join('\n');
    const names = new Set(
      [...(await registered()).keys()].map((name) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds')),
    );
    expect([...names].filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('has panels with a title, words and a legend, and places of their own', () => {
    for (const { title, description, targets } of panels) {
      expect([title, description]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
      expect(targets?.every(({ legendFormat }) => legendFormat !== '')).toBe(true);
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  it('is explained panel by panel', () => {
    expect(panels.filter(({ title }) => !page.includes(`| ${title} |`)).map(({ title }) => title)).toEqual([]);
  });
});

describe('the alert rules', () => {
  it('ask only for what exists', async () => {
    const known = await registered();
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.flatMap(({ alert, expr }) => faultsOf(expr, known).map((fault) => `${alert}: ${fault}`))).toEqual([]);
  });

  it('say whom they call, how soon, and what it means', () => {
    for (const { alert, labels, annotations, for: holds } of rules) {
      expect(alert).toMatch(/^Zorgkoerier[A-Z]\w+$/);
      expect(labels).toEqual({
        severity: expect.stringMatching(/^(page|ticket)$/),
        owner: expect.stringMatching(/^(operations|customer-care)$/),
      });
      expect(annotations).toEqual({ summary: expect.stringMatching(/./), description: expect.stringMatching(/./) });
      expect(holds ?? '1m').toMatch(/^\d+m$/);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('pass every kind of alarm on, to its owner and as soon as its level says', () => {
    const rule = (name: string) => rules.find(({ alert }) => alert === name);
    const listed = (name: string) => /kind[!=]~?"([^"]*)"/.exec(rule(name)?.expr ?? '')?.[1]?.split('|') ?? [];
    const excluded = listed('ZorgkoerierAlarm');
    const others = [...listed('ZorgkoerierAlarmCustomerCare'), ...listed('ZorgkoerierCertificateExpiring')];
    expect(excluded.toSorted()).toEqual(others.toSorted());
    for (const [kind, { owner, level }] of Object.entries(ALARM_KINDS)) {
      const isOperations = owner === 'operations';
      expect([kind, listed('ZorgkoerierAlarmCustomerCare').includes(kind)]).toEqual([kind, !isOperations]);
      if (isOperations) expect([kind, excluded.includes(kind)]).toEqual([kind, level === 'warn']);
    }
    expect(excluded.filter((kind) => !Object.hasOwn(ALARM_KINDS, kind))).toEqual([]);
  });

  it('name reasons that exist', () => {
    const named = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/reason=~?"([^"]+)"/g)].flatMap(([, list]) => list?.split('|') ?? []),
    );
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((reason) => !Object.hasOwn(REASONS, reason))).toEqual([]);
  });

  it('are explained one by one', () => {
    expect(rules.filter(({ alert }) => !page.includes(`| \`${alert}\` |`)).map(({ alert }) => alert)).toEqual([]);
  });
});

describe('the check of expressions', () => {
  it('would notice a metric, a label or a grouping that does not exist', async () => {
    const known = await registered();
    expect(faultsOf('max(zorgkoerier_no_such_total)', known)).toEqual(['no metric zorgkoerier_no_such_total']);
    expect(faultsOf('max(zorgkoerier_backlog{mailbox="1"})', known)).toEqual([
      'no label mailbox of zorgkoerier_backlog',
    ]);
    expect(faultsOf('max by (practice) (zorgkoerier_backlog)', known)).toEqual(['by practice']);
    expect(faultsOf('max(zorgkoerier_backlog', known)).toEqual(['brackets']);
    expect(faultsOf('max(up)', known)).toEqual(['asks for nothing']);
  });
});
