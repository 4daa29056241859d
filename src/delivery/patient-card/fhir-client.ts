/**
 * FHIR R4 over HTTP: a search whose criteria travel in the body, a transaction, and /metadata. One request in, one
 * answer or Failure out; it never retries and never follows a redirect (a token must not end up elsewhere).
 */

import type { Bundle, BundleEntry, CapabilityStatement, Resource } from '@medplum/fhirtypes';
import { Agent, type Dispatcher, request } from 'undici';
import { Failure } from '../../shared/failure.ts';
import { connectionFailure, type Intent, issueCode, statusFailure, type TargetName } from './http-failures.ts';

export interface FhirClientOptions {
  /** Without a query; a trailing slash does not matter. */
  readonly baseUrl: string;
  readonly token: string | null;
  /** For connecting, for the headers and between two parts of a body, each. */
  readonly timeoutMs: number;
  readonly target: TargetName;
  /** Without it as many as there are connections, in the order of asking. */
  readonly turns?: Turns;
  readonly dispatcher?: Dispatcher;
}

/** Where requests wait until the target is to be sent another one. */
export interface Turns {
  /** Never more at once. */
  readonly most: number;
  run<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
}

export type TransactionAnswer =
  | { readonly kind: 'done'; readonly entries: readonly BundleEntry[] }
  /** 409 or 412: somebody else wrote in between, nothing of ours was. */
  | { readonly kind: 'race' }
  /** 400, 413 or 422: this content will always be refused. */
  | { readonly kind: 'refused'; readonly issue: string };

export interface FhirClient {
  readonly target: TargetName;
  /** All matches; the criteria are sent as a form, so that no BSN is ever part of a URL. */
  search<T extends Resource>(
    type: T['resourceType'],
    criteria: Readonly<Record<string, string>>,
  ): Promise<readonly T[]>;
  transaction(bundle: Bundle): Promise<TransactionAnswer>;
  metadata(): Promise<Partial<CapabilityStatement>>;
  release(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** undefined: there was none, or it is no JSON. */
  readonly body: unknown;
}

const RESPONSE_BYTES_MAX = 50 * 1024 * 1024;
const AT_ONCE: Turns = { most: 32, run: (ask) => ask() };
/** Matches per page: more than any of our searches can find on an orderly server. */
const PAGE_SIZE = 100;

export function openFhirClient(options: FhirClientOptions): FhirClient {
  const { target, timeoutMs, turns = AT_ONCE } = options;
  const agent =
    options.dispatcher ??
    new Agent({
      connect: { timeout: timeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connections: turns.most,
      maxResponseSize: RESPONSE_BYTES_MAX,
    });
  const send = (path: string, intent: Intent, body: { type: string; text: string } | null) =>
    exchange({ ...options, dispatcher: agent }, path, intent, body);

  return {
    target,
    async search<T extends Resource>(type: T['resourceType'], criteria: Readonly<Record<string, string>>) {
      const form = new URLSearchParams({ ...criteria, _count: String(PAGE_SIZE) });
      const asked = { type: 'application/x-www-form-urlencoded', text: form.toString() };
      return turns.run(async () => matches<T>(await send(`/${type}/_search`, 'read', asked), type, target));
    },
    async transaction(bundle) {
      const asked = { type: 'application/fhir+json', text: JSON.stringify(bundle) };
      return turns.run(async () => transactionAnswer(await send('', 'write', asked), target));
    },
    async metadata() {
      return turns.run(async () => {
        const answer = await send('/metadata', 'read', null);
        if (answer.status !== 200) throw statusFailure(answer.status, answer.retryAfter, target, 'read');
        return typeof answer.body === 'object' && answer.body !== null ? answer.body : {};
      });
    },
    async release() {
      // A dispatcher that was passed in belongs to whoever made it.
      if (options.dispatcher === undefined) await agent.destroy();
    },
  };
}

async function exchange(
  options: FhirClientOptions & { readonly dispatcher: Dispatcher },
  path: string,
  intent: Intent,
  body: { readonly type: string; readonly text: string } | null,
): Promise<Answer> {
  const { baseUrl, token, dispatcher, timeoutMs, target } = options;
  try {
    const response = await request(baseUrl.replace(/\/+$/, '') + path, {
      method: body === null ? 'GET' : 'POST',
      dispatcher,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        accept: 'application/fhir+json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === null ? {} : { 'content-type': body.type }),
      },
      body: body?.text ?? null,
    });
    const retryAfter = response.headers['retry-after'];
    return {
      status: response.statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      body: parseJson(await response.body.text()),
    };
  } catch (thrown) {
    throw connectionFailure(thrown, target, intent);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function matches<T extends Resource>(answer: Answer, type: string, target: TargetName): readonly T[] {
  const { status, retryAfter, body } = answer;
  const issue = issueCode(body) ?? 'unknown';
  if (status === 400 || status === 422) {
    throw new Failure(`${target}.search-refused`, { kind: 'permanent', fields: { status, issue } });
  }
  const bundle = body as Partial<Bundle> | undefined | null;
  if (status !== 200 || bundle?.resourceType !== 'Bundle') throw statusFailure(status, retryAfter, target, 'read');
  if (bundle.link?.some((link) => link.relation === 'next')) {
    // Half of an answer must not pass for the whole: what is on the next page would be written twice.
    throw new Failure(`${target}.search-incomplete`, { kind: 'permanent', fields: { type } });
  }
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as T] : []));
}

function transactionAnswer(answer: Answer, target: TargetName): TransactionAnswer {
  const { status, retryAfter, body } = answer;
  if (status === 409 || status === 412) return { kind: 'race' };
  if (status === 400 || status === 413 || status === 422) {
    return { kind: 'refused', issue: issueCode(body) ?? 'unknown' };
  }
  if (status !== 200) throw statusFailure(status, retryAfter, target, 'write');
  const bundle = body as Partial<Bundle> | undefined | null;
  if (bundle?.type === 'transaction-response') return { kind: 'done', entries: bundle.entry ?? [] };
  throw new Failure(`${target}.unreadable-answer`, { kind: 'ambiguous', fields: { status } });
}
