/** The settings of the HTTP intake (`serve`), and what must not be said of them together. */

import type { ConfigurationFault } from './config.ts';

export interface ApiSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What a source must address its assertions to; null: not set, and `serve` refuses. */
  readonly audience: string | null;
  /** PEM, or null: plain HTTP, on this machine or behind a proxy that speaks TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly isBehindProxy: boolean;
  /** Requests per minute. */
  readonly perSource: number;
  readonly perAddress: number;
}

export interface ApiRead {
  readonly ZORGKOERIER_API_LISTEN: string | null;
  readonly ZORGKOERIER_API_AUDIENCE: string | null;
  readonly ZORGKOERIER_API_TLS_CERT: string | null;
  readonly ZORGKOERIER_API_TLS_KEY: string | null;
  readonly ZORGKOERIER_API_BEHIND_PROXY: boolean | null;
  readonly ZORGKOERIER_API_PER_SOURCE: number | null;
  readonly ZORGKOERIER_API_PER_ADDRESS: number | null;
}

/** The text of a file, or null. */
type ReadFile = (path: string) => string | null;

const FILES = ['ZORGKOERIER_API_TLS_CERT', 'ZORGKOERIER_API_TLS_KEY'] as const;
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/;

/** Names and BSNs must not go over a network in the clear: beyond this machine only with TLS, ours or a proxy's. */
export function apiFaults(read: ApiRead, readFile: ReadFile): readonly ConfigurationFault[] {
  const named = FILES.filter((name) => read[name] !== null);
  const unreadable = named.filter((name) => readFile(read[name] ?? '') === null);
  const faults: ConfigurationFault[] = [
    ...unreadable.map((name) => ({ name, problem: 'names a file that cannot be read or is empty' })),
    ...(named.length === 1 ? FILES.filter((name) => !named.includes(name)) : []).map((name) => ({
      name,
      problem: 'is missing beside the other file of TLS',
    })),
  ];
  const isInTheClear = named.length === 0 && read.ZORGKOERIER_API_BEHIND_PROXY !== true;
  const host = hostOf(read.ZORGKOERIER_API_LISTEN ?? '');
  if (!isInTheClear || host === '' || LOOPBACK.test(host)) return faults;
  const problem =
    'is not this machine alone: set ZORGKOERIER_API_TLS_CERT and _KEY, or ZORGKOERIER_API_BEHIND_PROXY=1 where a proxy speaks TLS';
  return [...faults, { name: 'ZORGKOERIER_API_LISTEN', problem }];
}

/** Once no fault was found. */
export function apiSettings(read: ApiRead, readFile: ReadFile): ApiSettings {
  const listen = read.ZORGKOERIER_API_LISTEN ?? '';
  const { ZORGKOERIER_API_TLS_CERT: certFile, ZORGKOERIER_API_TLS_KEY: keyFile } = read;
  const cert = certFile === null ? null : readFile(certFile);
  const key = keyFile === null ? null : readFile(keyFile);
  return {
    host: hostOf(listen).replace(/^\[|\]$/g, ''),
    port: Number(listen.slice(listen.lastIndexOf(':') + 1)),
    audience: read.ZORGKOERIER_API_AUDIENCE,
    tls: cert === null || key === null ? null : { cert, key },
    isBehindProxy: read.ZORGKOERIER_API_BEHIND_PROXY === true,
    perSource: read.ZORGKOERIER_API_PER_SOURCE ?? 0,
    perAddress: read.ZORGKOERIER_API_PER_ADDRESS ?? 0,
  };
}

function hostOf(listen: string): string {
  return listen.slice(0, Math.max(0, listen.lastIndexOf(':')));
}
