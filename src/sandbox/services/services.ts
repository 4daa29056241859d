/**
 * The embedded services: a real PostgreSQL and a private redis-server, for the demo, the tests and ZORGKOERIER_EMBEDDED=1.
 *
 * Receives a directory. Promises: initialised only when new; started detached, so that they outlive the command; one
 * that already runs is adopted and one that died is started again on its own data; two commands at once start them once.
 * Never: an address outside this machine, a password in a process list, a stop by anything but `servicesDown` or release.
 */

import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { type Place, placeFor, removePlace } from './place.ts';
import { freePort, initialisePostgres, postgresPid, runningPort, startPostgres, stopPostgres } from './postgres.ts';
import { databaseUrl, type PostgresAddress, postgresAnswers } from './postgres-client.ts';
import { locked, readRecord, type ServicesRecord, writeRecord } from './record.ts';
import { redisAnswers, redisPid, redisUrl, startRedis, stopRedis } from './redis.ts';

export interface ServiceAddresses {
  /** As the owner role, who migrates. Holds a password: not for a log. */
  readonly databaseUrl: string;
  /** `unix:///…/redis.sock`. */
  readonly redisUrl: string;
}

export interface Services extends ServiceAddresses {
  /** Stops both, and removes their data when they are throw-away. */
  release(): Promise<void>;
}

export interface StartOptions {
  readonly directory: string;
  /** No waiting for the disk, and the data is removed on release. */
  readonly isThrowaway?: boolean;
}

export interface ServicesStatus {
  readonly directory: string;
  readonly postgres: { readonly isUp: boolean; readonly pid: number | null; readonly port: number | null };
  readonly redis: { readonly isUp: boolean; readonly pid: number | null };
}

type Report = (line: string) => void;

/** Starts (or adopts) both for the life of the caller, who must release them. */
export async function startServices(options: StartOptions): Promise<Services> {
  const isThrowaway = options.isThrowaway ?? false;
  const place = await settledPlace(options.directory);
  const addresses = await bringUp(place, isThrowaway, () => {}, systemClock);
  return {
    ...addresses,
    release: async () => {
      await (isThrowaway ? removeServices : servicesDown)(place.directory);
    },
  };
}

/** Makes sure that both run, and leaves them running. `report` gets one line per thing that was done. */
export async function servicesUp(directory: string, report: Report): Promise<ServiceAddresses> {
  return bringUp(await settledPlace(directory), false, report, systemClock);
}

/** Stops both; tells which of them were running. The data stays. */
export async function servicesDown(
  directory: string,
): Promise<{ readonly postgres: boolean; readonly redis: boolean }> {
  if (!(await isThere(directory))) return { postgres: false, redis: false };
  const place = await settledPlace(directory);
  return locked(place.directory, systemClock, () => takeDown(place, systemClock));
}

/** Stops both and removes their data: for the throw-away ones of a demo or a test run. */
export async function removeServices(directory: string): Promise<void> {
  if (!(await isThere(directory))) return;
  const place = await settledPlace(directory);
  await locked(place.directory, systemClock, async () => {
    await takeDown(place, systemClock);
    await removePlace(place);
  });
}

/** What runs now. Changes nothing, and does not make the directory. */
export async function servicesStatus(directory: string): Promise<ServicesStatus> {
  const down = { isUp: false, pid: null };
  if (!(await isThere(directory))) return { directory, postgres: { ...down, port: null }, redis: down };
  const place = await settledPlace(directory);
  const record = await readRecord(place.directory);
  const isUp = record !== null && (await postgresAnswers(record.postgres));
  return {
    directory: place.directory,
    postgres: { isUp, pid: await postgresPid(place), port: record?.postgres.port ?? null },
    redis: { isUp: await redisAnswers(place), pid: await redisPid(place) },
  };
}

function bringUp(place: Place, isThrowaway: boolean, report: Report, clock: Clock): Promise<ServiceAddresses> {
  return locked(place.directory, clock, async () => {
    const postgres = await postgresUp(place, isThrowaway, report, clock);
    await redisUp(place, report, clock);
    return { databaseUrl: databaseUrl(postgres), redisUrl: redisUrl(place) };
  });
}

// The record is written before the server is started: a starter that is killed in between leaves one that can be adopted.
async function postgresUp(place: Place, isThrowaway: boolean, report: Report, clock: Clock): Promise<PostgresAddress> {
  const record = await readRecord(place.directory);
  if (record !== null && (await postgresAnswers(record.postgres))) {
    report(`PostgreSQL already runs on 127.0.0.1:${record.postgres.port}`);
    await startPostgres(place, record.postgres, { isThrowaway }, clock);
    return record.postgres;
  }
  const address = {
    port: (await portOfRunning(place)) ?? (await freePort(record?.postgres.port ?? 0)),
    password: record?.postgres.password ?? randomBytes(24).toString('hex'),
  };
  await writeRecord(place.directory, recordOf(place, address));
  if (await initialisePostgres(place, address.password, { isThrowaway })) report('PostgreSQL initialised');
  await startPostgres(place, address, { isThrowaway }, clock);
  report(`PostgreSQL started on 127.0.0.1:${address.port}`);
  return address;
}

async function redisUp(place: Place, report: Report, clock: Clock): Promise<void> {
  if (await redisAnswers(place)) return report('redis-server already runs');
  await startRedis(place, clock);
  report('redis-server started');
}

async function takeDown(place: Place, clock: Clock): Promise<{ postgres: boolean; redis: boolean }> {
  const [postgres, redis] = await Promise.all([stopPostgres(place, clock), stopRedis(place, clock)]);
  return { postgres, redis };
}

async function portOfRunning(place: Place): Promise<number | null> {
  return (await postgresPid(place)) === null ? null : runningPort(place);
}

function recordOf(place: Place, postgres: PostgresAddress): ServicesRecord {
  return { databaseUrl: databaseUrl(postgres), redisUrl: redisUrl(place), home: place.home, postgres };
}

async function settledPlace(directory: string): Promise<Place> {
  const place = await placeFor(resolve(directory));
  const record = await readRecord(place.directory);
  return record === null ? place : { ...place, home: record.home };
}

function isThere(directory: string): Promise<boolean> {
  return stat(directory).then(
    () => true,
    () => false,
  );
}
