import { describe, expect, it } from 'vitest';
import { checkServer } from '../../src/queue/server-check.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';

function recording(): Logger & { readonly warned: string[] } {
  const warned: string[] = [];
  return { ...silentLogger, warned, warn: (event) => warned.push(event) };
}

const info = (policy: string, aof: string, loading = '0') =>
  `# Memory\r\nmaxmemory_policy:${policy}\r\n# Persistence\r\nloading:${loading}\r\naof_enabled:${aof}\r\n`;

describe('what Redis says of itself', () => {
  it('is accepted silently with noeviction and an append-only file', () => {
    const logger = recording();
    checkServer(info('noeviction', '1'), logger);
    expect(logger.warned).toEqual([]);
  });

  it('is refused with any eviction policy', () => {
    expect(() => checkServer(info('allkeys-lru', '1'), silentLogger)).toThrow(
      'queue.eviction-policy (policy=allkeys-lru)',
    );
  });

  it('is warned about without persistence', () => {
    const logger = recording();
    checkServer(info('noeviction', '0'), logger);
    expect(logger.warned).toEqual(['queue.no-persistence']);
  });

  it('is not there yet while it loads its file', () => {
    expect(() => checkServer(info('noeviction', '1', '1'), silentLogger)).toThrow('queue.unreachable');
  });
});
