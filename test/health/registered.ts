/** Every metric that a worker has, with the labels that it has: from the registry, without a worker. */

import { newGauges } from '../../src/health/gauges.ts';
import { newMetrics } from '../../src/health/health.ts';
import { fakeClock } from '../mailbox/fake-clock.ts';

export interface RegisteredMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export async function registeredMetrics(): Promise<readonly RegisteredMetric[]> {
  const { registry } = newMetrics();
  const gauges = newGauges(registry, fakeClock());
  const all = await registry.getMetricsAsJSON();
  gauges.release();
  return all.map(({ name, type }) => {
    // Not in its declaration, but what it checks every sample against.
    const metric = registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] };
    return { name, type: String(type), labels: metric.labelNames };
  });
}
