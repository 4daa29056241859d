/** What processes use, as Linux counts it: processor time of a process with all its children, and peak memory. */

import { readdirSync, readFileSync } from 'node:fs';

/** A clock tick of /proc is a hundredth of a second on every Linux that Node.js runs on (proc(5), sysconf(3)). */
const TICK_MS = 10;

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of children that ended. */
  readonly cpuMs: number;
}

/** Processor milliseconds of these processes and everything below them, ended children included. */
export function cpuMsOf(roots: readonly number[]): number {
  const all = processes();
  const wanted = new Set(roots);
  // Parents come before children in no order: repeated until nothing is added.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of all) if (wanted.has(parent)) wanted.add(pid);
  }
  return all.filter(({ pid }) => wanted.has(pid)).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** The most memory that a living process ever had resident, in MB. */
export function peakMemoryMb(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error('no peak memory');
  return Number(kilobytes) / 1024;
}

/** The memory that a living process has resident now, in MB. */
export function memoryMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error('no resident memory');
  return Number(kilobytes) / 1024;
}

/** The children of this process whose command line matches. */
export function childrenLike(pattern: RegExp): readonly number[] {
  return processes()
    .filter(({ pid, parent }) => parent === process.pid && pattern.test(commandOf(pid)))
    .map(({ pid }) => pid);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function processes(): readonly ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => factsOf(Number(name)));
}

function factsOf(pid: number): readonly ProcessFacts[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold blanks and brackets: the numbers begin after the last bracket, with field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = [14, 15, 16, 17].reduce((sum, field) => sum + Number(fields[field - 3]), 0);
    return [{ pid, parent: Number(fields[1]), cpuMs: ticks * TICK_MS }];
  } catch {
    return [];
  }
}
