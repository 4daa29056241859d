/**
 * The store of a sandbox FHIR server: Medplum's MemoryRepository with what a card's server must have and it lacks
 * (measured in formats/fhir.md): validation on every write, an index on identifiers, and transactions that roll back.
 * It is a reference double with our patches on somebody else's semantics, not a certified server.
 */

import {
  allOk,
  badRequest,
  created,
  matchesSearchRequest,
  multipleMatches,
  OperationOutcomeError,
  Operator,
  type SearchRequest,
  validateResource,
  type WithId,
} from '@medplum/core';
import { MemoryRepository, type UpdateResourceOptions } from '@medplum/fhir-router';
import type { Bundle, Identifier, OperationOutcome, Resource } from '@medplum/fhirtypes';

type CreateOptions = Parameters<MemoryRepository['createResource']>[1];

/** The maps that MemoryRepository keeps to itself; needed to undo a write with its history. */
interface Stored {
  readonly resources: Map<string, Map<string, Resource>>;
  readonly history: Map<string, Map<string, Resource[]>>;
}

interface Undo {
  readonly resourceType: string;
  readonly id: string;
  readonly before: Resource | undefined;
}

export class SandboxRepository extends MemoryRepository {
  private readonly idsByToken = new Map<string, Set<string>>();
  private undoLog: Undo[] | null = null;
  private committed: Resource[] = [];

  /** Every write, update and conditional create passes here; `update` must be handed on (formats/fhir.md). */
  override async createResource<T extends Resource>(
    resource: T,
    options?: CreateOptions,
    update = false,
  ): Promise<WithId<T>> {
    const { resourceType, id } = resource;
    validateResource(resource);
    refuseEmptyStrings(resource);
    const before = id === undefined ? undefined : this.stored().resources.get(resourceType)?.get(id);
    const result = await super.createResource(resource, options, update);
    this.undoLog?.push({ resourceType, id: result.id, before });
    this.index(result);
    this.committed.push(result);
    return result;
  }

  // MemoryRepository's own one writes past createResource(), so without validation and index.
  override async conditionalCreate<T extends Resource>(
    resource: T,
    search: SearchRequest<T>,
    options?: CreateOptions,
  ): Promise<{ resource: WithId<T>; outcome: OperationOutcome }> {
    const [match, ...more] = await this.searchResources(search);
    if (more.length > 0) throw new OperationOutcomeError(multipleMatches);
    if (match !== undefined) return { resource: match, outcome: allOk };
    return { resource: await this.createResource(resource, options), outcome: created };
  }

  override async search<T extends Resource>(search: SearchRequest<T>): Promise<Bundle<WithId<T>>> {
    const candidates = this.candidates(search);
    if (candidates === null) return super.search(search);
    const matches = candidates.filter((resource) => matchesSearchRequest(resource, search)) as WithId<T>[];
    const offset = search.offset ?? 0;
    const page = matches.slice(offset, offset + (search.count ?? matches.length));
    const entry = page.map((resource) => ({ search: { mode: 'match' as const }, resource: structuredClone(resource) }));
    const isMore = offset + page.length < matches.length;
    return {
      resourceType: 'Bundle',
      type: 'searchset',
      total: matches.length,
      ...(isMore
        ? { link: [{ relation: 'next', url: `${search.resourceType}?_offset=${offset + page.length}` }] }
        : {}),
      ...(entry.length === 0 ? {} : { entry }),
    };
  }

  // The original reverses its stored list in place, so that every second reading is upside down.
  override async readHistory<T extends Resource>(resourceType: string, id: string): Promise<Bundle<T>> {
    const versions = (this.stored().history.get(resourceType)?.get(id) ?? []) as T[];
    const entry = [...versions].reverse().map((resource) => ({ resource: structuredClone(resource) }));
    return { resourceType: 'Bundle', type: 'history', ...(entry.length === 0 ? {} : { entry }) };
  }

  /** All or nothing. Nested calls join the outer transaction. Writers are serialised by the server. */
  override async withTransaction<Result>(callback: (repository: this) => Promise<Result>): Promise<Result> {
    if (this.undoLog !== null) return callback(this);
    this.undoLog = [];
    const committedBefore = this.committed.length;
    try {
      return await callback(this);
    } catch (thrown) {
      for (const undo of this.undoLog.toReversed()) this.undo(undo);
      this.committed.length = committedBefore;
      throw thrown;
    } finally {
      this.undoLog = null;
    }
  }

  /** What was written since the last call: what a connection to another server passes on. */
  takeCommitted(): readonly Resource[] {
    const taken = this.committed;
    this.committed = [];
    return taken;
  }

  /** Every resource of a type, as it is now. */
  all<T extends Resource>(resourceType: T['resourceType']): readonly T[] {
    return [...(this.stored().resources.get(resourceType)?.values() ?? [])].map(
      (resource) => structuredClone(resource) as T,
    );
  }

  /** The next version of a resource with the same content: what another writer does to our ifMatch. */
  async touch(resourceType: string, id: string, options?: UpdateResourceOptions): Promise<void> {
    await this.updateResource(await this.readResource(resourceType, id), options);
  }

  private undo({ resourceType, id, before }: Undo): void {
    const { resources, history } = this.stored();
    history.get(resourceType)?.get(id)?.pop();
    if (before === undefined) resources.get(resourceType)?.delete(id);
    else resources.get(resourceType)?.set(id, before);
  }

  // Entries are only added: a search looks at the resource itself afterwards (matchesSearchRequest).
  private index(resource: WithId<Resource>): void {
    const { identifier } = resource as { identifier?: Identifier | Identifier[] };
    for (const { system = '', value = '' } of [identifier ?? []].flat()) {
      for (const token of [`${system}|${value}`, value]) {
        const key = `${resource.resourceType} ${token}`;
        this.idsByToken.set(key, (this.idsByToken.get(key) ?? new Set()).add(resource.id));
      }
    }
  }

  private candidates(search: SearchRequest): readonly Resource[] | null {
    const filter = search.filters?.find(({ code, operator }) => code === 'identifier' && operator === Operator.EQUALS);
    if (filter === undefined) return null;
    const tokens = filter.value.split(',');
    const ids = tokens.flatMap((token) => [...(this.idsByToken.get(`${search.resourceType} ${token}`) ?? [])]);
    const stored = this.stored().resources.get(search.resourceType);
    return [...new Set(ids)].flatMap((id) => stored?.get(id) ?? []);
  }

  private stored(): Stored {
    return this as unknown as Stored;
  }
}

// Medplum's validator lets '' pass; a real server does not (R4 datatypes, string).
function refuseEmptyStrings(value: unknown): void {
  if (value === '' || value === null) throw new OperationOutcomeError(badRequest('Empty string or null'));
  if (typeof value === 'object') Object.values(value).forEach(refuseEmptyStrings);
}
