import { describe, expect, it } from 'vitest';
import { redisOptions } from '../../src/queue/connection.ts';
import { Failure } from '../../src/shared/failure.ts';

describe('the address of Redis', () => {
  it('may be a unix socket, with a blank and a database in it', () => {
    expect(redisOptions('unix:///var/tmp/a%20b/redis.sock?db=3')).toMatchObject({
      path: '/var/tmp/a b/redis.sock',
      db: 3,
    });
  });

  it('may hold a user, a password with odd characters and a database', () => {
    expect(redisOptions('redis://courier:p%40ss%2F@redis.example:6380/2')).toMatchObject({
      host: 'redis.example',
      port: 6380,
      username: 'courier',
      password: 'p@ss/',
      db: 2,
    });
  });

  it('uses TLS for rediss, and only there', () => {
    expect(redisOptions('rediss://redis.example')).toMatchObject({ tls: {}, port: 6379 });
    expect(redisOptions('redis://redis.example')).not.toHaveProperty('tls');
  });

  it.each([
    'not an address',
    'http://redis.example',
    'redis://redis.example/two',
  ])('is refused when it is %s', (text) => {
    expect(() => redisOptions(text)).toThrow(Failure);
  });

  it('never comes back in the text of the failure, since it may hold a password', () => {
    expect(() => redisOptions('http://courier:secret@redis.example')).toThrow(/^queue\.address$/);
  });

  it('is tried again within two seconds, however long Redis was away', () => {
    const { retryStrategy } = redisOptions('redis://redis.example');
    expect([1, 2, 50].map(retryStrategy)).toEqual([200, 400, 2_000]);
  });
});
