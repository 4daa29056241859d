/** How often somebody may ask: an address before it is known who asks, and a source afterwards. Counted per process. */

import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem } from './answers.ts';
import type { Api } from './api.ts';

const WINDOW_MS = 60_000;

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

export async function openLimits(
  server: FastifyInstance,
  { perAddress, perSource }: Pick<Api, 'perAddress' | 'perSource'>,
): Promise<{ readonly byAddress: Hook; readonly bySource: Hook }> {
  await server.register(rateLimit, { global: false });
  const limited = (max: number, keyGenerator: (request: FastifyRequest) => string): Hook => {
    const check = server.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator });
    return async (request, reply) => {
      const answer = await check(request);
      if (answer.isAllowed || !answer.isExceeded) return;
      const headers = { 'retry-after': String(Math.max(1, answer.ttlInSeconds)) };
      return answerProblem(request, reply, 'api.too-many', { headers });
    };
  };
  return {
    byAddress: limited(perAddress, ({ ip }) => neighbourhood(ip)),
    bySource: limited(perSource, ({ source }) => source?.sourceId ?? ''),
  };
}

/** An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has them all. */
export function neighbourhood(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !ip.includes(':')) return mapped ?? ip;
  const [before = [], after] = ip.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = after === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...(after ?? [])];
  return groups.slice(0, 4).join(':').toLowerCase();
}
